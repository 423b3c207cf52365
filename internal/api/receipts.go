package api

import (
	"context"
	"net/http"
	"time"

	"sigillo/audit"
	"sigillo/bids"
	"sigillo/internal/act"
)

// ContestedView is a late bid whose upload had begun in time, without a name.
type ContestedView struct {
	ID       string             `json:"id"`
	LateBy   string             `json:"late_by" doc:"Oltre il termine."`
	BegunAt  time.Time          `json:"begun_at" doc:"Inizio del primo caricamento: prima del termine."`
	Received time.Time          `json:"received_at"`
	Bytes    int64              `json:"bytes"`
	Decision *bids.LateDecision `json:"decision,omitempty"`
}

func contestedView(c *bids.ContestedBid) ContestedView {
	v := ContestedView{ID: c.ID, LateBy: (time.Duration(c.By) * time.Microsecond).String(), BegunAt: c.BegunAt, Received: c.Submission.ReceivedAt, Decision: c.Decision}
	for _, u := range c.Submission.Manifest {
		v.Bytes += u.Size
	}
	return v
}

// receipt signs a receipt once its act is under a signed checkpoint of the log:
// whoever holds it holds the proof too. A late bid that was admitted entered at
// an instant of which the log has another act, and comes without.
func (a *API) receipt(ctx context.Context, r bids.Receipt) (audit.Statement, error) {
	s, err := a.s.Trail.Sign(r.Kind(), r)
	if err != nil {
		return s, err
	}
	s.Evidence, err = a.s.Trail.Evidence(ctx, r.Deed())
	return s, err
}

func (a *API) receipts() {
	const tag = "Ricevute e prove"
	type statement = struct{ Body audit.Statement }
	receipt := operation(act.ViewReceipt, http.MethodGet, "/v1/bids/{id}/receipts/{number}", tag)
	receipt.Description += " Firmata dalla piattaforma; si verifica senza rete con «sigillo verify receipt». Il numero 0 è la ricevuta del ritiro."
	on(a, receipt, func(ctx context.Context, call act.Call, in *struct {
		ByID
		Number int `path:"number" minimum:"0" maximum:"100000" doc:"Invio, da 1; 0 per il ritiro."`
	}) (*statement, error) {
		r, err := a.s.Bids.Receipt(ctx, call.Actor, in.ID, in.Number)
		if err != nil {
			return nil, err
		}
		s, err := a.receipt(ctx, r)
		return &statement{s}, err
	})
	a.paperReceipts(tag)
	on(a, operation(act.ViewDossier, http.MethodGet, "/v1/bids/{id}/dossier", tag), func(ctx context.Context, call act.Call, in *ByID) (*statement, error) {
		d, err := a.s.Bids.Dossier(ctx, call.Actor, in.ID)
		if err != nil {
			return nil, err
		}
		f, err := a.around(ctx, d)
		if err != nil {
			return nil, err
		}
		s, err := a.s.Trail.Sign(bids.DossierKind, DossierBody{d, f})
		return &statement{s}, err
	})
	functioning := operation(act.ViewFunctioning, http.MethodGet, "/v1/tenders/{id}/functioning", tag)
	functioning.Description += " Dalla pubblicazione al termine, o nella finestra indicata: interruzioni, disponibilità, tempi, e la proroga che ne seguirebbe (art. 25 c. 2). Firmato."
	on(a, functioning, func(ctx context.Context, call act.Call, in *struct {
		ByID
		From string `query:"from" maxLength:"40" doc:"RFC 3339."`
		To   string `query:"to" maxLength:"40" doc:"RFC 3339."`
	}) (*statement, error) {
		t, err := a.s.Tenders.View(ctx, call.Actor, in.ID)
		if err != nil {
			return nil, err
		}
		if err := act.See(call.Actor, act.ViewFunctioning, t); err != nil {
			return nil, err
		}
		f, err := a.functioning(ctx, t, in.From, in.To)
		if err != nil {
			return nil, err
		}
		s, err := a.s.Trail.Sign(FunctioningKind, f)
		return &statement{s}, err
	})
	on(a, operation(act.ListContested, http.MethodGet, "/v1/tenders/{id}/lots/{lot}/contested", tag), func(ctx context.Context, call act.Call, in *ByLot) (*list[ContestedView], error) {
		all, err := a.s.Bids.ContestedFor(ctx, call.Actor, in.ID, in.Lot)
		if err != nil {
			return nil, err
		}
		out := &list[ContestedView]{items[ContestedView]{Items: []ContestedView{}}}
		for _, c := range all {
			out.Body.Items = append(out.Body.Items, contestedView(c))
		}
		return out, nil
	})
	on(a, operation(act.DecideLate, http.MethodPost, "/v1/tenders/{id}/lots/{lot}/contested/{contested}/decide", tag, withKey), func(ctx context.Context, call act.Call, in *struct {
		ByLot
		Contested string `path:"contested" maxLength:"100"`
		Body      struct {
			Admit  bool   `json:"admit"`
			Reason string `json:"reason" maxLength:"4000"`
		}
	}) (*struct{ Body ContestedView }, error) {
		c, err := a.s.Bids.DecideLate(ctx, call, in.ID, in.Lot, in.Contested, in.Body.Admit, in.Body.Reason)
		if err != nil {
			return nil, err
		}
		return &struct{ Body ContestedView }{contestedView(c)}, nil
	})
}
