package sheet

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	"codeberg.org/go-pdf/fpdf"
)

func output(pdf *fpdf.Fpdf) ([]byte, error) {
	var b bytes.Buffer
	err := pdf.Output(&b)
	return b.Bytes(), err
}

// ending is how the writer closes a PDF: its information and its catalog are
// the last two objects.
var ending = regexp.MustCompile(`\nstartxref\n([0-9]+)\n%%EOF\n$`)

// document is a PDF whose last objects are still to be written.
type document struct {
	bytes.Buffer
	offsets []int // of object 1, 2, ...
}

// finish writes the information, the catalog and the attached files of a PDF
// anew. The writer at hand gives attached files no media type, dates no zone
// and the document no identifier, and cannot say that a file is another form of
// the statement.
func finish(drawn []byte, s Sheet) ([]byte, error) {
	d, err := reopen(drawn)
	if err != nil {
		return nil, err
	}
	stamp := s.At.UTC().Format("D:20060102150405Z")
	info := d.object(fmt.Sprintf("<< /Title %s /Subject %s /Author %s /Producer %s /CreationDate (%s) /ModDate (%s) >>",
		text(sans.line(s.Title)), text(sans.line(s.Subtitle)), text(sans.line(s.Issuer)), text("Sigillo"), stamp, stamp))
	var specs, tree strings.Builder
	for i, a := range s.Attached {
		spec := d.attach(a, stamp)
		fmt.Fprintf(&specs, "%d 0 R ", spec)
		fmt.Fprintf(&tree, "(%06d) %d 0 R ", i, spec)
	}
	catalog := d.object(fmt.Sprintf("<< /Type /Catalog /Version /1.7 /Pages 1 0 R /Lang (%s) /ViewerPreferences << /DisplayDocTitle true >> "+
		"/AF [ %s] /Names << /EmbeddedFiles << /Names [ %s] >> >> >>", s.Language, specs.String(), tree.String()))
	return d.close(info, catalog), nil
}

// reopen takes the last two objects and all that follows off a PDF.
func reopen(drawn []byte) (*document, error) {
	broken := errors.New("the PDF does not end as expected")
	m := ending.FindSubmatch(drawn)
	if m == nil {
		return nil, broken
	}
	table, err := strconv.Atoi(string(m[1]))
	if err != nil || table > len(drawn) {
		return nil, broken
	}
	d := &document{}
	lines := strings.Split(string(drawn[table:]), "\n")
	for _, line := range lines[3:] {
		offset, ok := strings.CutSuffix(line, " 00000 n ")
		if !ok {
			break
		}
		at, err := strconv.Atoi(offset)
		if err != nil {
			return nil, broken
		}
		d.offsets = append(d.offsets, at)
	}
	keep := len(d.offsets) - 2
	if keep < 1 || !bytes.Contains(drawn[d.offsets[keep+1]:table], []byte("/Type /Catalog\n/Pages 1 0 R")) {
		return nil, broken
	}
	d.Write(drawn[:d.offsets[keep]])
	d.offsets = d.offsets[:keep]
	return d, nil
}

// object writes an object and tells its number.
func (d *document) object(content string) int {
	d.offsets = append(d.offsets, d.Len())
	fmt.Fprintf(d, "%d 0 obj\n%s\nendobj\n", len(d.offsets), content)
	return len(d.offsets)
}

// attach writes a file and tells the number of the object that describes it.
func (d *document) attach(a Attached, stamp string) int {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	z.Write(a.Bytes) // a bytes.Buffer refuses nothing
	z.Close()
	file := d.object(fmt.Sprintf("<< /Type /EmbeddedFile /Subtype /%s /Filter /FlateDecode /Length %d /Params << /Size %d /ModDate (%s) >> >>\nstream\n%s\nendstream",
		name(a.Media), packed.Len(), len(a.Bytes), stamp, packed.Bytes()))
	as := text(strings.ToValidUTF8(a.Name, string(missing)))
	return d.object(fmt.Sprintf("<< /Type /Filespec /F %s /UF %s /Desc %s /AFRelationship /Alternative /EF << /F %d 0 R /UF %d 0 R >> >>",
		as, as, text(strings.ToValidUTF8(a.Description, string(missing))), file, file))
}

// close writes the table of objects. The identifier is a digest of what the
// file holds.
func (d *document) close(info, catalog int) []byte {
	id := sha256.Sum256(d.Bytes())
	at := d.Len()
	fmt.Fprintf(d, "xref\n0 %d\n0000000000 65535 f \n", len(d.offsets)+1)
	for _, offset := range d.offsets {
		fmt.Fprintf(d, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(d, "trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R /ID [<%x> <%x>] >>\nstartxref\n%d\n%%%%EOF\n",
		len(d.offsets)+1, catalog, info, id[:16], id[:16], at)
	return d.Bytes()
}

// text writes a text string: UTF-16 in hexadecimal, which needs no escapes.
func text(s string) string {
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, unit := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", unit)
	}
	b.WriteByte('>')
	return b.String()
}

// name writes a name, with what a name may not hold escaped.
func name(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == 0: // no name can hold it
		case c > ' ' && c < 0x7f && !strings.ContainsRune("#/%()<>[]{}", rune(c)):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "#%02X", c)
		}
	}
	return b.String()
}
