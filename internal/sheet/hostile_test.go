package sheet

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// inside checks that nothing on any page leaves the measure or runs into the
// head or the foot.
func inside(t interface {
	Helper()
	Fatalf(string, ...any)
}, pages [][]mark) {
	t.Helper()
	const paperHeight = 841_890
	for i, page := range pages {
		for _, m := range page {
			var x, y, w, h length
			switch m := m.(type) {
			case words:
				x, y, w = m.x, m.y-m.size*7/10, m.measure(m.text)
				h = m.size
				if strings.ContainsAny(m.text, "\n\r") {
					t.Fatalf("page %d: two lines in one: %q", i+1, m.text)
				}
			case area:
				x, y, w, h = m.x, m.y, m.w, m.h
			case dots:
				side := length(len(m.rows)) * m.module
				x, y, w, h = m.x, m.y, side, side
			}
			lowest := length(footLine)
			if y >= footLine {
				lowest = paperHeight - 24*pt
			}
			if x < left || x+w > right || y < headLine-10*pt || y+h > lowest {
				t.Fatalf("page %d: %#v leaves its place: x %d to %d, y %d to %d", i+1, m, x, x+w, y, y+h)
			}
		}
	}
}

func hostileText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[0-9a-f]{0,200}`),
		rapid.StringMatching(`( {0,3}[a-zàèéìòùäöüß/_.-]{1,12}\n?){0,25}`),
		rapid.SampledFrom([]string{
			"", "\n\n\n", strings.Repeat("W", 10_000), strings.Repeat("parola ", 1_500), strings.Repeat(" ", 3_000),
			"\u202egnp.exe", "שלום עולם", "مرحبا", "\x00\x1b[31m", "\xff\xfe\xfd", "a\u0301\u0301\u0301\u0301", "🏗️🌉", "\ufeff\u2066x\u2069", strings.Repeat("\n", 300), "(\\)) Tj ET", strings.Repeat("—", 400),
		}),
	)
}

func hostileBlock() *rapid.Generator[Block] {
	text := hostileText()
	return rapid.Custom(func(t *rapid.T) Block {
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			return Heading(text.Draw(t, "heading"))
		case 1:
			return Paragraph(text.Draw(t, "paragraph"))
		case 2:
			f := make(Facts, rapid.IntRange(0, 4).Draw(t, "facts"))
			for i := range f {
				f[i] = Fact{text.Draw(t, "label"), text.Draw(t, "value"), rapid.Bool().Draw(t, "mono")}
			}
			return f
		case 3:
			table := Table{Columns: make([]Column, rapid.IntRange(0, mostColumns).Draw(t, "columns"))}
			for i := range table.Columns {
				table.Columns[i] = Column{text.Draw(t, "title"), rapid.IntRange(-1, 1000).Draw(t, "share"), rapid.Bool().Draw(t, "mono"), rapid.Bool().Draw(t, "right")}
			}
			for range rapid.IntRange(0, 3).Draw(t, "rows") {
				row := make([]string, len(table.Columns))
				for i := range row {
					row[i] = text.Draw(t, "cell")
				}
				table.Rows = append(table.Rows, row)
			}
			return table
		case 4:
			return Code(text.Draw(t, "code"))
		default:
			s := text.Draw(t, "qr")
			return QR("x" + s[:min(len(s), QRMost-1)])
		}
	})
}

func TestHostileText(t *testing.T) {
	text := hostileText()
	rapid.Check(t, func(t *rapid.T) {
		s := Sheet{
			Language: rapid.SampledFrom([]string{"it", "en", "de"}).Draw(t, "language"),
			Title:    text.Draw(t, "title"), Subtitle: text.Draw(t, "subtitle"), Issuer: text.Draw(t, "issuer"), Foot: text.Draw(t, "foot"),
			At:       time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), 0).In(time.FixedZone(text.Draw(t, "zone"), 3600)),
			Blocks:   rapid.SliceOfN(hostileBlock(), 0, 4).Draw(t, "blocks"),
			Attached: []Attached{{text.Draw(t, "name"), []byte(text.Draw(t, "bytes")), text.Draw(t, "media"), text.Draw(t, "description")}},
		}
		inside(t, compose(s))
		if err := Write(io.Discard, s); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzWrite(f *testing.F) {
	for _, s := range []string{"", "RICEVUTA – OFFERTA INVIATA", "\u202e\x00🌉", strings.Repeat("0123456789abcdef", 40)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := Sheet{
			Language: "it", Title: text, Subtitle: text, Issuer: text, Foot: text, At: time.Unix(1, 0).UTC(),
			Blocks: []Block{
				Heading(text), Paragraph(text), Facts{{text, text, false}, {text, text, true}}, Code(text), QR("x" + text[:min(len(text), QRMost-1)]),
				Table{[]Column{{text, 1, false, true}, {text, 1000, true, false}}, [][]string{{text, text}}},
			},
			Attached: []Attached{{text, []byte(text), text, text}},
		}
		inside(t, compose(s))
		if a, b := written(t, s), written(t, s); !bytes.Equal(a, b) {
			t.Fatal("the same statement gives other bytes")
		}
	})
}
