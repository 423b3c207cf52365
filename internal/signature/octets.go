package signature

import (
	"io"
	"sync"
)

// octets reads an OCTET STRING that the file holds in pieces, as streaming
// signers write it. It remembers where it was, so that reading on is cheap.
type octets struct {
	size  int64
	marks marks
	mu    sync.Mutex
	c     *cursor
	here  mark // the header of some piece
}

// Streaming signers write pieces of a kilobyte and more. Many that are tiny are
// there to keep the reader busy.
const (
	manyPieces = 64 << 10
	tinyPiece  = 32 // bytes, on average
)

// segments steps over an OCTET STRING in pieces and returns its reader.
func (c *cursor) segments() (*octets, error) {
	pieces := int64(0)
	o := &octets{marks: newMarks(c.s.Size()), c: newCursor(c.s)}
	var open []frame
	for {
		h, err := c.header()
		if err != nil {
			return nil, err
		}
		switch h.id {
		case idSegments:
			if len(open) > maxNesting {
				return nil, errShape
			}
			f, err := c.open(idSegments)
			if err != nil {
				return nil, err
			}
			open = append(open, f)
		case idOctets:
			o.marks.add(mark{o.size, c.at})
			c.at += int64(h.size) + h.length
			o.size += h.length
			if pieces++; pieces > manyPieces && o.size < pieces*tinyPiece {
				return nil, errTooMuch
			}
		default:
			return nil, errShape
		}
		for len(open) > 0 {
			last := open[len(open)-1]
			more, err := c.more(last)
			if err != nil {
				return nil, err
			}
			if more {
				break
			}
			if err := c.close(last); err != nil {
				return nil, err
			}
			open = open[:len(open)-1]
		}
		if len(open) == 0 {
			return o, nil
		}
	}
}

// ReadAt implements io.ReaderAt. The pieces were found in order when the file
// was first walked: here headers are stepped over and ends ignored.
func (o *octets) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 || at >= o.size {
		return 0, io.EOF
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if m := o.marks.before(at); at < o.here.content || m.content > o.here.content || o.here == (mark{}) {
		o.here = m
	}
	n := 0
	for n < len(p) && at < o.size {
		o.c.at = o.here.file
		h, err := o.c.header()
		if err != nil {
			return n, err
		}
		data := o.here.file + int64(h.size)
		if h.id != idOctets {
			o.here.file = data
			continue
		}
		if end := o.here.content + h.length; at >= end {
			o.here = mark{end, data + h.length}
			continue
		}
		within := at - o.here.content
		piece := p[n:min(int64(len(p)), int64(n)+h.length-within)]
		if err := o.c.copy(piece, data+within); err != nil {
			return n, err
		}
		n += len(piece)
		at += int64(len(piece))
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
