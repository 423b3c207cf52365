package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"sigillo/bids"
	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
	"sigillo/tender"
)

// OpeningView is an opening without its keys.
type OpeningView struct {
	ID        string          `json:"id"`
	Version   int             `json:"version"`
	Tender    string          `json:"tender"`
	Lot       string          `json:"lot"`
	Envelope  tender.Envelope `json:"envelope" enum:"A,B,C"`
	OpenedAt  time.Time       `json:"opened_at"`
	Effective time.Time       `json:"effective" doc:"L'istante legale."`
	Unsealed  bool            `json:"unsealed" doc:"Tutte le buste sono state provate."`
	Missing   int             `json:"missing" doc:"Quote di custodi che mancano ancora per aprire."`
	Releases  []ReleaseView   `json:"releases,omitempty"`
	Glass     *bids.Glass     `json:"glass,omitempty" doc:"Chiamata del garante."`
	Bids      []OpenedView    `json:"bids"`
}

// ReleaseView says that a custodian has released its shares.
type ReleaseView struct {
	Custodian   int       `json:"custodian" doc:"Posto nel bando, da 0."`
	Fingerprint string    `json:"fingerprint"`
	At          time.Time `json:"at"`
	Unfit       []string  `json:"unfit,omitempty" doc:"Offerte la cui quota non corrisponde a quella promessa dalla busta."`
}

// SharesView is what a custodian needs to release its shares.
type SharesView struct {
	Opening   OpeningView  `json:"opening"`
	Recipient string       `json:"recipient" doc:"Chiave della piattaforma a cui si cifrano le quote."`
	Envelopes []HeaderView `json:"envelopes"`
}

// HeaderView is the header of one opened envelope.
type HeaderView struct {
	Bid    string     `json:"bid"`
	Label  seal.Label `json:"label"`
	Header []byte     `json:"header" doc:"In base64; meno di 32 KiB."`
}

// OpenedView is what came of one bid's envelope.
type OpenedView struct {
	Bid        string            `json:"bid"`
	Supplier   string            `json:"supplier"`
	ReceivedAt time.Time         `json:"received_at"`
	SHA256     docs.Hash         `json:"sha256" doc:"Della busta sigillata."`
	Shared     []string          `json:"shared,omitempty" doc:"Altre offerte dietro cui c'è uno stesso operatore (art. 68 c. 14)."`
	Documents  []seal.Item       `json:"documents,omitempty"`
	Offer      map[string]string `json:"offer,omitempty"`
	Fault      string            `json:"fault,omitempty" doc:"Perché la busta non si è aperta."`
	Falsity    *seal.Falsity     `json:"falsity,omitempty" doc:"Quote false, per posto: date dal concorrente (dealt) o rilasciate da un custode (released)."`
}

func openingView(o *bids.Opening) OpeningView {
	v := OpeningView{ID: o.ID, Version: o.Version, Tender: o.TenderID, Lot: o.LotID, Envelope: o.Envelope, OpenedAt: o.OpenedAt,
		Effective: o.Effective, Unsealed: o.Unsealed, Missing: o.Missing(), Glass: o.Glass, Bids: []OpenedView{}}
	for _, r := range o.Shares {
		v.Releases = append(v.Releases, ReleaseView{r.Custodian, o.Custodian(r.Custodian).Fingerprint, r.At, r.Unfit})
	}
	for _, b := range o.Bids {
		v.Bids = append(v.Bids, OpenedView{b.Bid, b.Supplier, b.ReceivedAt, b.SHA256, b.Shared, b.Items, b.Offer, b.Fault, b.Falsity})
	}
	return v
}

func oneOpening(o *bids.Opening, err error) (*one[OpeningView], error) {
	if err != nil {
		return nil, err
	}
	return &one[OpeningView]{etag(o.Version), openingView(o)}, nil
}

func (a *API) openings() {
	const tag = "Aperture"
	on(a, operation(act.OpenTechnical, http.MethodPost, "/v1/tenders/{id}/lots/{lot}/open-technical", tag, withKey), func(ctx context.Context, call act.Call, in *ByLot) (*one[OpeningView], error) {
		return oneOpening(a.s.Bids.OpenTechnical(ctx, call, in.ID, in.Lot))
	})
	on(a, operation(act.OpenEconomic, http.MethodPost, "/v1/tenders/{id}/lots/{lot}/open-economic", tag, withKey), func(ctx context.Context, call act.Call, in *ByLot) (*one[OpeningView], error) {
		return oneOpening(a.s.Bids.OpenEconomic(ctx, call, in.ID, in.Lot))
	})
	on(a, operation(act.ListOpenings, http.MethodGet, "/v1/tenders/{id}/openings", tag), func(ctx context.Context, call act.Call, in *ByID) (*list[OpeningView], error) {
		all, err := a.s.Bids.Openings(ctx, call.Actor, in.ID)
		if err != nil {
			return nil, err
		}
		out := &list[OpeningView]{items[OpeningView]{Items: []OpeningView{}}}
		for _, o := range all {
			out.Body.Items = append(out.Body.Items, openingView(o))
		}
		return out, nil
	})
	on(a, operation(act.ViewOpening, http.MethodGet, "/v1/openings/{id}", tag), func(ctx context.Context, call act.Call, in *ByID) (*one[OpeningView], error) {
		return oneOpening(a.s.Bids.Opening(ctx, call.Actor, in.ID))
	})
	on(a, operation(act.ViewShares, http.MethodGet, "/v1/openings/{id}/shares", tag), func(ctx context.Context, call act.Call, in *ByID) (*struct{ Body SharesView }, error) {
		w, err := a.s.Bids.Wanted(ctx, call.Actor, in.ID)
		if err != nil {
			return nil, err
		}
		v := SharesView{openingView(w.Opening), w.Recipient, []HeaderView{}}
		for _, e := range w.Envelopes {
			v.Envelopes = append(v.Envelopes, HeaderView(e))
		}
		return &struct{ Body SharesView }{v}, nil
	})
	on(a, operation(act.ReleaseShares, http.MethodPost, "/v1/openings/{id}/shares", tag, withKey), func(ctx context.Context, call act.Call, in *struct {
		ByID
		Body struct {
			Custodian int    `json:"custodian" minimum:"0" maximum:"11" doc:"Posto nel bando, da 0."`
			Message   []byte `json:"message" doc:"Le quote, cifrate alla chiave della piattaforma; in base64."`
		}
	}) (*one[OpeningView], error) {
		return oneOpening(a.s.Bids.Release(ctx, call, in.ID, in.Body.Custodian, in.Body.Message))
	})
	on(a, operation(act.BreakGlass, http.MethodPost, "/v1/openings/{id}/break-glass", tag, withKey, withVersion), func(ctx context.Context, call act.Call, in *struct {
		ByID
		Body struct {
			Reason string `json:"reason" maxLength:"4000"`
		}
	}) (*one[OpeningView], error) {
		return oneOpening(a.s.Bids.BreakGlass(ctx, call, in.ID, in.Body.Reason))
	})
	check := operation(act.CheckDocument, http.MethodPost, "/v1/openings/{id}/bids/{bid}/documents/{number}/check", tag)
	check.Description += " Gli stessi controlli che l'operatore può fare prima di sigillare: informano, non escludono."
	on(a, check, func(ctx context.Context, call act.Call, in *struct {
		ByID
		Bid    string `path:"bid" maxLength:"100"`
		Number int    `path:"number" minimum:"0" maximum:"1000"`
	}) (*struct{ Body VerdictView }, error) {
		item, v, err := a.s.Bids.Check(ctx, call, in.ID, in.Bid, in.Number, a.trust)
		if err != nil {
			return nil, err
		}
		return &struct{ Body VerdictView }{verdictView(callerOf(ctx).lang, item, v)}, nil
	})
	read := operation(act.ReadEnvelope, http.MethodGet, "/v1/openings/{id}/bids/{bid}/documents/{number}", tag, pathParam("id"), pathParam("bid"), pathParam("number"))
	read.Description += " La lettura resta nel registro: chi ha visto quale documento, e quando."
	stream(a, read, func(call act.Call, w http.ResponseWriter, r *http.Request) error {
		n, err := strconv.Atoi(r.PathValue("number"))
		if err != nil {
			return fault.Missing("document")
		}
		item, body, err := a.s.Bids.Read(r.Context(), call, r.PathValue("id"), r.PathValue("bid"), n)
		if err != nil {
			return err
		}
		defer body.Close()
		return download(w, item.Name, item.SHA256, item.Size, body)
	})
}
