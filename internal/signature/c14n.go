package signature

import (
	"bufio"
	"encoding/xml"
	"io"
	"slices"
	"strings"
)

// canon is a way to write XML so that equal documents are equal bytes:
// Canonical XML 1.0 and 1.1, Exclusive XML Canonicalization 1.0. It is written
// as it is read: a document is never copied.
type canon struct {
	exclusive bool
	comments  bool
	latest    bool     // 1.1: xml:id and xml:base are not inherited
	prefixes  []string // that Exclusive treats as inclusive; "" is the default one
}

var canons = map[string]canon{
	"http://www.w3.org/TR/2001/REC-xml-c14n-20010315":              {},
	"http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments": {comments: true},
	"http://www.w3.org/2006/12/xml-c14n11":                         {latest: true},
	"http://www.w3.org/2006/12/xml-c14n11#WithComments":            {latest: true, comments: true},
	"http://www.w3.org/2001/10/xml-exc-c14n#":                      {exclusive: true},
	"http://www.w3.org/2001/10/xml-exc-c14n#WithComments":          {exclusive: true, comments: true},
}

// canonical writes a stretch in canonical form, leaving out what begins at the
// places given.
func (d *document) canonical(w io.Writer, e element, how canon, without []int) error {
	out := bufio.NewWriterSize(w, 16<<10)
	var shown []*scope // what each open element's output has declared
	skipping := 0
	rooted := false
	err := d.tokens(e, func(t xml.Token, in *scope, start, _, depth int) error {
		switch t := t.(type) {
		case xml.StartElement:
			if skipping > 0 || slices.Contains(without, start) {
				skipping++
				return nil
			}
			var above *scope
			if len(shown) > 0 {
				above = shown[len(shown)-1]
			}
			shown = append(shown, how.open(out, t, in, above, len(shown) == 0))
			rooted = true
		case xml.EndElement:
			if skipping > 0 {
				skipping--
				return nil
			}
			shown = shown[:len(shown)-1]
			out.WriteString("</" + qualifiedName(t.Name) + ">")
		case xml.CharData:
			if skipping == 0 {
				textEscape.WriteString(out, string(t))
			}
		case xml.Comment:
			if skipping == 0 && how.comments {
				beside(out, depth, rooted, "<!--"+string(t)+"-->")
			}
		case xml.ProcInst:
			if skipping == 0 && t.Target != "xml" {
				text := "<?" + t.Target
				if len(t.Inst) > 0 {
					text += " " + string(t.Inst)
				}
				beside(out, depth, rooted, text+"?>")
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// beside writes what may stand beside the root, where it takes a line of its own.
func beside(out *bufio.Writer, depth int, rooted bool, text string) {
	text = strings.ReplaceAll(text, "\r", "&#xD;")
	switch {
	case depth > 0:
		out.WriteString(text)
	case rooted:
		out.WriteString("\n" + text)
	default:
		out.WriteString(text + "\n")
	}
}

var (
	textEscape  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;")
	valueEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;")
)

func qualifiedName(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// open writes a start tag and returns the namespaces shown so far.
func (how canon) open(out *bufio.Writer, e xml.StartElement, in, above *scope, apex bool) *scope {
	attributes := make([]xml.Attr, 0, len(e.Attr))
	wanted := map[string]bool{} // prefixes to show when they are news
	for _, a := range e.Attr {
		prefix, ok := declared(a)
		if !ok {
			attributes = append(attributes, a)
			if a.Name.Space != "" {
				wanted[a.Name.Space] = wanted[a.Name.Space] || how.exclusive
			}
		} else if !how.exclusive {
			wanted[prefix] = true
		}
	}
	if how.exclusive {
		wanted[e.Name.Space] = true
		for _, p := range how.prefixes {
			wanted[p] = true
		}
	} else if apex {
		attributes = how.inherit(attributes, in, wanted)
	}
	prefixes := make([]string, 0, len(wanted))
	for p, want := range wanted {
		if uri := in.lookup(p); want && p != "xml" && uri != above.lookup(p) && (p == "" || uri != "") {
			prefixes = append(prefixes, p)
		}
	}
	slices.Sort(prefixes)
	out.WriteString("<" + qualifiedName(e.Name))
	for _, p := range prefixes {
		name := "xmlns"
		if p != "" {
			name += ":" + p
		}
		uri := in.lookup(p)
		writeAttribute(out, name, uri)
		above = above.bind(p, uri)
	}
	space := func(a xml.Attr) string {
		if a.Name.Space == "" {
			return ""
		}
		return in.lookup(a.Name.Space)
	}
	slices.SortFunc(attributes, func(a, b xml.Attr) int {
		if c := strings.Compare(space(a), space(b)); c != 0 {
			return c
		}
		return strings.Compare(a.Name.Local, b.Name.Local)
	})
	for _, a := range attributes {
		writeAttribute(out, qualifiedName(a.Name), a.Value)
	}
	out.WriteString(">")
	return above
}

// inherit gives the first element what is in force around it: all namespaces,
// and the xml: attributes of its ancestors.
func (how canon) inherit(attributes []xml.Attr, in *scope, wanted map[string]bool) []xml.Attr {
	seen := map[string]bool{}
	for _, a := range attributes {
		if a.Name.Space == "xml" {
			seen["xml:"+a.Name.Local] = true
		}
	}
	for s := in; s != nil; s = s.next {
		if seen[s.prefix] {
			continue
		}
		seen[s.prefix] = true
		local, isXML := strings.CutPrefix(s.prefix, "xml:")
		switch {
		case !isXML:
			wanted[s.prefix] = true
		case how.latest && (local == "id" || local == "base"):
		default:
			attributes = append(attributes, xml.Attr{Name: xml.Name{Space: "xml", Local: local}, Value: s.uri})
		}
	}
	return attributes
}

func writeAttribute(out *bufio.Writer, name, value string) {
	out.WriteString(" " + name + `="`)
	valueEscape.WriteString(out, value)
	out.WriteString(`"`)
}
