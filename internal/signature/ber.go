package signature

import (
	"encoding/asn1"
	"errors"
	"io"
	"math"
)

// Identifier octets used here (X.690).
const (
	idEnd         = 0x00
	idInteger     = 0x02
	idOctets      = 0x04
	idOID         = 0x06
	idSequence    = 0x30
	idSet         = 0x31
	idSegments    = 0x24 // an OCTET STRING in pieces
	idContext0    = 0xA0
	idContext1    = 0xA1
	idConstructed = 0x20
)

// maxNesting bounds how deep one element lies in another.
const maxNesting = 40

var errShape = errors.New("not the shape of a signed file")

// header is the beginning of a BER element.
type header struct {
	id     byte  // first identifier octet
	size   int   // of the header, in bytes
	length int64 // of the contents, in bytes; -1 when indefinite
}

// readHeader parses the header at the beginning of b.
func readHeader(b []byte) (header, error) {
	if len(b) < 2 {
		return header{}, io.ErrUnexpectedEOF
	}
	h := header{id: b[0], size: 1}
	if h.id&0x1F == 0x1F { // a tag in several octets: none that we read
		for ; ; h.size++ {
			if h.size > 4 || h.size >= len(b) {
				return header{}, errShape
			}
			if b[h.size]&0x80 == 0 {
				h.size++
				break
			}
		}
	}
	if h.size >= len(b) {
		return header{}, io.ErrUnexpectedEOF
	}
	first := b[h.size]
	h.size++
	switch {
	case first < 0x80:
		h.length = int64(first)
	case first == 0x80:
		if h.id&idConstructed == 0 {
			return header{}, errShape
		}
		h.length = -1
	default:
		n := int(first & 0x7F)
		if n > 8 || h.size+n > len(b) {
			return header{}, errShape
		}
		var v uint64
		for _, x := range b[h.size : h.size+n] {
			v = v<<8 | uint64(x)
		}
		if v > math.MaxInt64 {
			return header{}, errShape
		}
		h.length = int64(v)
		h.size += n
	}
	return h, nil
}

// maxHeader is the longest header there is, in bytes.
const maxHeader = 16

func (c *cursor) header() (header, error) {
	b, err := c.fill(c.at, maxHeader)
	if err != nil {
		return header{}, err
	}
	h, err := readHeader(b)
	if err != nil {
		return header{}, err
	}
	if c.at+int64(h.size) > c.limit || h.length > c.limit-c.at-int64(h.size) {
		return header{}, io.ErrUnexpectedEOF
	}
	return h, nil
}

// frame is an element that has been stepped into.
type frame struct {
	end   int64 // -1: until end-of-contents
	outer int64 // the limit outside
}

// open steps into an element.
func (c *cursor) open(id byte) (frame, error) {
	h, err := c.header()
	if err != nil {
		return frame{}, err
	}
	if h.id != id {
		return frame{}, errShape
	}
	c.at += int64(h.size)
	f := frame{end: -1, outer: c.limit}
	if h.length >= 0 {
		f.end = c.at + h.length
		c.limit = f.end
	}
	return f, nil
}

// more tells whether the element has more contents.
func (c *cursor) more(f frame) (bool, error) {
	if f.end >= 0 {
		return c.at < f.end, nil
	}
	h, err := c.header()
	return err == nil && h.id != idEnd, err
}

// close steps out of an element that has been read to its end.
func (c *cursor) close(f frame) error {
	if f.end < 0 {
		h, err := c.header()
		if err != nil {
			return err
		}
		if h.id != idEnd || h.length != 0 || h.size != 2 {
			return errShape
		}
		c.at += 2
	} else if c.at != f.end {
		return errShape
	}
	c.limit = f.outer
	return nil
}

// skip steps over one element without looking at it.
func (c *cursor) skip() error {
	for open := 0; ; {
		h, err := c.header()
		if err != nil {
			return err
		}
		c.at += int64(h.size)
		switch {
		case h.length < 0:
			open++
		case h.id == idEnd && open > 0:
			if h.length != 0 {
				return errShape
			}
			open--
		default:
			c.at += h.length
		}
		if open == 0 {
			return nil
		}
	}
}

// element reads one element into memory, in DER as far as its makers wrote DER.
func (c *cursor) element(most int64) ([]byte, error) {
	start := c.at
	if err := c.skip(); err != nil {
		return nil, err
	}
	if c.at-start > most {
		return nil, errTooMuch
	}
	b, err := take(c.s, start, c.at-start)
	if err != nil {
		return nil, err
	}
	out, _, err := definite(b, 0)
	return out, err
}

var errTooMuch = errors.New("more than is read into memory")

// definite rewrites the first element of b with definite lengths and strings in
// one piece. What already is so stays as it is, byte for byte: signatures lie
// over it.
func definite(b []byte, depth int) (out, rest []byte, err error) {
	h, err := readHeader(b)
	if err != nil {
		return nil, nil, err
	}
	if depth > maxNesting {
		return nil, nil, errShape
	}
	body := b[h.size:]
	if h.length > int64(len(body)) {
		return nil, nil, io.ErrUnexpectedEOF
	}
	if h.length >= 0 {
		body = body[:h.length]
		rest = b[h.size+len(body):]
		if h.id&idConstructed == 0 {
			return b[:h.size+len(body)], rest, nil
		}
	}
	var contents []byte
	changed := h.length < 0 || h.id == idSegments
	left := body
	for {
		if h.length >= 0 && len(left) == 0 {
			break
		}
		if h.length < 0 && len(left) >= 2 && left[0] == 0 && left[1] == 0 {
			rest = left[2:]
			break
		}
		child, after, err := definite(left, depth+1)
		if err != nil {
			return nil, nil, err
		}
		changed = changed || &child[0] != &left[0]
		if h.id == idSegments {
			inner, err := readHeader(child)
			if err != nil || inner.id != idOctets {
				return nil, nil, errShape
			}
			child = child[inner.size:]
		}
		contents = append(contents, child...)
		left = after
	}
	if !changed {
		return b[:h.size+len(body)], rest, nil
	}
	id := h.id
	if id == idSegments {
		id = idOctets
	}
	if id&0x1F == 0x1F {
		return nil, nil, errShape
	}
	return append(lengthen(id, len(contents)), contents...), rest, nil
}

// lengthen writes a DER header.
func lengthen(id byte, n int) []byte {
	if n < 0x80 {
		return []byte{id, byte(n)}
	}
	out := []byte{id, 0x80}
	for shift := 24; shift >= 0; shift -= 8 {
		if x := n >> shift; x > 0 {
			out = append(out, byte(x))
			out[1]++
		}
	}
	return out
}

// oid writes an object identifier's DER contents as a string, to compare with.
func oid(arcs ...int) string {
	b, err := asn1.Marshal(asn1.ObjectIdentifier(arcs))
	if err != nil {
		return "" // never: the arcs are constants of this package
	}
	return string(b[2:])
}
