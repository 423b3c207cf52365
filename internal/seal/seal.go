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
	"encoding/json"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"

	"sigillo/internal/fault"
)

// magic begins the plaintext of every envelope and names its version.
const magic = "sigillo-envelope/1\n"

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

// Seal writes an envelope. open returns each document in turn; a document that
// is not of the declared size and digest, because it changed meanwhile, is the
// fault file-changed. Memory use does not depend on the size.
func Seal(dst io.Writer, p Policy, c Contents, open func(i int) (io.ReadCloser, error)) (Sealed, error) {
	if err := c.Check(); err != nil {
		return Sealed{}, err
	}
	recipients, err := p.recipients()
	if err != nil {
		return Sealed{}, err
	}
	head, err := json.Marshal(c)
	if err != nil {
		return Sealed{}, err
	}
	out := &counter{w: dst, sum: sha256.New()}
	w, err := age.Encrypt(out, recipients...)
	if err != nil {
		return Sealed{}, err
	}
	var length [4]byte
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

// Padme is the padded size of a plaintext: at most 12 % more, and only a few
// bits of the size remain visible (Nikitin et al., PoPETs 2019).
func Padme(n int64) int64 {
	if n < 2 {
		return n
	}
	e := int64(63 - leadingZeros(n))
	s := int64(63-leadingZeros(e)) + 1
	mask := int64(1)<<(e-s) - 1
	if e < s {
		return n
	}
	return (n + mask) &^ mask
}

func leadingZeros(n int64) int {
	z := 0
	for bit := 63; bit >= 0 && n>>bit&1 == 0; bit-- {
		z++
	}
	return z
}

// maxHeader bounds an age header: one stanza takes about 1.6 KiB.
const maxHeader = 32 << 10

// Header reads the age header off the front of an envelope: all that is needed
// to ask for its file key. Fault: not-sealed.
func Header(r io.Reader) ([]byte, error) {
	header, err := age.ExtractHeader(io.LimitReader(r, maxHeader))
	if err != nil {
		return nil, notSealed(err)
	}
	return header, nil
}

// Inspect tells, without any key, whether bytes begin like an envelope. It
// looks at the header only. Fault: not-sealed.
func Inspect(r io.Reader) error {
	_, err := Header(r)
	return err
}

func notSealed(err error) error {
	return fault.New(fault.Invalid, "not-sealed",
		"Il file non è una busta sigillata: lo sigilli sul suo computer prima di caricarlo. Non è stato conservato.",
		"The file is not a sealed envelope: seal it on your computer before uploading. It was not kept.").Because(err)
}

// FileKey unwraps the file key of an envelope from its header. Fault:
// cannot-unseal when the identity does not fit or the header was altered.
func FileKey(header []byte, id age.Identity) ([]byte, error) {
	key, err := age.DecryptHeader(header, id)
	if err != nil {
		return nil, fault.New(fault.Conflict, "cannot-unseal", "La busta non si apre con la chiave di questo lotto.",
			"The envelope does not open with the key of this lot.").Because(err)
	}
	return key, nil
}

// String keeps a policy short in messages.
func (p Policy) String() string { return fmt.Sprintf("platform %.20s…", p.Platform) }
