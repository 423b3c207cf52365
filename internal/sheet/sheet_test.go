package sheet

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSameStatementSameBytes(t *testing.T) {
	want := written(t, receipt())
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			var b bytes.Buffer
			if err := Write(&b, receipt()); err != nil || !bytes.Equal(b.Bytes(), want) {
				t.Errorf("written anew: error %v, equal %v", err, bytes.Equal(b.Bytes(), want))
			}
		})
	}
	all.Wait()
	other := receipt()
	other.Attached[0].Bytes = []byte(`{"numero":218}`)
	if bytes.Equal(written(t, other), want) {
		t.Error("another statement gives the same bytes")
	}
}

func TestAllTextCanBeFound(t *testing.T) {
	text := shown(t, written(t, receipt()))
	for _, want := range []string{
		"RICEVUTA – OFFERTA INVIATA", "Čadrg sull’Adige", "Costruzioni Dall’Ò & Figli S.r.l., Rovereto (TN)", "1.234.567,80 €",
		"19/11/2026, 11:15:03.482 CET", "19/11/2026, 11:15:04 CET", "B4F2A91C07", "A – Amministrativa ✓", "48.201.774", "Pagina 1 di 2", "Pagina 2 di 2",
		"— sigillo.example.it/registro Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the PDF", want)
		}
	}
	// The groups of a digest are pieces of their own that touch.
	if joined := strings.ReplaceAll(text, "\n", ""); !strings.Contains(joined, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08") {
		t.Error("the digest is not in the PDF")
	}
	if strings.ContainsRune(text, missing) {
		t.Error("a character of the receipt cannot be shown")
	}
}

func TestEveryLetterOfEuropeCanBeShown(t *testing.T) {
	const letters = "aàáâãäåāăąæ cçćĉċč dďđ eèéêëēĕėęě gğģ iìíîïıį lłľļ nñńňņ oòóôõöøőœ rŕř sśšşșß tťțþ uùúûüűůų yýÿ zźżž ẞ €£ – — ‘’“”„«»‹› … • · ✓ → × ≥ ≤ № § ° ª º ½ жщўґїђџ"
	for _, f := range faces {
		if got := f.clean(letters); got != letters {
			t.Errorf("%s: %q", f.family, got)
		}
	}
	if got, greek := sans.clean("αβγδεζηθικλμνξοπρςστυφχψω άέήίόύώ"), "αβγδεζηθικλμνξοπρςστυφχψω άέήίόύώ"; got != greek {
		t.Errorf("Greek: %q", got)
	}
}

func TestWhatCannotBeShownIsABox(t *testing.T) {
	for in, want := range map[string]string{
		"a\u202eb": "a□b", "x\x00y\ry": "x□y□y", "\xffz": "�z", "🌉": "□", "עב": "□□", "e\u0301": "é", "a\u200bb": "a□b", "1\t2\r\n3": "1 2\n3", "soft\u00adhyphen": "soft□hyphen",
	} {
		if got := sans.clean(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestLinesBreakWell(t *testing.T) {
	for _, c := range []struct {
		style style
		text  string
		width length
		want  string
	}{
		{cellMono, strings.Repeat("0123abcd", 4), 100 * pt, "0123abcd0123abcd|0123abcd0123abcd"},
		{body, "due parole", 40 * pt, "due|parole"},
		{body, "nome  doppio", 200 * pt, "nome  doppio"},
		{body, "relazione_tecnica.pdf", 60 * pt, "relazione_|tecnica.pdf"},
		{body, "uno\n\ndue", 200 * pt, "uno||due"},
		{body, "in fondo   ", 200 * pt, "in fondo"},
	} {
		if got := strings.Join(c.style.wrap(c.text, c.width), "|"); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
	if got := strings.Join(code.chop("a  b  c ", 3*code.measure("0")), "|"); got != "a  |b  |c " {
		t.Errorf("code: %q", got)
	}
}

func TestTableRepeatsItsHead(t *testing.T) {
	table := Table{Columns: []Column{{Title: "Lotto", Share: 1}, {Title: "Oggetto", Share: 4}}}
	for i := range 120 {
		table.Rows = append(table.Rows, []string{fmt.Sprint(i), "Fornitura"})
	}
	s := receipt()
	s.Language, s.Title, s.Blocks = "de", "BESTÄTIGUNG", []Block{table}
	pages := len(compose(s))
	text := shown(t, written(t, s))
	if n := strings.Count(text, "Oggetto\n"); pages < 3 || n != pages {
		t.Errorf("%d heads on %d pages", n, pages)
	}
	if n := strings.Count(text, "BESTÄTIGUNG\n"); n != pages {
		t.Errorf("%d titles on %d pages", n, pages)
	}
	if last := fmt.Sprintf("Seite %d von %d\n", pages, pages); !strings.Contains(text, last) || !strings.Contains(text, "MEZ") {
		t.Errorf("no %q, or no German zone", last)
	}
}

// A heading goes with what it heads, wherever the page ends.
func TestHeadingIsNeverLeftAlone(t *testing.T) {
	for _, next := range receipt().Blocks {
		for lines := range 45 {
			s := receipt()
			s.Blocks = []Block{Paragraph(strings.Repeat("riga\n", lines)), Heading("Sotto"), next}
			for i, page := range compose(s) {
				at := -1
				for j, m := range page {
					if w, ok := m.(words); ok && w.text == "Sotto" {
						at = j
					}
				}
				// The foot of a page is four marks: a rule, the number, two lines.
				if at >= 0 && at == len(page)-5 {
					t.Fatalf("%T after %d lines: alone on page %d", next, lines, i+1)
				}
			}
		}
	}
}

func TestAttachedFilesComeBack(t *testing.T) {
	s := receipt()
	s.Attached = append(s.Attached, Attached{Name: "così (2)\\.txt", Bytes: bytes.Repeat([]byte("endstream\n"), 900), Media: "text/plain; charset=utf-8", Description: "è"})
	pdf := written(t, s)
	heads, contents := streams(t, pdf)
	found := 0
	for i, head := range heads {
		for _, a := range s.Attached {
			if strings.Contains(head, "/EmbeddedFile /Subtype /"+name(a.Media)+" ") && bytes.Equal(contents[i], a.Bytes) {
				found++
			}
		}
	}
	if found != len(s.Attached) {
		t.Errorf("%d of %d files came back", found, len(s.Attached))
	}
	for _, want := range []string{"/Subtype /application#2Fjson", "/AFRelationship /Alternative", text("così (2)\\.txt"), "/Lang (it)", "/Title " + text(s.Title), "/CreationDate (D:20261119101504Z)"} {
		if !bytes.Contains(pdf, []byte(want)) {
			t.Errorf("no %s", want)
		}
	}
}

func TestWrongStatementsAreRefused(t *testing.T) {
	for want, change := range map[string]func(*Sheet){
		"language":      func(s *Sheet) { s.Language = "fr" },
		"no time":       func(s *Sheet) { s.At = time.Time{} },
		"is nil":        func(s *Sheet) { s.Blocks = []Block{nil} },
		"0 bytes":       func(s *Sheet) { s.Blocks = []Block{QR("")} },
		"601 bytes":     func(s *Sheet) { s.Blocks = []Block{QR(strings.Repeat("a", QRMost+1))} },
		"2 cells for 1": func(s *Sheet) { s.Blocks = []Block{Table{Columns: make([]Column, 1), Rows: [][]string{{"", ""}}}} },
		"11 columns":    func(s *Sheet) { s.Blocks = []Block{Table{Columns: make([]Column, 11)}} },
	} {
		s := receipt()
		change(&s)
		var b bytes.Buffer
		if err := Write(&b, s); err == nil || !strings.Contains(err.Error(), want) || b.Len() > 0 {
			t.Errorf("%s: error %v, %d bytes", want, err, b.Len())
		}
	}
}

func TestEmptyTableSaysSo(t *testing.T) {
	s := receipt()
	s.Blocks = []Block{Table{Columns: []Column{{Title: "Busta"}, {Title: "File"}}}, Table{}, Facts{}}
	if text := shown(t, written(t, s)); !strings.Contains(text, "Busta\n") || strings.Count(text, "–\n") != 1 {
		t.Errorf("got %s", text)
	}
}
