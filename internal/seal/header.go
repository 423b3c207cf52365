package seal

import (
	"errors"
	"io"
	"strings"

	"filippo.io/age"

	"sigillo/internal/fault"
)

// Measures of an age file.
const (
	family     = "age-encryption.org/" // how the first line of every version begins
	maxHeader  = 32 << 10              // bytes; one post-quantum share takes about 1.6 KiB
	nonceSize  = 16
	tagSize    = 16
	chunkSize  = 64<<10 + tagSize // a full chunk of the payload
	minPayload = nonceSize + int64(len(magic)) + lengthSize + tagSize
)

// accepted are the stanza types that shares are wrapped with. A passphrase or
// an SSH key would never open with the keys of a lot.
var accepted = map[string]bool{"X25519": true, "mlkem768x25519": true}

// Header reads the age header off the front of an envelope: all that is needed
// to ask for its file key. Faults: not-sealed, damaged-envelope. An error of r
// itself is returned as it is: a store that fails is not the bidder's doing.
func Header(r io.Reader) ([]byte, error) { return header(&source{r: r}) }

func header(src *source) ([]byte, error) {
	front := make([]byte, len(family))
	n, _ := io.ReadFull(src, front)
	if src.err != nil {
		return nil, src.err
	}
	if string(front[:n]) != family {
		return nil, fault.New(fault.Invalid, "not-sealed",
			"Il file non è una busta sigillata: lo sigilli sul suo computer prima di caricarlo. Non è stato conservato.",
			"The file is not a sealed envelope: seal it on your computer before uploading. It was not kept.")
	}
	found, err := age.ExtractHeader(io.MultiReader(strings.NewReader(family), io.LimitReader(src, maxHeader-int64(n))))
	if src.err != nil {
		return nil, src.err
	}
	if err != nil {
		return nil, incomplete("the header cannot be read")
	}
	return found, nil
}

// Inspect tells, without any key, whether a file is built like an envelope for
// this purpose (the label's supplier is not looked at) that any so many of so
// many custodians can open, with a payload of a length that encryption can
// give. It may be shown the first 64 KiB only; shown the whole file, it also
// finds one cut off at an impossible length. Faults: not-sealed,
// wrong-recipients, foreign-envelope, damaged-envelope; an error of r is
// returned as it is.
func Inspect(r io.Reader, l Label, threshold, custodians int) error {
	src := &source{r: r}
	head, err := header(src)
	if err != nil {
		return err
	}
	s, ok := read(head)
	if !ok || s.threshold != threshold || len(s.shares) != 1+custodians {
		return fault.New(fault.Invalid, "wrong-recipients",
			"Il file è cifrato, ma non con le chiavi pubbliche di questa busta (password o chiavi di altro tipo non si aprono): lo sigilli di nuovo.",
			"The file is encrypted, but not to the public keys of this envelope (passphrases and keys of other kinds cannot be opened): seal it again.")
	}
	if !s.of(l) {
		return fault.New(fault.Invalid, "foreign-envelope", "La busta è stata sigillata per un'altra gara, lotto o busta: la sigilli di nuovo per questa.",
			"The envelope was sealed for another tender, lot or envelope: seal it again for this one.")
	}
	if _, err := io.Copy(io.Discard, src); err != nil {
		return err
	}
	// The header has one spelling only, so its length here is that in the file.
	payload := src.n - int64(len(head))
	if last := (payload - nonceSize) % chunkSize; payload < minPayload || last > 0 && last <= tagSize {
		return incomplete("the payload has an impossible length")
	}
	return nil
}

func incomplete(reason string) error {
	return fault.New(fault.Invalid, "damaged-envelope", "La busta sigillata è incompleta o danneggiata: la sigilli e la carichi di nuovo.",
		"The sealed envelope is incomplete or damaged: seal and upload it again.").Because(errors.New(reason))
}

// source counts what is read and remembers a failure of the reader underneath,
// so that it is never taken for damage to the envelope.
type source struct {
	r   io.Reader
	n   int64 // bytes
	err error // never io.EOF
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
