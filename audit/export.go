package audit

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Format names the export file: JSON Lines, a header, one line per entry in
// the order of the log, and a signed checkpoint.
const Format = "sigillo-audit-export/1"

// Header is the first line of an export.
type Header struct {
	Format     string    `json:"format"`
	Origin     string    `json:"origin"`    // name of the log
	Authority  string    `json:"authority"` // whose entries these are
	ProducedAt time.Time `json:"produced_at"`
	// Sealed lists the tenders whose bidders' acts are left out because their
	// envelopes are not open yet: until then even how many they are is secret.
	Sealed []string `json:"sealed,omitempty"`
}

// line is one entry of the export.
type line struct {
	Index uint64          `json:"index"`
	Leaf  string          `json:"leaf"`
	Salt  string          `json:"salt"`
	Entry json.RawMessage `json:"entry"`
}

type trailer struct {
	Checkpoint string `json:"checkpoint"`
}

// Writer writes an export, streaming.
type Writer struct {
	w      *bufio.Writer
	origin string
	header [32]byte
	tree   Tree
}

// NewWriter writes the header.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	h.Format, h.ProducedAt = Format, h.ProducedAt.UTC().Truncate(time.Microsecond)
	text, err := Canonical(h)
	if err != nil {
		return nil, err
	}
	x := &Writer{w: bufio.NewWriter(w), origin: h.Origin, header: sha256.Sum256(text)}
	return x, x.put(text)
}

func (x *Writer) put(text []byte) error {
	if _, err := x.w.Write(text); err != nil {
		return err
	}
	return x.w.WriteByte('\n')
}

// Entry writes an entry.
func (x *Writer) Entry(r Record) error {
	enc := base64.StdEncoding.EncodeToString
	text, err := Canonical(line{x.tree.Size(), enc(r.Leaf[:]), enc(r.Salt[:]), r.Body})
	if err != nil {
		return err
	}
	x.tree.Add(r.Leaf)
	return x.put(text)
}

// Close signs the root and ends the file.
func (x *Writer) Close(signer note.Signer) error {
	signed, err := Checkpoint{x.origin, x.tree.Size(), x.tree.Root(), x.header}.Sign(signer)
	if err != nil {
		return err
	}
	text, err := Canonical(trailer{signed})
	if err != nil {
		return err
	}
	if err := x.put(text); err != nil {
		return err
	}
	return x.w.Flush()
}
