package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sigillo/internal/fault"
)

// PublicKey derives the public half of a private key made by GenerateKey.
// Fault: bad-log-key.
func PublicKey(private string) (string, error) {
	bad := fault.New(fault.Invalid, "bad-log-key", "Non è la chiave privata di un registro.", "Not the private key of a log.")
	parts := strings.SplitN(private, "+", 5) // PRIVATE+KEY+name+hash+key
	if len(parts) != 5 {
		return "", bad
	}
	key, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(key) != 1+ed25519.SeedSize {
		return "", bad
	}
	public, ok := ed25519.NewKeyFromSeed(key[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", bad
	}
	return note.NewEd25519VerifierKey(parts[2], public)
}
