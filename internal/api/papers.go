package api

import (
	"encoding/json"
	"net/http"

	"sigillo/docs"
	"sigillo/internal/act"
)

func (a *API) papers() {
	const tag = "Documenti"
	stream(a, operation(act.StoreDocument, http.MethodPut, "/v1/authorities/{id}/documents", tag, pathParam("id"), withName, withDigest, withKey),
		func(call act.Call, w http.ResponseWriter, r *http.Request) error {
			h, size, body, err := a.upload(w, r)
			if err != nil {
				return err
			}
			p, err := a.s.Tenders.StorePaper(r.Context(), call, r.PathValue("id"), r.URL.Query().Get("name"), h, size, body)
			if err != nil {
				return err
			}
			return respond(w, http.StatusOK, p)
		})
	stream(a, operation(act.FetchDocument, http.MethodGet, "/v1/tenders/{id}/documents/{sha256}", tag, pathParam("id"), pathParam("sha256")),
		func(call act.Call, w http.ResponseWriter, r *http.Request) error {
			h, err := docs.ParseHash(r.PathValue("sha256"))
			if err != nil {
				return err
			}
			d, body, size, err := a.s.Tenders.FetchPaper(r.Context(), call, r.PathValue("id"), h)
			if err != nil {
				return err
			}
			defer body.Close()
			return download(w, d.Name, h.String(), size, body)
		})
}

func respond(w http.ResponseWriter, status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text)
	return nil
}
