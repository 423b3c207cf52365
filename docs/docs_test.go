package docs

import (
	"archive/zip"
	"bytes"
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

const goodPDF = "%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer <</Size 1>>\nstartxref\n9\n%%EOF\n"

func TestExamine(t *testing.T) {
	for _, c := range []struct{ what, name, body, want string }{
		{"good", "offerta.pdf", goodPDF, ""},
		{"INC-17 empty", "offerta.pdf", "", "empty-file"},
		{"zip named pdf", "offerta.pdf", string(archive(t, 10)), "not-what-it-says"},
		{"cut off", "offerta.pdf", goodPDF[:40], "truncated-pdf"},
		{"encrypted", "offerta.pdf", strings.Replace(goodPDF, "/Size 1", "/Size 1 /Encrypt 5 0 R", 1), "encrypted-pdf"},
		{"bomb", "tavole.zip", string(archive(t, 50<<20)), "archive-bomb"},
		{"half an archive", "tavole.zip", string(archive(t, 100)[:60]), "damaged-archive"},
		{"anything else", "note.txt", "ciao 👋 שלום", ""},
	} {
		if got := codes(Examine(c.name, int64(len(c.body)), strings.NewReader(c.body))); got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
}

func TestGoodNames(t *testing.T) {
	for name, want := range map[string]bool{
		"offerta tecnica.pdf": true, "offerta 🏗️.pdf": true, "عرض.pdf": true, "": false, "..": false, "a/b.pdf": false, `a\b.pdf`: false,
		"exe\u202Efdp.scr": false, "a\x00.pdf": false, "\xff.pdf": false, " a.pdf": false, strings.Repeat("a", 256): false,
	} {
		if GoodName(name) != want {
			t.Errorf("%q: want %v", name, want)
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
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		found := Examine(name, int64(len(body)), bytes.NewReader(body))
		if len(body) == 0 && codes(found) != "empty-file" {
			t.Fatal("an empty file must be told")
		}
	})
}
