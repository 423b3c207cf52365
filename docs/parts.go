package docs

import (
	"crypto/sha256"
	"hash"
	"time"
)

// PartSize is the size in bytes of every part of a sealed file but the last.
const PartSize = 16 << 20

// MaxParts is how many parts a file may have: what S3 allows.
const MaxParts = 10_000

// Part is one part of a file that is being uploaded.
type Part struct {
	Number   int // from 1
	Size     int64
	SHA256   Hash
	StoredAt time.Time // by the store's clock
}

// PartCount is how many parts a file of the size has; an empty one has one.
func PartCount(size int64) int {
	return int(max(1, (size+PartSize-1)/PartSize))
}

// PartLength is the size of part n of a file, from 1; 0 when there is none.
func PartLength(size int64, n int) int64 {
	if n < 1 || n > PartCount(size) {
		return 0
	}
	return min(PartSize, size-int64(n-1)*PartSize)
}

// PartsDigest is the digest a sealed file is named by: the SHA-256 of its only
// part, or that of the SHA-256 of its parts one after the other, as in the
// composite checksum of S3 (guide/formats/sealed-envelope.md, section 8).
func PartsDigest(parts []Part) Hash {
	if len(parts) == 1 {
		return parts[0].SHA256
	}
	sum := sha256.New()
	for _, p := range parts {
		sum.Write(p.SHA256[:])
	}
	return Hash(sum.Sum(nil))
}

// PartsHash computes the digest of a sealed file as it is written through.
type PartsHash struct {
	part  hash.Hash
	room  int64
	parts []Part
}

// NewPartsHash starts one.
func NewPartsHash() *PartsHash { return &PartsHash{part: sha256.New(), room: PartSize} }

// Write never fails.
func (h *PartsHash) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if h.room == 0 {
			h.close()
		}
		k := min(int64(len(p)), h.room)
		h.part.Write(p[:k])
		h.room -= k
		p = p[k:]
	}
	return n, nil
}

func (h *PartsHash) close() {
	h.parts = append(h.parts, Part{Number: len(h.parts) + 1, Size: PartSize - h.room, SHA256: Hash(h.part.Sum(nil))})
	h.part.Reset()
	h.room = PartSize
}

// Parts ends the file and tells its parts.
func (h *PartsHash) Parts() []Part {
	if h.room < PartSize || len(h.parts) == 0 {
		h.close()
	}
	return h.parts
}

// Digest ends the file and gives its digest.
func (h *PartsHash) Digest() Hash { return PartsDigest(h.Parts()) }

// Upload names an upload in parts that has begun. ID is the store's own.
type Upload struct {
	Area Area
	Hash Hash
	Size int64
	ID   string
}

// Address is where a client may put a part itself, with the headers it must
// send.
type Address struct {
	URL    string            `json:"url"`
	Header map[string]string `json:"header,omitempty"`
}
