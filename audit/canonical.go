package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/gowebpki/jcs"
)

// Canonical returns the RFC 8785 form of a value: one sequence of bytes for one
// meaning. Numbers must be whole and below 2^53, since others are read
// differently by different programs; money travels as text.
func Canonical(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if err := wholeNumbers(text); err != nil {
		return nil, err
	}
	return jcs.Transform(text)
}

// Hash is the SHA-256 of the canonical form, in hex.
func Hash(v any) (string, error) {
	text, err := Canonical(v)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

const maxWhole = 1<<53 - 1

func wholeNumbers(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		if token == nil && err != nil {
			return nil // the end: Marshal has made well-formed JSON
		}
		if n, ok := token.(json.Number); ok {
			if i, err := n.Int64(); err != nil || i > maxWhole || i < -maxWhole {
				return fmt.Errorf("the number %s has no canonical form", n)
			}
		}
	}
}
