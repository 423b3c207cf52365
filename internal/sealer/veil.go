package sealer

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"sigillo/internal/fault"
)

// The veil hides, from whoever has the database, who has bid: rows that tell of
// bidders are encrypted with a key that only the sealer has. It is not the
// secrecy of the bids, which no key of the platform opens: who controls the
// running platform can ask the sealer to lift the veil, because the platform has
// to show bidders their own bids.

func (m *Master) derive(info string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(m.live.String()), nil, "sigillo "+info, 32)
	if err != nil {
		panic(err) // only for lengths HKDF cannot give
	}
	return key
}

func (m *Master) veil() cipher.AEAD {
	block, err := aes.NewCipher(m.derive("veil"))
	if err != nil {
		panic(err) // only for other key lengths
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// Veil encrypts texts; purpose must be the same to lift it. It gives for every
// name a mark that only the sealer can give, and always the same: rows can be
// found by it and tell nothing.
func (s *Sealer) Veil(_ context.Context, purpose string, texts [][]byte, names ...string) ([][]byte, []string, error) {
	veiled, marks := make([][]byte, len(texts)), make([]string, len(names))
	for i, t := range texts {
		veiled[i] = s.aead.Seal(nil, nil, t, []byte(purpose))
	}
	for i, n := range names {
		mac := hmac.New(sha256.New, s.marks)
		mac.Write([]byte(n))
		marks[i] = hex.EncodeToString(mac.Sum(nil))
	}
	return veiled, marks, nil
}

// Unveil decrypts texts. Fault: veil-torn, for one that was altered, made with
// another key or for another purpose.
func (s *Sealer) Unveil(_ context.Context, purpose string, texts [][]byte) ([][]byte, error) {
	out := make([][]byte, len(texts))
	for i, t := range texts {
		var err error
		if out[i], err = s.aead.Open(nil, nil, t, []byte(purpose)); err != nil {
			return nil, fault.New(fault.Internal, "veil-torn", "Un dato custodito non si legge con la chiave del custode.",
				"Something kept does not open with the sealer's key.")
		}
	}
	return out, nil
}
