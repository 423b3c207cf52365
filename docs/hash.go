package docs

import (
	"encoding/hex"

	"sigillo/internal/fault"
)

// Hash is the SHA-256 of a document, and its name.
type Hash [32]byte

// ParseHash reads 64 lower-case hexadecimal digits. Fault: bad-digest.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) == 64 {
		if n, err := hex.Decode(h[:], []byte(s)); err == nil && n == 32 && h.String() == s {
			return h, nil
		}
	}
	return Hash{}, fault.New(fault.Invalid, "bad-digest", "L'impronta SHA-256 ha 64 cifre esadecimali minuscole.",
		"A SHA-256 digest has 64 lower-case hexadecimal digits.")
}

// String is the name in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes the name in hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads it.
func (h *Hash) UnmarshalText(text []byte) (err error) {
	*h, err = ParseHash(string(text))
	return err
}
