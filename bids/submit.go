package bids

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
	"sigillo/tender"
)

// Draft opens the draft of a bid in the name of the supplier the actor
// represents (draft-bid).
func (s *Service) Draft(ctx context.Context, call act.Call, tenderID, lot string, form Form, members []Member) (*Bid, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Bid]{
		Action: act.DraftBid, New: true,
		Load: func(tx Tx) (*Bid, error) {
			t, err := tx.TenderShared(tenderID)
			if err != nil {
				return nil, err
			}
			if _, err := act.Permit(call.Actor, act.DraftBid, t.Subject()); err != nil {
				return nil, err
			}
			if err := registered(tx, members); err != nil {
				return nil, err
			}
			return New(act.NewID(), t, lot, call.Actor.SupplierID(), form, members, tx.Now())
		},
		Change: func(*Bid, time.Time) (act.Facts, error) { return act.Facts{}, nil },
		Save:   Tx.SaveBid, Restore: restore,
	})
}

func registered(tx Tx, members []Member) error {
	var fs fault.Fields
	for i, m := range members {
		ok, err := tx.SupplierExists(m.Supplier)
		if err != nil {
			return err
		}
		if !ok {
			fs.Add(fmt.Sprintf("/members/%d/supplier", i), "unknown-supplier", "Operatore economico non registrato.", "Supplier not registered.")
		}
	}
	return fs.Err("bad-bid", "Offerta non valida: corregga i campi indicati.", "Invalid bid: correct the fields shown.")
}

func (s *Service) change(ctx context.Context, call act.Call, action act.Action, id string, f func(*Bid, time.Time) (act.Facts, error)) (*Bid, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Bid]{
		Action: action,
		Ahead:  func(tx Tx) { tx.Foresee(id) },
		Load:   func(tx Tx) (*Bid, error) { return tx.Bid(id) },
		Change: f,
		Save:   Tx.SaveBid, Restore: restore,
	})
}

func restore(tx Tx, b *Bid) error {
	t, err := tx.TenderShared(b.TenderID)
	b.tender = t
	return err
}

// headerWindow is how much of an upload is looked at before it is stored: an
// age header and then some.
const headerWindow = 64 << 10

// Upload stores a sealed envelope and notes it in the draft (upload-envelope).
// The ciphertext goes to the object store first, under its hash; a file that
// is not sealed is refused before a byte of it is kept.
func (s *Service) Upload(ctx context.Context, call act.Call, id string, e tender.Envelope, hash docs.Hash, size int64, r io.Reader) (*Bid, error) {
	b, err := s.visible(ctx, call.Actor, act.UploadEnvelope, id)
	if err != nil {
		return nil, err
	}
	policy, ok := b.tender.Policy(b.LotID, e)
	if !ok {
		return nil, fault.New(fault.Invalid, "no-such-envelope", "Questo lotto non prevede la busta %s.", "This lot has no envelope %s.", string(e))
	}
	body, err := inspected(r, b.label(e), policy)
	if err != nil {
		return nil, err
	}
	if err := s.vault.Put(ctx, docs.AreaSealed, hash, size, body); err != nil {
		return nil, err
	}
	return s.change(ctx, call, act.UploadEnvelope, id, func(b *Bid, now time.Time) (act.Facts, error) {
		return act.Facts{Data: map[string]string{"envelope": string(e), "sha256": hash.String()}},
			b.Put(Upload{Envelope: e, SHA256: hash, Size: size, UploadedAt: now, BegunAt: now})
	})
}

// inspected looks at the front of what comes before a byte of it is kept.
func inspected(r io.Reader, l seal.Label, p seal.Policy) (io.Reader, error) {
	body := bufio.NewReaderSize(r, headerWindow)
	head, err := body.Peek(headerWindow)
	if err != nil && err != io.EOF {
		return nil, fault.New(fault.Malformed, "truncated-upload", "Il caricamento si è interrotto: riprovi.", "The upload broke off: try again.").Because(err)
	}
	return body, seal.Inspect(bytes.NewReader(head), l, p.Threshold, len(p.Custodians))
}

func (b *Bid) label(e tender.Envelope) seal.Label {
	return seal.Label{Authority: b.tender.Buyer.ID, Tender: b.TenderID, Lot: b.LotID, Envelope: string(e), Supplier: b.Supplier}
}

// Submit sends the bid (submit-bid). Its legal instant is the store's clock in
// the transaction that commits it.
//
// One that comes late is refused, and what was tried is recorded: what, when,
// and how late. If its upload had begun in time it is parked, sealed.
func (s *Service) Submit(ctx context.Context, call act.Call, id string, manifest []Claim, pressed Pressed) (*Bid, error) {
	b, err := s.change(ctx, call, act.SubmitBid, id, func(b *Bid, now time.Time) (act.Facts, error) {
		if err := b.Submit(manifest, pressed, now); err != nil {
			return act.Facts{}, err
		}
		return act.Facts{Data: map[string]string{"manifest": b.current().ManifestHash}}, nil
	})
	if f := fault.Of(err); f != nil && f.Code == "deadline-passed" {
		return nil, s.late(ctx, id, manifest, pressed, f)
	}
	return b, err
}

// Confirm says that the bid stands after an amendment (confirm-bid).
func (s *Service) Confirm(ctx context.Context, call act.Call, id string) (*Bid, error) {
	return s.change(ctx, call, act.ConfirmBid, id, func(b *Bid, now time.Time) (act.Facts, error) { return act.Facts{}, b.Confirm(now) })
}

// Withdraw takes the bid back (withdraw-bid).
func (s *Service) Withdraw(ctx context.Context, call act.Call, id string) (*Bid, error) {
	return s.change(ctx, call, act.WithdrawBid, id, func(b *Bid, now time.Time) (act.Facts, error) { return act.Facts{}, b.Withdraw(now) })
}

func (s *Service) visible(ctx context.Context, who act.Actor, action act.Action, id string) (*Bid, error) {
	if err := s.mayLook(ctx, who, id); err != nil {
		return nil, err
	}
	b, err := s.read.Bid(ctx, id)
	if err != nil {
		return nil, err
	}
	return b, act.See(who, action, b)
}

// mayLook refuses, before a bid is even read, whoever represents no supplier
// while the lot is sealed: what is not read cannot be found in memory.
func (s *Service) mayLook(ctx context.Context, who act.Actor, id string) error {
	if who.SupplierID() != "" {
		return nil
	}
	state, err := s.read.LotStateOf(ctx, id)
	if err == nil && state.Sealed() {
		return fault.Missing("bid")
	}
	return err
}

// View returns a bid to whoever may see it (view-bid).
func (s *Service) View(ctx context.Context, who act.Actor, id string) (*Bid, error) {
	return s.visible(ctx, who, act.ViewBid, id)
}

// Mine lists the bids of the supplier the actor represents.
func (s *Service) Mine(ctx context.Context, who act.Actor, after string, limit int) ([]*Bid, error) {
	if who.SupplierID() == "" {
		return nil, nil
	}
	return s.read.BidsBy(ctx, who.SupplierID(), after, limit)
}

// For lists the bids for a lot that the actor may see: before the opening
// nobody sees any but its own, not even how many there are.
func (s *Service) For(ctx context.Context, who act.Actor, tenderID, lot, after string, limit int) ([]*Bid, error) {
	t, err := s.read.Tender(ctx, tenderID)
	if err != nil {
		return nil, err
	}
	l, err := t.Lot(lot)
	if err != nil || l.State.Sealed() && who.SupplierID() == "" {
		return nil, err
	}
	page, err := s.read.BidsFor(ctx, lot, who.SupplierID(), after, limit)
	if err != nil {
		return nil, err
	}
	var seen []*Bid
	for _, b := range page {
		if act.See(who, act.ViewBid, b) == nil {
			seen = append(seen, b)
		}
	}
	return seen, nil
}
