package signature

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// armour reads what a file holds as Base64 text, with or without the lines that
// PEM puts around it.
type armour struct {
	size  int64
	marks marks
	mu    sync.Mutex
	c     *cursor
	here  mark // the first character of some four
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// Values of characters that carry no bits.
const (
	blank   = 64
	padding = 65
	foreign = 66
)

var sixBits = func() (t [256]byte) {
	for i := range t {
		t[i] = foreign
	}
	for i, x := range []byte(alphabet) {
		t[x] = byte(i)
	}
	for _, x := range []byte(" \t\r\n") {
		t[x] = blank
	}
	t['='] = padding
	return t
}()

var (
	begin = []byte("-----BEGIN ")
	dash  = []byte("-----")
)

// isArmour tells from its beginning whether a file may be a container as text.
func isArmour(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	if line, ok := bytes.CutPrefix(b, begin); ok {
		label, _, _ := strings.Cut(string(line), "-----")
		return label == "PKCS7" || label == "CMS" || label == "PKCS #7 SIGNED DATA" || label == "SIGNED MESSAGE"
	}
	if len(b) < 24 {
		return false
	}
	var start []byte
	acc, bits := 0, 0
	for _, x := range b[:24] {
		v := sixBits[x]
		if v == blank {
			continue
		}
		if v > blank {
			return false
		}
		acc, bits = acc<<6|int(v), bits+6
		if bits >= 8 {
			bits -= 8
			start = append(start, byte(acc>>bits))
		}
	}
	return isCMS(start)
}

// openArmour finds the text's extent and checks every character of it.
func openArmour(s *io.SectionReader) (*armour, error) {
	a := &armour{marks: newMarks(s.Size()), c: newCursor(s)}
	c := newCursor(s)
	b, err := c.fill(0, 1)
	if err != nil {
		return nil, err
	}
	c.at = int64(len(b) - len(bytes.TrimLeft(b, " \t\r\n")))
	pem := bytes.HasPrefix(b[c.at:], begin)
	if pem {
		line := bytes.IndexByte(b[c.at:], '\n')
		if line < 0 {
			return nil, errShape
		}
		c.at += int64(line) + 1
	}
	chars, pads := int64(0), 0
	for c.at < s.Size() {
		b, err := c.fill(c.at, 1)
		if err != nil {
			return nil, err
		}
		i := 0
		for ; i < len(b); i++ {
			v := sixBits[b[i]]
			if v == blank {
				continue
			}
			if v < blank && pads == 0 {
				if chars&3 == 0 {
					a.marks.add(mark{chars / 4 * 3, c.at + int64(i)})
				}
				chars++
				continue
			}
			if v == padding && pads < 2 {
				pads++
				continue
			}
			break
		}
		c.at += int64(i)
		if i == len(b) {
			continue
		}
		rest, err := c.fill(c.at, len(dash))
		if err != nil {
			return nil, err
		}
		if !pem || !bytes.HasPrefix(rest, dash) {
			return nil, errShape
		}
		pem = false
		break
	}
	if pem || chars%4 == 1 || pads > 0 && (chars+int64(pads))%4 != 0 { // the closing line is missing
		return nil, errShape
	}
	a.size = chars * 3 / 4
	return a, nil
}

// ReadAt implements io.ReaderAt.
func (a *armour) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 || at >= a.size {
		return 0, io.EOF
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if m := a.marks.before(at); at < a.here.content || m.content > a.here.content || a.here == (mark{}) {
		a.here = m
	}
	n := 0
	for n < len(p) && at < a.size {
		b, err := a.c.fill(a.here.file, longestFour)
		if err != nil {
			return n, err
		}
		next, stood := a.here, at
		acc, held := uint32(0), 0
		for i := 0; i < len(b) && n < len(p) && at < a.size; i++ {
			v := sixBits[b[i]]
			if v == blank {
				continue
			}
			if v < blank {
				acc, held = acc<<6|uint32(v), held+1
			} else {
				acc, held = acc<<(6*(4-held)), 4 // padding or the closing line: these are the last
			}
			if held < 4 {
				continue
			}
			if skip := at - next.content; skip < 3 {
				whole := [3]byte{byte(acc >> 16), byte(acc >> 8), byte(acc)}
				k := copy(p[n:], whole[skip:min(3, a.size-next.content)])
				n += k
				at += int64(k)
			}
			if at < next.content+3 {
				break // the rest of these three is for the next call
			}
			next = mark{next.content + 3, a.here.file + int64(i) + 1}
			acc, held = 0, 0
		}
		if next == a.here && at == stood {
			if len(b) < longestFour && held > 0 { // text without padding just ends
				whole := [3]byte{}
				acc <<= 6 * (4 - held)
				whole[0], whole[1] = byte(acc>>16), byte(acc>>8)
				k := copy(p[n:], whole[min(3, at-next.content):min(3, a.size-next.content)])
				n += k
				at += int64(k)
			}
			if at == stood {
				return n, errShape
			}
		}
		a.here = next
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// longestFour is how far apart four characters may lie, in bytes.
const longestFour = 4 << 10
