package bids

import (
	"context"
	"time"

	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
	"sigillo/internal/signature"
	"sigillo/tender"
)

// Check runs, on one document of an opened bid, the checks that the bidder could
// run before sealing (check-document). Looking at a document is an act, as
// reading it is. The verdict informs; it excludes nobody.
func (s *Service) Check(ctx context.Context, call act.Call, id, bid string, index int, trust *signature.Trust) (seal.Item, docs.Verdict, error) {
	var found Opened
	var now time.Time
	o, err := s.look(ctx, call, act.CheckDocument, id, bid, index, &found, &now)
	if err != nil {
		return seal.Item{}, docs.Verdict{}, err
	}
	r, size, err := s.vault.Open(ctx, docs.AreaSealed, found.SHA256)
	if err != nil {
		return seal.Item{}, docs.Verdict{}, err
	}
	defer r.Close()
	item, body, err := seal.Document(r, size, found.FileKey, o.label(&found), index)
	if err != nil {
		return seal.Item{}, docs.Verdict{}, err
	}
	v, err := docs.Preflight(item.Name, item.Size, body, o.place(item), trust, now)
	return item, v, err
}

// place tells what the tender asks of a document.
func (o *Opening) place(item seal.Item) docs.Place {
	l, err := o.tender.Lot(o.LotID)
	if err != nil {
		return docs.Place{Envelope: string(o.Envelope)}
	}
	return PlaceOf(l, o.Envelope, item.Kind)
}

// PlaceOf tells what a lot asks of a document of a kind in an envelope.
func PlaceOf(l *tender.Lot, e tender.Envelope, kind string) docs.Place {
	p := docs.Place{Envelope: string(e)}
	spec, _ := l.Spec(e)
	for _, r := range spec.Required {
		p.Signed = p.Signed || r.Kind == kind && r.Signed
	}
	return p
}

// look records that somebody looks at a document of an opened bid.
func (s *Service) look(ctx context.Context, call act.Call, action act.Action, id, bid string, index int, found *Opened, at *time.Time) (*Opening, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Opening]{
		Action: action,
		Load:   func(tx Tx) (*Opening, error) { return tx.Opening(id) },
		Change: func(o *Opening, now time.Time) (act.Facts, error) {
			b, err := o.Of(bid)
			if err != nil {
				return act.Facts{}, err
			}
			if index < 0 || index >= len(b.Items) {
				return act.Facts{}, fault.Missing("document")
			}
			*found, *at = *b, now
			return act.Facts{Data: map[string]string{"bid": bid, "sha256": b.Items[index].SHA256}}, nil
		},
		Save: func(Tx, *Opening) error { return nil },
	})
}
