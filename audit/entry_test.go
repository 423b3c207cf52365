package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"sigillo/internal/fault"
)

var noon = time.Date(2027, 1, 15, 11, 0, 0, 0, time.UTC)

func state(s string) *State {
	sum := sha256.Sum256([]byte(s))
	return &State{State: s, Hash: hex.EncodeToString(sum[:])}
}

func id(i int) string { return fmt.Sprintf("01890000-0000-7000-8000-%012x", i) }

// sample is the i-th act in the life of one object.
func sample(i int) Entry {
	e := Entry{V: 1, ID: id(i), At: noon.Add(time.Duration(i) * time.Second), Tenant: "city", Tender: "t",
		Actor:  Actor{Kind: "person", ID: "p", For: "city", Powers: []string{"rup"}},
		Action: "edit-tender", Object: Object{Type: "tender", ID: "t", Version: i + 1}, After: state(fmt.Sprint("s", i)), Data: map[string]string{"k": "è <&>"}}
	if i > 0 {
		e.Before = state(fmt.Sprint("s", i-1))
	}
	return e
}

func sealed(t testing.TB, e Entry) Record {
	t.Helper()
	r, err := e.Seal()
	if err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
	return r
}

// The bytes and the leaf below were written down once and may never change:
// every register in the world would cease to verify.
func TestTheBytesOfAnEntryAreFixed(t *testing.T) {
	const body = `{"action":"close-lot","actor":{"id":"clock","kind":"clock","powers":["clock"]},` +
		`"after":{"hash":"1ac21940c5caf90b9a3f79b97f7b7ecba12e8cd9fc8ff4b7e1b8ab4e6e8c2a01","state":"closed"},` +
		`"also":[{"before":{"hash":"2ac21940c5caf90b9a3f79b97f7b7ecba12e8cd9fc8ff4b7e1b8ab4e6e8c2a02","state":"open"},"object":{"id":"c","type":"channel","version":3}}],` +
		`"at":"2027-01-15T11:00:00.120000Z","data":{"è":"<&>\u0001\"` + "\u2028" + `","😀":"1","` + "\ue000" + `":"2"},` +
		`"effective":"2027-01-15T11:00:00.000000Z","id":"01890000-0000-7000-8000-000000000000","lot":"l","object":{"id":"l","type":"lot","version":2},"tenant":"city","tender":"t","v":1}`
	const leaf = "5facd311ea033e2cb671f2c5d33207c5144dc9e6a48ed4f5d4467775f8c96592"
	salt := [32]byte{7}
	rome := time.FixedZone("CET", 3600)
	effective := noon
	r, err := Entry{
		V: 1, ID: id(0), At: noon.Add(120*time.Millisecond + 999).In(rome), Effective: &effective, Tenant: "city", Tender: "t", Lot: "l",
		Actor: Actor{Kind: "clock", ID: "clock", Powers: []string{"clock"}}, Action: "close-lot", Object: Object{Type: "lot", ID: "l", Version: 2},
		After: &State{State: "closed", Hash: "1ac21940c5caf90b9a3f79b97f7b7ecba12e8cd9fc8ff4b7e1b8ab4e6e8c2a01"},
		Also: []Change{{Object: Object{Type: "channel", ID: "c", Version: 3},
			Before: &State{State: "open", Hash: "2ac21940c5caf90b9a3f79b97f7b7ecba12e8cd9fc8ff4b7e1b8ab4e6e8c2a02"}}},
		Data: map[string]string{"è": "<&>\x01\"\u2028", "\ue000": "2", "😀": "1"},
	}.SealWith(salt)
	if err != nil {
		t.Fatal(err)
	}
	if string(r.Body) != body {
		t.Fatalf("got  %s\nwant %s", r.Body, body)
	}
	sum := sha256.Sum256(append(append([]byte{0}, salt[:]...), body...))
	if hex.EncodeToString(sum[:]) != leaf || sum != r.Leaf {
		t.Fatalf("the leaf is %x, SHA-256(0x00 || salt || body) is %x", r.Leaf, sum)
	}
	if tlog.RecordHash(append(salt[:], body...)) != tlog.Hash(r.Leaf) {
		t.Fatal("the leaf is not that of RFC 6962")
	}
}

func TestOpenTakesCanonicalBytesOnly(t *testing.T) {
	good := string(sealed(t, sample(1)).Body)
	if e, err := Open([]byte(good)); err != nil || e.ID != id(1) || !e.At.Equal(noon.Add(time.Second)) {
		t.Fatal(err)
	}
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%s is not in %s", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	for what, c := range map[string]struct {
		body string
		want error
	}{
		"space before":          {" " + good, ErrNotCanonical},
		"space within":          {swap(`"v":1`, `"v": 1`), ErrNotCanonical},
		"unknown field":         {swap(`"v":1`, `"v":1,"w":2`), ErrUnknownField},
		"unknown field deeper":  {swap(`"kind":`, `"kin":1,"kind":`), ErrUnknownField},
		"other version":         {swap(`"v":1`, `"v":2`), ErrBadEntry},
		"a fraction":            {swap(`"v":1`, `"v":1.0`), ErrBadEntry},
		"key twice":             {swap(`"v":1`, `"v":1,"v":1`), ErrNotCanonical},
		"key in capitals":       {swap(`"v":1`, `"V":1`), ErrNotCanonical},
		"other order":           {swap(`"id":"p","kind":"person"`, `"kind":"person","id":"p"`), ErrNotCanonical},
		"needless escape":       {swap(`<&>`, `\u003c&>`), ErrNotCanonical},
		"empty optional":        {swap(`"object":`, `"lot":"","object":`), ErrNotCanonical},
		"null optional":         {swap(`"object":`, `"lot":null,"object":`), ErrNotCanonical},
		"null powers":           {swap(`["rup"]`, `null`), ErrNotCanonical},
		"instant to the second": {swap(`:01.000000Z`, `:01Z`), ErrBadEntry},
		"instant with offset":   {swap(`:01.000000Z`, `:01.000000+00:00`), ErrBadEntry},
		"not UTF-8":             {swap(`è`, "\xff"), ErrNotCanonical},
		"two values":            {good + good, ErrNotCanonical},
		"cut off":               {good[:len(good)-1], ErrBadEntry},
		"nothing":               {"", ErrBadEntry},
		"null":                  {"null", ErrBadEntry},
		"empty object":          {"{}", ErrBadEntry},
		"too large":             {good + strings.Repeat(" ", maxBody), ErrBadEntry},
	} {
		if _, err := Open([]byte(c.body)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestCheckPointsAtEveryFaultyField(t *testing.T) {
	for pointer, spoil := range map[string]func(*Entry){
		"/v":                func(e *Entry) { e.V = 0 },
		"/id":               func(e *Entry) { e.ID = strings.ToUpper("01890000-0000-7000-8000-00000000000a") },
		"/at":               func(e *Entry) { e.At = time.Time{} },
		"/effective":        func(e *Entry) { e.Effective = new(time.Time) },
		"/tenant":           func(e *Entry) { e.Tenant = strings.Repeat("x", maxText+1) },
		"/tender":           func(e *Entry) { e.Tender = "\xff" },
		"/lot":              func(e *Entry) { e.Lot = "\xc3" },
		"/actor/kind":       func(e *Entry) { e.Actor.Kind = "ghost" },
		"/actor/id":         func(e *Entry) { e.Actor.ID = "" },
		"/actor/for":        func(e *Entry) { e.Actor.For = "\xff" },
		"/actor/powers":     func(e *Entry) { e.Actor.Powers = make([]string, maxFacts+1) },
		"/actor/powers/1":   func(e *Entry) { e.Actor.Powers = []string{"a", ""} },
		"/action":           func(e *Entry) { e.Action = "" },
		"/object/type":      func(e *Entry) { e.Object.Type = "" },
		"/object/id":        func(e *Entry) { e.Object.ID = "" },
		"/object/version":   func(e *Entry) { e.Object.Version = -1 },
		"/before/hash":      func(e *Entry) { e.Before = &State{Hash: strings.Repeat("A", 64)} },
		"/after/hash":       func(e *Entry) { e.After = &State{State: "x"} },
		"/after/state":      func(e *Entry) { e.After.State = "\xff" },
		"/also":             func(e *Entry) { e.Also = make([]Change, maxFacts+1) },
		"/also/0/object/id": func(e *Entry) { e.Also = []Change{{Object: Object{Type: "x"}}} },
		"/data":             func(e *Entry) { e.Data = map[string]string{"k": strings.Repeat("x", maxFact)} },
	} {
		e := sample(1)
		spoil(&e)
		f := fault.Of(e.Check())
		if f == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Pointer != pointer {
			t.Errorf("%s: %+v", pointer, f)
		}
		if _, err := e.Seal(); err == nil || fault.Of(err).Kind != fault.Internal {
			t.Errorf("%s: sealed, or told to the caller: %v", pointer, err)
		}
	}
	if err := sample(1).Check(); err != nil {
		t.Fatal(err)
	}
}

func TestAnEntryOfGreatestSizeFitsALine(t *testing.T) {
	e := sample(1)
	for i := range maxFacts {
		e.Data[fmt.Sprintf("%04d", i)] = strings.Repeat("x", maxFact-4)
		c := Change{Object: Object{Type: strings.Repeat("y", maxText), ID: strings.Repeat("z", maxText)}, Before: state(strings.Repeat("v", maxText))}
		c.After = c.Before
		e.Also = append(e.Also, c)
	}
	delete(e.Data, "k")
	if n := len(entryLine(maxWhole, sealed(t, e))); n >= maxLine {
		t.Fatalf("%d bytes", n)
	}
}

func TestSaltsDiffer(t *testing.T) {
	if a, b := sealed(t, sample(1)), sealed(t, sample(1)); a.Salt == b.Salt || a.Leaf == b.Leaf || !bytes.Equal(a.Body, b.Body) {
		t.Fatal("equal entries must have equal bodies and unequal leaves")
	}
}

// anyEntry draws entries that reach every optional field and odd text.
func anyEntry(t *rapid.T) Entry {
	name := rapid.StringN(1, 20, maxText)
	maybe := rapid.StringN(0, 20, maxText)
	when := func(label string) time.Time {
		return time.UnixMicro(rapid.Int64Range(noon.UnixMicro(), noon.UnixMicro()+1e15).Draw(t, label))
	}
	some := func(label string) *State {
		if rapid.Bool().Draw(t, label) {
			return nil
		}
		return state(maybe.Draw(t, label))
	}
	e := Entry{
		V: 1, ID: id(rapid.IntRange(0, 1<<40).Draw(t, "id")), At: when("at"), Tenant: maybe.Draw(t, "tenant"), Tender: maybe.Draw(t, "tender"), Lot: maybe.Draw(t, "lot"),
		Actor:  Actor{Kind: rapid.SampledFrom([]string{"person", "machine", "clock", "anonymous"}).Draw(t, "kind"), ID: name.Draw(t, "actor"), For: maybe.Draw(t, "for"), Powers: rapid.SliceOfN(name, 0, 3).Draw(t, "powers")},
		Action: name.Draw(t, "action"), Object: Object{Type: name.Draw(t, "type"), ID: name.Draw(t, "object"), Version: rapid.IntRange(0, maxWhole).Draw(t, "version")},
		Before: some("before"), After: some("after"), Data: rapid.MapOfN(name, maybe, 0, 5).Draw(t, "data"),
	}
	if rapid.Bool().Draw(t, "late") {
		at := when("effective")
		e.Effective = &at
	}
	if rapid.Bool().Draw(t, "more") {
		e.Also = []Change{{Object: e.Object, Before: e.After, After: e.Before}}
	}
	return e
}

func TestWhatIsSealedOpensAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyEntry(t)
		r, err := e.Seal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Open(r.Body)
		if err != nil {
			t.Fatalf("%v: %s", err, r.Body)
		}
		again, err := got.SealWith(r.Salt)
		if err != nil || again.Leaf != r.Leaf || !got.At.Equal(e.At) || got.Object != e.Object || len(got.Data) != len(e.Data) {
			t.Fatalf("not as it was: %s", r.Body)
		}
		if plain, err := Canonical(e); err != nil || !bytes.Equal(plain, r.Body) {
			t.Fatalf("Canonical says %s, the body is %s", plain, r.Body)
		}
	})
}

func FuzzOpen(f *testing.F) {
	r, err := sample(1).Seal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.Body)
	f.Add([]byte(`{"v":1}`))
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

func TestTheShortWayToABodyIsNeverAnotherBody(t *testing.T) {
	for _, text := range []string{"\u2028", "\u2029", `\u2028`, "\x00\x1f\x7f\b\f\n\r\t", "<>&'\"\\/", "\ufffd\uffff\ue000", "😀"} {
		e := sample(1)
		e.Data = map[string]string{text: text, "\uffff" + text: "x", "😀" + text: "y"}
		if text != "😀" { // without it the short way is taken
			delete(e.Data, "😀"+text)
		}
		want, err := Canonical(e)
		if got := sealed(t, e).Body; err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
