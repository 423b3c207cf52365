package api

import (
	"encoding/base64"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sigillo/docs"
	"sigillo/internal/fault"
)

// upload reads what a PUT of bytes declares: its digest and its size.
func (a *API) upload(w http.ResponseWriter, r *http.Request) (docs.Hash, int64, io.Reader, error) {
	hash, err := digest(r.Header.Get("Repr-Digest"))
	if err != nil {
		return docs.Hash{}, 0, nil, err
	}
	switch {
	case r.ContentLength < 0:
		return hash, 0, nil, fault.New(fault.Malformed, "length-required", "Indichi Content-Length.", "State the Content-Length.")
	case r.ContentLength == 0:
		return hash, 0, nil, fault.New(fault.Invalid, "empty-file", "Il file è vuoto.", "The file is empty.")
	case r.ContentLength > a.max:
		return hash, 0, nil, fault.New(fault.TooLarge, "too-large", "Il file supera il limite di %d byte.", "The file exceeds the limit of %d bytes.", a.max)
	}
	return hash, r.ContentLength, &patient{http.NewResponseController(w), r.Body}, nil
}

// digest reads the sha-256 of an RFC 9530 header.
func digest(header string) (docs.Hash, error) {
	for _, part := range strings.Split(header, ",") {
		if value, ok := strings.CutPrefix(strings.TrimSpace(part), "sha-256=:"); ok {
			b, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSuffix(value, ":"))
			if err == nil && len(b) == 32 && strings.HasSuffix(value, ":") {
				return docs.Hash(b), nil
			}
		}
	}
	return docs.Hash{}, fault.New(fault.Invalid, "bad-digest", "Indichi Repr-Digest: sha-256=:…: con l'impronta del contenuto in base64.",
		"State Repr-Digest: sha-256=:…: with the digest of the content in base64.").
		At("header:Repr-Digest", "malformed", fault.T("mancante o non valida", "missing or invalid"))
}

// patience is how long an upload or a download may stand still.
const patience = time.Minute

// patient lets a body take as long as it needs, as long as it moves.
type patient struct {
	c *http.ResponseController
	r io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	p.c.SetReadDeadline(time.Now().Add(patience))
	n, err := p.r.Read(b)
	p.c.SetReadDeadline(time.Time{})
	return n, err
}

// download sends a file under its own name, never as something a browser would
// run.
func download(w http.ResponseWriter, name string, h string, size int64, r io.Reader) error {
	header := w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	header.Set("Content-Length", strconv.FormatInt(size, 10))
	header.Set("ETag", strconv.Quote(h))
	c := http.NewResponseController(w)
	buf := make([]byte, 256<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			c.SetWriteDeadline(time.Now().Add(patience))
			if _, err := w.Write(buf[:n]); err != nil {
				return nil // the reader has gone; nobody is left to tell
			}
		}
		if err == io.EOF {
			c.SetWriteDeadline(time.Time{})
			return nil
		}
		if err != nil {
			// The length is already promised: cut the connection, so that the
			// reader sees that the file is not whole.
			panic(http.ErrAbortHandler)
		}
	}
}
