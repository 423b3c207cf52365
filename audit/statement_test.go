package audit

import (
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sigillo/internal/fault"
)

func signerAndKeys(t testing.TB, name string) (note.Signer, note.Verifiers) {
	private, public, err := GenerateKey(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return s, note.VerifierList(v)
}

func TestStatementProvesItself(t *testing.T) {
	signer, keys := signerAndKeys(t, "sigillo")
	_, others := signerAndKeys(t, "sigillo")
	s, err := Sign("bid-receipt", map[string]any{"bid": "x", "at": "2027-01-15T11:00:00Z", "size": 12}, signer)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(s, "", "\t") // another spelling, the same meaning
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseStatement(text)
	if err != nil || again.Verify(keys) != nil {
		t.Fatal(err, again.Verify(keys))
	}
	if again.Verify(others) == nil {
		t.Fatal("another key of the same name is taken")
	}
	for name, bend := range map[string]func(string) string{
		"a changed value":    func(x string) string { return strings.Replace(x, "T11:00", "T10:59", 1) },
		"a changed number":   func(x string) string { return strings.Replace(x, "12", "13", 1) },
		"another kind":       func(x string) string { return strings.Replace(x, "bid-receipt", "withdrawal-receipt", 1) },
		"a value more":       func(x string) string { return strings.Replace(x, `"bid":`, `"more": 1, "bid":`, 1) },
		"a value twice":      func(x string) string { return strings.Replace(x, `"bid":`, `"bid": "y", "bid":`, 1) },
		"a key of its own":   func(x string) string { return strings.Replace(x, `"kind":`, `"note": 1, "kind":`, 1) },
		"a bent signature":   func(x string) string { return strings.Replace(x, "sigillo ", "sigillo A", 1) },
		"no signature":       func(x string) string { return strings.Replace(x, s.Signatures[0], "", 1) },
		"something after it": func(x string) string { return x + "{}" },
		"a signature's twin": func(x string) string {
			return strings.Replace(x, `"signatures": [`, `"signatures": ["— other AAAAAAAA",`, 1)
		},
		"a line in signature": func(x string) string { return strings.Replace(x, "— sigillo", "\\n— sigillo", 1) },
	} {
		bent := bend(string(text))
		if bent == string(text) {
			t.Fatalf("%s: nothing was bent", name)
		}
		if p, err := ParseStatement([]byte(bent)); err == nil && p.Verify(keys) == nil {
			t.Errorf("%s goes unseen", name)
		}
	}
}

func FuzzParseStatement(f *testing.F) {
	signer, keys := signerAndKeys(f, "sigillo")
	s, err := Sign("k", map[string]int{"a": 1}, signer)
	if err != nil {
		f.Fatal(err)
	}
	text, _ := json.Marshal(s)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseStatement(text)
		if err != nil {
			if fault.Of(err).Kind != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		if p.Verify(keys) == nil && (p.Kind != "k" || string(p.Body) == "") {
			t.Fatal("forged")
		}
	})
}
