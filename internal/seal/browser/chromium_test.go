package browser_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sigillo/internal/seal"
	"sigillo/internal/seal/browser"
)

// TestChromiumSealsInAWorker loads the module in a real browser, under the
// strictest policy a page could have, and opens in Go what it sealed.
func TestChromiumSealsInAWorker(t *testing.T) {
	if !haveChromium() {
		t.Skip("SKIPPED, THE ENVELOPE IS NOT TESTED IN A BROWSER: install chromium")
	}
	const blocks = 20 // of 1 MiB
	b := newBench(t, 2, 3)
	type outcome struct {
		file                  []byte
		digest, times, failed string
	}
	done := make(chan outcome, 8)
	mux := http.NewServeMux()
	for path, name := range map[string]string{"/{$}": "testdata/page.html", "/page.js": "testdata/page.js", "/worker.js": "testdata/worker.js"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })
	}
	mux.HandleFunc("GET /sigillo-seal.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Write(browser.Bundle())
	})
	mux.HandleFunc("GET /job", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"policy": b.Policy, "label": label, "blocks": blocks})
	})
	mux.HandleFunc("POST /sealed", func(_ http.ResponseWriter, r *http.Request) {
		file, err := io.ReadAll(r.Body)
		if err != nil {
			done <- outcome{failed: err.Error()}
			return
		}
		done <- outcome{file: file, digest: r.Header.Get("X-Digest"), times: r.Header.Get("X-Times")}
	})
	mux.HandleFunc("POST /failed", func(_ http.ResponseWriter, r *http.Request) {
		reason, _ := io.ReadAll(r.Body)
		done <- outcome{failed: string(reason)}
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
		mux.ServeHTTP(w, r)
	}))
	defer server.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	options := chromedp.DefaultExecAllocatorOptions[:]
	if os.Getuid() == 0 { // as in a container, where Chromium's sandbox does not start
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx, options...)
	defer cancelAllocator()
	ctx, cancelBrowser := chromedp.NewContext(ctx)
	defer cancelBrowser()
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL)); err != nil {
		t.Fatal(err)
	}
	var got outcome
	select {
	case got = <-done:
	case <-ctx.Done():
		t.Fatal("the page says nothing")
	}
	if got.failed != "" {
		t.Fatal(got.failed)
	}
	t.Logf("measured and sealed %d MiB in %s ms", blocks, got.times)
	if got.digest != partsDigest(got.file) {
		t.Errorf("the digest of the file is %s, not %s", partsDigest(got.file), got.digest)
	}
	opened, err := unsealInGo(got.file, label, b.pick(0, 1, 3))
	if err != nil || len(opened.Bodies) != 1 || len(opened.Bodies[0]) != blocks<<20 || opened.Contents.Offer["discount"] != "12.5" {
		t.Fatal(opened.Contents, err)
	}
	if err := seal.Inspect(bytes.NewReader(got.file), label, 2, 3); err != nil {
		t.Error(err)
	}
}

func haveChromium() bool {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell"} {
		if _, err := exec.LookPath(name); err == nil {
			return true
		}
	}
	return false
}
