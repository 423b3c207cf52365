package sheet

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

//go:embed fonts/IBMPlexSans-Regular.ttf
var regular string

//go:embed fonts/IBMPlexSans-SemiBold.ttf
var semibold string

//go:embed fonts/IBMPlexMono-Regular.ttf
var monospaced string

// face is one typeface: its file, and how far each character advances.
type face struct {
	family string
	ttf    string
	widths func() []length
}

var (
	sans  = newFace("sans", regular)
	heavy = newFace("heavy", semibold)
	mono  = newFace("mono", monospaced)
	faces = []*face{sans, heavy, mono}
)

// missing stands for every character that cannot be shown. The fonts have no
// such letter, so its shape is that of their missing glyph: a box.
const missing = '□'

// plane is how many characters a PDF writer of two-byte text can tell apart.
const plane = 1 << 16

func newFace(family, ttf string) *face {
	return &face{family, ttf, sync.OnceValue(func() []length { return advances(ttf) })}
}

// advances tells the advance of each character, in thousandths of the type size.
// It is zero for those the face cannot show on their own.
func advances(ttf string) []length {
	f, err := sfnt.Parse([]byte(ttf))
	if err != nil {
		panic(fmt.Sprintf("sheet: an embedded font is broken: %v", err))
	}
	var buffer sfnt.Buffer
	advance := func(glyph sfnt.GlyphIndex) length {
		a, err := f.GlyphAdvance(&buffer, glyph, fixed.I(1000), font.HintingNone)
		if err != nil {
			return 0
		}
		return length(a.Ceil())
	}
	widths := make([]length, plane)
	for r := range rune(plane) {
		if glyph, err := f.GlyphIndex(&buffer, r); err == nil && glyph != 0 && !unicode.In(r, unicode.C) {
			widths[r] = advance(glyph)
		}
	}
	widths[missing] = advance(0)
	return widths
}

// clean turns any text into one that the face can show: composed letters,
// lines that end in \n, tabs as spaces, and [missing] for all else.
func (f *face) clean(s string) string {
	widths := f.widths()
	s = norm.NFC.String(strings.ReplaceAll(s, "\r\n", "\n"))
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case r >= plane || widths[r] == 0:
			return missing
		}
		return r
	}, s)
}

// line cleans text that must stay on one line.
func (f *face) line(s string) string { return strings.ReplaceAll(f.clean(s), "\n", " ") }

// style is a face at a size, with the distance between lines.
type style struct {
	*face
	size, lead length
	ink        ink
}

func (s style) width(r rune) length { return s.widths()[r] * s.size / 1000 }

func (s style) measure(text string) length {
	var w length
	for _, r := range text {
		w += s.width(r)
	}
	return w
}

func (s style) in(i ink) style { s.ink = i; return s }
