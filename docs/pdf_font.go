package docs

import (
	"sort"
	"strings"
	"unicode/utf16"
)

// maxMapped bounds the entries of all the maps from codes to letters of a file.
const maxMapped = 300_000

// pdfFont turns the codes of a font into letters (9.10).
type pdfFont struct {
	wide   bool // codes of two bytes
	mapped []codeRange
	named  map[byte]string // letters that the encoding moved
	// blind fonts do not say which letters their codes stand for.
	blind bool
	// widths of codes, in thousandths of the size; nil when they are not told.
	widths []codeWidth
	usual  pdfNumber // width of a code that is not listed
}

// codeWidth is the width of the codes from low to high.
type codeWidth struct {
	low, high uint32
	width     pdfNumber
}

// codeRange maps codes from low to high to text; from the second on, the last
// letter of the text is counted up.
type codeRange struct {
	low, high uint32
	text      []rune
}

func (p *pdfFile) font(v any, room *int) *pdfFont {
	d := p.dict(v)
	f := &pdfFont{wide: d["Subtype"] == pdfName("Type0")}
	if f.wide {
		p.wideWidths(f, d, room)
	} else if d["Subtype"] != pdfName("Type3") { // whose units are its own
		first := uint32(integer(p.follow(d["FirstChar"]).value))
		for i, w := range p.list(d["Widths"]) {
			f.widen(first+uint32(i), first+uint32(i), p.follow(w).value, room)
		}
	}
	if to, ok := d["ToUnicode"]; ok {
		f.mapped = p.toUnicode(p.stream(p.follow(to)), room)
	}
	if len(f.mapped) > 0 {
		return f
	}
	encoding := p.follow(d["Encoding"]).value
	base, _ := d["BaseFont"].(pdfName)
	subset := len(base) > 7 && base[6] == '+' // its codes may be in any order
	f.blind = f.wide || subset && encoding == nil
	e, _ := encoding.(pdfDict)
	code := byte(0)
	for _, x := range p.list(e["Differences"]) {
		switch x := x.(type) {
		case pdfNumber:
			code = byte(integer(x))
		case pdfName:
			if s, ok := glyph(string(x)); ok {
				if f.named == nil {
					f.named = map[byte]string{}
				}
				f.named[code] = s
			}
			code++
		}
	}
	return f
}

// widen notes the width of some codes.
func (f *pdfFont) widen(low, high uint32, width any, room *int) {
	if w, ok := width.(pdfNumber); ok && *room > 0 {
		*room--
		f.widths = append(f.widths, codeWidth{low, high, w / 1000})
	}
}

// wideWidths reads the widths of a font with codes of two bytes (9.7.4.3).
func (p *pdfFile) wideWidths(f *pdfFont, d pdfDict, room *int) {
	below := p.list(d["DescendantFonts"])
	if len(below) == 0 {
		return
	}
	own := p.dict(below[0])
	f.usual = 1000
	if w, ok := p.follow(own["DW"]).value.(pdfNumber); ok {
		f.usual = w / 1000
	}
	w := p.list(own["W"])
	for len(w) >= 2 {
		low := uint32(integer(w[0]))
		if each, ok := p.follow(w[1]).value.(pdfArray); ok {
			for i, x := range each {
				f.widen(low+uint32(i), low+uint32(i), x, room)
			}
			w = w[2:]
			continue
		}
		if len(w) < 3 {
			break
		}
		f.widen(low, uint32(integer(w[1])), w[2], room)
		w = w[3:]
	}
	sort.SliceStable(f.widths, func(i, j int) bool { return f.widths[i].low < f.widths[j].low })
}

// width of a string, in thousandths of the font's size.
func (f *pdfFont) width(s pdfString) pdfNumber {
	if f.widths == nil {
		return 0
	}
	step := 1
	if f.wide {
		step = 2
	}
	var total pdfNumber
	for ; len(s) >= step; s = s[step:] {
		c := code(s[:step])
		if i := sort.Search(len(f.widths), func(i int) bool { return f.widths[i].low > c }) - 1; i >= 0 && c <= f.widths[i].high {
			total += f.widths[i].width
		} else {
			total += f.usual
		}
	}
	return total
}

// toUnicode reads a CMap: its bfchar and bfrange sections (9.10.3).
func (p *pdfFile) toUnicode(b []byte, room *int) []codeRange {
	var all []codeRange
	add := func(low, high uint32, text any) {
		if s, ok := text.(pdfString); ok && high >= low {
			if *room--; *room < 0 {
				p.partial = true
				return
			}
			all = append(all, codeRange{low, high, utf16BE(string(s))})
		}
	}
	var operands []any
	l := &pdfLexer{b: b}
	for {
		v, ok := p.value(l)
		if !ok {
			break
		}
		word, isWord := v.(pdfWord)
		if !isWord {
			if operands = append(operands, v); len(operands) > maxParts {
				p.partial = true
				break
			}
			continue
		}
		switch word {
		case "endbfchar":
			for ; len(operands) >= 2; operands = operands[2:] {
				c := code(operands[0])
				add(c, c, operands[1])
			}
		case "endbfrange":
			for ; len(operands) >= 3; operands = operands[3:] {
				low, high := code(operands[0]), code(operands[1])
				each, ok := operands[2].(pdfArray)
				if !ok {
					add(low, high, operands[2])
					continue
				}
				for i, text := range each {
					add(low+uint32(i), low+uint32(i), text)
				}
			}
		}
		operands = nil
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].low < all[j].low })
	return all
}

func code(v any) uint32 {
	s, _ := v.(pdfString)
	var c uint32
	for i := range min(len(s), 4) {
		c = c<<8 | uint32(s[i])
	}
	return c
}

// decode appends the letters of a string shown; false when some are not known.
func (f *pdfFont) decode(to *strings.Builder, s pdfString) bool {
	step := 1
	if f.wide {
		step = 2
	}
	known := !f.blind
	for ; len(s) >= step; s = s[step:] {
		c := code(s[:step])
		switch i := sort.Search(len(f.mapped), func(i int) bool { return f.mapped[i].low > c }) - 1; {
		case i >= 0 && c <= f.mapped[i].high:
			m := f.mapped[i]
			for j, r := range m.text {
				if j == len(m.text)-1 {
					r += rune(c - m.low)
				}
				to.WriteRune(r)
			}
		case f.wide:
			known = false
		default:
			if n, ok := f.named[byte(c)]; ok {
				to.WriteString(n)
			} else {
				to.WriteRune(windows1252(byte(c)))
			}
		}
	}
	return known
}

// high are the letters of Windows-1252, the encoding of most PDFs, that differ
// from Latin-1: from 0x80 on.
var high = []rune("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ")

func windows1252(c byte) rune {
	if c >= 0x80 && int(c-0x80) < len(high) {
		return high[c-0x80]
	}
	return rune(c)
}

// glyphs are the names that encodings use for what matters in a price and is
// not called by its own letter (Adobe Glyph List).
var glyphs = map[string]string{
	"zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
	"comma": ",", "period": ".", "colon": ":", "percent": "%", "Euro": "€", "space": " ", "hyphen": "-", "quoteright": "'", "quotesingle": "'",
	"slash": "/", "parenleft": "(", "parenright": ")", "ff": "ff", "fi": "fi", "fl": "fl", "ffi": "ffi", "ffl": "ffl",
	"agrave": "à", "egrave": "è", "eacute": "é", "igrave": "ì", "ograve": "ò", "ugrave": "ù",
}

func glyph(name string) (string, bool) {
	if len(name) == 1 {
		return name, true
	}
	s, ok := glyphs[name]
	return s, ok
}

func utf16BE(s string) []rune {
	units := make([]uint16, 0, len(s)/2)
	for ; len(s) >= 2; s = s[2:] {
		units = append(units, uint16(s[0])<<8|uint16(s[1]))
	}
	return utf16.Decode(units)
}

// text reads a string that is not shown on a page: UTF-16 or UTF-8 when it says
// so (7.9.2.2).
func (s pdfString) text() string {
	if after, ok := strings.CutPrefix(string(s), "\xfe\xff"); ok {
		return string(utf16BE(after))
	}
	if after, ok := strings.CutPrefix(string(s), "\xef\xbb\xbf"); ok {
		return strings.ToValidUTF8(after, "")
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(windows1252(s[i]))
	}
	return b.String()
}
