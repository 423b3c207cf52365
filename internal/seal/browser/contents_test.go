package browser_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"

	"sigillo/internal/seal"
)

// keeper is a recipient that tells the file key.
type keeper struct{ key []byte }

func (k *keeper) Wrap(key []byte) ([]*age.Stanza, error) {
	k.key = slices.Clone(key)
	return []*age.Stanza{{Type: "test", Args: []string{"kept"}}}, nil
}

// encrypted is a plaintext that Seal would not write, with its file key.
func encrypted(t testing.TB, plain string) (file, key []byte) {
	var out bytes.Buffer
	var k keeper
	w, err := age.Encrypt(&out, &k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(plain)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), k.key
}

func front(head string) string {
	return "sigillo-envelope/2\n" + string(binary.BigEndian.AppendUint32(nil, uint32(len(head)))) + head
}

func padded(text string) string {
	return text + strings.Repeat("\x00", int(seal.Padme(int64(len(text))))-len(text))
}

// TestOpeningIsAsStrictAsInGo opens, here and there, what programs read in
// different ways, and padding that hides something. Both must take it alike or
// refuse it by the same code.
func TestOpeningIsAsStrictAsInGo(t *testing.T) {
	const sum = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" // of "x"
	const head = `{"label":{"authority":"authority","tender":"tender","lot":"lot","envelope":"C","supplier":"supplier"},` +
		`"items":[{"name":"a","kind":"k","media_type":"","size":1,"sha256":"` + sum + `"}],"offer":{"price":"1","Price":"2","label":"3"}}`
	bend := func(old, by string) string {
		if !strings.Contains(head, old) {
			t.Fatalf("no %s", old)
		}
		return strings.Replace(head, old, by, 1)
	}
	heads := []string{
		head, " " + head + "\n", "\uFEFF" + head, head + "}", head + "{}", head + "\x00", head[:len(head)-1], "", "null", "[]", `"x"`, "5", "{}",
		bend(`"price":"1"`, `"price":"1","price":"9"`), bend(`"price":"1"`, `"price":"1","pr\u0069ce":"9"`), bend(`"offer":`, `"offer":{"price":"9"},"offer":`),
		bend(`"offer":`, `"Offer":`), bend(`"size":`, `"ſize":`), bend(`"offer":`, `"note":"x","offer":`), bend(`"lot":"lot"`, `"lot":"lot","lot":"lot"`),
		bend(`"price":"1"`, "\"price\":\"\xff\""), bend(`"price":"1"`, `"price":1`), bend(`"price":"1"`, `"price":null`), bend(`"price":"1"`, `"price":true`),
		bend(`"price":"1"`, `"price":"\ud800"`), bend(`"price":"1"`, `"\ud800":"x","\udfff":"y"`), bend(`"price":"1"`, `"__proto__":"1"`), bend(`"price":"1"`, `"price":"\u0000"`),
		bend(`"price":"1"`, `"price":"{\"[,:\\"`), bend(`"price":"1"`, "\"price\":\"a\nb\""), bend(`"price":"1"`, `"price":"a\nb\u2028"`), bend(`"price":"1"`, `"":"1"`),
		bend(`"size":1`, `"size":1.0`), bend(`"size":1`, `"size":1e0`), bend(`"size":1`, `"size":"1"`), bend(`"size":1`, `"size":null`), bend(`"size":1`, `"size":-1`),
		bend(`"size":1`, `"size":01`), bend(`"size":1`, `"size":1099511627777`), bend(`"size":1`, `"size":99999999999999999999`), bend(`"size":1`, `"size":2`),
		bend(`"media_type":"",`, ""), bend(`"kind":"k"`, `"kind":null`), bend(`"kind":"k"`, `"kind":{}`), bend(`"kind":"k",`, `"kind":"k","kind":"k",`), bend(sum, strings.ToUpper(sum)),
		bend(`,"offer":{"price":"1","Price":"2","label":"3"}`, ""), bend(`{"price":"1","Price":"2","label":"3"}`, "null"), bend(`{"price":"1","Price":"2","label":"3"}`, "[]"),
		bend(`{"price":"1","Price":"2","label":"3"}`, `"abc"`), bend(`{"price":"1","Price":"2","label":"3"}`, "5"), bend(`"items":[`, `"items":[null,`), bend(`"name":"a"`, `"name":"a/b"`),
		bend(`"lot":"lot"`, `"lot":"other"`), bend(`"supplier":"supplier"`, `"supplier":null`), bend(`"envelope":"C"`, `"envelope":"D"`),
		`{"x":` + strings.Repeat("[", 200_000), bend(`"price":"1"`, `"price":"`+strings.Repeat(`\"`, 1<<20)+`"`),
	}
	var plains []string
	for _, h := range heads {
		plains = append(plains, padded(front(h)+"x"))
	}
	full := padded(front(head) + "x")
	empty := bend(`"items":[{"name":"a","kind":"k","media_type":"","size":1,"sha256":"`+sum+`"}]`, `"items":null`)
	plains = append(plains, padded(front(empty)), front(head), front(head)+"x", full[:len(full)-1], full+"\x00", full+strings.Repeat("\x00", 1<<20), full[:len(full)-1]+"!",
		padded(front(head)+"y"), "", "sigillo", strings.Replace(full, "/2", "/1", 1), "sigillo-envelope/2\n\xff\xff\xff\xff{}", "sigillo-envelope/2\n\x00\x00\x01\x00{}")
	var tasks []task
	var want []answer
	var codes []string
	for _, plain := range plains {
		file, key := encrypted(t, plain)
		a, err := openInGo(file, key, label)
		want, codes = append(want, a), append(codes, code(err))
		tasks = append(tasks, task{Do: "open", File: file, Key: key, Label: label}, task{Do: "skim", File: file, Key: key, Label: label})
	}
	if codes[0] != "" || want[0].Contents.Offer["Price"] != "2" {
		t.Fatal("the plain case does not open in Go", codes[0])
	}
	for i, a := range inNode(t, tasks...) {
		about := plains[i/2][:min(len(plains[i/2]), 600)]
		if a.Error != codes[i/2] {
			t.Errorf("%q: got %q (%s), Go says %q", about, a.Error, a.Message, codes[i/2])
		} else if a.Error == "" {
			wanted, got := want[i/2].Contents, a.Contents
			wanted.Items, wanted.Offer = append([]seal.Item{}, wanted.Items...), clean(wanted.Offer)
			if !reflect.DeepEqual(got, wanted) {
				t.Errorf("%q: got %+v, Go says %+v", about, got, wanted)
			}
		}
	}
}

func clean(offer map[string]string) map[string]string {
	if offer == nil {
		return map[string]string{}
	}
	return offer
}

// TestSealingRefusesWhatGoRefuses draws texts of all kinds: whatever is sealed
// there must open here unchanged, and what Go refuses must not be sealed.
func TestSealingRefusesWhatGoRefuses(t *testing.T) {
	p := newBench(t, 1, 1)
	odd := rapid.SampledFrom([]string{"", ".", "..", "..a", "a/b", `a\b`, "a\nb", "a\tb", "a\r", "\x00", "\x7f", "\u0085", " a", "a ", "a\u00a0", "\u3000a", "\uFEFFa", "a\u200b", "\u200f",
		"a\u202Eb", "a\u2066", "\u2028", "\u061c", "📄.pdf", "עברית", "e\u0301", "\uFFFD", "__proto__", strings.Repeat("x", 100), strings.Repeat("x", 101), strings.Repeat("é", 50) + "x",
		strings.Repeat("x", 60), strings.Repeat("x", 61), strings.Repeat("x", 255), strings.Repeat("é", 128), strings.Repeat("\n", 4000), strings.Repeat("x", 4001), "<&>\"'"})
	text := rapid.OneOf(rapid.Just("plain"), rapid.Just("plain"), rapid.Just("plain"), odd, rapid.String())
	draw := rapid.Custom(func(t *rapid.T) seal.Contents {
		c := contentsOf([][]byte{[]byte("x")})
		c.Label = seal.Label{Authority: text.Draw(t, "authority"), Tender: text.Draw(t, "tender"), Lot: text.Draw(t, "lot"), Envelope: rapid.SampledFrom([]string{"A", "B", "C", "C", "D", ""}).Draw(t, "envelope"), Supplier: text.Draw(t, "supplier")}
		c.Items[0].Name, c.Items[0].Kind, c.Items[0].MediaType = text.Draw(t, "name"), text.Draw(t, "kind"), text.Draw(t, "type")
		c.Offer = map[string]string{text.Draw(t, "key"): text.Draw(t, "answer")}
		return c
	})
	var all []seal.Contents
	for i := range 400 {
		all = append(all, draw.Example(i))
	}
	for _, s := range rapid.SliceOfNDistinct(odd, 30, 30, rapid.ID[string]).Example() { // one odd text alone
		c := contentsOf([][]byte{[]byte("x")})
		c.Items[0].Name = s
		all = append(all, c)
		c = contentsOf([][]byte{[]byte("x")})
		c.Offer = map[string]string{"answer": s}
		all = append(all, c)
	}
	var tasks []task
	for _, c := range all {
		tasks = append(tasks, task{Do: "seal", Policy: p.Policy, Contents: c, Bodies: [][]byte{[]byte("x")}})
	}
	sealed := 0
	for i, a := range inNode(t, tasks...) {
		if want := code(all[i].Check()); a.Error != want {
			t.Errorf("%#v: got %q (%s), Go says %q", all[i], a.Error, a.Message, want)
		} else if want == "" {
			sealed++
			if got, err := unsealInGo(a.File, all[i].Label, p.holders); err != nil || !reflect.DeepEqual(got.Contents, all[i]) {
				t.Errorf("%#v: opened as %#v: %v", all[i], got.Contents, err)
			}
		}
	}
	if sealed < 20 {
		t.Errorf("only %d of %d were fit to be sealed", sealed, len(all))
	}
}

// TestSealRefuses: what is not text, keys nobody has, and documents that are
// not those described.
func TestSealRefuses(t *testing.T) {
	b := newBench(t, 1, 2)
	one := [][]byte{[]byte("before")}
	good := task{Do: "seal", Policy: b.Policy, Contents: contentsOf(one), Bodies: one}
	raw := func(old, by string) func(*task) {
		return func(k *task) {
			text, err := json.Marshal(k.Contents)
			if err != nil || !strings.Contains(string(text), old) {
				t.Fatal(old, err)
			}
			k.Contents = json.RawMessage(strings.Replace(string(text), old, by, 1))
		}
	}
	policy := func(change func(*seal.Policy)) func(*task) {
		return func(k *task) { change(&k.Policy) }
	}
	var many []string
	for range seal.MaxCustodians + 1 {
		many = append(many, b.Platform)
	}
	answers := map[string]string{}
	for i := range 1001 {
		answers[strings.Repeat("k", 1+i%50)+strings.Repeat("y", i/50)] = strings.Repeat("<", 4000)
	}
	cases := []struct {
		name, code string
		change     func(*task)
	}{
		{"the plain case", "", func(*task) {}},
		{"half a pair in a name", "bad-envelope", raw(`"0.pdf"`, `"\ud800.pdf"`)},
		{"half a pair in an answer", "bad-envelope", raw(`"12.5"`, `"\udfff"`)},
		{"a number for an answer", "bad-envelope", raw(`"12.5"`, `12.5`)},
		{"no answer", "bad-envelope", raw(`"12.5"`, `null`)},
		{"too many answers", "bad-envelope", func(k *task) { c := contentsOf(one); c.Offer = answers; k.Contents = c }},
		{"a document twice", "bad-envelope", func(k *task) {
			c := contentsOf(one)
			c.Items = append(c.Items, c.Items[0])
			k.Contents, k.Bodies = c, [][]byte{one[0], one[0]}
		}},
		{"an empty document", "bad-envelope", func(k *task) { k.Bodies = [][]byte{{}} }},
		{"a file too many", "bad-envelope", func(k *task) { k.Bodies, k.Measured = [][]byte{one[0], one[0]}, one }},
		{"a changed document", "file-changed", func(k *task) { k.Bodies, k.Measured = [][]byte{[]byte("after!")}, one }},
		{"a longer document", "file-changed", func(k *task) { k.Bodies, k.Measured = [][]byte{[]byte("before, and more")}, one }},
		{"nobody", "bad-recipient", policy(func(p *seal.Policy) { p.Custodians = nil })},
		{"none needed", "bad-recipient", policy(func(p *seal.Policy) { p.Threshold = 0 })},
		{"more than all", "bad-recipient", policy(func(p *seal.Policy) { p.Threshold = 3 })},
		{"a crowd", "bad-recipient", policy(func(p *seal.Policy) { p.Custodians = many })},
		{"no platform", "bad-recipient", policy(func(p *seal.Policy) { p.Platform = "" })},
		{"a private key", "bad-recipient", policy(func(p *seal.Policy) { p.Platform = b.holders[0].private })},
		{"a key in capitals", "bad-recipient", policy(func(p *seal.Policy) { p.Platform = strings.ToUpper(p.Platform) })},
		{"two keys in line", "bad-recipient", policy(func(p *seal.Policy) { p.Platform += "\n" + p.Platform })},
		{"a key with a slip", "bad-recipient", policy(func(p *seal.Policy) { p.Platform = p.Platform[:9] + "b" + p.Platform[10:] })},
	}
	var tasks []task
	for _, c := range cases {
		k := good
		c.change(&k)
		tasks = append(tasks, k)
	}
	for i, a := range inNode(t, tasks...) {
		if a.Error != cases[i].code {
			t.Errorf("%s: got %q (%s), want %q", cases[i].name, a.Error, a.Message, cases[i].code)
		}
	}
}
