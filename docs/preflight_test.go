package docs

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"pgregory.net/rapid"

	"sigillo/internal/fault"
	"sigillo/internal/signature"
)

var today = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// preflight of bytes that go into an envelope.
func preflight(t testing.TB, name, envelope, body string) Verdict {
	t.Helper()
	v, err := Preflight(name, int64(len(body)), strings.NewReader(body), Place{Envelope: envelope}, nil, today)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// paper is a PDF of one line of text each page.
func paper(t testing.TB, prepare func(*fpdf.Fpdf), lines ...string) string {
	p := fpdf.New("P", "mm", "A4", "")
	p.SetFont("Helvetica", "", 12)
	if prepare != nil {
		prepare(p)
	}
	tr := p.UnicodeTranslatorFromDescriptor("")
	for _, line := range lines {
		p.AddPage()
		if prepare == nil {
			line = tr(line)
		}
		p.MultiCell(0, 6, line, "", "J", false)
	}
	var b bytes.Buffer
	if err := p.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// packed makes an archive of names and contents in turn.
func packed(t testing.TB, namesAndBodies ...string) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i+1 < len(namesAndBodies); i += 2 {
		w, err := z.Create(namesAndBodies[i])
		if err == nil {
			_, err = io.WriteString(w, namesAndBodies[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func deflated(s string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	io.WriteString(z, s)
	z.Close()
	return b.String()
}

// handmade is a PDF of the given objects, in their order, without a table of
// cross-references: nobody believes those.
func handmade(trailer string, objects ...string) string {
	var b strings.Builder
	b.WriteString("%PDF-1.7\n")
	for _, o := range objects {
		b.WriteString(o + "\nendobj\n")
	}
	return b.String() + "trailer <<" + trailer + ">>\nstartxref\n9\n%%EOF\n"
}

func stream(dict, body string) string {
	return fmt.Sprintf("<<%s /Length %d>> stream\n%s\nendstream", dict, len(body), body)
}

// one page that shows a content, with fonts.
func onePage(fonts, content string, more ...string) string {
	return handmade("/Root 1 0 R", append([]string{
		"1 0 obj <</Type /Catalog /Pages 2 0 R>>",
		"2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1 /Resources <</Font <<" + fonts + ">>>>>>",
		"3 0 obj <</Type /Page /Parent 2 0 R /Contents [4 0 R]>>",
		"4 0 obj " + content,
	}, more...)...)
}

const helvetica = "/F1 <</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>"

func TestPreflight(t *testing.T) {
	fine := paper(t, nil, "Relazione tecnica", "Seconda pagina")
	text := "BT /F1 12 Tf 72 700 Td (Relazione) Tj ET"
	bomb := strings.Repeat(" ", maxStream+100)
	for _, c := range []struct{ what, name, body, want string }{
		{"fine", "relazione.pdf", fine, ""},
		{"INC-17 empty", "relazione.pdf", "", "empty-file"},
		{"INC-17 of zeros only", "relazione.pdf", strings.Repeat("\x00", 4096), "not-what-it-says,text-not-scanned"},
		{"cut off", "relazione.pdf", fine[:len(fine)/2], "truncated-pdf,pdf-without-pages,text-not-scanned"},
		{"a version that was not finished", "relazione.pdf", fine + "99 0 obj\n<</Type /Annot", "truncated-pdf"},
		{"a version more", "relazione.pdf", fine + "99 0 obj\n<</Type /Annot>>\nendobj\nstartxref\n9\n%%EOF\n", ""},
		{"made for the web, cut off", "relazione.pdf", "%PDF-1.7\n9 0 obj <</Linearized 1 /L 90000>>\nendobj\n" + onePage(helvetica, stream("", text))[9:], "truncated-pdf"},
		{"no pages", "relazione.pdf", goodPDF, "pdf-without-pages,text-not-scanned"},
		{"encrypted", "relazione.pdf", paper(t, func(p *fpdf.Fpdf) { p.SetProtection(0, "a", "b") }, "x"), "encrypted-pdf,text-not-scanned"},
		{"encrypted, by a stream of cross-references", "relazione.pdf", strings.Replace(onePage(helvetica, stream("", text), "7 0 obj "+stream("/Type /XRef /Root 1 0 R /Encrypt 8 0 R", strings.Repeat("x", 9000))), "trailer", "", 1), "encrypted-pdf,text-not-scanned"},
		{"speaks of encryption", "relazione.pdf", onePage(helvetica, stream("", "BT (trailer <</Encrypt 1 0 R>>) Tj ET"), "5 0 obj "+stream("", strings.Repeat("x", 4096))), ""},
		{"INC-17 its text was overwritten", "relazione.pdf", onePage(helvetica, stream("/Filter /FlateDecode", strings.Repeat("\x00", 500))), "damaged-pdf,text-not-scanned"},
		{"INC-17 its middle was overwritten", "relazione.pdf", fine[:600] + strings.Repeat("\x00", 400) + fine[1000:], "pdf-without-pages,text-not-scanned"},
		{"INC-17 a hole in its text", "relazione.pdf", onePage(helvetica, stream("", text+strings.Repeat("\x00", 100))), "damaged-pdf,text-not-scanned"},
		{"INC-17 a font is damaged", "relazione.pdf", onePage(helvetica, stream("", text), "5 0 obj "+stream("/Filter /FlateDecode", deflated(text)[:20]+strings.Repeat("\x00", 30))), "damaged-pdf"},
		{"INC-17 a page is missing", "relazione.pdf", strings.Replace(onePage(helvetica, stream("", text)), "/Kids [3 0 R] /Count 1", "/Kids [3 0 R 9 0 R] /Count 2", 1), "damaged-pdf,text-not-scanned"},
		{"a bomb", "relazione.pdf", onePage(helvetica, stream("/Filter /FlateDecode", deflated(bomb))), "pdf-bomb,text-not-scanned"},
		{"a bomb in a bomb", "relazione.pdf", onePage(helvetica, stream("/Filter [/FlateDecode /FlateDecode]", deflated(deflated(bomb)))), "pdf-bomb,text-not-scanned"},
		{"a kind of stream we do not read", "relazione.pdf", onePage(helvetica, stream("/Filter /LZWDecode", "xyz")), "text-not-scanned"},
		{"a file attached", "relazione.pdf", strings.Replace(onePage(helvetica, stream("", text)), "/Type /Catalog", "/Type /Catalog /Names <</EmbeddedFiles <</Names [(a) 9 0 R]>>>>", 1), "text-not-scanned"},
		{"a form of one vendor's", "relazione.pdf", strings.Replace(fine, "/Type /Catalog", "/Type /Catalog /AcroForm <</XFA []>>", 1), "text-not-scanned"},
		{"a scan", "relazione.pdf", onePage("", stream("", "q BI /W 1 /H 1 ID x EI Q")), "text-not-scanned"},
		{"pages that go in circles", "relazione.pdf", strings.Replace(onePage(helvetica, stream("", text)), "/Kids [3 0 R]", "/Kids [2 0 R 3 0 R 3 0 R 1 0 R]", 1), ""},
		{"a form within itself", "relazione.pdf", onePage(helvetica, stream("", "/X Do"), "5 0 obj "+stream("/Subtype /Form /Resources <</XObject <</X 5 0 R>>>>", "/X Do /X Do")) + "", ""},
		{"encrypted archive", "tavole.zip", names(t, 1, "a.pdf"), "encrypted-archive,text-not-scanned"},
		{"encrypted PDF in an archive", "tavole.zip", packed(t, "a.pdf", paper(t, func(p *fpdf.Fpdf) { p.SetProtection(0, "a", "b") }, "x")), "encrypted-pdf,text-not-scanned"},
		{"archive bomb", "tavole.zip", string(archive(t, 4<<20)), "archive-bomb,text-not-scanned"},
		{"archive that lies of its size", "tavole.zip", lying(t), "damaged-archive,text-not-scanned"},
		{"INC-17 a file of the archive is damaged", "tavole.zip", strings.Replace(stored(t, "ciao, mondo"), "mondo", "MONDO", 1), "damaged-archive,text-not-scanned"},
		{"document with a password", "relazione.docx", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600) + "E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00", "encrypted-document,text-not-scanned"},
		{"old document named as a new one", "relazione.docx", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600), "not-what-it-says,text-not-scanned"},
		{"image", "foto.png", "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00", 100), "text-not-scanned"},
	} {
		if got := codes(preflight(t, c.name, "B", c.body).Findings); got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
}

// lying is an archive with a file that is longer than it says.
func lying(t testing.TB) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	body := deflated(strings.Repeat("x", 100_000))
	body = body[2 : len(body)-4]
	w, err := z.CreateRaw(&zip.FileHeader{Name: "a.txt", Method: zip.Deflate, CompressedSize64: uint64(len(body)), UncompressedSize64: 100})
	if err == nil {
		_, err = io.WriteString(w, body)
	}
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

func stored(t testing.TB, body string) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "a.txt", Method: zip.Store})
	if err == nil {
		_, err = io.WriteString(w, body)
	}
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTheTypeIsToldByContents(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"a.pdf", goodPDF, mediaPDF},
		{"a.bin", goodPDF, mediaPDF},
		{"a.zip", packed(t, "a.txt", "x"), mediaZip},
		{"a.docx", packed(t, "word/document.xml", "<w/>"), mediaDocx},
		{"a.xlsx", packed(t, "xl/workbook.xml", "<w/>"), mediaXlsx},
		{"a.odt", packed(t, "mimetype", mediaODF+"text", "content.xml", "<w/>"), mediaODF + "text"},
		{"a.asics", packed(t, "mimetype", mediaASiCS), mediaASiCS},
		{"a.zip", packed(t, "mimetype", "text/html"), mediaZip},
		{"a.pdf.p7m", cades, mediaCMS},
		{"a.pdf.p7m", "MIAGCSqGSIb3DQEHAqCA", mediaCMS},
		{"a.xml", "<a/>", mediaXML},
		{"a.csv", "a;b", mediaCSV},
		{"a.txt", "ciao", mediaText},
		{"a.jpg", "\xff\xd8\xff\xe0", "image/jpeg"},
		{"a.7z", "7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"},
		{"a", "\x01\x02\x03", "application/octet-stream"},
	} {
		if got := preflight(t, c.name, "C", c.body).MediaType; got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// checked is a preflight where signatures are as told.
func checked(t *testing.T, name, body string, p Place, listed bool, reports map[string]signature.Report) Verdict {
	t.Helper()
	c := check{place: p, listed: listed, examine: func(name string, _ int64, _ io.ReaderAt) (signature.Report, error) {
		return reports[name], nil
	}}
	v, err := c.all(name, int64(len(body)), &source{r: strings.NewReader(body), size: int64(len(body))})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSignaturesAreTold(t *testing.T) {
	rossi := signature.Signer{Name: "ROSSI MARIA\u202e\n", TaxCode: "RSSMRA80A41L378X", NotAfter: today, Sound: true, Trusted: true}
	unsound, unknown := rossi, rossi
	unsound.Sound, unsound.Trusted = false, false
	unknown.Trusted = false
	noted := unknown
	noted.Findings = []signature.Finding{{Code: "no-trust-list"}, {Code: "expired", Text: fault.Text{IT: "Scaduto.", EN: "Expired."}}}
	inside := func(s string, signers ...signature.Signer) signature.Report {
		return signature.Report{Format: signature.CAdES, Signers: signers, Inner: &signature.Inner{ReaderAt: strings.NewReader(s), Size: int64(len(s))}}
	}
	endless := inside(cades, rossi)
	endless.Inner.Name = "a.p7m"
	fine := paper(t, nil, "Relazione tecnica")
	signed := Place{Envelope: "B", Signed: true}
	for _, c := range []struct {
		what   string
		name   string
		body   string
		place  Place
		listed bool
		report map[string]signature.Report
		want   string
	}{
		{"nobody need sign", "a.pdf", fine, Place{Envelope: "B"}, true, nil, ""},
		{"nobody did", "a.pdf", fine, signed, true, nil, "not-signed"},
		{"one did", "a.pdf", fine, signed, true, map[string]signature.Report{"a.pdf": {Signers: []signature.Signer{rossi}}}, "signed-by"},
		{"no list", "a.pdf", fine, signed, false, map[string]signature.Report{"a.pdf": {Signers: []signature.Signer{unknown}}}, "signed-by,signature-not-checked-against-list"},
		{"not on the list", "a.pdf", fine, signed, true, map[string]signature.Report{"a.pdf": {Signers: []signature.Signer{unknown}}}, "signed-by,signer-not-trusted"},
		{"not sound", "a.pdf", fine, signed, true, map[string]signature.Report{"a.pdf": {Signers: []signature.Signer{unsound}}}, "signed-by,signature-not-sound"},
		{"what is said of a signer", "a.pdf", fine, signed, false, map[string]signature.Report{"a.pdf": {Findings: []signature.Finding{{Code: "nested"}}, Signers: []signature.Signer{noted}}}, "nested,signed-by,expired,signature-not-checked-against-list"},
		{"container", "a.pdf.p7m", cades, signed, true, map[string]signature.Report{"a.pdf.p7m": inside(fine, rossi)}, "signed-by"},
		{"container that does not open", "a.pdf.p7m", cades, signed, true, nil, "signed-container,not-signed,text-not-scanned"},
		{"INC-17 nothing in the container", "a.pdf.p7m", cades, signed, true, map[string]signature.Report{"a.pdf.p7m": inside("", rossi)}, "signed-by,empty-file"},
		{"half a PDF in the container", "a.pdf.p7m", cades, signed, true, map[string]signature.Report{"a.pdf.p7m": inside(fine[:len(fine)/2], rossi)}, "signed-by,truncated-pdf,pdf-without-pages,text-not-scanned"},
		{"container in a container", "a.pdf.p7m.p7m", cades, signed, true, map[string]signature.Report{"a.pdf.p7m.p7m": inside(cades), "a.pdf.p7m": inside(fine, rossi)}, "signed-by"},
		{"AT-026 price in the container", "a.txt.p7m", cades, signed, true, map[string]signature.Report{"a.txt.p7m": inside("Prezzo offerto: € 1.234,00", rossi)}, "signed-by,price-in-envelope"},
		{"containers without end", "a.p7m", cades, signed, true, map[string]signature.Report{"a.p7m": endless}, "signed-by,signed-container,text-not-scanned"},
		{"AT-026 price in a container in an archive", "a.zip", packed(t, "b.txt.p7m", cades), Place{Envelope: "A"}, true, map[string]signature.Report{"b.txt.p7m": inside("Offro il prezzo di euro 12.000,00")}, "price-in-envelope"},
	} {
		v := checked(t, c.name, c.body, c.place, c.listed, c.report)
		if got := codes(v.Findings); got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
		for _, f := range v.Findings {
			if f.Code == "signed-by" && (f.Severity != Info || f.Text.IT != "Firmato da ROSSI MARIA (codice fiscale RSSMRA80A41L378X), certificato valido fino al 23/11/2026.") {
				t.Errorf("%s: got %s %q", c.what, f.Severity, f.Text.IT)
			}
			if f.Code == "nested" && f.Severity != Info || f.Code == "expired" && f.Severity != Warning {
				t.Errorf("%s: %s is %s", c.what, f.Code, f.Severity)
			}
			if strings.HasPrefix(f.Code, "not-signed") && f.Severity != Warning {
				t.Errorf("%s: the verdict informs, it excludes nobody", c.what)
			}
		}
	}
}

// broken is a disk that fails.
type broken struct{ from int64 }

var errDisk = errors.New("the disk is broken")

func (b broken) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > b.from {
		return 0, errDisk
	}
	return copy(p, strings.Repeat(" ", len(p))), nil
}

func TestTheErrorIsThatOfTheReader(t *testing.T) {
	for _, from := range []int64{0, 2000} {
		if v, err := Preflight("a.txt", 10_000, broken{from}, Place{Envelope: "A"}, nil, today); !errors.Is(err, errDisk) || len(v.Findings) > 0 {
			t.Errorf("got %v, %v", v, err)
		}
	}
	fine := paper(t, nil, "x")
	v, err := Preflight("a.pdf", int64(len(fine))+5000, strings.NewReader(fine), Place{Envelope: "A"}, nil, today)
	if err != nil || !v.Blocking() || !strings.Contains(codes(v.Findings), "unreadable") {
		t.Errorf("a file that shrank: got %v, %v", v, err)
	}
}

// TestINC17TruncatedIsNeverFine: whatever is missing from its end.
func TestINC17TruncatedIsNeverFine(t *testing.T) {
	whole := map[string]string{
		"plain":   paper(t, nil, "Relazione tecnica", "Seconda pagina", "Terza"),
		"updated": paper(t, nil, "Relazione") + "99 0 obj\n<</Type /Annot>>\nendobj\nstartxref\n9\n%%EOF\n",
		"packed":  packedPDF(),
	}
	for kind, body := range whole {
		if v := preflight(t, "a.pdf", "C", body); len(v.Findings) > 0 {
			t.Fatalf("%s: %v", kind, v.Findings)
		}
		first := strings.Index(body, "%%EOF") + len("%%EOF")
		last := strings.LastIndex(body, "%%EOF")
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.IntRange(1, last+len("%%EO")).Draw(t, "n")
			if n >= first && !strings.Contains(body[first:n], " obj") {
				t.Skip("still whole: the version before")
			}
			v, err := Preflight("a.pdf", int64(n), strings.NewReader(body[:n]), Place{Envelope: "C"}, nil, today)
			if err != nil || !v.Blocking() {
				t.Fatalf("%s, %d bytes: %v, %v", kind, n, v.Findings, err)
			}
		})
	}
}

// packedPDF has its objects in a stream, as most programs write since 2005.
func packedPDF() string {
	first := []string{"<</Type /Catalog /Pages 2 0 R>>", "<</Type /Pages /Kids [3 0 R] /Count 1>>", "<</Type /Page /Parent 2 0 R /Contents 4 0 R /Resources <</Font <<" + helvetica + ">>>>>>"}
	var index, body string
	for i, o := range first {
		index += fmt.Sprintf("%d %d ", i+1, len(body))
		body += o + " "
	}
	return strings.Replace(handmade("",
		"4 0 obj "+stream("/Filter /FlateDecode", deflated("BT /F1 12 Tf 72 700 Td (Offerta economica) Tj ET")),
		"5 0 obj "+stream(fmt.Sprintf("/Type /ObjStm /N 3 /First %d /Filter /FlateDecode", len(index)), deflated(index+body)),
		"6 0 obj "+stream("/Type /XRef /Root 1 0 R", "xxxxxx")), "trailer <<>>", "", 1)
}

func TestPagesAreCounted(t *testing.T) {
	for want, body := range map[int]string{3: paper(t, nil, "a", "b", "c"), 1: packedPDF(), 0: "ciao"} {
		if got := preflight(t, "a", "C", body).Pages; got != want {
			t.Errorf("got %d pages, want %d", got, want)
		}
	}
}

// trueType is a font with letters of many scripts, from fpdf's own examples.
func trueType(t testing.TB) string {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "codeberg.org/go-pdf/fpdf").Output()
	if err != nil {
		t.Skip(err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), "font")
}

func TestAT026EmbeddedFontsAreRead(t *testing.T) {
	dir := trueType(t)
	body := paper(t, func(p *fpdf.Fpdf) {
		p.SetFontLocation(dir)
		p.AddUTF8Font("dejavu", "", "DejaVuSansCondensed.ttf")
		p.SetFont("dejavu", "", 12)
	}, "Relazione", "Però si offre un ribasso percentuale del 12,345 %")
	v := preflight(t, "relazione.pdf", "B", body)
	if codes(v.Findings) != "price-in-envelope" || !v.Blocking() || !strings.Contains(v.Findings[0].Text.IT, "pagina 2") {
		t.Errorf("got %v", v.Findings)
	}
}

func TestPDFValues(t *testing.T) {
	for text, want := range map[string]any{
		"% comment\r\n /A#20B": pdfName("A B"), "/A#": pdfName("A#"), "/": pdfName(""),
		"12": pdfNumber(12000), "-.5": pdfNumber(-500), "+1.23456": pdfNumber(1234), "4.": pdfNumber(4000), "--3": pdfNumber(-3000),
		"99999999999999999999999": pdfNumber(999_999_999_999_999_000), "12 0 R": pdfRef(12), "12 0 Rx": pdfNumber(12000), "1.5 0 R": pdfNumber(1500),
		`(a(b)\)\n\101\7x)`: pdfString("a(b))\nA\ax"), "(a\\\r\nb)": pdfString("ab"), "(\\q)": pdfString("q"),
		"<41 4>": pdfString("A@"), "<4z1>": pdfString("A"), "true": pdfWord("true"), "]": pdfWord("]"),
		"(a": nil, "<41": nil, "[1": nil, "<</A": nil, "": nil, "(\\": nil, strings.Repeat("[", 100) + strings.Repeat("]", 100): nil,
	} {
		got, ok := (&pdfLexer{b: []byte(text)}).value()
		if got != want || ok != (want != nil) {
			t.Errorf("%q: got %v %t, want %v", text, got, ok, want)
		}
	}
}

func FuzzPreflight(f *testing.F) {
	f.Add("offerta.pdf", []byte(paper(f, nil, "Prezzo offerto: € 12.345,67")))
	f.Add("a.pdf", []byte(packedPDF()))
	f.Add("a.pdf", []byte(onePage(helvetica, stream("", "BT /F1 12 Tf [(a) -300 (b)] TJ T* (\\050) ' ET q 1 0 0 1 0 0 cm BI ID x EI Q /X Do"))))
	f.Add("a.pdf", []byte(onePage("/F1 <</Subtype /Type0 /ToUnicode 5 0 R /DescendantFonts [<</W [1 [500] 2 9 600]>>]>>", stream("", "BT /F1 1 Tf <00010002> Tj"), "5 0 obj "+stream("", cmap))))
	f.Add("a.docx", []byte(packed(f, "word/document.xml", "<w:p>Prezzo offerto</w:p>")))
	f.Add("a.xlsx", []byte(packed(f, "xl/workbook.xml", "", "xl/sharedStrings.xml", "<si>x</si>", "xl/worksheets/a.xml", `<row><c t="s"><v>0</v></c><c><v>9</v></c></row>`)))
	f.Add("a.zip", []byte(packed(f, "lotto 2/a.p7m", cades, "b.csv", "ribasso;12%")))
	f.Add("a.xml", []byte("\xff\xfe<\x00a\x00/\x00>\x00"))
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		v, err := Preflight(name, int64(len(body)), bytes.NewReader(body), Place{Envelope: "A", Signed: true}, nil, today)
		if err != nil {
			t.Fatal(err)
		}
		if len(body) == 0 && !v.Blocking() {
			t.Fatal("an empty file must be told")
		}
		for _, x := range v.Findings {
			if x.Code == "" || x.Text.IT == "" || x.Text.EN == "" || strings.Contains(x.Text.IT, "%!") {
				t.Fatalf("says nothing: %+v", x)
			}
		}
		LotHint(name)
	})
}
