package api

import (
	"context"
	"net/http"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// Status of the service.
type Status struct {
	Status  string    `json:"status" enum:"ok"`
	Now     time.Time `json:"now" doc:"L'orologio che decide i termini, UTC."`
	Demo    bool      `json:"demo" doc:"Vero se è una dimostrazione."`
	Version string    `json:"version"`
}

func (a *API) status() {
	on(a, operation(act.ViewStatus, http.MethodGet, "/status", "Servizio"), func(ctx context.Context, _ act.Call, _ *struct{}) (*struct{ Body Status }, error) {
		if err := a.s.Ready(ctx); err != nil {
			return nil, fault.New(fault.Unavailable, "not-ready", "Il servizio non è pronto.", "The service is not ready.").Because(err)
		}
		now, err := a.s.Now()
		return &struct{ Body Status }{Status{"ok", now, a.demo, Version}}, err
	})
	on(a, operation(act.ViewLogKey, http.MethodGet, "/v1/log-key", "Registro"), func(context.Context, act.Call, *struct{}) (*struct{ Body LogKey }, error) {
		return &struct{ Body LogKey }{LogKey{a.s.Trail.Key()}}, nil
	})
}

// LogKey is the key exports of the register are signed with.
type LogKey struct {
	Key string `json:"key" doc:"Chiave pubblica Ed25519 nel formato signed note; serve a sigillo verify."`
}
