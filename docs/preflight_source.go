package docs

import (
	"io"
	"sync"
)

// source reads a file and remembers what went wrong with the reading, so that
// whoever makes sense of the bytes need not tell bad bytes from a bad disk.
type source struct {
	r    io.ReaderAt
	size int64

	mu    sync.Mutex
	err   error // of r
	short bool  // r ended before its size
}

func (s *source) ReadAt(b []byte, at int64) (int, error) {
	if at < 0 || at >= s.size { // a pointer in the file leads astray
		return 0, io.EOF
	}
	n, err := s.r.ReadAt(b, at)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && err != io.EOF && s.err == nil {
		s.err = err
	}
	s.short = s.short || n < len(b) && at+int64(n) < s.size
	return n, err
}
