package api

import (
	"context"
	"net/http"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/identity"
)

// SessionBody is an opened session with its secret, shown this once.
type SessionBody struct {
	Token     string    `json:"token" doc:"Da inviare come Authorization: Bearer."`
	Person    string    `json:"person"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Me is who the caller is to the platform.
type Me struct {
	Kind   act.Kind    `json:"kind" enum:"person,machine,clock,anonymous"`
	Person string      `json:"person"`
	Powers []act.Power `json:"powers"`
}

type loginBody struct {
	Email string `json:"email" maxLength:"254" example:"rup@comune.example"`
}

type tokenBody struct {
	Person string `json:"person" maxLength:"100" doc:"La persona o il sistema per cui il token agisce."`
	Name   string `json:"name" maxLength:"100"`
	Hours  int    `json:"hours" minimum:"1" maximum:"8784"`
}

func sessionBody(token string, s *identity.Session) *created[SessionBody] {
	return &created[SessionBody]{etag(s.Version), "/v1/me", SessionBody{token, s.Person, s.ExpiresAt}}
}

func (a *API) sessions() {
	const tag = "Accesso"
	open := operation(act.OpenSession, http.MethodPost, "/v1/sessions", tag)
	open.DefaultStatus = http.StatusCreated
	open.Description += " Solo nelle dimostrazioni: basta l'indirizzo."
	on(a, open, func(ctx context.Context, _ act.Call, in *struct{ Body loginBody }) (*created[SessionBody], error) {
		token, s, err := a.s.Identity.DemoLogin(ctx, in.Body.Email)
		if err != nil {
			return nil, err
		}
		return sessionBody(token, s), nil
	})
	end := operation(act.CloseSession, http.MethodDelete, "/v1/sessions/current", tag)
	end.DefaultStatus = http.StatusNoContent
	on(a, end, func(ctx context.Context, call act.Call, _ *struct{}) (*struct{}, error) {
		return nil, a.s.Identity.Logout(ctx, call.Actor, callerOf(ctx).token)
	})
	on(a, operation(act.WhoAmI, http.MethodGet, "/v1/me", tag), func(_ context.Context, call act.Call, _ *struct{}) (*struct{ Body Me }, error) {
		return &struct{ Body Me }{Me{call.Actor.Kind, call.Actor.ID, call.Actor.Powers}}, nil
	})
	issue := operation(act.IssueToken, http.MethodPost, "/v1/tokens", tag)
	issue.DefaultStatus = http.StatusCreated
	on(a, issue, func(ctx context.Context, call act.Call, in *struct{ Body tokenBody }) (*created[SessionBody], error) {
		call.Key = "" // a secret is shown once: a repeated request makes another
		token, s, err := a.s.Identity.IssueToken(ctx, call, in.Body.Person, in.Body.Name, time.Duration(in.Body.Hours)*time.Hour)
		if err != nil {
			return nil, err
		}
		return sessionBody(token, s), nil
	})
}
