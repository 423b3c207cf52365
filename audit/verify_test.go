package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"
)

func base64Of(b [32]byte) string       { return base64.StdEncoding.EncodeToString(b[:]) }
func rawJSON(s string) json.RawMessage { return json.RawMessage(s) }

func verify(t testing.TB, keys note.Verifiers, file []byte) *Report {
	t.Helper()
	r, err := Verify(bytes.NewReader(file), keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// forgetful verifies remembering no more than 7 ids and objects: what is found
// must be the same.
func forgetful(t testing.TB, keys note.Verifiers, file []byte) *Report {
	t.Helper()
	v := newVerifier(keys)
	v.most = 7
	r, err := v.verify(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if again := verify(t, keys, file); !reflect.DeepEqual(again, r) {
		t.Fatalf("remembering little: %+v\nremembering all: %+v", r, again)
	}
	return r
}

func codes(problems []Problem) (all []string) {
	for _, p := range problems {
		if p.Text.IT == "" || p.Text.EN == "" || p.Text.IT == p.Text.EN {
			panic("a problem without its two texts: " + p.Code)
		}
		all = append(all, p.Code)
	}
	return all
}

func linesOf(file []byte) [][]byte {
	return bytes.Split(bytes.TrimSuffix(file, []byte("\n")), []byte("\n"))
}

func joined(lines [][]byte) []byte { return append(bytes.Join(lines, []byte("\n")), '\n') }

func TestAnIntactExportVerifies(t *testing.T) {
	k := newPair(t, "test")
	h := header
	h.Tender = "t"
	file := export(t, k, h, life(t, 10)...)
	r := verify(t, k.keys, file)
	if !r.OK() || r.Size != 10 || r.Withheld != 0 || len(r.Warnings) != 0 || r.Origin != "test" || r.Authority != "city" || r.Tender != "t" ||
		!r.First.Equal(noon) || !r.Last.Equal(noon.Add(9*time.Second)) {
		t.Fatalf("%+v", r)
	}
	var tree Tree
	for _, l := range linesOf(file)[1:11] {
		_, record, _ := oneLine(l)
		tree.Add(record.Leaf)
	}
	if r.Root != tree.Root() {
		t.Fatal("another root")
	}
	if r := verify(t, k.keys, export(t, k, header)); !r.OK() || r.Size != 0 || r.Root != sha256.Sum256(nil) {
		t.Fatalf("an empty one: %+v", r)
	}
	// A reader that gives a byte at a time gives the same.
	if r, err := Verify(iotest.OneByteReader(bytes.NewReader(file)), k.keys); err != nil || !r.OK() {
		t.Fatal(r, err)
	}
	if _, err := Verify(io.MultiReader(bytes.NewReader(file[:99]), iotest.ErrReader(errors.New("disk"))), k.keys); err == nil {
		t.Fatal("a file that cannot be read is not an intact one")
	}
}

// relabel is what a forger does who knows the format: after a change every
// index, leaf and (where asked) Before is made right again. Only the signature
// is out of reach.
func relabel(t testing.TB, lines [][]byte, mendHistory bool) []byte {
	t.Helper()
	lines = slices.Clone(lines)
	var last *State
	for i := 1; i < len(lines)-1; i++ {
		_, r, ok := oneLine(lines[i])
		if !ok {
			t.Fatalf("not a line: %s", lines[i])
		}
		if mendHistory {
			e, err := Open(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			e.ID, e.Before, e.Object = id(1000+i), last, Object{Type: "tender", ID: "t", Version: i}
			last = e.After
			if r, err = e.SealWith(r.Salt); err != nil {
				t.Fatal(err)
			}
		}
		r.Leaf = Leaf(r.Salt, r.Body)
		lines[i] = entryLine(uint64(i-1), r)
	}
	return joined(lines)
}

func TestAT088TamperMatrix(t *testing.T) {
	k := newPair(t, "test")
	file := export(t, k, header, life(t, 10)...)
	lines := func() [][]byte { return linesOf(bytes.Clone(file)) }
	edit := func(l [][]byte, i int) [][]byte {
		l[i] = bytes.Replace(l[i], []byte(`"edit-tender"`), []byte(`"edit-tendex"`), 1)
		return l
	}
	swap := func(l [][]byte, i, j int) [][]byte { l[i], l[j] = l[j], l[i]; return l }
	foreign := entryLine(4, sealed(t, Entry{V: 1, ID: id(77), At: noon, Actor: Actor{Kind: "clock", ID: "clock"}, Action: "x",
		Object: Object{Type: "other", ID: "o"}, After: state("x")}))
	for _, c := range []struct {
		what   string
		lines  [][]byte
		naive  []string // what a clumsy forgery is found by
		index  int64    // and the entry it is pinned on
		smart  string   // what a careful one is found by, when history shows it
		smooth string   // and when history was rewritten too
	}{
		{"an entry changed", edit(lines(), 5), []string{"changed-entry"}, 4, "wrong-root", "wrong-root"},
		{"the first changed", edit(lines(), 1), []string{"changed-entry"}, 0, "wrong-root", "wrong-root"},
		{"an entry dropped", slices.Delete(lines(), 5, 6), []string{"broken-history", "missing-entry", "wrong-size"}, 4, "wrong-size", "wrong-size"},
		{"three dropped", slices.Delete(lines(), 5, 8), []string{"broken-history", "missing-entry", "wrong-size"}, 4, "wrong-size", "wrong-size"},
		{"the first dropped", slices.Delete(lines(), 1, 2), []string{"broken-history", "missing-entry", "wrong-size"}, 0, "wrong-size", "wrong-size"},
		{"the last dropped", slices.Delete(lines(), 10, 11), []string{"wrong-size"}, -1, "wrong-size", "wrong-size"},
		{"an entry added", slices.Insert(lines(), 5, foreign), []string{"added-entry", "wrong-size"}, 4, "wrong-size", "wrong-size"},
		{"an entry doubled", slices.Insert(lines(), 5, lines()[5]), []string{"added-entry", "duplicate-entry", "broken-history", "wrong-size"}, 4, "wrong-size", "wrong-size"},
		{"two swapped", swap(lines(), 3, 4), []string{"broken-history", "moved-entry", "wrong-root"}, 2, "wrong-root", "wrong-root"},
		{"two far apart swapped", swap(lines(), 2, 9), []string{"moved-entry", "wrong-root"}, 1, "wrong-root", "wrong-root"},
		{"one dropped, another added", slices.Insert(slices.Delete(lines(), 8, 9), 5, foreign), []string{"added-entry", "missing-entry", "wrong-root"}, 4, "wrong-root", "wrong-root"},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := forgetful(t, k.keys, joined(c.lines))
			got := codes(r.Problems)
			for _, code := range c.naive {
				if !slices.Contains(got, code) {
					t.Errorf("clumsily: %v lacks %s", got, code)
				}
			}
			if c.index >= 0 && !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Index == c.index && p.Line > 1 }) {
				t.Errorf("not pinned on entry %d: %+v", c.index, r.Problems)
			}
			if got := codes(forgetful(t, k.keys, relabel(t, c.lines, false)).Problems); !slices.Contains(got, c.smart) {
				t.Errorf("carefully: %v", got)
			}
			// With history rewritten as well, the signed root alone gives it away.
			if got := codes(forgetful(t, k.keys, relabel(t, c.lines, true)).Problems); !slices.Equal(got, []string{c.smooth}) {
				t.Errorf("smoothly: %v", got)
			}
		})
	}
}

func TestAT088TamperMatrixOfTheRest(t *testing.T) {
	k, other := newPair(t, "test"), newPair(t, "test")
	all := life(t, 10)
	all[6].withheld = "sealed-tender"
	file := export(t, k, header, all...)
	if r := verify(t, k.keys, file); !r.OK() || r.Withheld != 1 || r.Size != 10 {
		t.Fatalf("%+v", r)
	}
	lines := linesOf(file)
	swapIn := func(old, new string) []byte {
		if !bytes.Contains(file, []byte(old)) {
			t.Fatalf("no %s", old)
		}
		return bytes.Replace(file, []byte(old), []byte(new), 1)
	}
	with := func(i int, line []byte) []byte {
		l := slices.Clone(lines)
		l[i] = line
		return joined(l)
	}
	bent := func(line []byte, field string) []byte { // changes the first letter of a base64 field
		at := bytes.Index(line, []byte(`"`+field+`":"`)) + len(field) + 4
		line = bytes.Clone(line)
		line[at] = map[bool]byte{true: 'B', false: 'A'}[line[at] == 'A']
		return line
	}
	hidden := all[2].Leaf
	for what, c := range map[string]struct {
		file []byte
		want []string // exactly, in the order of lines
		line int      // of the first problem
	}{
		"salt changed":          {with(3, bent(lines[3], "salt")), []string{"changed-entry"}, 4},
		"leaf changed":          {with(3, bent(lines[3], "leaf")), []string{"changed-entry", "wrong-root"}, 4},
		"withheld leaf changed": {with(7, bent(lines[7], "leaf")), []string{"changed-withheld", "wrong-root"}, 12},
		"withheld reason":       {swapIn("sealed-tender", "sealed-tendex"), []string{"changed-withheld"}, 12},
		"an entry hidden":       {with(3, withheldLine(2, hidden, "gdpr")), []string{"changed-withheld"}, 12},
		"space in the line":     {swapIn(`,"index":3`, `, "index":3`), []string{"not-canonical"}, 5},
		"space in the entry":    {swapIn(`"actor":{`, `"actor": {`), []string{"changed-entry", "not-canonical"}, 2},
		"line end of Windows":   {swapIn("\n", "\r\n"), []string{"bad-header", "changed-header"}, 1},
		"index with zero":       {swapIn(`"index":3`, `"index":03`), []string{"bad-line", "missing-entry", "wrong-size"}, 5},
		"unknown field":         {swapIn(`,"index":3`, `,"extra":1,"index":3`), []string{"unknown-field"}, 5},
		"unknown entry field":   {swapIn(`"v":1}`, `"v":1,"w":1}`), []string{"changed-entry", "unknown-field"}, 2},
		"empty line":            {swapIn("\n", "\n\n"), []string{"bad-line"}, 2},
		"authority renamed":     {swapIn(`"authority":"city"`, `"authority":"town"`), []string{"changed-header"}, 12},
		"origin renamed":        {swapIn(`"origin":"test"`, `"origin":"tess"`), []string{"changed-header"}, 12},
		"date changed":          {swapIn(`"produced_at":"2027`, `"produced_at":"2028`), []string{"changed-header"}, 12},
		"unknown header field":  {swapIn(`"origin"`, `"news":1,"origin"`), []string{"bad-header", "changed-header"}, 1},
		"no header":             {joined(lines[1:]), []string{"bad-header", "missing-entry", "broken-history", "changed-header", "wrong-size"}, 1},
		"no checkpoint":         {joined(lines[:11]), []string{"no-checkpoint"}, 11},
		"nothing":               {nil, []string{"no-checkpoint"}, 0},
		"last line without end": {file[:len(file)-1], []string{"cut-line", "no-checkpoint"}, 12},
		"cut in a line":         {file[:len(file)-900], []string{"cut-line", "no-checkpoint"}, 10},
		"a line after the end":  {append(bytes.Clone(file), "{}\n"...), []string{"after-the-end"}, 13},
		"bytes after the end":   {append(bytes.Clone(file), 'x'), []string{"after-the-end"}, 13},
		"an empty line at last": {append(bytes.Clone(file), '\n'), []string{"after-the-end"}, 13},
		"endless after the end": {append(bytes.Clone(file), bytes.Repeat([]byte("x"), 2*maxLine)...), []string{"after-the-end"}, 13},
		"a line too long":       {with(3, bytes.Repeat([]byte("x"), 3*maxLine)), []string{"line-too-long", "missing-entry", "wrong-size"}, 4},
		"signature changed":     {with(11, bytes.Replace(lines[11], []byte(`\n10\n`), []byte(`\n11\n`), 1)), []string{"bad-signature"}, 12},
		"checkpoint malformed":  {with(11, []byte(`{"checkpoint":"x"}`)), []string{"bad-checkpoint"}, 12},
		"checkpoint with more":  {with(11, append(bytes.TrimSuffix(lines[11], []byte("}")), `,"z":1}`...)), []string{"bad-checkpoint"}, 12},
		"another key":           {export(t, other, header, all...), []string{"wrong-key"}, 12},
	} {
		t.Run(what, func(t *testing.T) {
			r := verify(t, k.keys, c.file)
			got := codes(r.Problems)
			slices.Sort(c.want)
			first := 0
			if len(r.Problems) > 0 {
				first = r.Problems[0].Line
			}
			if slices.Sort(got); !slices.Equal(got, c.want) || first != c.line {
				t.Errorf("got %v at line %d, want %v at %d", got, first, c.want, c.line)
			}
		})
	}
	// A checkpoint of the same key for another use does not close an export.
	bare, err := SignCheckpoint("test", 10, verify(t, k.keys, file).Root, k.signer)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Canonical(trailer{bare})
	if err != nil {
		t.Fatal(err)
	}
	if got := codes(verify(t, k.keys, with(11, text)).Problems); !slices.Equal(got, []string{"bad-checkpoint"}) {
		t.Errorf("a bare checkpoint: %v", got)
	}
}

// What the operator signs can still contradict itself.
func TestHistoryIsFollowedThroughWhatTheOperatorSigned(t *testing.T) {
	k := newPair(t, "test")
	hide := func(l leaf) leaf { return leaf{l.Record, "sealed-tender"} }
	l := life(t, 4)
	ofSealed := header
	ofSealed.Sealed = []string{"t"}
	older, ended, named := sample(1), sample(1), sample(9)
	older.Object.Version = 0
	ended.After = nil
	named.Before, named.After, named.Object.Version = nil, nil, 1
	also := sample(9)
	also.Object, also.Before, also.After = Object{Type: "other", ID: "o"}, nil, state("x")
	also.Also = []Change{{Object: Object{Type: "tender", ID: "t", Version: 2}, Before: state("s0"), After: state("s1")}}
	for _, c := range []struct {
		what   string
		header Header
		leaves []leaf
		want   []string
	}{
		{"the whole life", header, l, nil},
		{"the same entry again", header, []leaf{l[0], l[0]}, []string{"duplicate-entry"}},
		{"a hole", header, []leaf{l[0], l[2]}, []string{"broken-history"}},
		{"the beginning left out", header, l[1:], []string{"broken-history"}},
		{"a hole that is withheld", header, []leaf{l[0], hide(l[1]), l[2]}, nil},
		{"the beginning withheld", header, []leaf{hide(l[0]), l[1]}, nil},
		{"withheld before, hole after", header, []leaf{hide(l[3]), l[0], l[2]}, []string{"broken-history"}},
		{"a tender still sealed", ofSealed, []leaf{l[0], l[2]}, nil},
		{"its beginning", ofSealed, l[2:], nil},
		{"a version that goes back", header, append(open(t, sample(0)), open(t, older)...), []string{"broken-history"}},
		{"an act after the end", header, []leaf{l[0], open(t, ended)[0], l[2]}, []string{"broken-history"}},
		{"an act that only names", header, []leaf{l[0], open(t, named)[0], l[1]}, nil},
		{"an act that also changes", header, []leaf{l[0], open(t, also)[0], l[2]}, nil},
		{"also a hole", header, []leaf{l[0], l[1], open(t, also)[0]}, []string{"broken-history"}},
	} {
		if got := codes(forgetful(t, k.keys, export(t, k, c.header, c.leaves...)).Problems); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
	r := verify(t, k.keys, export(t, k, header, l[0], l[2]))
	if p := r.Problems[0]; p.Line != 3 || p.Index != 1 || p.Entry != id(2) || !strings.Contains(p.Text.EN, "tender t") || !strings.Contains(p.Text.IT, "tender t") {
		t.Errorf("the object is not named: %+v", p)
	}
	bad := leaf{Record: Record{Body: []byte(`{"v":2}`)}}
	bad.Leaf = Leaf(bad.Salt, bad.Body)
	if got := codes(verify(t, k.keys, export(t, k, header, bad)).Problems); !slices.Equal(got, []string{"bad-entry"}) {
		t.Errorf("a malformed entry, signed: %v", got)
	}
}

func TestAClockThatGoesBackIsAWarning(t *testing.T) {
	k := newPair(t, "test")
	back := sample(1)
	back.At = noon.Add(-time.Hour)
	r := verify(t, k.keys, export(t, k, header, open(t, sample(0), back, sample(2))...))
	if !r.OK() || !slices.Equal(codes(r.Warnings), []string{"clock-went-back"}) || r.Warnings[0].Entry != id(1) || !r.First.Equal(back.At) || !r.Last.Equal(sample(2).At) {
		t.Fatalf("%+v", r)
	}
}

func TestAFileWrongThroughoutIsReadToItsEnd(t *testing.T) {
	k := newPair(t, "test")
	file := export(t, k, header)
	lines := linesOf(file)
	for range 2 * maxProblems {
		lines = slices.Insert(lines, 1, []byte("x"))
	}
	r := verify(t, k.keys, joined(lines))
	if len(r.Problems) != maxProblems || r.Unlisted != maxProblems || slices.Contains(codes(r.Problems), "no-checkpoint") {
		t.Fatal(len(r.Problems), r.Unlisted)
	}
}

func TestEveryBitOfAnExportCounts(t *testing.T) {
	k := newPair(t, "test")
	l := life(t, 2)
	l = append(l, leaf{Record{Leaf: [32]byte{3}}, "gdpr"})
	file := export(t, k, header, l...)
	for i := range file {
		for bit := range 8 {
			file[i] ^= 1 << bit
			if verify(t, k.keys, file).OK() {
				t.Errorf("bit %d of byte %d does not count: %s", bit, i, file[max(0, i-20):i+1])
			}
			file[i] ^= 1 << bit
		}
	}
}

func TestEveryByteOfAnExportCounts(t *testing.T) {
	k := newPair(t, "test")
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		w, err := NewWriter(&b, header)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rapid.IntRange(0, 6).Draw(t, "entries") {
			e := anyEntry(t)
			e.ID, e.Object.ID, e.Before, e.Also = id(i), id(i), nil, nil
			r, err := e.Seal()
			if err == nil && rapid.Bool().Draw(t, "withheld") {
				err = w.Withheld(r.Leaf, "gdpr")
			} else if err == nil {
				err = w.Entry(r)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(k.signer); err != nil {
			t.Fatal(err)
		}
		if r, err := Verify(&b, k.keys); err != nil || !r.OK() {
			t.Fatalf("not intact: %+v", r)
		}
	})
	file := export(t, k, header, life(t, 10)...)
	rapid.Check(t, func(t *rapid.T) {
		bent := bytes.Clone(file)
		i := rapid.IntRange(0, len(file)-1).Draw(t, "byte")
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			bent[i] += rapid.ByteRange(1, 255).Draw(t, "by")
		case 1:
			bent = slices.Delete(bent, i, i+1)
		case 2:
			bent = slices.Insert(bent, i, rapid.Byte().Draw(t, "new"))
		}
		if r, err := Verify(bytes.NewReader(bent), k.keys); err == nil && r.OK() {
			t.Fatalf("byte %d of %d does not count", i, len(file))
		}
	})
}

func FuzzVerify(f *testing.F) {
	k := newPair(f, "test")
	l := life(f, 3)
	l[1].withheld = "gdpr"
	file := export(f, k, header, l...)
	f.Add(file)
	f.Add([]byte("{}\n"))
	f.Add(joined(linesOf(file)[1:]))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r := verify(t, k.keys, text); r.OK() && !bytes.Equal(text, file) {
			t.Fatal("a file nobody signed verifies")
		}
	})
}

func BenchmarkVerifyAgainstPlainSHA256(b *testing.B) {
	k := newPair(b, "test")
	file := export(b, k, header, life(b, 2000)...)
	plain, verified := time.Duration(0), time.Duration(0)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		began := time.Now()
		sha256.Sum256(file)
		middle := time.Now()
		if r, err := Verify(bytes.NewReader(file), k.keys); err != nil || !r.OK() {
			b.Fatal("not intact")
		}
		plain, verified = plain+middle.Sub(began), verified+time.Since(middle)
	}
	b.ReportMetric(verified.Seconds()/plain.Seconds(), "verify/sha256")
}

// TestMemoryDoesNotGrowWithTheExport: what lives after ten times as many
// entries is what lived before.
func TestMemoryDoesNotGrowWithTheExport(t *testing.T) {
	k := newPair(t, "test")
	lives := func(n int) uint64 {
		file := export(t, k, header, life(t, n)...)
		v := newVerifier(k.keys)
		v.most = 500
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r, err := v.verify(bytes.NewReader(file))
		if err != nil || !r.OK() {
			t.Fatal(err, r)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(v)
		runtime.KeepAlive(file)
		return after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)
	}
	small, large := lives(2_000), lives(20_000)
	if large > small+1<<20 {
		t.Errorf("%d bytes live after 2,000 entries, %d after 20,000", small, large)
	}
}
