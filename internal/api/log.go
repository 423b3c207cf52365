package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"sigillo/audit"
	"sigillo/internal/act"
)

// Published is what of the log lies open.
type Published interface {
	// Read gets what lies at a path. Fault: not found.
	Read(ctx context.Context, path string) ([]byte, error)
}

// published serves the log under /log as C2SP tlog-tiles lays it out: hashes
// and signed checkpoints, and no entry.
func (a *API) published() {
	checkpoint := operation(act.ViewCheckpoint, http.MethodGet, "/log/checkpoint", "Registro")
	checkpoint.Description += " Il più recente, nel formato C2SP tlog-checkpoint."
	a.shelf(checkpoint, checkpoint.Path, "text/plain; charset=utf-8", "public, max-age=1", func(r *http.Request) ([]byte, error) {
		return a.s.Published.Read(r.Context(), audit.CheckpointPath)
	})
	cosigned := operation(act.ViewCosigned, http.MethodGet, "/log/witnessed", "Registro")
	cosigned.Description += " Con le loro firme (C2SP tlog-cosignature); non c'è dove non sono configurati testimoni."
	a.shelf(cosigned, cosigned.Path, "text/plain; charset=utf-8", "public, max-age=1", func(r *http.Request) ([]byte, error) {
		text, err := a.s.Cosigner.Cosigned(r.Context(), callerOf(r.Context()).actor)
		return []byte(text), err
	})
	tile := operation(act.ViewTile, http.MethodGet, "/log/tile/{level}/{index}", "Registro", pathParam("level"), pathParam("index"))
	tile.Description += " Formato C2SP tlog-tiles: l'indice è in gruppi di tre cifre, come x001/067, seguito da .p/W se la tessera non è piena."
	a.shelf(tile, "/log/tile/{level}/{index...}", "application/octet-stream", "public, max-age=31536000, immutable", func(r *http.Request) ([]byte, error) {
		t, err := audit.ParseTile("tile/" + r.PathValue("level") + "/" + r.PathValue("index"))
		if err != nil {
			return nil, err
		}
		return a.s.Published.Read(r.Context(), t.Path())
	})
}

// shelf registers an operation that serves published bytes. What is not there
// may be in a moment: that answer is not kept.
func (a *API) shelf(op huma.Operation, pattern, kind, cache string, read func(*http.Request) ([]byte, error)) {
	name, _, text := strings.Cut(kind, ";")
	schema := &huma.Schema{Type: "string"}
	if !text {
		schema.Format = "binary"
	}
	op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{name: {Schema: schema}}}
	a.huma.OpenAPI().AddOperation(&op)
	a.mux.HandleFunc(op.Method+" "+pattern, func(w http.ResponseWriter, r *http.Request) {
		body, err := read(r)
		if err != nil {
			a.fail(w, callerOf(r.Context()), err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Cache-Control", cache)
		h.Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body)
	})
}
