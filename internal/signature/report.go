package signature

import (
	"io"
	"time"

	"sigillo/internal/fault"
)

// Format of a signed file.
type Format string

// The formats of art. 21 CAD and DR-50, and None for a file without signature.
const (
	None  Format = "none"
	CAdES Format = "cades" // .p7m, DER or BER, binary or as text
	PAdES Format = "pades" // inside a PDF
	XAdES Format = "xades"
	ASiCS Format = "asic-s"
	ASiCE Format = "asic-e"
)

// Finding is one thing to know about a signature. The verdict informs a person;
// it never excludes anybody by itself (DR-50).
type Finding struct {
	Code string // kebab-case, stable
	Text fault.Text
}

// Signer is one signature found in a file.
type Signer struct {
	Name         string // common name, or given name and surname
	TaxCode      string // codice fiscale or partita IVA stated in the certificate
	Organization string
	Issuer       string
	Serial       string // of the certificate, hexadecimal
	NotBefore    time.Time
	NotAfter     time.Time
	ClaimedAt    *time.Time // what the signer says
	StampedAt    *time.Time // what a verified RFC 3161 time stamp says
	Sound        bool       // the bytes are those that were signed, with this certificate's key
	Trusted      bool       // the certificate chains to the trust list and was valid when signed
	Findings     []Finding  // why not sound, not trusted, or worth a look
}

// Report is what a file says of its signatures.
type Report struct {
	Format   Format
	Signers  []Signer
	Findings []Finding // about the file as a whole
	// Inner is the document that was signed, where it is wrapped (CAdES, ASiC-S);
	// nil otherwise. It reads from the file and costs no memory.
	Inner *Inner
}

// Inner is a document inside a signed container.
type Inner struct {
	io.ReaderAt
	Size int64
	Name string // "" when the container does not tell
}
