package witness

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Handler answers over HTTP: POST /add-checkpoint, and GET
// /ORIGIN-HASH/checkpoint for whoever watches the watchman.
func (w *Witness) Handler(failed func(error)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
		if err != nil {
			http.Error(rw, errRequest.Error(), http.StatusBadRequest)
			return
		}
		q, err := parse(body)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		line, err := w.add(q)
		var no *refusal
		switch {
		case err == nil:
			rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
			rw.Write(line)
		case errors.As(err, &no) && no.status == http.StatusConflict:
			rw.Header().Set("Content-Type", "text/x.tlog.size")
			rw.WriteHeader(no.status)
			fmt.Fprintf(rw, "%d\n", no.size)
		case errors.As(err, &no):
			http.Error(rw, no.why, no.status)
		default:
			failed(err)
			http.Error(rw, "not now", http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /{origin}/checkpoint", func(rw http.ResponseWriter, r *http.Request) {
		for origin, log := range w.logs {
			if sum := sha256.Sum256([]byte(origin)); hex.EncodeToString(sum[:]) != r.PathValue("origin") {
				continue
			}
			_, text, err := w.last(log)
			switch {
			case err != nil:
				failed(err)
				http.Error(rw, "not now", http.StatusInternalServerError)
			case text == nil:
				http.NotFound(rw, r)
			default:
				rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
				rw.Write(text)
			}
			return
		}
		http.NotFound(rw, r)
	})
	return mux
}
