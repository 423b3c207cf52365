package signature

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds on XML, which is held in memory.
const (
	maxXML   = 32 << 20  // bytes of a file
	maxWork  = 512 << 20 // work in all, to find, canonicalise and hash: see effort
	maxDepth = 200       // elements one inside another
	maxScope = 100       // namespaces in scope
	maxAttrs = 300       // attributes of one element
	maxNodes = 20_000    // elements of one signature
)

const (
	nsDSig = "http://www.w3.org/2000/09/xmldsig#"
	nsETSI = "http://uri.etsi.org/01903/" // whatever the version
)

var errXML = errors.New("not well-formed, or beyond what is read")

// scope is the namespaces in force at a place, the innermost first. Inherited
// xml: attributes are kept along, under prefixes like "xml:lang" that no
// namespace can have.
type scope struct {
	prefix, uri string
	next        *scope
	depth       int
}

func (s *scope) bind(prefix, uri string) *scope {
	depth := 1
	if s != nil {
		depth += s.depth
	}
	return &scope{prefix, uri, s, depth}
}

func (s *scope) lookup(prefix string) string {
	if prefix == "xml" {
		return "http://www.w3.org/XML/1998/namespace"
	}
	for ; s != nil; s = s.next {
		if s.prefix == prefix {
			return s.uri
		}
	}
	return ""
}

// declared is the prefix that an attribute declares, if it is a declaration.
func declared(a xml.Attr) (string, bool) {
	if a.Name.Space == "xmlns" {
		return a.Name.Local, true
	}
	return "", a.Name.Space == "" && a.Name.Local == "xmlns"
}

// enter is the scope inside an element.
func (s *scope) enter(e xml.StartElement) (*scope, error) {
	for _, a := range e.Attr {
		if prefix, ok := declared(a); ok {
			if prefix == "xmlns" || prefix != "" && a.Value == "" {
				return nil, errXML
			}
			if prefix != "xml" {
				s = s.bind(prefix, a.Value)
			}
		} else if a.Name.Space == "xml" {
			s = s.bind("xml:"+a.Name.Local, a.Value)
		}
	}
	if s != nil && s.depth > maxScope {
		return nil, errXML
	}
	return s, nil
}

// element is a stretch of a document: one element, or all of it.
type element struct {
	name       xml.Name // with the namespace, not the prefix
	start, end int
	outer      *scope // in force around it
	whole      bool   // the document, with what is around its root
}

// document is an XML file in memory, in UTF-8.
type document struct {
	text       []byte
	root       element
	signatures []element // those inside no other
	work       *int64    // that may still be done
}

// isXML tells from its beginning whether a file may be XML.
func isXML(b []byte) bool {
	b = bytes.TrimLeft(bytes.TrimPrefix(b, byteOrderMark), " \t\r\n")
	return len(b) > 1 && b[0] == '<' && (b[1] == '?' || b[1] == '!' || b[1] == '_' || b[1]|0x20 >= 'a' && b[1]|0x20 <= 'z')
}

var (
	byteOrderMark = []byte("\xEF\xBB\xBF")
	encodingForm  = regexp.MustCompile(`^<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)
)

// readDocument takes a file's bytes, which it may change.
func readDocument(b []byte, work *int64) (*document, error) {
	b = bytes.TrimPrefix(b, byteOrderMark)
	if m := encodingForm.FindSubmatch(b[:min(len(b), 256)]); m != nil {
		switch strings.ToLower(string(m[1])) {
		case "utf-8", "us-ascii":
		case "iso-8859-1":
			b = latin1(b)
		default:
			return nil, errXML
		}
	}
	d := &document{text: spaced(b), work: work}
	if err := d.walk(d.all(), func(e element, _ xml.StartElement, depth int) {
		if depth == 1 {
			d.root = e
		}
		if e.name == (xml.Name{Space: nsDSig, Local: "Signature"}) { // told of after those inside it
			d.signatures = slices.DeleteFunc(d.signatures, func(in element) bool { return in.start > e.start })
			d.signatures = append(d.signatures, e)
		}
	}); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *document) all() element { return element{end: len(d.text), whole: true} }

// latin1 turns ISO 8859-1 into UTF-8.
func latin1(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/8)
	for _, x := range b {
		out = utf8.AppendRune(out, rune(x))
	}
	return out
}

// spaced turns white space inside attribute values into blanks, as XML asks of
// a parser (XML 1.0, 3.3.3) and encoding/xml does not.
func spaced(b []byte) []byte {
	out := b[:0]
	through := func(i int, end string) int {
		if k := bytes.Index(b[i:], []byte(end)); k >= 0 {
			return i + k + len(end)
		}
		return len(b)
	}
	for i := 0; i < len(b); {
		rest, from := b[i:], i
		switch {
		case rest[0] != '<':
			if k := bytes.IndexByte(rest, '<'); k >= 0 {
				i += k
			} else {
				i = len(b)
			}
		case bytes.HasPrefix(rest, []byte("<!--")):
			i = through(i, "-->")
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			i = through(i, "]]>")
		case bytes.HasPrefix(rest, []byte("<?")):
			i = through(i, "?>")
		default:
			quote := byte(0)
			for ; i < len(b); i++ {
				c := b[i]
				switch {
				case quote == 0 && (c == '"' || c == '\''):
					quote = c
				case quote != 0 && c == quote:
					quote = 0
				case quote != 0 && (c == '\t' || c == '\n' || c == '\r'):
					if c == '\r' && i+1 < len(b) && b[i+1] == '\n' {
						i++
					}
					c = ' '
				}
				out = append(out, c)
				if quote == 0 && c == '>' {
					i++
					break
				}
			}
			continue
		}
		out = append(out, b[from:i]...)
	}
	return out
}

// tokens calls visit with the tokens of a stretch, their place and where the
// next begins. Names keep their prefixes; nesting and declarations are checked.
func (d *document) tokens(e element, visit func(t xml.Token, in *scope, start, end, depth int) error) error {
	if *d.work -= int64(e.end - e.start); *d.work < 0 {
		return errTooMuch
	}
	dec := xml.NewDecoder(bytes.NewReader(d.text[e.start:e.end]))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	type level struct {
		name xml.Name
		in   *scope
	}
	var open []level
	in := e.outer
	roots := 0
	for {
		start := e.start + int(dec.InputOffset())
		t, err := dec.RawToken()
		if err == io.EOF {
			if len(open) > 0 || roots != 1 {
				return errXML
			}
			return nil
		}
		if err != nil {
			return errXML
		}
		end := e.start + int(dec.InputOffset())
		switch t := t.(type) {
		case xml.StartElement:
			if len(open) == 0 {
				roots++
			}
			if *d.work -= effort(t, in); *d.work < 0 {
				return errTooMuch
			}
			open = append(open, level{t.Name, in})
			if in, err = in.enter(t); err != nil || len(open) > maxDepth || !proper(t, in) {
				return errXML
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1].name != t.Name {
				return errXML
			}
		case xml.CharData:
			if len(open) == 0 {
				if len(bytes.TrimSpace(t)) > 0 {
					return errXML
				}
				continue
			}
		case xml.Directive:
			return errXML // a DTD could change what is read
		case xml.ProcInst:
			if t.Target == "xml" && start > 0 {
				return errXML
			}
		}
		if err := visit(t, in, start, end, len(open)); err != nil {
			return err
		}
		if _, ends := t.(xml.EndElement); ends {
			in = open[len(open)-1].in
			open = open[:len(open)-1]
		}
	}
}

// effort is how much an element costs beyond its bytes, in bytes that cost as
// much: every prefix is looked for among the namespaces in scope.
func effort(e xml.StartElement, in *scope) int64 {
	depth := 1
	if in != nil {
		depth += in.depth
	}
	return 32 + int64(len(e.Attr))*int64(16+depth)
}

// proper tells whether an element's names are declared and its attributes differ.
func proper(e xml.StartElement, in *scope) bool {
	named := func(n xml.Name) bool {
		return n.Local != "" && !strings.Contains(n.Local, ":") && (n.Space == "" || in.lookup(n.Space) != "")
	}
	if !named(e.Name) || e.Name.Space == "xmlns" || len(e.Attr) > maxAttrs {
		return false
	}
	if len(e.Attr) == 0 {
		return true
	}
	seen := make(map[xml.Name]bool, len(e.Attr))
	for _, a := range e.Attr {
		key := a.Name
		if prefix, ok := declared(a); ok {
			key = xml.Name{Space: "xmlns", Local: prefix}
		} else {
			if !named(a.Name) {
				return false
			}
			if a.Name.Space != "" {
				key.Space = in.lookup(a.Name.Space)
			}
		}
		if seen[key] {
			return false
		}
		seen[key] = true
	}
	return true
}

// walk calls visit with every element of a stretch, once its end is known.
func (d *document) walk(e element, visit func(e element, t xml.StartElement, depth int)) error {
	type level struct {
		e element
		t xml.StartElement
	}
	var open []level
	outer := e.outer
	return d.tokens(e, func(t xml.Token, in *scope, start, end, depth int) error {
		switch t := t.(type) {
		case xml.StartElement:
			name := xml.Name{Space: in.lookup(t.Name.Space), Local: t.Name.Local}
			open = append(open, level{element{name: name, start: start, outer: outer}, t})
			outer = in
		case xml.EndElement:
			last := open[len(open)-1]
			open = open[:len(open)-1]
			last.e.end = end
			outer = last.e.outer
			visit(last.e, last.t, depth)
		}
		return nil
	})
}

// named finds the one element that carries an Id. Two of them would let a
// reader take one and a verifier the other.
func (d *document) named(id string) (element, error) {
	var found []element
	if err := d.walk(d.all(), func(e element, t xml.StartElement, _ int) {
		for _, a := range t.Attr {
			if strings.EqualFold(a.Name.Local, "id") && (a.Name.Space == "" || a.Name.Space == "xml") && a.Value == id {
				found = append(found, e)
				return
			}
		}
	}); err != nil {
		return element{}, err
	}
	if len(found) != 1 {
		return element{}, errNoReference
	}
	return found[0], nil
}

var errNoReference = errors.New("no such data, or ambiguous")
