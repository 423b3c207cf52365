package signature

import (
	"bytes"
	"io"
	"sync"
)

// source remembers the first error of the file itself, so that what is wrong
// with the reader is told apart from what is wrong with the bytes.
type source struct {
	r    io.ReaderAt
	size int64
	mu   sync.Mutex
	err  error
}

func (s *source) ReadAt(p []byte, at int64) (int, error) {
	n, err := s.r.ReadAt(p, at)
	if n == len(p) {
		return n, nil
	}
	if err == nil || err == io.EOF && at+int64(n) < s.size {
		err = io.ErrUnexpectedEOF
	}
	if err != io.EOF {
		s.mu.Lock()
		if s.err == nil {
			s.err = err
		}
		s.mu.Unlock()
	}
	return n, err
}

// window is how much a cursor holds, in bytes.
const window = 64 << 10

// cursor reads a section forwards through one window, and jumps where told.
type cursor struct {
	s     *io.SectionReader
	at    int64 // the next byte
	limit int64 // nothing being read reaches beyond
	buf   []byte
	from  int64 // where buf lies in s
}

func newCursor(s *io.SectionReader) *cursor {
	return &cursor{s: s, limit: s.Size()}
}

// fill makes the window hold at least n bytes from at on, or all that there are.
func (c *cursor) fill(at int64, n int) ([]byte, error) {
	if held := c.from + int64(len(c.buf)); at >= c.from && at <= held && min(at+int64(n), c.s.Size()) <= held {
		return c.buf[at-c.from:], nil
	}
	if c.buf == nil {
		c.buf = make([]byte, 0, min(window, c.s.Size()))
	}
	c.from = at
	c.buf = c.buf[:cap(c.buf)]
	k, err := c.s.ReadAt(c.buf, at)
	c.buf = c.buf[:k]
	if err != nil && err != io.EOF {
		return nil, err
	}
	return c.buf, nil
}

// copy reads exactly len(p) bytes at a place.
func (c *cursor) copy(p []byte, at int64) error {
	if len(p) >= window {
		if n, err := c.s.ReadAt(p, at); n < len(p) {
			return err
		}
		return nil
	}
	b, err := c.fill(at, len(p))
	if err != nil {
		return err
	}
	if copy(p, b) < len(p) {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// take reads a stretch into memory.
func take(s *io.SectionReader, at, n int64) ([]byte, error) {
	b := make([]byte, n)
	if k, err := s.ReadAt(b, at); int64(k) < n {
		return nil, err
	}
	return b, nil
}

// head is the beginning of a section, at most n bytes.
func head(s *io.SectionReader, n int64) ([]byte, error) {
	return take(s, 0, min(n, s.Size()))
}

// find calls visit with each place where a string occurs, until it says no.
func find(s *io.SectionReader, what []byte, visit func(at int64) bool) error {
	buf := make([]byte, min(window, s.Size()))
	for from := int64(0); from < s.Size(); {
		b := buf[:min(int64(len(buf)), s.Size()-from)]
		if n, err := s.ReadAt(b, from); n < len(b) {
			return err
		}
		for i := 0; ; {
			k := bytes.Index(b[i:], what)
			if k < 0 {
				break
			}
			if !visit(from + int64(i+k)) {
				return nil
			}
			i += k + len(what)
		}
		if from+int64(len(b)) == s.Size() {
			return nil
		}
		// One that lies across the border is whole in the next window, and only there.
		from += int64(len(b) - len(what) + 1)
	}
	return nil
}

// marks is a sparse map from places in what is read to places in what holds it.
type marks struct {
	list []mark
	step int64
}

type mark struct{ content, file int64 }

// newMarks keeps the map under some 16,000 entries whatever the size.
func newMarks(size int64) marks {
	return marks{list: []mark{}, step: max(window, size>>13)}
}

func (m *marks) add(x mark) {
	if n := len(m.list); n == 0 || x.content-m.list[n-1].content >= m.step || x.file-m.list[n-1].file >= m.step {
		m.list = append(m.list, x)
	}
}

// before is the last mark at or before a place of the content.
func (m *marks) before(content int64) mark {
	lo, hi := 0, len(m.list)
	for lo < hi {
		if mid := (lo + hi) / 2; m.list[mid].content <= content {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return mark{}
	}
	return m.list[lo-1]
}
