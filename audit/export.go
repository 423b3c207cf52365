package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sigillo/internal/fault"
)

// Format names the export file: JSON Lines, every line canonical (RFC 8785) and
// ended by a line feed. First the header, then one line per entry in the order
// of the log, then the checkpoint:
//
//	{"format":"sigillo-audit-export/1","origin":…,"produced_at":…,"scope":{"authority":…,"tender":…},"sealed":[…]}
//	{"entry":{…},"index":0,"leaf":"…","salt":"…"}
//	{"index":1,"leaf":"…","withheld":"reason-code"}
//	{"checkpoint":"…"}
//
// The root binds bodies, salts and order. The header and the withheld lines are
// not in the tree, so the checkpoint signs a SHA-256 of each as an extension
// line. Otherwise anybody could hide an entry by writing it as withheld.
const Format = "sigillo-audit-export/1"

// Header is the first line of an export.
type Header struct {
	Origin     string    // name of the log
	Authority  string    // whose entries these are
	Tender     string    // set when the export is of one tender only
	ProducedAt time.Time // written in UTC to the microsecond
	// Sealed lists the tenders whose bidders' acts are left out because their
	// envelopes are not open yet: until then even how many they are is secret.
	// Withheld lines tell their number, so they are for what may be counted.
	Sealed []string
}

type scope struct {
	Authority string `json:"authority"`
	Tender    string `json:"tender,omitempty"`
}

type headerLine struct {
	Format     string   `json:"format"`
	Origin     string   `json:"origin"`
	ProducedAt string   `json:"produced_at"`
	Scope      scope    `json:"scope"`
	Sealed     []string `json:"sealed,omitempty"`
}

type trailer struct {
	Checkpoint string `json:"checkpoint"`
}

// maxLine bounds a line of an export, its end included.
const maxLine = 1 << 20

const (
	headerExtension   = "export-header "
	withheldExtension = "export-withheld "
)

var reasonCode = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)

// Writer writes an export, streaming. An export that was not closed does not
// verify.
type Writer struct {
	w        *bufio.Writer
	origin   string
	header   [32]byte
	withheld hash.Hash // over the withheld lines
	tree     Tree
}

// NewWriter writes the header. The caller keeps w and closes it.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	text, err := Canonical(headerLine{Format, h.Origin, h.ProducedAt.UTC().Format(instant), scope{h.Authority, h.Tender}, h.Sealed})
	if err != nil {
		return nil, err
	}
	x := &Writer{w: bufio.NewWriter(w), origin: h.Origin, header: sha256.Sum256(text), withheld: sha256.New()}
	return x, x.put(text)
}

func (x *Writer) put(text []byte) error {
	if len(text) >= maxLine {
		return fault.Hidden(errors.New("the line is too long for an export"))
	}
	if _, err := x.w.Write(text); err != nil {
		return err
	}
	return x.w.WriteByte('\n')
}

// Entry writes an entry with the bytes as they were stored, even where they no
// longer match their leaf: the reader must find that, not the writer mend it.
// It refuses only what would break the lines of the file.
func (x *Writer) Entry(r Record) error {
	if !json.Valid(r.Body) || bytes.ContainsAny(r.Body, "\n\r") {
		return fault.Hidden(errors.New("a stored entry is not one line of JSON"))
	}
	if err := x.put(entryLine(x.tree.Size(), r)); err != nil {
		return err
	}
	x.tree.Add(r.Leaf)
	return nil
}

func entryLine(index uint64, r Record) []byte {
	b := make([]byte, 0, len(r.Body)+160)
	b = append(append(b, `{"entry":`...), r.Body...)
	b = strconv.AppendUint(append(b, `,"index":`...), index, 10)
	b = base64.StdEncoding.AppendEncode(append(b, `,"leaf":"`...), r.Leaf[:])
	b = base64.StdEncoding.AppendEncode(append(b, `","salt":"`...), r.Salt[:])
	return append(b, `"}`...)
}

// Withheld writes the leaf of an entry that may not be read by this reader, not
// even who acted. The leaf counts in the root. The reason is a code of lower
// case letters, digits and hyphens.
func (x *Writer) Withheld(leaf [32]byte, reason string) error {
	if !reasonCode.MatchString(reason) {
		return fault.Hidden(errors.New("a reason for withholding must be a code"))
	}
	text := withheldLine(x.tree.Size(), leaf, reason)
	if err := x.put(text); err != nil {
		return err
	}
	x.withheld.Write(append(text, '\n'))
	x.tree.Add(leaf)
	return nil
}

func withheldLine(index uint64, leaf [32]byte, reason string) []byte {
	b := strconv.AppendUint([]byte(`{"index":`), index, 10)
	b = base64.StdEncoding.AppendEncode(append(b, `,"leaf":"`...), leaf[:])
	return append(append(append(b, `","withheld":"`...), reason...), `"}`...)
}

// Close signs the root and ends the file.
func (x *Writer) Close(signer note.Signer) error {
	signed, err := SignCheckpoint(x.origin, x.tree.Size(), x.tree.Root(), signer, extensions(x.header, x.withheld)...)
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

// extensions are the lines that bind what is not in the tree.
func extensions(header [32]byte, withheld hash.Hash) []string {
	enc := base64.StdEncoding.EncodeToString
	return []string{headerExtension + enc(header[:]), withheldExtension + enc(withheld.Sum(nil))}
}
