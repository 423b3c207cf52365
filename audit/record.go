package audit

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"sigillo/internal/fault"
)

// Record is an entry as it is stored: its exact bytes, a random salt, and the
// leaf hash over both. With the salt gone, the hash tells nothing of the body.
type Record struct {
	Body []byte
	Salt [32]byte
	Leaf [32]byte
}

// Leaf is the RFC 6962 leaf hash of salt and body: SHA-256(0x00 || salt || body).
func Leaf(salt [32]byte, body []byte) [32]byte {
	var room [2048]byte // most entries need no other
	text := append(append(append(room[:0], 0), salt[:]...), body...)
	return sha256.Sum256(text)
}

// body is Canonical of the entry, at a fraction of the cost. The fields of wire
// and of what it holds are in alphabetical order, and encoding/json sorts maps;
// only text beyond the basic plane, whose order differs in UTF-16, and the two
// separators that encoding/json escapes need the full transformation.
func (e Entry) body() ([]byte, error) {
	text, err := encode(e.wire())
	if err != nil {
		return nil, err
	}
	beyond := bytes.ContainsFunc(text, func(r rune) bool { return r > 0xffff })
	if beyond || bytes.Contains(text, []byte(`\u202`)) {
		return Canonical(e.wire())
	}
	return text, nil
}

// NewSalt draws a salt. crypto/rand does not fail: it ends the program instead.
func NewSalt() (salt [32]byte) {
	rand.Read(salt[:])
	return salt
}

// Seal makes the record of an entry under a fresh salt.
func (e Entry) Seal() (Record, error) { return e.SealWith(NewSalt()) }

// SealWith makes the record of an entry under a given salt. Instants are kept
// to the microsecond, which every database preserves. A malformed entry is a
// fault of the program, not of the person acting, so its cause stays hidden.
func (e Entry) SealWith(salt [32]byte) (Record, error) {
	e.At = e.At.UTC().Truncate(time.Microsecond)
	if err := e.Check(); err != nil {
		return Record{}, fault.Hidden(err)
	}
	body, err := e.body()
	if err != nil {
		return Record{}, fault.Hidden(err)
	}
	if len(body) > maxBody {
		return Record{}, fault.Hidden(errors.New("the entry is too large"))
	}
	return Record{Body: body, Salt: salt, Leaf: Leaf(salt, body)}, nil
}

// The faults of Open, told apart by errors.Is. Each is Malformed.
var (
	ErrUnknownField = fault.New(fault.Malformed, "unknown-field",
		"C'è un campo che il formato non conosce.", "There is a field the format does not know.")
	ErrNotCanonical = fault.New(fault.Malformed, "not-canonical",
		"I byte non sono nella forma canonica (RFC 8785).", "The bytes are not in canonical form (RFC 8785).")
	ErrBadEntry = fault.New(fault.Malformed, "bad-entry",
		"Non è una voce del registro ben formata.", "Not a well-formed entry of the register.")
)

// Open reads the bytes of an entry. It refuses unknown fields (ErrUnknownField),
// bytes that are not the canonical form of what they say (ErrNotCanonical), and
// whatever Check refuses (ErrBadEntry).
func Open(body []byte) (Entry, error) {
	if len(body) > maxBody {
		return Entry{}, ErrBadEntry
	}
	if e, ok := scanEntry(body); ok && e.Check() == nil {
		return e, nil
	}
	var w wire
	if err := strict(body, &w); err != nil {
		return Entry{}, err
	}
	e, err := w.entry()
	if err == nil {
		err = e.Check()
	}
	if err != nil {
		return Entry{}, ErrBadEntry.Because(err)
	}
	again, err := e.body()
	if err != nil || !bytes.Equal(again, body) {
		return Entry{}, ErrNotCanonical.Because(err)
	}
	return e, nil
}

// strict decodes JSON into a struct, refusing unknown fields. encoding/json
// tells of those by its text only.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if strings.HasPrefix(err.Error(), "json: unknown field") {
			return ErrUnknownField.Because(err)
		}
		return ErrBadEntry.Because(err)
	}
	return nil
}

// exact decodes JSON into a struct and demands that the bytes are canonical, so
// that none of them can change without being seen.
func exact(text []byte, into any) error {
	if err := strict(text, into); err != nil {
		return err
	}
	again, err := Canonical(into)
	if err != nil || !bytes.Equal(again, text) {
		return ErrNotCanonical.Because(err)
	}
	return nil
}
