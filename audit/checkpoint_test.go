package audit

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// pair is a key as signer and as what verifies it.
type pair struct {
	signer note.Signer
	keys   note.Verifiers
}

func newPair(t testing.TB, name string) pair {
	t.Helper()
	private, public, err := GenerateKey(name)
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
	return pair{signer, note.VerifierList(verifier)}
}

func TestCheckpointIsThatOfC2SP(t *testing.T) {
	k := newPair(t, "log.example")
	root := [32]byte{1, 2, 3}
	text, err := SignCheckpoint("log.example", 42, root, k.signer, "one", "two")
	if err != nil {
		t.Fatal(err)
	}
	if want := "log.example\n42\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\none\ntwo\n\n— log.example "; !strings.HasPrefix(text, want) {
		t.Fatalf("got %q", text)
	}
	c, err := OpenCheckpoint(text, k.keys)
	if err != nil || c.Origin != "log.example" || c.Size != 42 || c.Root != root || !slices.Equal(c.Extensions, []string{"one", "two"}) {
		t.Fatal(c, err)
	}
	if bare, err := SignCheckpoint("log.example", 0, root, k.signer); err != nil {
		t.Fatal(err)
	} else if c, err := OpenCheckpoint(bare, k.keys); err != nil || len(c.Extensions) != 0 {
		t.Fatal(c, err)
	}
	// The body without extensions is what the Go checksum database calls a tree,
	// but for the name in its first line.
	body := strings.Replace(Checkpoint{"go.sum database tree", 42, root, nil}.text(), "\n\n", "\n", 1)
	if tree, err := tlog.ParseTree([]byte(body)); err != nil || tree.N != 42 || tree.Hash != tlog.Hash(root) {
		t.Fatal(tree, err)
	}
}

func TestSignCheckpointRefusesWhatWouldReadAsMoreLines(t *testing.T) {
	k := newPair(t, "log")
	for _, line := range []string{"", "a\nb", "a\x00", "\xff"} {
		if _, err := SignCheckpoint(line, 1, [32]byte{}, k.signer); !errors.Is(err, ErrBadCheckpoint) {
			t.Errorf("origin %q: %v", line, err)
		}
		if _, err := SignCheckpoint("log", 1, [32]byte{}, k.signer, line); !errors.Is(err, ErrBadCheckpoint) {
			t.Errorf("extension %q: %v", line, err)
		}
	}
}

func TestOpenCheckpointTakesOneFormOnly(t *testing.T) {
	k, other := newPair(t, "log"), newPair(t, "log")
	text, err := SignCheckpoint("log", 7, [32]byte{9}, k.signer)
	if err != nil {
		t.Fatal(err)
	}
	signature := text[strings.Index(text, "— "):]
	signed := func(body string) string {
		out, err := note.Sign(&note.Note{Text: body}, k.signer)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	root := base64.StdEncoding.EncodeToString(make([]byte, 32))
	// The last letter before the padding carries two bits nobody reads.
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	at := strings.LastIndex(text, "=") - 1
	bent := text[:at] + string(letters[strings.IndexByte(letters, text[at])^1]) + text[at+1:]
	for what, c := range map[string]struct {
		text string
		want error
	}{
		"spare bits of the signature": {bent, ErrBadSignature},
		"signature twice":             {text + signature, ErrBadSignature},
		"a stranger's signature too":  {text + "— stranger " + base64.StdEncoding.EncodeToString(make([]byte, 68)) + "\n", ErrBadSignature},
		"size changed":                {strings.Replace(text, "\n7\n", "\n8\n", 1), ErrBadSignature},
		"no signature":                {"log\n7\n" + root + "\n", ErrBadCheckpoint},
		"nothing":                     {"", ErrBadCheckpoint},
		"two lines":                   {signed("log\n7\n"), ErrBadCheckpoint},
		"leading zero":                {signed("log\n07\n" + root + "\n"), ErrBadCheckpoint},
		"negative":                    {signed("log\n-7\n" + root + "\n"), ErrBadCheckpoint},
		"short root":                  {signed("log\n7\nAAAA\n"), ErrBadCheckpoint},
		"spare bits of the root":      {signed("log\n7\n" + strings.Replace(root, "A=", "B=", 1) + "\n"), ErrBadCheckpoint},
		"no origin":                   {signed("\n7\n" + root + "\n"), ErrBadCheckpoint},
	} {
		if _, err := OpenCheckpoint(c.text, k.keys); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := OpenCheckpoint(text, other.keys); !errors.Is(err, ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	if _, err := OpenCheckpoint(text, nil); !errors.Is(err, ErrWrongKey) {
		t.Errorf("no key: %v", err)
	}
}
