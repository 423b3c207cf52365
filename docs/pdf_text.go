package docs

import (
	"bytes"
	"strings"
)

// Limits on painting: text taken from one page, in bytes, and uses of shared
// content in the whole file.
const (
	maxText  = 1 << 20
	maxForms = 5000
)

// pdfReader takes the text from the pages of a PDF, in the order in which it is
// painted: what stands together is nearly always painted together.
type pdfReader struct {
	p       *pdfFile
	fonts   map[pdfRef]*pdfFont
	room    int // entries that maps of fonts may still have
	forms   int // uses of shared content
	out     strings.Builder
	painted bool // whether any image or text was met
}

func newPDFReader(p *pdfFile) *pdfReader {
	return &pdfReader{p: p, fonts: map[pdfRef]*pdfFont{}, room: maxMapped}
}

// page returns the text of one: its contents, then its form fields and notes.
func (t *pdfReader) page(ref pdfRef) string {
	t.out.Reset()
	d := t.p.dict(ref)
	var contents []byte
	parts, ok := t.p.follow(d["Contents"]).value.(pdfArray)
	if !ok {
		parts = pdfArray{d["Contents"]}
	}
	for _, part := range parts {
		if ref, ok := part.(pdfRef); ok {
			_, there := t.p.objects[ref]
			t.p.damaged = t.p.damaged || !there
		}
		contents = append(contents, t.p.stream(t.p.follow(part))...)
		contents = append(contents, '\n')
		if len(contents) > maxStream {
			t.p.partial = true
			break
		}
	}
	t.paint(contents, t.p.dict(t.resources(d)), 0)
	for _, a := range t.p.list(d["Annots"]) {
		t.annotation(t.p.dict(a))
	}
	return t.out.String()
}

// resources are a page's own or those of the branch it hangs on.
func (t *pdfReader) resources(d pdfDict) any {
	for range maxDepth {
		if r, ok := d["Resources"]; ok {
			return r
		}
		if d = t.p.dict(d["Parent"]); d == nil {
			return nil
		}
	}
	return nil
}

// annotation writes a note's text and a field's value beside its name, which
// says what the value is.
func (t *pdfReader) annotation(d pdfDict) {
	parent := t.p.dict(d["Parent"])
	for _, key := range []pdfName{"TU", "T", "V", "Contents"} {
		for _, from := range []pdfDict{parent, d} {
			if s, ok := t.p.follow(from[key]).value.(pdfString); ok && t.out.Len() < maxText {
				t.out.WriteString(" " + s.text()[:min(len(s.text()), 10_000)])
			}
		}
	}
	t.out.WriteString("\n")
}

// axes are a scale and a shift: what is left of a matrix without its rotation.
type axes struct{ a, d, e, f pdfNumber }

var identity = axes{a: 1000, d: 1000}

// within returns the axes m within those of the surroundings.
func (m axes) within(n axes) axes {
	return axes{m.a * n.a / 1000, m.d * n.d / 1000, m.e*n.a/1000 + n.e, m.f*n.d/1000 + n.f}
}

func (m axes) point(x, y pdfNumber) (pdfNumber, pdfNumber) {
	return m.e + x*m.a/1000, m.f + y*m.d/1000
}

// pen is where text is painted. Writers place each line, word or letter anew,
// so that blanks and lines are known by their places only.
type pen struct {
	page, text    axes
	line, x, y    pdfNumber // start of the line, and the place on it
	leading, size pdfNumber
	font          *pdfFont
	// where the last text ended, on the page; and whether more is meant to follow
	// it at once.
	endX, endY   pdfNumber
	moved, blank bool
}

func (n *pen) move(x, y pdfNumber) {
	n.line, n.y, n.moved = n.line+x, n.y+y, true
	n.x = n.line
}

func abs(n pdfNumber) pdfNumber { return max(n, -n) }

// before returns what separates the text that comes from the text before.
func (n *pen) before() string {
	at := n.text.within(n.page)
	x, y := at.point(n.x, n.y)
	wide, tall := abs(n.size*at.a/1000), abs(n.size*at.d/1000)
	switch gap := x - n.endX; {
	case abs(y-n.endY) > tall/4:
		return "\n"
	case n.blank:
		return " "
	case n.moved && (n.font.widths == nil || wide == 0 || gap > wide/6 || gap < -wide):
		return " "
	}
	return ""
}

func (t *pdfReader) show(n *pen, v any) {
	s, ok := v.(pdfString)
	if !ok {
		return
	}
	t.painted = true
	if t.out.Len() > maxText {
		t.p.partial = true
		return
	}
	t.out.WriteString(n.before())
	if !n.font.decode(&t.out, s) {
		t.p.partial = true
	}
	n.x += n.font.width(s) * n.size / 1000
	n.endX, n.endY = n.text.within(n.page).point(n.x, n.y)
	n.moved, n.blank = false, false
}

func (t *pdfReader) paint(b []byte, resources pdfDict, depth int) {
	l := &pdfLexer{b: b}
	var args []any
	var saved []axes
	fonts := map[pdfName]*pdfFont{}
	n := pen{page: identity, text: identity, font: &pdfFont{}}
	arg := func(i int) any { // counted from the last
		if i >= len(args) {
			return nil
		}
		return args[len(args)-1-i]
	}
	number := func(i int) pdfNumber {
		x, _ := arg(i).(pdfNumber)
		return x
	}
	matrix := func() axes { return axes{number(5), number(2), number(1), number(0)} }
	for {
		v, ok := t.p.value(l)
		if !ok {
			break
		}
		word, isWord := v.(pdfWord)
		if !isWord {
			if args = append(args, v); len(args) > 64 {
				args = args[32:]
			}
			continue
		}
		switch word {
		case "q":
			if len(saved) < 1000 {
				saved = append(saved, n.page)
			}
		case "Q":
			if len(saved) > 0 {
				n.page, saved = saved[len(saved)-1], saved[:len(saved)-1]
			}
		case "cm":
			n.page = matrix().within(n.page)
		case "BT", "Tm":
			n.text, n.line, n.x, n.y, n.moved = identity, 0, 0, 0, true
			if word == "Tm" {
				n.text = matrix()
			}
		case "Td":
			n.move(number(1), number(0))
		case "TD":
			n.leading = -number(0)
			n.move(number(1), number(0))
		case "TL":
			n.leading = number(0)
		case "T*":
			n.move(0, -n.leading)
		case "Tf":
			name, _ := arg(1).(pdfName)
			if n.font = fonts[name]; n.font == nil {
				n.font = t.font(resources, name)
				fonts[name] = n.font
			}
			n.size = number(0)
		case "Tj":
			t.show(&n, arg(0))
		case "'", `"`:
			n.move(0, -n.leading)
			t.show(&n, arg(0))
		case "TJ":
			parts, _ := arg(0).(pdfArray)
			for _, part := range parts {
				// Writers that justify shift where a blank is meant.
				if shift, ok := part.(pdfNumber); ok {
					n.blank = n.blank || shift < -180*1000
					n.x -= shift * n.size / 1_000_000
				}
				t.show(&n, part)
			}
		case "Do":
			t.form(resources, arg(0), depth)
		case "ID":
			t.painted = true
			l.at += max(0, bytes.Index(l.b[l.at:], []byte("EI"))) // an image in the line; a false end is soon passed
		}
		args = args[:0]
	}
	if l.skip(); l.at < len(l.b) {
		t.p.partial = true
	}
	t.out.WriteByte('\n')
}

func (t *pdfReader) font(resources pdfDict, name pdfName) *pdfFont {
	v := t.p.dict(resources["Font"])[name]
	ref, shared := v.(pdfRef)
	if f, ok := t.fonts[ref]; shared && ok {
		return f
	}
	f := t.p.font(v, &t.room)
	if shared {
		t.fonts[ref] = f
	}
	return f
}

// form paints content that pages share, such as a letterhead or a filled field.
func (t *pdfReader) form(resources pdfDict, name any, depth int) {
	n, _ := name.(pdfName)
	o := t.p.follow(t.p.dict(resources["XObject"])[n])
	d, _ := o.value.(pdfDict)
	t.painted = t.painted || d["Subtype"] == pdfName("Image")
	if d["Subtype"] != pdfName("Form") {
		return
	}
	if t.forms++; t.forms > maxForms || depth > 8 {
		t.p.partial = true
		return
	}
	if own := t.p.dict(d["Resources"]); own != nil {
		resources = own
	}
	t.paint(t.p.stream(o), resources, depth+1)
}
