// Package seal is the sealed envelope: an age file that a bidder makes on its
// own machine and that stays closed until the opening.
//
// It promises that an envelope is bound to its authority, tender, lot, kind and
// supplier, that its size tells little of its contents, that any change to its
// bytes is found, and that its errors never carry what was inside. It knows
// nothing of who keeps the private keys, nor when they may be used.
package seal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"io"

	"filippo.io/age"

	"sigillo/internal/fault"
)

// magic begins the plaintext of every envelope and names its version.
const magic = "sigillo-envelope/2\n"

// lengthSize is the size in bytes of the big-endian length before the Contents.
const lengthSize = 4

// Source gives one document to be sealed. Open may be called once. Check is its
// CRC-32C as Measure found it when the item was described: a file that changed
// since is found without hashing it a second time.
type Source struct {
	Open  func() (io.ReadCloser, error)
	Check uint32
}

// Seal writes an envelope: an age file of the magic line, the length and JSON
// of the Contents, the documents one after the other, and zeros up to Padme. It
// returns the size of the file in bytes. Memory use does not depend on it.
// Faults: bad-envelope, bad-recipient, file-changed when a document is not what
// was measured; errors of dst and of a source are returned as they are. After
// an error what was written to dst is of no use.
func Seal(dst io.Writer, p Policy, c Contents, from []Source) (int64, error) {
	head, err := c.encode()
	if err != nil {
		return 0, err
	}
	to, err := p.recipients()
	if err != nil {
		return 0, err
	}
	out := &counter{w: dst}
	w, err := age.Encrypt(out, dealer{to, p.Threshold, c.Label})
	if err != nil {
		return 0, err
	}
	var length [lengthSize]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(head)))
	plain := int64(len(magic) + len(length) + len(head))
	for _, part := range [][]byte{[]byte(magic), length[:], head} {
		if _, err := w.Write(part); err != nil {
			return 0, err
		}
	}
	for i, item := range c.Items {
		if err := copyItem(w, item, i, from[i]); err != nil {
			return 0, err
		}
		plain += item.Size
	}
	if _, err := io.CopyN(w, zeros{}, Padme(plain)-plain); err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	return out.n, nil
}

func copyItem(w io.Writer, item Item, i int, from Source) error {
	r, err := from.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	check := crc32.New(castagnoli)
	n, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(w, check)}, io.LimitReader(r, item.Size+1), make([]byte, 256<<10))
	if err != nil {
		return err
	}
	if n != item.Size || check.Sum32() != from.Check {
		return fault.New(fault.Conflict, "file-changed", "Il documento %d è cambiato durante la sigillatura: riprovi.",
			"Document %d changed while it was being sealed: try again.", i+1)
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Measure reads a document through and gives its size in bytes, its SHA-256 in
// hex and the check of a Source.
func Measure(r io.Reader) (size int64, digest string, check uint32, err error) {
	sum, crc := sha256.New(), crc32.New(castagnoli)
	size, err = io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(sum, crc)}, r, make([]byte, 256<<10))
	return size, hex.EncodeToString(sum.Sum(nil)), crc.Sum32(), err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
