package docs

import (
	"bytes"
	"encoding/hex"
)

// The values a PDF is made of (ISO 32000-1, 7.3). Numbers are in thousandths:
// layout asks for no more.
type (
	pdfName   string
	pdfRef    int // number of an object; its generation does not matter to us
	pdfNumber int64
	pdfString string
	pdfWord   string // operator or keyword
	pdfArray  []any
	pdfDict   map[pdfName]any
)

// Limits on one value: how deep it nests, and of how many parts it is.
const (
	maxDepth = 32
	maxParts = 100_000
)

// pdfLexer reads values from bytes that may be anything.
type pdfLexer struct {
	b     []byte
	at    int
	depth int
	parts int
}

func blank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' || c == 0 }

func delimiter(c byte) bool { return bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0 }

func digit(c byte) bool { return c >= '0' && c <= '9' }

// skip passes over blanks and comments.
func (l *pdfLexer) skip() {
	for ; l.at < len(l.b); l.at++ {
		if l.b[l.at] == '%' {
			for l.at < len(l.b) && l.b[l.at] != '\n' && l.b[l.at] != '\r' {
				l.at++
			}
			l.at-- // the end of line is passed over next
		} else if !blank(l.b[l.at]) {
			return
		}
	}
}

// value reads the next one; false at the end of the bytes, in the middle of a
// value, and beyond the limits.
func (l *pdfLexer) value() (any, bool) {
	if l.depth == 0 {
		l.parts = 0
	}
	if l.parts++; l.parts > maxParts || l.depth > maxDepth {
		l.at = len(l.b)
		return nil, false
	}
	l.skip()
	if l.at >= len(l.b) {
		return nil, false
	}
	c := l.b[l.at]
	switch {
	case c == '/':
		return l.name(), true
	case c == '(':
		return l.literal()
	case bytes.HasPrefix(l.b[l.at:], []byte("<<")):
		return l.dict()
	case c == '<':
		return l.hexadecimal()
	case c == '[':
		return l.array()
	case digit(c) || c == '+' || c == '-' || c == '.':
		return l.number(), true
	case delimiter(c):
		l.at++
		return pdfWord(c), true
	}
	return pdfWord(l.regular()), true
}

// regular reads on to a blank or a delimiter.
func (l *pdfLexer) regular() []byte {
	from := l.at
	for l.at < len(l.b) && !blank(l.b[l.at]) && !delimiter(l.b[l.at]) {
		l.at++
	}
	return l.b[from:l.at]
}

func (l *pdfLexer) name() pdfName {
	l.at++
	raw := l.regular()
	if bytes.IndexByte(raw, '#') < 0 {
		return pdfName(raw)
	}
	var name []byte
	for i := 0; i < len(raw); i++ {
		var b [1]byte
		if raw[i] == '#' && i+2 < len(raw) {
			if _, err := hex.Decode(b[:], raw[i+1:i+3]); err == nil {
				name, i = append(name, b[0]), i+2
				continue
			}
		}
		name = append(name, raw[i])
	}
	return pdfName(name)
}

// number reads a number, or the reference that it begins.
func (l *pdfLexer) number() any {
	raw := l.regular()
	var n int64
	decimals, negative, whole := -1, false, true
	for _, c := range raw {
		switch {
		case c == '-':
			negative = true
		case c == '.':
			decimals = max(decimals, 0)
			whole = false
		case digit(c) && decimals < 3 && n < 1e14:
			n = n*10 + int64(c-'0')
			if decimals >= 0 {
				decimals++
			}
		}
	}
	for decimals = max(decimals, 0); decimals < 3; decimals++ {
		n *= 10
	}
	if negative {
		return pdfNumber(-n)
	}
	if whole && l.referred() {
		return pdfRef(n / 1000)
	}
	return pdfNumber(n)
}

// referred passes over the generation and the R of a reference, if they follow.
func (l *pdfLexer) referred() bool {
	i := l.at
	pass := func(ok func(byte) bool) bool {
		from := i
		for i < len(l.b) && i < from+16 && ok(l.b[i]) {
			i++
		}
		return i > from
	}
	if !pass(blank) || !pass(digit) || !pass(blank) || i >= len(l.b) || l.b[i] != 'R' {
		return false
	}
	if i++; i < len(l.b) && !blank(l.b[i]) && !delimiter(l.b[i]) {
		return false
	}
	l.at = i
	return true
}

// escapes of a literal string; any other letter stands for itself.
var escapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'f': '\f'}

func (l *pdfLexer) literal() (any, bool) {
	var s []byte
	open := 0
	for ; l.at < len(l.b); l.at++ {
		c := l.b[l.at]
		switch c {
		case '(':
			if open++; open == 1 {
				continue
			}
		case ')':
			if open--; open == 0 {
				l.at++
				return pdfString(s), true
			}
		case '\\':
			if l.at++; l.at >= len(l.b) {
				return nil, false
			}
			c = l.b[l.at]
			if c >= '0' && c <= '7' {
				n := 0
				for i := 0; i < 3 && l.at < len(l.b) && l.b[l.at] >= '0' && l.b[l.at] <= '7'; i++ {
					n = n*8 + int(l.b[l.at]-'0')
					l.at++
				}
				l.at--
				c = byte(n)
			} else if c == '\n' || c == '\r' {
				if c == '\r' && l.at+1 < len(l.b) && l.b[l.at+1] == '\n' {
					l.at++
				}
				continue
			} else if e, ok := escapes[c]; ok {
				c = e
			}
		}
		s = append(s, c)
	}
	return nil, false
}

func (l *pdfLexer) hexadecimal() (any, bool) {
	var s []byte
	high, half := byte(0), false
	for l.at++; l.at < len(l.b); l.at++ {
		c := l.b[l.at]
		var n byte
		switch {
		case c == '>':
			l.at++
			if half {
				s = append(s, high)
			}
			return pdfString(s), true
		case digit(c):
			n = c - '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			n = c | 0x20 - 'a' + 10
		default:
			continue
		}
		if half {
			s = append(s, high|n)
		}
		high, half = n<<4, !half
	}
	return nil, false
}

func (l *pdfLexer) array() (any, bool) {
	l.at++
	l.depth++
	defer func() { l.depth-- }()
	a := pdfArray{}
	for {
		if l.skip(); l.at < len(l.b) && l.b[l.at] == ']' {
			l.at++
			return a, true
		}
		v, ok := l.value()
		if !ok {
			return nil, false
		}
		a = append(a, v)
	}
}

func (l *pdfLexer) dict() (any, bool) {
	l.at += 2
	l.depth++
	defer func() { l.depth-- }()
	d := pdfDict{}
	for {
		if l.skip(); bytes.HasPrefix(l.b[l.at:], []byte(">>")) {
			l.at += 2
			return d, true
		}
		key, ok := l.value()
		if !ok {
			return nil, false
		}
		name, isName := key.(pdfName)
		if !isName {
			continue // as readers do: what has no name is passed over
		}
		if d[name], ok = l.value(); !ok {
			return nil, false
		}
	}
}

// integer is a number without its decimals; 0 for any other value.
func integer(v any) int64 {
	n, _ := v.(pdfNumber)
	return int64(n) / 1000
}
