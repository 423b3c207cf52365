package api

import (
	"net/http"

	"sigillo/internal/act"
)

func (a *API) trail() {
	export := operation(act.ExportAudit, http.MethodGet, "/v1/authorities/{id}/audit", "Registro", pathParam("id"))
	export.Description += " JSON Lines firmate, da controllare con sigillo verify. Gli atti degli offerenti su gare non ancora aperte non vi compaiono. La lettura è a sua volta un atto."
	stream(a, export, func(call act.Call, w http.ResponseWriter, r *http.Request) error {
		authority, err := a.s.Parties.RecordExport(r.Context(), call, r.PathValue("id"))
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("Content-Disposition", `attachment; filename="registro.jsonl"`)
		if err := a.s.Trail.Export(r.Context(), authority.ID, w); err != nil {
			a.log.Error("export broke off", "request", callerOf(r.Context()).request, "cause", err)
			panic(http.ErrAbortHandler) // no checkpoint was written: the file does not verify
		}
		return nil
	})
}
