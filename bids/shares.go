package bids

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
	"sigillo/tender"
)

// Wanted is what a custodian needs to release its shares: the headers of the
// opened envelopes, and the key to encrypt the shares to.
type Wanted struct {
	Opening   *Opening
	Recipient string // of the platform, for this lot and envelope
	Envelopes []WantedEnvelope
}

// WantedEnvelope is one envelope of an opening.
type WantedEnvelope struct {
	Bid    string
	Label  seal.Label
	Header []byte
}

// Wanted returns what the custodians of an opening are asked for (view-shares).
func (s *Service) Wanted(ctx context.Context, who act.Actor, id string) (*Wanted, error) {
	o, err := s.read.Opening(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := act.See(who, act.ViewShares, o); err != nil {
		return nil, err
	}
	r, faults, err := s.request(ctx, o)
	if err != nil {
		return nil, err
	}
	w := &Wanted{Opening: o}
	w.Recipient, _ = o.tender.Recipient(o.LotID, o.Envelope)
	for i := range o.Bids {
		if faults[i] == "" {
			w.Envelopes = append(w.Envelopes, WantedEnvelope{o.Bids[i].Bid, o.label(&o.Bids[i]), r.Envelopes[i].Header})
		}
	}
	return w, nil
}

// Release takes the shares of one custodian (release-shares), encrypted to the
// platform's key of the lot and envelope. The sealer looks at them first: a
// message that lacks a share is refused, a share that does not fit is taken and
// named. With enough of them the envelopes are opened at once.
func (s *Service) Release(ctx context.Context, call act.Call, id string, custodian int, message []byte) (*Opening, error) {
	o, err := s.read.Opening(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := act.See(call.Actor, act.ReleaseShares, o); err != nil {
		return nil, err
	}
	unfit, err := s.weigh(ctx, o, custodian, message)
	if err != nil {
		return nil, err
	}
	_, err = act.Do(ctx, s.within, call, act.Deed[Tx, *Opening]{
		Action: act.ReleaseShares,
		Load:   func(tx Tx) (*Opening, error) { return tx.Opening(id) },
		Change: func(o *Opening, now time.Time) (act.Facts, error) {
			if err := o.mayRelease(custodian, call.Actor.ID, now); err != nil {
				return act.Facts{}, err
			}
			data := map[string]string{"custodian": o.tender.Custody.Custodians[custodian].Fingerprint}
			if len(unfit) > 0 {
				data["unfit"] = fmt.Sprint(unfit)
			}
			return act.Facts{Data: data}, o.release(Release{Custodian: custodian, Person: call.Actor.ID, At: now, Message: message, Unfit: unfit})
		},
		Save: Tx.SaveOpening, Restore: func(tx Tx, o *Opening) error {
			t, err := tx.TenderShared(o.TenderID)
			o.tender = t
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	return s.Unseal(ctx, id)
}

// weigh has the sealer look at a custodian's message, and tells the bids whose
// share does not fit.
func (s *Service) weigh(ctx context.Context, o *Opening, custodian int, message []byte) ([]string, error) {
	if o.tender.Custody.Mode == tender.Rehearsal || custodian < 0 || custodian >= len(o.tender.Custody.Custodians) {
		return nil, fault.Missing("custodian")
	}
	r, faults, err := s.request(ctx, o)
	if err != nil {
		return nil, err
	}
	r.Messages = [][]byte{message}
	weights, err := s.sealer.Weigh(ctx, r)
	if err != nil {
		return nil, err
	}
	places := o.tender.Custody.Places(custodian)
	var unfit []string
	nothing := len(o.Bids) > 0
	for i, w := range weights {
		if faults[i] != "" {
			continue
		}
		if slices.ContainsFunc(w.Places, func(p int) bool { return !slices.Contains(places, p) }) {
			return nil, fault.New(fault.Invalid, "foreign-share", "Il messaggio contiene quote di un altro custode.", "The message holds shares of another custodian.")
		}
		nothing = nothing && len(w.Places) == 0
		missing := slices.ContainsFunc(places, func(p int) bool { return !slices.Contains(w.Places, p) })
		if missing || len(w.Unfit) > 0 {
			unfit = append(unfit, o.Bids[i].Bid)
		}
	}
	if nothing {
		return nil, fault.New(fault.Invalid, "no-shares", "Il messaggio non contiene quote di queste buste: usi la chiave con l'impronta %s.",
			"The message holds no shares of these envelopes: use the key with the fingerprint %s.", o.tender.Custody.Custodians[custodian].Fingerprint)
	}
	return unfit, nil
}

// BreakGlass calls the guarantor in (break-glass).
func (s *Service) BreakGlass(ctx context.Context, call act.Call, id, reason string) (*Opening, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Opening]{
		Action: act.BreakGlass,
		Load:   func(tx Tx) (*Opening, error) { return tx.Opening(id) },
		Change: func(o *Opening, now time.Time) (act.Facts, error) {
			return act.Facts{Data: map[string]string{"envelope": string(o.Envelope)}}, o.breakGlass(call.Actor.ID, reason, now)
		},
		Save: Tx.SaveOpening, Restore: func(tx Tx, o *Opening) error {
			t, err := tx.TenderShared(o.TenderID)
			o.tender = t
			return err
		},
	})
}
