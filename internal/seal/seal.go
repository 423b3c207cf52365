// Package seal is the sealed envelope: an age file that a bidder makes on its
// own machine and that stays closed until the opening.
//
// It promises that an envelope is bound to its authority, tender, lot, kind and
// supplier, that its size tells little of its contents, that any change to its
// bytes is found, and that its errors never carry what was inside. It knows
// nothing of who keeps the private keys, nor when they may be used.
package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"

	"sigillo/internal/fault"
)

// magic begins the plaintext of every envelope and names its version.
const magic = "sigillo-envelope/1\n"

// lengthSize is the size in bytes of the big-endian length before the Contents.
const lengthSize = 4

// Policy says to whom an envelope is sealed. The platform's part is the age
// recipient published for the lot and envelope.
type Policy struct{ Platform string }

func (p Policy) recipients() ([]age.Recipient, error) {
	all, err := age.ParseRecipients(bytes.NewReader([]byte(p.Platform)))
	if err != nil || len(all) != 1 {
		return nil, fault.New(fault.Invalid, "bad-recipient", "La chiave pubblica della busta non è valida: scarichi di nuovo la gara.",
			"The envelope's public key is not valid: fetch the tender again.").Because(err)
	}
	return all, nil
}

// Sealed describes the file written: its SHA-256 in hex and its size in bytes.
type Sealed struct {
	SHA256 string
	Size   int64
}

// Seal writes an envelope: an age file of the magic line, the length and JSON
// of the Contents, the documents one after the other, and zeros up to Padme.
// open returns each document in turn. Memory use does not depend on the size.
// Faults: bad-envelope, bad-recipient, file-changed when a document is not of
// the declared size and digest; errors of dst and of open are returned as they
// are. After an error what was written to dst is of no use.
func Seal(dst io.Writer, p Policy, c Contents, open func(i int) (io.ReadCloser, error)) (Sealed, error) {
	head, err := c.encode()
	if err != nil {
		return Sealed{}, err
	}
	recipients, err := p.recipients()
	if err != nil {
		return Sealed{}, err
	}
	out := &counter{w: dst, sum: sha256.New()}
	w, err := age.Encrypt(out, recipients...)
	if err != nil {
		return Sealed{}, err
	}
	var length [lengthSize]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(head)))
	plain := int64(len(magic) + len(length) + len(head))
	for _, part := range [][]byte{[]byte(magic), length[:], head} {
		if _, err := w.Write(part); err != nil {
			return Sealed{}, err
		}
	}
	for i, item := range c.Items {
		if err := copyItem(w, item, i, open); err != nil {
			return Sealed{}, err
		}
		plain += item.Size
	}
	if _, err := io.CopyN(w, zeros{}, Padme(plain)-plain); err != nil {
		return Sealed{}, err
	}
	if err := w.Close(); err != nil {
		return Sealed{}, err
	}
	return Sealed{hex.EncodeToString(out.sum.Sum(nil)), out.n}, nil
}

func copyItem(w io.Writer, item Item, i int, open func(i int) (io.ReadCloser, error)) error {
	r, err := open(i)
	if err != nil {
		return err
	}
	defer r.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(r, item.Size+1))
	if err != nil {
		return err
	}
	if n != item.Size || hex.EncodeToString(sum.Sum(nil)) != item.SHA256 {
		return fault.New(fault.Conflict, "file-changed", "Il documento %d è cambiato durante la sigillatura: riprovi.",
			"Document %d changed while it was being sealed: try again.", i+1)
	}
	return nil
}

type counter struct {
	w   io.Writer
	sum hash.Hash
	n   int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.sum.Write(p[:n])
	c.n += int64(n)
	return n, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// String keeps a policy short in messages.
func (p Policy) String() string { return fmt.Sprintf("platform %.20s…", p.Platform) }
