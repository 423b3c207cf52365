package bids

import (
	"sigillo/docs"
)

// alongside hashes in a goroutine of its own what is read on the way: reading an
// envelope costs then as much as the slower of hashing and decrypting, and not
// both.
type alongside struct {
	free chan []byte
	full chan []byte
	sum  chan docs.Hash
}

func newAlongside() *alongside {
	a := &alongside{free: make(chan []byte, 8), full: make(chan []byte, 8), sum: make(chan docs.Hash, 1)}
	for range cap(a.free) {
		a.free <- make([]byte, 0, 128<<10)
	}
	go func() {
		sum := docs.NewPartsHash()
		for b := range a.full {
			sum.Write(b)
			a.free <- b[:0]
		}
		a.sum <- sum.Digest()
	}()
	return a
}

// Write takes a copy: what p is used for next is the writer's business.
func (a *alongside) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		b := <-a.free
		k := min(len(p), cap(b))
		a.full <- append(b, p[:k]...)
		p = p[k:]
	}
	return n, nil
}

// Digest ends the hashing. It must be called, once.
func (a *alongside) Digest() docs.Hash {
	close(a.full)
	return <-a.sum
}
