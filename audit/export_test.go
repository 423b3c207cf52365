package audit

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

var header = Header{Origin: "test", Authority: "city", ProducedAt: noon}

// leaf is what one line of a test's export is made of.
type leaf struct {
	Record
	withheld string // reason, or empty
}

func export(t testing.TB, k pair, h Header, leaves ...leaf) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range leaves {
		if l.withheld != "" {
			err = w.Withheld(l.Leaf, l.withheld)
		} else {
			err = w.Entry(l.Record)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(k.signer); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t testing.TB, entries ...Entry) (all []leaf) {
	t.Helper()
	for _, e := range entries {
		all = append(all, leaf{Record: sealed(t, e)})
	}
	return all
}

// life is the first n acts on one object.
func life(t testing.TB, n int) []leaf {
	t.Helper()
	var all []Entry
	for i := range n {
		all = append(all, sample(i))
	}
	return open(t, all...)
}

func TestTheFormOfAnExportIsFixed(t *testing.T) {
	k := newPair(t, "test")
	r, err := sample(0).SealWith([32]byte{7})
	if err != nil {
		t.Fatal(err)
	}
	h := Header{Origin: "test", Authority: "city", Tender: "t", ProducedAt: noon.In(time.FixedZone("CET", 3600)), Sealed: []string{"u"}}
	lines := strings.SplitAfter(string(export(t, k, h, leaf{Record: r}, leaf{Record{Leaf: [32]byte{1}}, "sealed-tender"})), "\n")
	want := []string{
		`{"format":"sigillo-audit-export/1","origin":"test","produced_at":"2027-01-15T11:00:00.000000Z","scope":{"authority":"city","tender":"t"},"sealed":["u"]}`,
		`{"entry":` + string(r.Body) + `,"index":0,"leaf":"MW==","salt":"BwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`,
		`{"index":1,"leaf":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","withheld":"sealed-tender"}`,
	}
	want[1] = strings.Replace(want[1], "MW==", base64Of(r.Leaf), 1)
	for i, w := range want {
		if lines[i] != w+"\n" {
			t.Errorf("line %d is %s\nwant %s", i+1, lines[i], w)
		}
		if again, err := Canonical(rawJSON(w)); err != nil || string(again) != w {
			t.Errorf("line %d is not canonical", i+1)
		}
	}
	if len(lines) != 5 || !strings.HasPrefix(lines[3], `{"checkpoint":"test\n2\n`) || !strings.Contains(lines[3], `\nexport-header `) || lines[4] != "" {
		t.Fatalf("the end is %q", lines[3:])
	}
}

func TestWriterRefusesWhatWouldBreakTheFile(t *testing.T) {
	w, err := NewWriter(new(bytes.Buffer), header)
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"", "{", "{}\n", "{\r}", "{}{}", `{"a":"` + strings.Repeat("x", maxLine) + `"}`} {
		if w.Entry(Record{Body: []byte(body)}) == nil {
			t.Errorf("taken: %.20q", body)
		}
	}
	for _, reason := range []string{"", "A", "a b", `a"`, "-", "a-", strings.Repeat("a", 65)} {
		if w.Withheld([32]byte{}, reason) == nil {
			t.Errorf("taken: %q", reason)
		}
	}
	if w.tree.Size() != 0 {
		t.Error("what was refused counts")
	}
	if _, err := NewWriter(new(bytes.Buffer), Header{Authority: "\xff"}); err == nil {
		t.Error("a header that is not UTF-8")
	}
}
