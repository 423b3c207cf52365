package api

import (
	"context"
	"net/http"
	"time"

	"sigillo/feed"
	"sigillo/internal/act"
)

// WebhookView is a webhook and how it goes, without its secret.
type WebhookView struct {
	ID           string       `json:"id"`
	Version      int          `json:"version"`
	Authority    string       `json:"authority,omitempty"`
	Supplier     string       `json:"supplier,omitempty"`
	Address      string       `json:"address"`
	Kinds        []feed.Kind  `json:"kinds,omitempty" doc:"Tipi di evento; assente: tutti."`
	State        string       `json:"state" enum:"active,unsubscribed,gone,exhausted" doc:"gone: il ricevente ha risposto 410; exhausted: tre giorni di tentativi falliti."`
	CreatedAt    time.Time    `json:"created_at"`
	EndedAt      *time.Time   `json:"ended_at,omitempty"`
	Delivered    int64        `json:"delivered" doc:"Quanti eventi sono stati consegnati."`
	DeliveredAt  *time.Time   `json:"delivered_at,omitempty"`
	Outcome      feed.Outcome `json:"outcome" doc:"Esito dell'ultimo tentativo; vuoto se non ce n'è stato nessuno."`
	Status       int          `json:"status,omitempty" doc:"Stato HTTP della risposta all'ultimo tentativo."`
	Attempts     int          `json:"attempts" doc:"Tentativi falliti di seguito."`
	FailingSince *time.Time   `json:"failing_since,omitempty"`
	NextAttempt  *time.Time   `json:"next_attempt,omitempty" doc:"Non prima di allora; presente solo dopo un tentativo fallito."`
}

// NewWebhook is a webhook just made, with its secret.
type NewWebhook struct {
	WebhookView
	Secret string `json:"secret" doc:"Con cui si verificano le firme; non viene mostrato mai più."`
}

func webhookView(t feed.Told) WebhookView {
	v := WebhookView{ID: t.ID, Version: t.Version, Authority: t.Authority, Supplier: t.Supplier, Address: t.Address, Kinds: t.Kinds, State: t.Subject().State,
		CreatedAt: t.CreatedAt, EndedAt: t.EndedAt, Delivered: t.Course.Delivered, DeliveredAt: t.Course.DeliveredAt, Outcome: t.Course.Outcome,
		Status: t.Course.Status, Attempts: t.Course.Attempts, FailingSince: t.Course.FailingSince}
	if t.Course.Attempts > 0 && t.EndedAt == nil {
		v.NextAttempt = &t.Course.Due
	}
	return v
}

type wishBody struct {
	Authority string      `json:"authority,omitempty" maxLength:"100" doc:"La stazione appaltante da avvisare; assente: quella, o l'operatore economico, per cui si agisce."`
	Address   string      `json:"address" maxLength:"500" format:"uri" example:"https://gestionale.comune.example/sigillo"`
	Kinds     []feed.Kind `json:"kinds,omitempty" maxItems:"50" doc:"Tipi di evento; assente: tutti."`
	After     string      `json:"after,omitempty" maxLength:"100" doc:"Il cambiamento dopo il quale cominciare (next di /v1/changes); assente: da adesso."`
}

func (a *API) webhooks() {
	const tag = "Novità"
	subscribe := operation(act.SubscribeWebhook, http.MethodPost, "/v1/webhooks", tag)
	subscribe.DefaultStatus = http.StatusCreated
	subscribe.Description += " Messaggi firmati secondo Standard Webhooks: ciascuno almeno una volta, nell'ordine; chi risponde con un errore viene richiamato per tre giorni."
	on(a, subscribe, func(ctx context.Context, call act.Call, in *struct{ Body wishBody }) (*created[NewWebhook], error) {
		call.Key = "" // a secret is shown once: a repeated request makes another
		w, err := a.s.Feed.Subscribe(ctx, call, feed.Wish{Authority: in.Body.Authority, Address: in.Body.Address, Kinds: in.Body.Kinds, After: in.Body.After})
		if err != nil {
			return nil, err
		}
		return &created[NewWebhook]{etag(w.Version), "/v1/webhooks", NewWebhook{webhookView(feed.Told{Webhook: w}), w.Shown()}}, nil
	})
	on(a, operation(act.ListWebhooks, http.MethodGet, "/v1/webhooks", tag), func(ctx context.Context, call act.Call, in *struct {
		Page
		Authority string `query:"authority" maxLength:"100" doc:"Quelli di questa stazione appaltante; assente: quelli di chi chiede."`
	}) (*list[WebhookView], error) {
		all, err := a.s.Feed.Webhooks(ctx, call.Actor, in.Authority, in.After, in.Limit)
		if err != nil {
			return nil, err
		}
		views := make([]WebhookView, len(all))
		for i, t := range all {
			views[i] = webhookView(t)
		}
		return pageOf(views, in.Limit, func(v WebhookView) string { return v.ID }), nil
	})
	end := operation(act.EndWebhook, http.MethodDelete, "/v1/webhooks/{id}", tag)
	end.DefaultStatus = http.StatusNoContent
	on(a, end, func(ctx context.Context, call act.Call, in *ByID) (*struct{}, error) {
		_, err := a.s.Feed.End(ctx, call, in.ID)
		return nil, err
	})
}
