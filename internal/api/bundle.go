package api

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"sigillo/audit"
	"sigillo/internal/act"
	"sigillo/internal/fault"
)

func (a *API) bundle(tag string) {
	op := operation(act.ExportBundle, http.MethodGet, "/v1/authorities/{id}/audit/bundle", tag, pathParam("id"),
		queryParam("tender", "Solo questa gara."), queryParam("from", "RFC 3339: dal primo atto da allora."),
		queryParam("to", "RFC 3339: fino all'ultimo atto prima di allora."), queryParam("size", "Dimensione di un checkpoint del log; senza, il più recente."))
	op.Description += " Un archivio BagIt in zip: voci con le loro prove, oggetti com'erano, documenti di gara, un programma Python che verifica tutto. Per lo stesso checkpoint ha sempre gli stessi byte."
	stream(a, op, func(call act.Call, w http.ResponseWriter, r *http.Request) error {
		scope, size, err := bundleQuery(r.PathValue("id"), r.URL.Query())
		if err != nil {
			return err
		}
		out := &late{ResponseWriter: w, name: "fascicolo.zip"}
		err = a.s.Inspection.Bundle(r.Context(), call, scope, size, out)
		if err != nil && out.begun {
			a.log.Error("bundle broke off", "request", callerOf(r.Context()).request, "cause", err)
			panic(http.ErrAbortHandler) // without its end it is no zip
		}
		return err
	})
}

func bundleQuery(authority string, q url.Values) (audit.Scope, uint64, error) {
	scope := audit.Scope{Authority: authority, Tender: q.Get("tender")}
	var fs fault.Fields
	for name, bound := range map[string]**time.Time{"from": &scope.From, "to": &scope.To} {
		if at := instant(&fs, "query:"+name, q.Get(name)); !at.IsZero() {
			*bound = &at
		}
	}
	if len(scope.Tender) > 100 {
		fs.Add("query:tender", "malformed", "Non è l'identificativo di una gara.", "Not the id of a tender.")
	}
	var size uint64
	if text := q.Get("size"); text != "" {
		var err error
		if size, err = strconv.ParseUint(text, 10, 53); err != nil || size == 0 {
			fs.Add("query:size", "malformed", "Indichi la dimensione di un checkpoint.", "State the size of a checkpoint.")
		}
	}
	return scope, size, fs.Err("bad-query", "La richiesta non è ben formata: corregga i campi indicati.", "The request is not well formed: correct the fields shown.")
}

func queryParam(name, doc string) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: doc, Schema: &huma.Schema{Type: "string"}}
}

// late says that a download follows only once there is one.
type late struct {
	http.ResponseWriter
	name  string
	begun bool
}

func (l *late) Write(b []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.Header().Set("Content-Type", "application/zip")
		l.Header().Set("Content-Disposition", `attachment; filename="`+l.name+`"`)
	}
	return l.ResponseWriter.Write(b)
}
