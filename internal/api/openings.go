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
	Bids      []OpenedView    `json:"bids"`
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
}

func openingView(o *bids.Opening) OpeningView {
	v := OpeningView{o.ID, o.Version, o.TenderID, o.LotID, o.Envelope, o.OpenedAt, o.Effective, o.Unsealed, []OpenedView{}}
	for _, b := range o.Bids {
		v.Bids = append(v.Bids, OpenedView{b.Bid, b.Supplier, b.ReceivedAt, b.SHA256, b.Shared, b.Items, b.Offer, b.Fault})
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
