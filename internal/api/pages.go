package api

import (
	"embed"
	"net/http"
)

//go:embed assets
var assets embed.FS

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
	a.mux.Handle("GET /{$}", http.RedirectHandler("/docs", http.StatusFound))
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.fail(w, callerOf(r.Context()), notHere) })
}
