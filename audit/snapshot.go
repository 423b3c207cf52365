package audit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// Snapshot is the whole of an object as an act left it. It stands beside the
// register, not in it: the entry has its hash. With snapshot and salt erased,
// the hash tells nothing, not even to who can guess what the object was.
type Snapshot struct {
	Object Object
	Salt   [32]byte
	Doc    []byte // canonical JSON
}

// Snap takes a snapshot under a fresh salt.
func Snap(o Object, v any) (Snapshot, error) {
	s := Snapshot{Object: o}
	rand.Read(s.Salt[:])
	var err error
	s.Doc, err = Canonical(v)
	return s, err
}

// Hash is what a State says of a snapshot: SHA-256 of salt and canonical JSON,
// in hex.
func (s Snapshot) Hash() string {
	h := sha256.New()
	h.Write(s.Salt[:])
	h.Write(s.Doc)
	return hex.EncodeToString(h.Sum(nil))
}
