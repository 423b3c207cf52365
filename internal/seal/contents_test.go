package seal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"

	"sigillo/internal/fault"
)

func TestCheckRefusesWhatCannotBeShownSafely(t *testing.T) {
	good := func() Contents {
		return Contents{Label: label, Items: []Item{item("a.pdf", []byte("x"))}, Offer: map[string]string{"price": "123.45"}}
	}
	if err := good().Check(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"offerta economica.pdf", "📄.pdf", "عرض.pdf", "הצעה.p7m", "e\u0301.pdf", "..a", strings.Repeat("x", 255)} {
		c := good()
		c.Items[0].Name = name
		if err := c.Check(); err != nil {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	for what, spoil := range map[string]func(c *Contents){
		"/items/0/name no name":    func(c *Contents) { c.Items[0].Name = "" },
		"/items/0/name dots":       func(c *Contents) { c.Items[0].Name = ".." },
		"/items/0/name path":       func(c *Contents) { c.Items[0].Name = "../a.pdf" },
		"/items/0/name back slash": func(c *Contents) { c.Items[0].Name = `c:\a.pdf` },
		"/items/0/name line":       func(c *Contents) { c.Items[0].Name = "a\nb.pdf" },
		"/items/0/name zero":       func(c *Contents) { c.Items[0].Name = "a\x00.pdf" },
		"/items/0/name override":   func(c *Contents) { c.Items[0].Name = "a\u202Efdp.exe" },
		"/items/0/name isolate":    func(c *Contents) { c.Items[0].Name = "a\u2066.pdf" },
		"/items/0/name not UTF-8":  func(c *Contents) { c.Items[0].Name = "a\xff.pdf" },
		"/items/0/name too long":   func(c *Contents) { c.Items[0].Name = strings.Repeat("x", 256) },
		"/items/1/name repeated":   func(c *Contents) { c.Items = append(c.Items, c.Items[0]) },
		"/items/0/size empty":      func(c *Contents) { c.Items[0].Size = 0 },
		"/items/0/size negative":   func(c *Contents) { c.Items[0].Size = -1 },
		"/items/0/size enormous":   func(c *Contents) { c.Items[0].Size = 1<<63 - 1 },
		"/items/1/size sum": func(c *Contents) {
			c.Items[0].Size = 1 << 39
			c.Items = append(c.Items, Item{"b", "k", "", 1<<39 + 1, c.Items[0].SHA256})
		},
		"/items/0 digest":            func(c *Contents) { c.Items[0].SHA256 = strings.ToUpper(c.Items[0].SHA256) },
		"/items/0 kind":              func(c *Contents) { c.Items[0].Kind = "a\xff" },
		"/items/0 media type":        func(c *Contents) { c.Items[0].MediaType = "text/html\r\nSet-Cookie: x" },
		"/items too many":            func(c *Contents) { c.Items = nil; c.Items = append(c.Items, many(maxItems+1)...) },
		"/offer too many":            func(c *Contents) { c.Offer = answers(maxAnswers+1, "x") },
		"/offer no key":              func(c *Contents) { c.Offer[""] = "x" },
		"/offer key too long":        func(c *Contents) { c.Offer[strings.Repeat("x", 101)] = "x" },
		"/offer answer too long":     func(c *Contents) { c.Offer["x"] = strings.Repeat("x", 4001) },
		"/offer not UTF-8":           func(c *Contents) { c.Offer["x"] = "\xff" },
		"/offer zero":                func(c *Contents) { c.Offer["x"] = "a\x00b" },
		"/label/authority missing":   func(c *Contents) { c.Label.Authority = "" },
		"/label/tender not UTF-8":    func(c *Contents) { c.Label.Tender = "\xff" },
		"/label/lot too long":        func(c *Contents) { c.Label.Lot = strings.Repeat("x", 101) },
		"/label/supplier a line":     func(c *Contents) { c.Label.Supplier = "a\nb" },
		"/label/envelope lower case": func(c *Contents) { c.Label.Envelope = "a" },
	} {
		c := good()
		spoil(&c)
		pointer, _, _ := strings.Cut(what, " ")
		f := fault.Of(c.Check())
		if f == nil || f.Code != "bad-envelope" || len(f.Fields) != 1 || f.Fields[0].Pointer != pointer {
			t.Errorf("%s: got %+v", what, f)
		}
	}
	if f := fault.Of(Label{}.Check()); f == nil || f.Code != "bad-label" || len(f.Fields) != 5 || f.Fields[0].Pointer != "/authority" {
		t.Errorf("an empty label: got %+v", f)
	}
}

func many(n int) []Item {
	var all []Item
	for i := range n {
		all = append(all, item(fmt.Sprint(i), []byte("x")))
	}
	return all
}

func answers(n int, value string) map[string]string {
	all := map[string]string{}
	for i := range n {
		all[fmt.Sprint("criterion-", i)] = value
	}
	return all
}

// TestWhatIsSealedOpens draws contents of any text: whatever Seal accepts must
// come out the same, or a bidder would lose its bid at the opening.
func TestWhatIsSealedOpens(t *testing.T) {
	id := identity(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 20), func(b []byte) string { return string(b) }))
		c := Contents{
			Label: Label{text.Draw(t, "authority"), text.Draw(t, "tender"), text.Draw(t, "lot"), "A", text.Draw(t, "supplier")},
			Items: []Item{item(text.Draw(t, "name"), []byte("body"))},
			Offer: map[string]string{text.Draw(t, "key"): text.Draw(t, "answer")},
		}
		c.Items[0].Kind, c.Items[0].MediaType = text.Draw(t, "kind"), text.Draw(t, "media type")
		var file bytes.Buffer
		_, err := Seal(&file, to(id.Recipient().String()), c, []Source{from([]byte("body"))})
		if err != nil {
			return
		}
		got, _, err := unseal(file.Bytes(), id, c.Label)
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("sealed %+v, opened %+v: %v", c, got, err)
		}
	})
}

func TestTooManyAnswersTogetherAreRefusedBeforeSealing(t *testing.T) {
	c := Contents{Label: label, Offer: answers(maxAnswers, strings.Repeat("<", 4000))}
	if err := c.Check(); err != nil {
		t.Fatalf("each answer is fine: %v", err)
	}
	_, err := Seal(io.Discard, to(identity(t).Recipient().String()), c, nil)
	if f := fault.Of(err); f == nil || f.Code != "bad-envelope" {
		t.Fatalf("got %v", err)
	}
}

// byHand seals a header and a body that Seal would not write.
func byHand(t testing.TB, id *age.X25519Identity, head, rest string) []byte {
	plain := binary.BigEndian.AppendUint32([]byte(magic), uint32(len(head)))
	plain = append(append(plain, head...), rest...)
	var file bytes.Buffer
	w, err := age.Encrypt(&file, dealer{[]age.Recipient{id.Recipient(), id.Recipient()}, 1, label})
	if err != nil {
		t.Fatal(err)
	}
	w.Write(plain)
	w.Close()
	return file.Bytes()
}

func zeroes(head, body string) string {
	n := int64(len(magic) + lengthSize + len(head) + len(body))
	return body + strings.Repeat("\x00", int(Padme(n)-n))
}

// TestAnEnvelopeSaysTheSameToEveryReader refuses what programs read in
// different ways, and padding that hides something.
func TestAnEnvelopeSaysTheSameToEveryReader(t *testing.T) {
	id := identity(t)
	sum := item("a", []byte("x")).SHA256
	head := `{"label":{"authority":"authority","tender":"tender","lot":"lot","envelope":"C","supplier":"supplier"},` +
		`"items":[{"name":"a","kind":"k","media_type":"","size":1,"sha256":"` + sum + `"}],"offer":{"price":"1","Price":"2","label":"3"}}`
	if _, _, err := unseal(byHand(t, id, head, zeroes(head, "x")), id, label); err != nil {
		t.Fatalf("the plain case does not open: %v", err)
	}
	for name, bent := range map[string]string{
		"an answer twice":   strings.Replace(head, `"price":"1"`, `"price":"1","price":"9"`, 1),
		"answers twice":     strings.Replace(head, `"offer":`, `"offer":{"price":"9"},"offer":`, 1),
		"another spelling":  strings.Replace(head, `"offer":`, `"Offer":`, 1),
		"a folded letter":   strings.Replace(head, `"size":`, `"ſize":`, 1),
		"an unknown key":    strings.Replace(head, `"offer":`, `"note":"x","offer":`, 1),
		"a brace after it":  head + "}",
		"a value after it":  head + "{}",
		"no UTF-8":          strings.Replace(head, `"price":"1"`, "\"price\":\"\xff\"", 1),
		"a size in tenths":  strings.Replace(head, `"size":1`, `"size":1.5`, 1),
		"nothing":           "null",
		"a number for text": strings.Replace(head, `"price":"1"`, `"price":1`, 1),
	} {
		if _, _, err := unseal(byHand(t, id, bent, zeroes(bent, "x")), id, label); err == nil || fault.Of(err).Code != "damaged-envelope" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	padding := zeroes(head, "x")
	for name, rest := range map[string]string{
		"no padding":        "x",
		"short padding":     padding[:len(padding)-1],
		"long padding":      padding + "\x00",
		"endless padding":   padding + strings.Repeat("\x00", 1<<20),
		"hidden in padding": padding[:len(padding)-1] + "!",
		"another document":  "y" + padding[1:],
	} {
		if _, _, err := unseal(byHand(t, id, head, rest), id, label); err == nil || fault.Of(err).Code != "damaged-envelope" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
