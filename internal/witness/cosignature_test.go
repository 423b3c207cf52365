package witness

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/internal/fault"
)

// seed is the private half of a key as package note writes it.
func seed(t *testing.T, private string) ed25519.PrivateKey {
	t.Helper()
	part := strings.Split(private, "+")
	raw, err := base64.StdEncoding.DecodeString(strings.Join(part[4:], "+")) // PRIVATE+KEY+name+hash+key
	if err != nil || len(raw) != 1+ed25519.SeedSize || raw[0] != 1 {
		t.Fatal("not a private key", err)
	}
	return ed25519.NewKeyFromSeed(raw[1:])
}

// line writes the line of a signature over a checkpoint's text from the words of
// C2SP tlog-cosignature alone; header and algorithm are those of the document.
func line(key ed25519.PrivateKey, algorithm byte, header string, seconds uint64, text string) string {
	id := sha256.Sum256(append([]byte("w.example/1\n"+string(algorithm)), key.Public().(ed25519.PublicKey)...))
	raw := append([]byte{}, id[:4]...)
	raw = binary.BigEndian.AppendUint64(raw, seconds)
	raw = append(raw, ed25519.Sign(key, []byte(header+"\ntime "+fmt.Sprint(seconds)+"\n"+text))...)
	return "— w.example/1 " + base64.StdEncoding.EncodeToString(raw) + "\n"
}

// TestACosignatureIsWhatTheDocumentSays: the answer taken apart by hand, for a
// checkpoint with a line more than three and with signatures of others.
func TestACosignatureIsWhatTheDocumentSays(t *testing.T) {
	x := newWorld(t)
	key := seed(t, x.private)
	text, err := audit.SignCheckpoint(x.log.Name(), 5, rootOf(x.leaves[:5]), x.signer, "an extension")
	x.ok(err)
	body, _, _ := strings.Cut(text, "\n—")
	others := strings.ReplaceAll(line(key, 4, "cosignature/v1", 1, "an older checkpoint\n"), "w.example/1", "w.example/2")
	before := time.Now().Unix()
	status, answer, kind := x.post("old 0\n\n" + text + others)
	if status != 200 || kind != "text/plain; charset=utf-8" {
		t.Fatal(status, answer, kind)
	}
	code, ok := strings.CutPrefix(strings.TrimSuffix(answer, "\n"), "— w.example/1 ")
	raw, err := base64.StdEncoding.Strict().DecodeString(code)
	if !ok || err != nil || len(raw) != 4+8+64 {
		t.Fatalf("%q %v", answer, err)
	}
	seconds := binary.BigEndian.Uint64(raw[4:])
	if now := time.Now().Unix(); int64(seconds) < before || int64(seconds) > now {
		t.Errorf("signed at %d, not between %d and %d", seconds, before, now)
	}
	if want := line(key, 4, "cosignature/v1", seconds, body); answer != want { // Ed25519 signs one way only
		t.Errorf("got  %swant %s", answer, want)
	}
	if !strings.HasSuffix(body, "\nan extension\n") {
		t.Fatalf("%q", body)
	}

	// Package note reads the whole, and knows both signatures.
	v, err := cosignature.NewVerifierForCosignatureV1(public(t, x.private))
	x.ok(err)
	n, err := note.Open([]byte(text+answer), note.VerifierList(x.log, v))
	if err != nil || len(n.Sigs) != 2 || len(n.UnverifiedSigs) != 0 || n.Text != body {
		t.Fatal(n, err)
	}
	if at, err := cosignature.CoSigV1Timestamp(n.Sigs[1]); err != nil || at.Unix() != int64(seconds) {
		t.Error(at, err)
	}
}

// public is the public half of a key, as a log would write it.
func public(t *testing.T, private string) string {
	t.Helper()
	text, err := audit.PublicKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestOnlyACosignatureCounts: signatures by the witness's own key, each true of
// something else.
func TestOnlyACosignatureCounts(t *testing.T) {
	x := newWorld(t)
	key := seed(t, x.private)
	text := x.at(5, false)
	body, _, _ := strings.Cut(text, "\n—")
	good := line(key, 4, "cosignature/v1", 1_800_000_000, body)
	if _, err := x.policy.Check(text + good); err != nil {
		t.Fatal(err)
	}
	flip := func(at int) string {
		code := strings.TrimSuffix(strings.TrimPrefix(good, "— w.example/1 "), "\n")
		raw, err := base64.StdEncoding.DecodeString(code)
		x.ok(err)
		raw[at] ^= 1
		return "— w.example/1 " + base64.StdEncoding.EncodeToString(raw) + "\n"
	}
	plain, err := note.NewSigner(x.private)
	x.ok(err)
	signed, err := note.Sign(&note.Note{Text: body}, plain)
	x.ok(err)
	for name, c := range map[string]struct{ line, code string }{
		"another instant":          {flip(11), "bad-signature"},
		"another key's id":         {flip(0), "not-witnessed"},
		"a changed signature":      {flip(40), "bad-signature"},
		"another version":          {line(key, 4, "cosignature/v2", 1_800_000_000, body), "bad-signature"},
		"another algorithm":        {line(key, 1, "cosignature/v1", 1_800_000_000, body), "not-witnessed"},
		"another checkpoint":       {line(key, 4, "cosignature/v1", 1_800_000_000, strings.Replace(body, "\n5\n", "\n4\n", 1)), "bad-signature"},
		"a signature with no time": {strings.TrimPrefix(string(signed), body+"\n"), "not-witnessed"},
		"nothing":                  {"", "not-witnessed"},
	} {
		if _, err := x.policy.Check(text + c.line); err == nil || fault.Of(err).Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

// TestAWitnessOfSeveralLogsKeepsThemApart: one may stand still while another
// grows, and no key speaks for another's log.
func TestAWitnessOfSeveralLogsKeepsThemApart(t *testing.T) {
	x := newWorld(t)
	private, key, err := audit.GenerateKey("altre.example/log")
	x.ok(err)
	signer, err := note.NewSigner(private)
	x.ok(err)
	log, err := note.NewVerifier(key)
	x.ok(err)
	w, err := New(x.folder, x.private, x.log, log)
	x.ok(err)
	of := func(origin string, by note.Signer, old, size int) request {
		text, err := audit.SignCheckpoint(origin, uint64(size), rootOf(x.leaves[:size]), by)
		x.ok(err)
		return request{uint64(old), proof(x.leaves[:size], old), text}
	}
	for _, c := range []struct {
		q    request
		want int
	}{
		{of("gare.example/log", x.signer, 0, 7), 200},
		{of("altre.example/log", signer, 7, 9), 409},
		{of("altre.example/log", signer, 0, 3), 200},
		{of("gare.example/log", signer, 7, 9), 403}, // the key of the other log
		{of("altre.example/log", x.signer, 3, 9), 403},
		{of("gare.example/log", x.signer, 7, 9), 200},
		{of("altre.example/log", signer, 3, 4), 200},
		{of("terze.example/log", signer, 0, 4), 404},
	} {
		got := 200
		if _, err := w.add(c.q); err != nil {
			got = err.(*refusal).status
		}
		if got != c.want {
			t.Errorf("%q from %d: %d, want %d", c.q.origin(), c.q.old, got, c.want)
		}
	}
	if _, err := New(x.folder, x.private, log, log); fault.Of(err).Code != "log-twice" {
		t.Error(err)
	}
	if _, err := New(x.folder, key, log); fault.Of(err).Code != "bad-witness-key" {
		t.Error(err)
	}
}
