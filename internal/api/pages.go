package api

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"net/http"
	"slices"
)

//go:embed assets
var assets embed.FS

// verifyPage checks receipts in the browser: one file, so that whoever saves it
// has all of it. verifyScript is the hash by which its script may run.
var verifyPage, verifyScript = func() ([]byte, string) {
	page, err := assets.ReadFile("assets/verify.html")
	if err != nil {
		panic(err) // it is embedded
	}
	script, err := assets.ReadFile("assets/verify.js")
	if err != nil {
		panic(err)
	}
	before, rest, _ := bytes.Cut(page, []byte("<script>"))
	_, after, _ := bytes.Cut(rest, []byte("</script>"))
	inline := slices.Concat([]byte("\n"), script)
	sum := sha256.Sum256(inline)
	return slices.Concat(before, []byte("<script>"), inline, []byte("</script>"), after), "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}()

// pages serves the page on which the API can be read and tried. Everything it
// needs is embedded: it works without a network.
func (a *API) pages() {
	serve := func(path, file, kind string) {
		a.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			text, err := assets.ReadFile("assets/" + file)
			if err != nil {
				http.NotFound(w, r)
				return
			}
			h := w.Header()
			h.Set("Content-Type", kind)
			h.Set("Cache-Control", "max-age=3600")
			h.Set("Content-Security-Policy", "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
			w.Write(text)
		})
	}
	serve("/docs", "docs.html", "text/html; charset=utf-8")
	serve("/docs/docs.js", "docs.js", "text/javascript; charset=utf-8")
	serve("/docs/swagger-ui-bundle.js", "swagger-ui-bundle.js", "text/javascript; charset=utf-8")
	serve("/docs/swagger-ui.css", "swagger-ui.css", "text/css; charset=utf-8")
	a.mux.HandleFunc("GET /verify", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "max-age=3600")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src '"+verifyScript+"'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		w.Write(verifyPage)
	})
	a.mux.Handle("GET /{$}", http.RedirectHandler("/docs", http.StatusFound))
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.fail(w, callerOf(r.Context()), notHere) })
}
