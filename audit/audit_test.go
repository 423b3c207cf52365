package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

var at = time.Date(2027, 1, 15, 11, 0, 0, 123456000, time.UTC)

func state(s string) *State {
	sum := sha256.Sum256([]byte(s))
	return &State{State: s, Hash: hex.EncodeToString(sum[:])}
}

func sample(i int) Entry {
	e := Entry{V: 1, ID: fmt.Sprintf("e%d", i), At: at.Add(time.Duration(i) * time.Second), Tenant: "city", Tender: "t",
		Actor:  Actor{Kind: "person", ID: "p", For: "city", Powers: []string{"rup"}},
		Action: "edit-tender", Object: Object{Type: "tender", ID: "t", Version: i + 1}, After: state(fmt.Sprint("s", i)), Data: map[string]string{"k": "è <&>"}}
	if i > 0 {
		e.Before = state(fmt.Sprint("s", i-1))
	}
	return e
}

func TestTheBytesOfAnEntryAreFixed(t *testing.T) {
	var salt [32]byte
	salt[0] = 7
	r, err := sample(0).sealWith(salt)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"action":"edit-tender","actor":{"for":"city","id":"p","kind":"person","powers":["rup"]},"after":{"hash":"` + state("s0").Hash +
		`","state":"s0"},"at":"2027-01-15T11:00:00.123456Z","data":{"k":"è <&>"},"id":"e0","object":{"id":"t","type":"tender","version":1},"tenant":"city","tender":"t","v":1}`
	if string(r.Body) != want {
		t.Fatalf("got  %s\nwant %s", r.Body, want)
	}
	if sum := sha256.Sum256(append(append([]byte{0}, salt[:]...), want...)); sum != r.Leaf {
		t.Fatal("the leaf is not SHA-256(0x00 || salt || body)")
	}
	if tlog.RecordHash(append(salt[:], want...)) != tlog.Hash(r.Leaf) {
		t.Fatal("the leaf is not that of RFC 6962")
	}
}

func TestOpenTakesCanonicalBytesOnly(t *testing.T) {
	r, err := sample(1).Seal()
	if err != nil {
		t.Fatal(err)
	}
	if e, err := Open(r.Body); err != nil || e.ID != "e1" {
		t.Fatal(err)
	}
	for _, bad := range []string{" " + string(r.Body), strings.Replace(string(r.Body), `"v":1`, `"v":1,"w":2`, 1), strings.Replace(string(r.Body), `"v":1`, `"v":2`, 1),
		strings.Replace(string(r.Body), `:1}`, `:1.0}`, 1), string(r.Body) + "x", "", "{}", "null"} {
		if _, err := Open([]byte(bad)); err == nil {
			t.Errorf("taken: %s", bad)
		}
	}
}

func TestCanonicalRefusesWhatOthersWouldReadDifferently(t *testing.T) {
	for _, v := range []any{1.5, 1e300, uint64(1 << 60), []any{0.1}, map[string]any{"a": map[string]any{"b": 2.5}}} {
		if text, err := Canonical(v); err == nil {
			t.Errorf("%v became %s", v, text)
		}
	}
	if text, err := Canonical(map[string]any{"b": 1, "a": "<é>"}); err != nil || string(text) != `{"a":"<é>","b":1}` {
		t.Fatal(string(text), err)
	}
}

func TestTreeAgreesWithAnIndependentImplementation(t *testing.T) {
	if got := hex.EncodeToString(func() []byte { r := new(Tree).Root(); return r[:] }()); got != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Fatal("the root of nothing is off")
	}
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(index []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range index {
			out = append(out, hashes[i])
		}
		return out, nil
	})
	var tree Tree
	for n := range int64(130) {
		data := []byte(fmt.Sprint(n))
		stored, err := tlog.StoredHashes(n, data, reader)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, stored...)
		tree.Add([32]byte(tlog.RecordHash(data)))
		want, err := tlog.TreeHash(n+1, reader)
		if err != nil || tree.Root() != [32]byte(want) || tree.Size() != uint64(n+1) {
			t.Fatalf("at %d leaves: %v", n+1, err)
		}
	}
}

// exporter makes exports and knows their keys.
type exporter struct {
	signer note.Signer
	keys   note.Verifiers
}

func newExporter(t testing.TB) exporter {
	private, public, err := GenerateKey("test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return exporter{signer, note.VerifierList(verifier)}
}

func (x exporter) export(t testing.TB, entries ...Entry) []byte {
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{Origin: "test", Authority: "city", ProducedAt: at})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		r, err := e.Seal()
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Entry(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(x.signer); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func ten(t testing.TB, x exporter) []byte {
	var all []Entry
	for i := range 10 {
		all = append(all, sample(i))
	}
	return x.export(t, all...)
}

func codes(r *Report) []string {
	var all []string
	for _, p := range r.Problems {
		all = append(all, p.Code)
	}
	return all
}

func TestThePublicKeyFollowsFromThePrivateOne(t *testing.T) {
	private, public, err := GenerateKey("registro")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := PublicKey(private); err != nil || got != public {
		t.Fatal(got, err)
	}
	for _, bad := range []string{"", public, private[:len(private)-4], "PRIVATE+KEY+a+b+!!"} {
		if _, err := PublicKey(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func verify(t testing.TB, x exporter, file []byte) *Report {
	r, err := Verify(bytes.NewReader(file), x.keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnIntactExportVerifies(t *testing.T) {
	x := newExporter(t)
	r := verify(t, x, ten(t, x))
	if !r.OK() || r.Size != 10 || len(r.Warnings) != 0 || !r.First.Equal(at) || r.Authority != "city" {
		t.Fatalf("%+v", r)
	}
	if r := verify(t, x, x.export(t)); !r.OK() || r.Size != 0 {
		t.Fatalf("an empty one: %+v", r)
	}
}

// relabel is what a forger does who knows the format: after a change every
// index, salt and leaf is made right again. Only the signature is out of reach.
func relabel(t testing.TB, lines [][]byte) []byte {
	var out bytes.Buffer
	for i, text := range lines {
		if i > 0 && i < len(lines)-1 {
			var l line
			if err := json.Unmarshal(text, &l); err != nil {
				t.Fatal(err)
			}
			var salt [32]byte
			decode(l.Salt, &salt)
			leaf := Leaf(salt, l.Entry)
			l.Index, l.Leaf = uint64(i-1), base64.StdEncoding.EncodeToString(leaf[:])
			text, _ = Canonical(l)
		}
		out.Write(text)
		out.WriteByte('\n')
	}
	return out.Bytes()
}

func TestAT088TamperMatrix(t *testing.T) {
	x := newExporter(t)
	lines := func() [][]byte { return bytes.Split(bytes.TrimSuffix(ten(t, x), []byte("\n")), []byte("\n")) }
	swap := func(l [][]byte, i, j int) [][]byte { l[i], l[j] = l[j], l[i]; return l }
	edit := func(l [][]byte, i int) [][]byte {
		l[i] = bytes.Replace(l[i], []byte(`"edit-tender"`), []byte(`"edit-tendex"`), 1)
		return l
	}
	insert := func(l [][]byte) [][]byte {
		r, _ := sample(3).Seal()
		enc := base64.StdEncoding.EncodeToString
		text, _ := Canonical(line{3, enc(r.Leaf[:]), enc(r.Salt[:]), r.Body})
		return slices.Insert(l, 4, text)
	}
	other := newExporter(t)
	for _, c := range []struct {
		what  string
		lines [][]byte
		naive string // code a clumsy forgery is found by
		smart string // code a careful one is found by
	}{
		{"an entry changed", edit(lines(), 5), "changed-entry", "wrong-root"},
		{"an entry dropped", slices.Delete(lines(), 5, 6), "out-of-sequence", "wrong-size"},
		{"the first dropped", slices.Delete(lines(), 1, 2), "out-of-sequence", "wrong-size"},
		{"the last dropped", slices.Delete(lines(), 10, 11), "wrong-size", "wrong-size"},
		{"an entry added", insert(lines()), "out-of-sequence", "wrong-size"},
		{"two swapped", swap(lines(), 3, 4), "out-of-sequence", "wrong-root"},
		{"one changed and one dropped", slices.Delete(edit(lines(), 2), 5, 6), "changed-entry", "wrong-size"},
	} {
		if got := codes(verify(t, x, append(bytes.Join(c.lines, []byte("\n")), '\n'))); !slices.Contains(got, c.naive) {
			t.Errorf("%s, clumsily: %v", c.what, got)
		}
		smart := relabel(t, c.lines)
		if got := codes(verify(t, x, smart)); !slices.Contains(got, c.smart) {
			t.Errorf("%s, carefully: %v", c.what, got)
		}
	}
	// A dropped entry is named by the history it leaves broken.
	if got := codes(verify(t, x, relabel(t, slices.Delete(lines(), 5, 6)))); !slices.Contains(got, "broken-history") {
		t.Errorf("the hole is not named: %v", got)
	}
	// A forger with a key of his own.
	forged := ten(t, other)
	if got := codes(verify(t, x, forged)); !slices.Contains(got, "bad-signature") {
		t.Errorf("another key: %v", got)
	}
	whole := ten(t, x)
	for what, c := range map[string]struct {
		file []byte
		code string
	}{
		"another authority's name":             {bytes.Replace(whole, []byte(`"authority":"city"`), []byte(`"authority":"town"`), 1), "changed-header"},
		"no checkpoint":                        {whole[:bytes.LastIndex(whole[:len(whole)-1], []byte("\n"))+1], "no-checkpoint"},
		"cut in the middle":                    {whole[:len(whole)/2], "no-checkpoint"},
		"something after the end":              {append(bytes.Clone(whole), "{}\n"...), "after-the-end"},
		"a space":                              {bytes.Replace(whole, []byte(`{"entry"`), []byte(`{ "entry"`), 1), "bad-line"},
		"an endless line":                      {append(bytes.Clone(whole), bytes.Repeat([]byte("x"), maxLine+2)...), "bad-line"},
		"nothing":                              {nil, "no-checkpoint"},
		"the same entry once again":            {x.export(t, sample(0), sample(0)), "duplicate-entry"},
		"a hole signed by the operator":        {x.export(t, sample(0), sample(2)), "broken-history"},
		"a beginning left out by the operator": {x.export(t, sample(1), sample(2)), "broken-history"},
	} {
		if got := codes(verify(t, x, c.file)); !slices.Contains(got, c.code) {
			t.Errorf("%s: %v", what, got)
		}
	}
	back := sample(1)
	back.At = at.Add(-time.Hour)
	if r := verify(t, x, x.export(t, sample(0), back)); !r.OK() || len(r.Warnings) != 1 || r.Warnings[0].Code != "clock-went-back" {
		t.Errorf("a clock that went back: %+v", r)
	}
}

func TestEveryByteOfAnExportCounts(t *testing.T) {
	x := newExporter(t)
	file := ten(t, x)
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(file)-1).Draw(t, "byte")
		bent := bytes.Clone(file)
		bent[i] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
		if r, err := Verify(bytes.NewReader(bent), x.keys); err == nil && r.OK() {
			t.Fatalf("byte %d of %d does not count", i, len(file))
		}
	})
}

func FuzzVerify(f *testing.F) {
	x := newExporter(f)
	f.Add(ten(f, x))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, file []byte) { verify(t, x, file) })
}

func FuzzOpen(f *testing.F) {
	r, _ := sample(1).Seal()
	f.Add(r.Body)
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := Open(body)
		if err != nil {
			return
		}
		if again, err := Canonical(e); err != nil || !bytes.Equal(again, body) {
			t.Fatal("what was opened is not what was there")
		}
	})
}

func BenchmarkVerifyAgainstPlainSHA256(b *testing.B) {
	x := newExporter(b)
	var all []Entry
	for i := range 2000 {
		all = append(all, sample(i))
	}
	file := x.export(b, all...)
	plain, verified := time.Duration(0), time.Duration(0)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		began := time.Now()
		sha256.Sum256(file)
		middle := time.Now()
		if !verify(b, x, file).OK() {
			b.Fatal("not intact")
		}
		plain, verified = plain+middle.Sub(began), verified+time.Since(middle)
	}
	b.ReportMetric(float64(verified)/float64(plain), "verify/sha256")
}
