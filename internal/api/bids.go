package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"sigillo/bids"
	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/money"
	"sigillo/tender"
)

// BidView is a bid as its bidder, and after the opening the officials, see it.
type BidView struct {
	ID        string             `json:"id"`
	Version   int                `json:"version"`
	Tender    string             `json:"tender"`
	Lot       string             `json:"lot"`
	Supplier  string             `json:"supplier"`
	State     bids.State         `json:"state" enum:"draft,submitted,unconfirmed,withdrawn"`
	Form      bids.Form          `json:"form" enum:"single,group,consortium,network"`
	Members   []bids.Member      `json:"members,omitempty"`
	CreatedAt time.Time          `json:"created_at"`
	Uploads   []bids.Upload      `json:"uploads,omitempty" doc:"Buste caricate e NON ancora inviate."`
	Sent      []bids.Submission  `json:"sent,omitempty" doc:"Invii; conta solo l'ultimo."`
	Withdrawn *time.Time         `json:"withdrawn,omitempty"`
	Late      []bids.LateAttempt `json:"late,omitempty" doc:"Invii arrivati dopo il termine, con le prove."`
	Damaged   []bids.Damage      `json:"damaged,omitempty" doc:"Buste che l'archivio non ha più come erano: da inviare di nuovo."`
	Contested *bids.Contested    `json:"contested,omitempty" doc:"Invio tardivo il cui caricamento era iniziato in tempo: custodito sigillato in attesa di decisione."`
}

func bidView(b *bids.Bid) BidView {
	return BidView{b.ID, b.Version, b.TenderID, b.LotID, b.Supplier, b.State(), b.Form, b.Members, b.CreatedAt, b.Uploads, b.Sent, b.Withdrawn, b.Late, b.Damaged, b.Contested}
}

func oneBid(b *bids.Bid, err error) (*one[BidView], error) {
	if err != nil {
		return nil, err
	}
	return &one[BidView]{etag(b.Version), bidView(b)}, nil
}

func bidPage(all []*bids.Bid, limit int) *list[BidView] {
	var views []BidView
	for _, b := range all {
		views = append(views, bidView(b))
	}
	return pageOf(views, limit, func(v BidView) string { return v.ID })
}

type draftBody struct {
	Form    bids.Form    `json:"form" enum:"single,group,consortium,network"`
	Members []memberBody `json:"members,omitempty" maxItems:"50" doc:"Di un raggruppamento, la mandataria per prima."`
}

type memberBody struct {
	Supplier string `json:"supplier" maxLength:"100"`
	Share    string `json:"share" maxLength:"20" doc:"Quota percentuale di esecuzione."`
	Part     string `json:"part" maxLength:"2000" doc:"Parte eseguita (art. 68 c. 2)."`
}

type manifestBody struct {
	Manifest []claimBody `json:"manifest" maxItems:"3"`
	// PressedAt is evidence, not a rule: the bidder's clock is its own.
	PressedAt string `json:"pressed_at,omitempty" maxLength:"40" doc:"Quando il programma dell'operatore ha inviato, secondo il suo orologio (RFC 3339)."`
}

type claimBody struct {
	Envelope tender.Envelope `json:"envelope" enum:"A,B,C"`
	SHA256   string          `json:"sha256" maxLength:"64"`
}

func (a *API) bids() {
	const tag = "Offerte"
	draft := operation(act.DraftBid, http.MethodPost, "/v1/tenders/{id}/lots/{lot}/bids", tag, withKey)
	draft.DefaultStatus = http.StatusCreated
	on(a, draft, func(ctx context.Context, call act.Call, in *struct {
		ByLot
		Body draftBody
	}) (*created[BidView], error) {
		var fs fault.Fields
		var members []bids.Member
		for i, m := range in.Body.Members {
			share, err := money.ParsePercent(m.Share, 6)
			note(&fs, fmt.Sprintf("/members/%d/share", i), err)
			members = append(members, bids.Member{Supplier: m.Supplier, Share: share, Part: m.Part})
		}
		if err := fs.Err("bad-bid", "Offerta non valida: corregga i campi indicati.", "Invalid bid: correct the fields shown."); err != nil {
			return nil, err
		}
		b, err := a.s.Bids.Draft(ctx, call, in.ID, in.Lot, in.Body.Form, members)
		if err != nil {
			return nil, err
		}
		return &created[BidView]{etag(b.Version), "/v1/bids/" + b.ID, bidView(b)}, nil
	})
	on(a, operation(act.ListOwnBids, http.MethodGet, "/v1/bids", tag), func(ctx context.Context, call act.Call, in *Page) (*list[BidView], error) {
		if _, err := act.Permit(call.Actor, act.ListOwnBids, act.Subject{}); err != nil {
			return nil, err
		}
		all, err := a.s.Bids.Mine(ctx, call.Actor, in.After, in.Limit)
		return bidPage(all, in.Limit), err
	})
	on(a, operation(act.ListLotBids, http.MethodGet, "/v1/tenders/{id}/lots/{lot}/bids", tag), func(ctx context.Context, call act.Call, in *struct {
		ByLot
		Page
	}) (*list[BidView], error) {
		all, err := a.s.Bids.For(ctx, call.Actor, in.ID, in.Lot, in.After, in.Limit)
		return bidPage(all, in.Limit), err
	})
	on(a, operation(act.ViewBid, http.MethodGet, "/v1/bids/{id}", tag), func(ctx context.Context, call act.Call, in *ByID) (*one[BidView], error) {
		return oneBid(a.s.Bids.View(ctx, call.Actor, in.ID))
	})
	upload := operation(act.UploadEnvelope, http.MethodPut, "/v1/bids/{id}/envelopes/{envelope}", tag, pathParam("id"), pathParam("envelope"), withDigest, withKey)
	upload.Description += " Il corpo è la busta già sigillata (age); in chiaro viene rifiutata."
	stream(a, upload, func(call act.Call, w http.ResponseWriter, r *http.Request) error {
		h, size, body, err := a.upload(w, r)
		if err != nil {
			return err
		}
		b, err := a.s.Bids.Upload(r.Context(), call, r.PathValue("id"), tender.Envelope(r.PathValue("envelope")), h, size, body)
		if err != nil {
			return a.shown(r.Context(), call, act.UploadEnvelope, r.PathValue("id"), err)
		}
		w.Header().Set("ETag", etag(b.Version))
		return respond(w, http.StatusOK, bidView(b))
	})
	submit := operation(act.SubmitBid, http.MethodPost, "/v1/bids/{id}/submit", tag, withKey, withVersion)
	submit.Description += " Il manifesto elenca le impronte delle buste caricate. L'istante legale è quello della piattaforma al momento della registrazione."
	on(a, submit, func(ctx context.Context, call act.Call, in *struct {
		ByID
		Body manifestBody
	}) (*one[BidView], error) {
		var fs fault.Fields
		var manifest []bids.Claim
		for i, m := range in.Body.Manifest {
			h, err := docs.ParseHash(m.SHA256)
			note(&fs, fmt.Sprintf("/manifest/%d/sha256", i), err)
			manifest = append(manifest, bids.Claim{Envelope: m.Envelope, SHA256: h})
		}
		pressed := bids.Pressed{ArrivedAt: callerOf(ctx).arrived}
		if in.Body.PressedAt != "" {
			at, err := time.Parse(time.RFC3339Nano, in.Body.PressedAt)
			if err != nil {
				fs.Add("/pressed_at", "bad-instant", "Scriva un istante RFC 3339.", "Write an RFC 3339 instant.")
			}
			at = at.UTC().Truncate(time.Microsecond)
			pressed.PressedAt = &at
		}
		if err := fs.Err("bad-manifest", "Manifesto non valido.", "Invalid manifest."); err != nil {
			return nil, err
		}
		b, err := a.s.Bids.Submit(ctx, call, in.ID, manifest, pressed)
		return oneBid(b, a.shown(ctx, call, act.SubmitBid, in.ID, err))
	})
	on(a, operation(act.ConfirmBid, http.MethodPost, "/v1/bids/{id}/confirm", tag, withKey, withVersion), func(ctx context.Context, call act.Call, in *ByID) (*one[BidView], error) {
		b, err := a.s.Bids.Confirm(ctx, call, in.ID)
		return oneBid(b, a.shown(ctx, call, act.ConfirmBid, in.ID, err))
	})
	on(a, operation(act.WithdrawBid, http.MethodPost, "/v1/bids/{id}/withdraw", tag, withKey, withVersion), func(ctx context.Context, call act.Call, in *ByID) (*one[BidView], error) {
		b, err := a.s.Bids.Withdraw(ctx, call, in.ID)
		return oneBid(b, a.shown(ctx, call, act.WithdrawBid, in.ID, err))
	})
}
