package browser_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigillo/internal/seal/browser"
)

// TestBundleIsBuiltFromTheseSources fails when a source, a version or the build
// changed and the committed module did not: npm ci && npm run build.
func TestBundleIsBuiltFromTheseSources(t *testing.T) {
	names, err := filepath.Glob("src/*.js")
	if err != nil || len(names) == 0 {
		t.Fatal("no sources", err)
	}
	names = append(names, "build.mjs", "package-lock.json", "package.json")
	slices.Sort(names)
	all := sha256.New()
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(text)
		all.Write(sum[:])
	}
	var about struct {
		Version      string            `json:"version"`
		Dependencies map[string]string `json:"dependencies"`
	}
	text, err := os.ReadFile("package.json")
	if err != nil || json.Unmarshal(text, &about) != nil {
		t.Fatal(err)
	}
	bundle := string(browser.Bundle())
	for _, want := range []string{`"` + hex.EncodeToString(all.Sum(nil)) + `"`, `= "` + about.Version + `";`, "// sigillo-seal " + about.Version + ":"} {
		if !strings.Contains(bundle, want) {
			t.Errorf("the bundle does not say %s", want)
		}
	}
	for name, version := range about.Dependencies {
		if !strings.Contains(browser.Licences(), name+" "+version+" (") {
			t.Errorf("no licence of %s %s", name, version)
		}
	}
}

func TestDigestIsThatOfTheBundle(t *testing.T) {
	sum := sha256.Sum256(browser.Bundle())
	if browser.Digest() != hex.EncodeToString(sum[:]) {
		t.Error("another digest")
	}
	browser.Bundle()[0]++ // a copy
	if sum != sha256.Sum256(browser.Bundle()) {
		t.Error("a caller can change the bundle")
	}
}
