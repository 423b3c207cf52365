package docs

import (
	"context"
	"io"
	"time"

	"sigillo/internal/fault"
)

// Area keeps kinds of objects apart in a vault.
type Area string

// The areas.
const (
	Papers     Area = "papers" // tender documents
	AreaSealed Area = "sealed" // ciphertexts of envelopes
)

// Vault keeps bytes under the name of their hash. Every implementation passes
// the same suite of tests.
type Vault interface {
	// Put stores exactly size bytes that hash to want, or makes nothing
	// visible. Sealed files are hashed part by part (PartsDigest), all others as
	// a whole. What is there already stays; putting it again is fine. Faults:
	// wrong-digest, truncated-upload, longer-than-declared.
	Put(ctx context.Context, a Area, want Hash, size int64, r io.Reader) error
	// Open reads an object and tells its size. Fault: not found.
	Open(ctx context.Context, a Area, h Hash) (File, int64, error)
	// Retain forbids removal until the instant, where the store can (Object
	// Lock); the retention is never shortened.
	Retain(ctx context.Context, a Area, h Hash, until time.Time) error
	// List names what an area holds.
	List(ctx context.Context, a Area, visit func(Object) error) error
	// Remove drops an abandoned object. Fault: retained.
	Remove(ctx context.Context, a Area, h Hash) error

	// Begin starts an upload in parts, of which the object is made at the end.
	Begin(ctx context.Context, a Area, want Hash, size int64) (Upload, error)
	// PutPart stores part n, from 1, of exactly its length and digest: in any
	// order, in parallel, again if wanted. Faults: wrong-digest,
	// truncated-upload, longer-than-declared, not found when there is no such
	// part or the upload is gone.
	PutPart(ctx context.Context, u Upload, n int, sum Hash, r io.Reader) error
	// Address is where a client may put part n itself for so long; nil when
	// parts must come through the platform.
	Address(ctx context.Context, u Upload, n int, sum Hash, valid time.Duration) (*Address, error)
	// Stored lists the parts that are whole, by number.
	Stored(ctx context.Context, u Upload) ([]Part, error)
	// Finish makes the object of its parts, reading nothing again. Doing it
	// again, or when the object is there already, is fine. Faults: missing-parts,
	// wrong-digest.
	Finish(ctx context.Context, u Upload) error
	// Drop discards an unfinished upload; dropping what is gone is fine.
	Drop(ctx context.Context, u Upload) error
	// Sweep discards unfinished uploads begun before the instant, and tells how
	// many.
	Sweep(ctx context.Context, before time.Time) (int, error)
}

// File is an object being read, from the front or anywhere.
type File interface {
	io.ReadCloser
	io.ReaderAt
}

// Object is one entry of a listing.
type Object struct {
	Hash     Hash
	Size     int64
	Modified time.Time
}

// The faults every vault answers with.
var (
	ErrWrongDigest = fault.New(fault.Invalid, "wrong-digest", "Il contenuto ricevuto non ha l'impronta dichiarata: lo carichi di nuovo.",
		"What was received does not have the declared digest: upload it again.")
	ErrTruncated = fault.New(fault.Invalid, "truncated-upload", "Il caricamento si è interrotto prima della fine: riprovi.",
		"The upload broke off before the end: try again.")
	ErrLonger = fault.New(fault.Invalid, "longer-than-declared", "Sono arrivati più byte di quelli dichiarati.",
		"More bytes arrived than were declared.")
	ErrMissingParts = fault.New(fault.Conflict, "missing-parts", "Mancano ancora delle parti: le carichi, poi concluda.",
		"Some parts are still missing: upload them, then finish.")
	ErrRetained = fault.New(fault.Conflict, "retained", "L'oggetto va conservato: non si può eliminare ora.",
		"The object must be kept: it cannot be removed now.")
)
