package docs

import (
	"archive/zip"
	"bufio"
	"bytes"
	"html"
	"io"
	"path"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxAllText bounds the text taken from one file, in bytes.
const maxAllText = 4 << 20

// plainText reads text in UTF-8, UTF-16 that says so, or else Windows-1252.
func plainText(r io.Reader) (text string, whole bool) {
	b, err := io.ReadAll(io.LimitReader(r, maxAllText+1))
	whole = err == nil && len(b) <= maxAllText
	if after, ok := bytes.CutPrefix(b, []byte("\xfe\xff")); ok {
		return string(utf16BE(string(after))), whole
	}
	if after, ok := bytes.CutPrefix(b, []byte("\xff\xfe")); ok {
		units := make([]uint16, len(after)/2)
		for i := range units {
			units[i] = uint16(after[2*i]) | uint16(after[2*i+1])<<8
		}
		return string(utf16.Decode(units)), whole
	}
	if !whole { // the last letter may be in pieces
		for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
			if rest := b[len(b)-i:]; utf8.RuneStart(rest[0]) && !utf8.FullRune(rest) {
				b = b[:len(b)-i]
				break
			}
		}
	}
	if utf8.Valid(b) {
		return string(b), whole
	}
	var s strings.Builder
	for _, c := range b {
		s.WriteRune(windows1252(c))
	}
	return s.String(), whole
}

// markup reads XML in constant memory, whatever it is: the text between tags,
// and the tags, by their names without prefix and their attributes as written.
func markup(r io.Reader, text func(string), tag func(name, attributes string, closing bool)) error {
	b := bufio.NewReaderSize(r, 64<<10)
	inside := false
	for {
		stop := byte('<')
		if inside {
			stop = '>'
		}
		part, err := b.ReadSlice(stop)
		if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
			return err
		}
		found := err == nil
		if found {
			part = part[:len(part)-1]
		}
		switch {
		case !inside:
			text(html.UnescapeString(string(part)))
		case bytes.HasPrefix(part, []byte("![CDATA[")):
			text(strings.TrimSuffix(string(part[len("![CDATA["):]), "]]"))
		case found:
			s := string(part)
			name, attributes, _ := strings.Cut(strings.ReplaceAll(strings.Trim(s, "/"), "\n", " "), " ")
			if _, local, ok := strings.Cut(name, ":"); ok {
				name = local
			}
			tag(name, attributes, strings.HasPrefix(s, "/"))
			if strings.HasSuffix(s, "/") {
				tag(name, "", true)
			}
		}
		if found {
			inside = !inside
		}
		if err == io.EOF {
			return nil
		}
	}
}

// lines and words of the documents made of XML end with these.
var (
	endsLine = map[string]bool{"p": true, "h": true, "tr": true, "table-row": true, "row": true, "br": true, "line-break": true}
	endsWord = map[string]bool{"tab": true, "tc": true, "table-cell": true, "c": true, "s": true}
)

// document reads the text of a word processor's XML: a word may be in pieces.
func document(r io.Reader) (string, bool) {
	var s clipped
	err := markup(r, func(text string) { s.add(text) }, func(name, _ string, closing bool) {
		if closing && endsLine[name] {
			s.add("\n")
		} else if closing && endsWord[name] {
			s.add(" ")
		}
	})
	return s.String(), err == nil && !s.cut
}

// data reads the text of any other XML: no word is in pieces.
func data(r io.Reader) (string, bool) {
	var s clipped
	err := markup(r, func(text string) { s.add(text) }, func(_, attributes string, _ bool) {
		s.add(" ")
		if strings.Contains(attributes, `"EUR"`) {
			s.add("EUR ")
		}
	})
	return s.String(), err == nil && !s.cut
}

// clipped is text that is no longer than the limit.
type clipped struct {
	strings.Builder
	cut bool // something was left out
}

func (c *clipped) add(text string) {
	if c.Len()+len(text) > maxAllText {
		c.cut = true
		return
	}
	c.WriteString(text)
}

// sharedStrings reads the table of texts of a spreadsheet.
func sharedStrings(r io.Reader) (all []string, whole bool) {
	var s clipped
	size := 0
	err := markup(r, func(text string) { s.add(text) }, func(name, _ string, closing bool) {
		if name != "si" {
			return
		}
		if size += s.Len() + 16; closing && size < maxAllText {
			all = append(all, s.String())
		}
		s.Reset()
	})
	return all, err == nil && size < maxAllText
}

// sheet reads the cells of a spreadsheet, row by row. A number stands in its
// cell without its format: a whole one is given decimals, so that beside "prezzo
// offerto" it is taken for an amount.
func sheet(r io.Reader, shared []string) (string, bool) {
	var s, cell clipped
	kind := ""
	err := markup(r, func(text string) { cell.add(text) }, func(name, attributes string, closing bool) {
		switch {
		case name == "c" && !closing:
			cell.Reset()
			kind = attributes
		case (name == "v" || name == "is") && closing:
			text := strings.TrimSpace(cell.String())
			switch n, err := strconv.Atoi(text); {
			case strings.Contains(kind, `t="s"`):
				if err == nil && n >= 0 && n < len(shared) {
					s.add(shared[n])
				}
			case err == nil:
				s.add(text + ".00")
			default:
				s.add(text)
			}
			s.add(" ")
		case name == "f": // a formula is no text
			cell.Reset()
		case name == "row" && closing:
			s.add("\n")
		}
	})
	return s.String(), err == nil && !s.cut
}

// office reads the text of a document that is an archive.
func office(media string, size int64, r io.ReaderAt) (text string, whole bool) {
	z, err := zip.NewReader(&budget{r, maxDirectory}, size)
	if err != nil {
		return "", false
	}
	var s clipped
	whole = true
	with := func(f *zip.File, read func(io.Reader) (string, bool)) {
		m, err := f.Open()
		if err != nil {
			whole = false
			return
		}
		defer m.Close()
		limit := &io.LimitedReader{R: m, N: maxInflated}
		part, ok := read(limit)
		whole = whole && ok && limit.N > 0
		s.add(part)
		s.add("\n")
	}
	var shared []string
	for _, f := range z.File {
		if f.Name == "xl/sharedStrings.xml" {
			with(f, func(r io.Reader) (string, bool) {
				var ok bool
				shared, ok = sharedStrings(r)
				return "", ok
			})
		}
	}
	for i, f := range z.File {
		if i > 2000 || s.cut {
			return s.String(), false
		}
		dir, base := path.Split(f.Name)
		if path.Ext(base) != ".xml" {
			continue
		}
		switch {
		case dir == "xl/worksheets/":
			with(f, func(r io.Reader) (string, bool) { return sheet(r, shared) })
		case media == mediaDocx && dir == "word/" && !strings.Contains(base, "ettings") && base != "styles.xml",
			media == mediaPptx && dir == "ppt/slides/", strings.HasPrefix(media, mediaODF) && f.Name == "content.xml":
			with(f, document)
		}
	}
	return s.String(), whole && !s.cut
}
