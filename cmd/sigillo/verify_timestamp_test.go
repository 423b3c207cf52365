package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sigillo/internal/timestamp/tsatest"
)

func TestVerifyTimestampPAD24(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, body []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tsa := tsatest.New(t, time.Now)
	checkpoint := []byte("gare.example/log\n7\nAAAA\n\n— gare.example/log AAAA\n")
	sum := sha256.Sum256(checkpoint)
	good := write("token", tsa.Token(sum))
	tsa.Play(tsatest.Foreign)
	rogue := write("rogue", tsa.Token(sum))
	anchors, note, other := write("anchors.pem", tsa.PEM()), write("checkpoint", checkpoint), write("other", checkpoint[1:])
	digest := hex.EncodeToString(sum[:])
	for name, c := range map[string]struct {
		lang, token, anchors, stamped string
		code                          int
		says                          []string
	}{
		"file":              {"en", good, anchors, note, 0, []string{"VERIFIED", digest, "Marca di prova", "Existed on", "accuracy: 1.5s", "1.3.6.1.4.1.32473.1"}},
		"file, in Italian":  {"it", good, anchors, note, 0, []string{"VERIFICATA", "Esisteva il", "revoca"}},
		"digest":            {"en", good, anchors, digest, 0, []string{"VERIFIED", digest}},
		"another file":      {"it", good, anchors, other, 1, []string{"un altro documento"}},
		"rogue":             {"en", rogue, anchors, note, 1, []string{"not by an authority in the trust list"}},
		"not a token":       {"en", note, anchors, note, 1, []string{"not a validly written time stamp"}},
		"no certificates":   {"en", good, note, note, 1, []string{"trust list cannot be read"}},
		"no file, no hex":   {"en", good, anchors, digest[1:], 1, []string{"no such file"}},
		"no token":          {"en", filepath.Join(folder, "missing"), anchors, note, 1, []string{"no such file"}},
		"anchors not named": {"en", good, "", note, 1, []string{"trust list"}},
	} {
		t.Run(name, func(t *testing.T) {
			out := &lockedBuffer{}
			code := run(t.Context(), []string{"--lang", c.lang, "verify", "timestamp", "--token", c.token, "--anchors", c.anchors, c.stamped}, out, out)
			if code != c.code || !contains(out.String(), c.says...) {
				t.Fatalf("%d\n%s", code, out)
			}
			if code != 0 && contains(out.String(), "VERIFI") {
				t.Errorf("said to be verified\n%s", out)
			}
		})
	}
	out := &lockedBuffer{}
	if code := run(t.Context(), []string{"verify", "timestamp", note}, out, out); code != 2 || !contains(out.String(), "--token") {
		t.Errorf("misused: %d\n%s", code, out)
	}
}
