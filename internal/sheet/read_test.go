package sheet

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"
)

// streams unpacks every stream of a PDF, told apart by the object it is in: a
// reader of its own, which shares nothing with the writer.
func streams(t testing.TB, pdf []byte) (heads []string, contents [][]byte) {
	t.Helper()
	object := regexp.MustCompile(`(?s)\n[0-9]+ 0 obj\n(<<.*?)\nstream\n`)
	for at := 0; ; {
		m := object.FindSubmatchIndex(pdf[at:])
		if m == nil {
			return heads, contents
		}
		head, rest := string(pdf[at+m[2]:at+m[3]]), pdf[at+m[1]:]
		if i := strings.LastIndex(head, " 0 obj\n"); i >= 0 {
			head = head[i:]
		}
		if strings.Contains(head, "/FlateDecode") {
			z, err := zlib.NewReader(bytes.NewReader(rest))
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			heads, contents = append(heads, head), append(contents, content)
		}
		at += m[1] + bytes.Index(rest, []byte("endstream"))
	}
}

// shown is the text that a PDF shows, each piece on a line of its own.
func shown(t testing.TB, pdf []byte) string {
	t.Helper()
	piece := regexp.MustCompile(`(?s)\(((?:[^\\)]|\\.)*)\) Tj`)
	unescape := strings.NewReplacer(`\r`, "\r", `\(`, "(", `\)`, ")", `\\`, `\`)
	var b strings.Builder
	_, contents := streams(t, pdf)
	for _, content := range contents {
		for _, m := range piece.FindAllSubmatch(content, -1) {
			raw := []byte(unescape.Replace(string(m[1])))
			units := make([]uint16, len(raw)/2)
			for i := range units {
				units[i] = binary.BigEndian.Uint16(raw[2*i:])
			}
			b.WriteString(string(utf16.Decode(units)) + "\n")
		}
	}
	return b.String()
}

func written(t testing.TB, s Sheet) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
