package audit

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"sigillo/internal/fault"
)

// BundleFormat names the archive made of a part of the log: a bag (RFC 8493) in
// a plain zip. guide/formats/bundle.md describes every file of it.
const BundleFormat = "sigillo-bundle/1"

// BundleKind is the kind of the statement the platform signs over a bundle.
const BundleKind = "bundle"

// The files of a bundle, in the order of their bytes.
const (
	fileBagInfo     = "bag-info.txt"
	fileBagit       = "bagit.txt"
	fileReadme      = "data/LEGGIMI.md"
	fileCheckpoint  = "data/checkpoint"
	fileDocumentCSV = "data/documents.csv"
	folderDocuments = "data/documents/"
	fileEntryCSV    = "data/entries.csv"
	fileEntries     = "data/entries.jsonl"
	fileProofs      = "data/proofs.tlog-proofs"
	fileVerifier    = "data/verify.py"
	fileManifest    = "manifest-sha256.txt"
	fileStatement   = "statement.json"
	fileTagManifest = "tagmanifest-sha256.txt"
)

const bagit = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

//go:embed bundle/verify.py
var bundleVerifier []byte

// Scope is what part of the register a bundle holds: all of an authority, or
// one tender of it. From and To bound a period; the entries are then those from
// the first act in it to the last, in the order of the log.
type Scope struct {
	Authority string
	Tender    string     // empty for all
	From      *time.Time // zero for the beginning
	To        *time.Time // excluded; nil for as far as the checkpoint goes
}

// BundleHead is what a bundle says of itself before its first entry.
type BundleHead struct {
	Scope
	// Sealed lists tenders whose bidders' acts are left out altogether: until
	// their envelopes are open even how many they are is secret.
	Sealed []string
	Note   string    // checkpoint all proofs lead to, as the log signed it
	At     time.Time // of the checkpoint
}

// promise is the body of the statement the platform signs over a bundle. The
// manifest binds every byte of the payload, so that nothing can be dropped from
// its end and the bag made anew.
type promise struct {
	Authority string   `json:"authority"`
	Entries   uint64   `json:"entries"`
	Format    string   `json:"format"`
	From      string   `json:"from,omitempty"`
	Manifest  string   `json:"manifest"` // SHA-256 of manifest-sha256.txt
	Sealed    []string `json:"sealed,omitempty"`
	Tender    string   `json:"tender,omitempty"`
	To        string   `json:"to,omitempty"`
	Withheld  uint64   `json:"withheld"`
}

func (h BundleHead) promise() promise {
	p := promise{Format: BundleFormat, Authority: h.Authority, Tender: h.Tender, Sealed: h.Sealed}
	if h.From != nil {
		p.From = h.From.UTC().Format(instant)
	}
	if h.To != nil {
		p.To = h.To.UTC().Format(instant)
	}
	return p
}

// Shown is one snapshot of an entry as a reader gets it: whole, or only which
// object it was of and why the rest is not there.
type Shown struct {
	Snapshot
	Withheld string // reason code; empty when the snapshot is there
}

// The reasons for which a snapshot is not in a bundle.
const (
	SnapshotErased    = "erased"        // by law, with its salt: the hash tells nothing any more
	SnapshotPrivate   = "not-permitted" // this reader may not see objects of its kind
	SnapshotUnderSeal = "sealed"        // it tells who bids, and the envelopes are not open
)

// shownWire is the JSON of a Shown, its fields in alphabetical order.
type shownWire struct {
	Object   Object          `json:"object"`
	Salt     string          `json:"salt,omitempty"`
	Snapshot json.RawMessage `json:"snapshot,omitempty"`
	Withheld string          `json:"withheld,omitempty"`
}

// bundleLine is one line of entries.jsonl, its fields in alphabetical order. An
// entry that is withheld has only its places and its leaf.
type bundleLine struct {
	Entry     json.RawMessage `json:"entry,omitempty"`
	Index     uint64          `json:"index"`
	Leaf      string          `json:"leaf"`
	Salt      string          `json:"salt,omitempty"`
	States    []shownWire     `json:"states,omitempty"`
	Tender    string          `json:"tender,omitempty"` // of a withheld entry
	TenderSeq uint64          `json:"tender_seq,omitempty"`
}

// text is the canonical line. Its parts are canonical already, and a stored
// entry stays as it was stored: the reader must find what is wrong with it.
func (l bundleLine) text() ([]byte, error) { return encode(l) }

// Place is where an entry stands: in the log from 0, and among those of its
// tender from 1. Of a tender under seal the second is 0: gaps in it would tell
// how many acts are left out.
type Place struct {
	Index     uint64
	Tender    string
	TenderSeq uint64
}

// maxBundleLine bounds a line of entries.jsonl: an entry with its snapshots.
const maxBundleLine = 64 << 20

// BundleDocument is one document an act speaks of.
type BundleDocument struct {
	SHA256 string // in hex
	Size   int64  // bytes
	Kind   string
	Name   string // file name
	Tender string
	Bid    string // of a bid's document
	// Reason says in Italian why the document is not in the bundle; empty when it
	// is.
	Reason string
}

// digest is the hex SHA-256 of bytes.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// manifestLine is one line of a manifest (RFC 8493, 2.1.3).
func manifestLine(sum, name string) string { return sum + "  " + name + "\n" }

// readManifest reads a manifest in its one spelling.
func readManifest(text string) (map[string]string, bool) {
	sums := map[string]string{}
	last := ""
	for line := range strings.Lines(text) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || !strings.HasSuffix(line, "\n") || len(sum) != hashSize || strings.Trim(sum, "0123456789abcdef") != "" || name <= last {
			return nil, false
		}
		sums[name], last = sum, name
	}
	return sums, true
}

// ErrNotBundle says that a file is no bundle at all.
var ErrNotBundle = fault.New(fault.Malformed, "not-a-bundle", "Il file non è un fascicolo esportato dal registro (zip con un bag RFC 8493).",
	"The file is no bundle exported from the register (a zip with an RFC 8493 bag).")

func b64(b [32]byte) string { return base64.StdEncoding.EncodeToString(b[:]) }

// bagInfo is bag-info.txt. Its date is that of the checkpoint: the same part of
// the same log makes the same bytes, whenever it is asked for.
func bagInfo(h BundleHead, c Checkpoint, bytes int64, files int) string {
	var b strings.Builder
	put := func(label, value string) { fmt.Fprintf(&b, "%s: %s\n", label, value) }
	put("Source-Organization", h.Authority)
	put("External-Description", "Registro degli atti di gara, parte del log "+c.Origin+" fino alla voce "+strconv.FormatUint(c.Size, 10))
	if h.Tender != "" {
		put("External-Identifier", h.Tender)
	}
	put("Bagging-Date", h.At.UTC().Format(time.DateOnly))
	put("Bag-Software-Agent", BundleFormat)
	put("Payload-Oxum", fmt.Sprintf("%d.%d", bytes, files))
	return b.String()
}

// Scratch is a file of its own that a bundle is put together in, gone once it
// is closed.
type Scratch interface {
	io.ReadWriteSeeker
	io.Closer
}
