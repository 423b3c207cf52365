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
	"sigillo/tender"
)

// UploadView is an upload in parts.
type UploadView struct {
	ID       string          `json:"id"`
	Bid      string          `json:"bid"`
	Envelope tender.Envelope `json:"envelope" enum:"A,B,C"`
	Digest   docs.Hash       `json:"digest"`
	Size     int64           `json:"size"`
	PartSize int64           `json:"part_size" doc:"Byte di ogni parte, tranne l'ultima."`
	BegunAt  time.Time       `json:"begun_at"`
	EndedAt  *time.Time      `json:"ended_at,omitempty"`
	Stored   []StoredPart    `json:"stored" doc:"Le parti già arrivate intere: non vanno ricaricate."`
}

// StoredPart is a part that is there.
type StoredPart struct {
	Number int       `json:"number"`
	SHA256 docs.Hash `json:"sha256"`
}

func uploadView(t *bids.Transfer, parts []docs.Part) UploadView {
	v := UploadView{t.ID, t.Bid, t.Envelope, t.Digest, t.Size, docs.PartSize, t.BegunAt, t.EndedAt, []StoredPart{}}
	for _, p := range parts {
		v.Stored = append(v.Stored, StoredPart{p.Number, p.SHA256})
	}
	return v
}

// ByPart names a part of an upload.
type ByPart struct {
	ByID
	Number int `path:"number" minimum:"1" maximum:"10000" doc:"Da 1."`
}

type beginBody struct {
	Envelope tender.Envelope `json:"envelope" enum:"A,B,C"`
	Digest   string          `json:"digest" maxLength:"64" doc:"Impronta a parti del file sigillato (guide/formats/sealed-envelope.md, 8)."`
	Size     int64           `json:"size" minimum:"1"`
}

// AddressView tells where to put a part.
type AddressView struct {
	Direct bool              `json:"direct" doc:"Vero: PUT a url, con headers. Falso: PUT alla piattaforma."`
	URL    string            `json:"url,omitempty"`
	Header map[string]string `json:"headers,omitempty"`
}

func (a *API) uploads() {
	const tag = "Caricamenti"
	begin := operation(act.BeginUpload, http.MethodPost, "/v1/bids/{id}/uploads", tag, withKey)
	begin.DefaultStatus = http.StatusCreated
	begin.Description += " Le stesse impronta e busta ritrovano il caricamento già iniziato."
	on(a, begin, func(ctx context.Context, call act.Call, in *struct {
		ByID
		Body beginBody
	}) (*created[UploadView], error) {
		h, err := docs.ParseHash(in.Body.Digest)
		if err != nil {
			return nil, err
		}
		if in.Body.Size > a.max {
			return nil, fault.New(fault.TooLarge, "too-large", "Il file supera il limite di %d byte.", "The file exceeds the limit of %d bytes.", a.max)
		}
		t, err := a.s.Bids.Begin(ctx, call, in.ID, in.Body.Envelope, h, in.Body.Size)
		if err != nil {
			return nil, a.shown(ctx, call, act.BeginUpload, in.ID, err)
		}
		t, parts, err := a.s.Bids.Transfer(ctx, call.Actor, t.ID)
		if err != nil {
			return nil, err
		}
		return &created[UploadView]{etag(t.Version), "/v1/uploads/" + t.ID, uploadView(t, parts)}, nil
	})
	on(a, operation(act.ViewUpload, http.MethodGet, "/v1/uploads/{id}", tag), func(ctx context.Context, call act.Call, in *ByID) (*one[UploadView], error) {
		t, parts, err := a.s.Bids.Transfer(ctx, call.Actor, in.ID)
		if err != nil {
			return nil, err
		}
		return &one[UploadView]{etag(t.Version), uploadView(t, parts)}, nil
	})
	on(a, operation(act.AddressPart, http.MethodPost, "/v1/uploads/{id}/parts/{number}/address", tag), func(ctx context.Context, call act.Call, in *struct {
		ByPart
		Body struct {
			SHA256 string `json:"sha256" maxLength:"64"`
		}
	}) (*struct{ Body AddressView }, error) {
		h, err := docs.ParseHash(in.Body.SHA256)
		if err != nil {
			return nil, err
		}
		at, err := a.s.Bids.Address(ctx, call.Actor, in.ID, in.Number, h)
		if err != nil || at == nil {
			return &struct{ Body AddressView }{}, err
		}
		return &struct{ Body AddressView }{AddressView{true, at.URL, at.Header}}, nil
	})
	store := operation(act.StorePart, http.MethodPut, "/v1/uploads/{id}/parts/{number}", tag, pathParam("id"), pathParam("number"), withDigest)
	store.Description += " Per gli archivi che non ricevono direttamente."
	stream(a, store, func(call act.Call, w http.ResponseWriter, r *http.Request) error {
		h, _, body, err := a.upload(w, r)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(r.PathValue("number"))
		if err != nil {
			return fault.Missing("part")
		}
		t, err := a.s.Bids.Part(r.Context(), call, r.PathValue("id"), n, h, body)
		if err != nil {
			return err
		}
		return respond(w, http.StatusOK, uploadView(t, nil))
	})
	on(a, operation(act.NotePart, http.MethodPost, "/v1/uploads/{id}/parts/{number}/stored", tag), func(ctx context.Context, call act.Call, in *ByPart) (*one[UploadView], error) {
		t, err := a.s.Bids.NotePart(ctx, call, in.ID, in.Number)
		if err != nil {
			return nil, err
		}
		return &one[UploadView]{etag(t.Version), uploadView(t, nil)}, nil
	})
	on(a, operation(act.FinishUpload, http.MethodPost, "/v1/uploads/{id}/finish", tag), func(ctx context.Context, call act.Call, in *ByID) (*one[BidView], error) {
		return oneBid(a.s.Bids.FinishUpload(ctx, call, in.ID))
	})
}

// shown records a refusal that a bidder is about to be shown, and hands it on.
func (a *API) shown(ctx context.Context, call act.Call, operation act.Action, bid string, err error) error {
	f := fault.Of(err)
	if f != nil && f.Kind != fault.NotFound && f.Kind != fault.Unauthenticated && call.Actor.SupplierID() != "" {
		a.s.Bids.Shown(context.WithoutCancel(ctx), bid, operation, f)
	}
	return err
}
