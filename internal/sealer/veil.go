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

// Question asks for texts under the veil, for what is under it, and for marks
// of names, all at once. Purpose must be the same to lift a veil.
type Question struct {
	Purpose string
	Hide    [][]byte `json:",omitempty"`
	Lift    [][]byte `json:",omitempty"`
	Names   []string `json:",omitempty"`
}

// Answer has as many of each as were asked for. A mark only the sealer can give,
// and it is always the same: rows can be found by it and tell nothing.
type Answer struct {
	Hidden [][]byte `json:",omitempty"`
	Lifted [][]byte `json:",omitempty"`
	Marks  []string `json:",omitempty"`
}

// Veil answers. Fault: veil-torn, for a text that was altered, veiled with
// another key or for another purpose.
func (s *Sealer) Veil(_ context.Context, q Question) (Answer, error) {
	a := Answer{make([][]byte, len(q.Hide)), make([][]byte, len(q.Lift)), make([]string, len(q.Names))}
	for i, t := range q.Hide {
		a.Hidden[i] = s.aead.Seal(nil, nil, t, []byte(q.Purpose))
	}
	for i, t := range q.Lift {
		var err error
		if a.Lifted[i], err = s.aead.Open(nil, nil, t, []byte(q.Purpose)); err != nil {
			return Answer{}, fault.New(fault.Internal, "veil-torn", "Un dato custodito non si legge con la chiave del custode.",
				"Something kept does not open with the sealer's key.")
		}
	}
	for i, n := range q.Names {
		mac := hmac.New(sha256.New, s.marks)
		mac.Write([]byte(n))
		a.Marks[i] = hex.EncodeToString(mac.Sum(nil))
	}
	return a, nil
}
