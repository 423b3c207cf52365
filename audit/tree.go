package audit

import "crypto/sha256"

// Tree computes the RFC 6962 root of a sequence of leaf hashes, keeping only
// one hash for each power of two: constant memory, whatever the length.
type Tree struct {
	size  uint64
	peaks [][32]byte // roots of the perfect subtrees, largest first
}

// Add appends a leaf hash.
func (t *Tree) Add(leaf [32]byte) {
	h := leaf
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.peaks) - 1
		h = node(t.peaks[last], h)
		t.peaks = t.peaks[:last]
	}
	t.peaks = append(t.peaks, h)
	t.size++
}

// Size is the number of leaves.
func (t *Tree) Size() uint64 { return t.size }

// Root is the root hash; of no leaves, the hash of nothing.
func (t *Tree) Root() [32]byte {
	if len(t.peaks) == 0 {
		return sha256.Sum256(nil)
	}
	h := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		h = node(t.peaks[i], h)
	}
	return h
}

func node(left, right [32]byte) [32]byte {
	var b [65]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[33:], right[:])
	return sha256.Sum256(b[:])
}
