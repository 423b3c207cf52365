package docs

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sigillo/internal/fault"
)

func codes(fs []Finding) string {
	var all []string
	for _, f := range fs {
		all = append(all, f.Code)
	}
	return strings.Join(all, ",")
}

func archive(t testing.TB, n int) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("zeros")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// names makes an archive of empty files.
func names(t testing.TB, flags uint16, all ...string) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range all {
		if _, err := z.CreateRaw(&zip.FileHeader{Name: name, Flags: flags}); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// many are n distinct names of the given length.
func many(n, length int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%0*d", length, i)
	}
	return all
}

const (
	cades = "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80"
	// made for the web: the last startxref points to the table at the front
	webPDF = "%PDF-1.7\nxref\n0 1\ntrailer <</Size 1 /Encrypt 5 0 R>>\nstartxref\n0\n%%EOF\n"
	// with a cross-reference stream
	streamPDF = "%PDF-1.7\n7 0 obj <</Type /XRef /Encrypt 5 0 R>> stream\n"
)

// far ends a PDF whose cross-references stand far from its end.
func far(front string) string {
	return front + strings.Repeat("x", 4096) + "\nstartxref\n9\n%%EOF\n"
}

const goodPDF = "%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer <</Size 1>>\nstartxref\n9\n%%EOF\n"

func TestExamine(t *testing.T) {
	for _, c := range []struct{ what, name, body, want string }{
		{"good", "offerta.pdf", goodPDF, ""},
		{"INC-17 empty", "offerta.pdf", "", "empty-file"},
		{"zip named pdf", "offerta.pdf", string(archive(t, 10)), "not-what-it-says"},
		{"cut off", "offerta.pdf", goodPDF[:40], "truncated-pdf"},
		{"encrypted", "offerta.pdf", strings.Replace(goodPDF, "/Size 1", "/Size 1 /Encrypt 5 0 R", 1), "encrypted-pdf"},
		{"encrypted, made for the web", "offerta.pdf", far(webPDF), "encrypted-pdf"},
		{"encrypted, by a stream", "offerta.pdf", far(streamPDF), "encrypted-pdf"},
		{"a stream that only speaks of it", "offerta.pdf", far("%PDF-1.7\n7 0 obj <</Type /XRef>> stream\n/Encrypt"), ""},
		{"not encrypted, made for the web", "offerta.pdf", far(strings.Replace(webPDF, "/Encrypt 5 0 R", "", 1)), ""},
		{"a pointer out of the file", "offerta.pdf", strings.Replace(goodPDF, "\n9\n", "\n99999999999999999999\n", 1), ""},
		{"a pointer just out of the file", "offerta.pdf", strings.Replace(goodPDF, "\n9\n", fmt.Sprintf("\n%d\n", len(goodPDF)+2), 1), ""},
		{"no pointer", "offerta.pdf", "%PDF-1.7\n%%EOF startxref", ""},
		{"stray bytes before", "offerta.pdf", "\r\n" + goodPDF, ""},
		{"CAdES", "offerta.pdf.p7m", cades, "signed-container"},
		{"INC-10 CAdES as text", "offerta.pdf.P7M", "MIAGCSqGSIb3DQEHAqCA", "signed-as-text"},
		{"INC-10 CAdES as PEM", "offerta.pdf.p7m", "-----BEGIN PKCS7-----\n", "signed-as-text"},
		{"a sequence that is no CAdES", "offerta.pdf.p7m", "\x30\x03\x02\x01\x01", "not-what-it-says"},
		{"PDF named p7m", "offerta.pdf.p7m", goodPDF, "not-what-it-says"},
		{"XML", "dgue.xml", "\ufeff<?xml version='1.0' encoding='ISO-8859-1'?><!-- \xe0 --><espd:Q xmlns:espd='urn:x'>", ""},
		{"XML in UTF-16", "dgue.xml", "\xff\xfe<\x00a\x00/\x00>\x00", ""},
		{"no XML", "dgue.xml", "ciao", "damaged-xml"},
		{"half XML", "dgue.xml", "<?xml version='1.0'?><espd:Q xmlns:es", "damaged-xml"},
		{"folders", "tavole.zip", names(t, 0, "tavole/", "tavole/1.pdf", `tavole\2.pdf`), ""},
		{"a way out", "tavole.zip", names(t, 0, "../../etc/passwd"), "archive-leads-astray"},
		{"another way out", "tavole.zip", names(t, 0, `..\x`), "archive-leads-astray"},
		{"locked", "tavole.zip", names(t, 1, "a.pdf"), "encrypted-archive"},
		{"most files allowed", "tavole.zip", names(t, 0, many(maxFiles, 5)...), ""},
		{"one file more", "tavole.zip", names(t, 0, many(maxFiles+1, 5)...), "archive-bomb"},
		{"a directory too long to read", "tavole.zip", names(t, 0, many(100, 60_000)...), "archive-bomb"},
		{"bomb", "tavole.zip", string(archive(t, 4<<20)), "archive-bomb"},
		{"half an archive", "tavole.zip", string(archive(t, 100)[:60]), "damaged-archive"},
		{"anything else", "note.txt", "ciao 👋 שלום", ""},
	} {
		if got := codes(Examine(c.name, int64(len(c.body)), strings.NewReader(c.body))); got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
}

func TestAT082ConfidentialNeedsAReason(t *testing.T) {
	d := Document{Hash: Hash{1}, Name: "a.pdf", Title: "A", Kind: Other, Size: 1, Confidential: true}
	if f := fault.Of(d.Check()); f == nil || len(f.Fields) != 1 || f.Fields[0].Pointer != "/reason" {
		t.Fatalf("got %v", f)
	}
	d.Reason = "segreto tecnico"
	if err := d.Check(); err != nil {
		t.Fatal(err)
	}
}

func TestADocumentIsDescribedProperly(t *testing.T) {
	good := Document{Hash: Hash{1}, Name: "a.pdf", Title: "Capitolato", Kind: TechnicalSpecifications, Size: 1, MediaType: "application/pdf", Language: "it"}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for pointer, spoil := range map[string]func(*Document){
		"/sha256":     func(d *Document) { d.Hash = Hash{} },
		"/name":       func(d *Document) { d.Name = "../a.pdf" },
		"/title":      func(d *Document) { d.Title = "Capi\ntolato" },
		"/kind":       func(d *Document) { d.Kind = "recipe" },
		"/size":       func(d *Document) { d.Size = 0 },
		"/media_type": func(d *Document) { d.MediaType = "text/html\r\nSet-Cookie: x" },
		"/language":   func(d *Document) { d.Language = "Italian, please" },
		"/reason":     func(d *Document) { d.Confidential, d.Reason = true, " " },
	} {
		d := good
		spoil(&d)
		if f := fault.Of(d.Check()); f == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Pointer != pointer {
			t.Errorf("%s: got %v", pointer, f)
		}
	}
	if f := fault.Of(Document{Confidential: true, MediaType: "/", Language: "-"}.Check()); f == nil || len(f.Fields) != 8 {
		t.Errorf("all faults are told at once: got %v", f)
	}
}

func TestHashesAreLowerCaseHex(t *testing.T) {
	good := strings.Repeat("0a", 32)
	if h, err := ParseHash(good); err != nil || h.String() != good {
		t.Fatal(h, err)
	}
	for _, bad := range []string{"", strings.ToUpper(good), good[1:], good + "0", "../../etc/passwd", strings.Repeat("zz", 32)} {
		if _, err := ParseHash(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func FuzzExamine(f *testing.F) {
	f.Add("a.pdf", []byte(goodPDF))
	f.Add("a.zip", archive(f, 100))
	f.Add("a.pdf", []byte(far(webPDF)))
	f.Add("a.pdf", []byte(far(streamPDF)))
	f.Add("a.p7m", []byte(cades))
	f.Add("a.xml", []byte("<?xml version='1.0'?><a b='c'>"))
	f.Add("a.docx", []byte(names(f, 1, "../x")))
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		found := Examine(name, int64(len(body)), bytes.NewReader(body))
		if len(body) == 0 && codes(found) != "empty-file" {
			t.Fatal("an empty file must be told")
		}
		for _, x := range found {
			if x.Code == "" || x.Text.IT == "" || x.Text.EN == "" {
				t.Fatalf("says nothing: %+v", x)
			}
		}
		Examine(name, int64(len(body))+1, bytes.NewReader(body)) // a file that shrinks while it is read
	})
}
