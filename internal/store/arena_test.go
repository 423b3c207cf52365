package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sigillo/bids"
	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/store/storetest"
	"sigillo/parties"
	"sigillo/tender"
)

// arena is a published tender of the usual size on PostgreSQL's own clock, with
// as many fresh bids as are asked for.
type arena struct {
	s       *Store
	dsn     string
	tender  *tender.Tender
	service *bids.Service
	next    int
}

func newArena(t testing.TB, deadline time.Time) *arena {
	dsn := storetest.Postgres(t)
	s := open(t, dsn, nil)
	d := seedBid(t, s, deadline)
	rules, _ := tender.RulesOn(tender.DayOf(noon))
	d.Rules = &rules
	for _, e := range []tender.Envelope{"A", "C"} { // keys of today are this long
		d.Keys = append(d.Keys, tender.Key{Lot: "lot", Envelope: e, Recipient: strings.Repeat("x", 1959)})
	}
	d.Lots[0].Envelopes = []tender.EnvelopeSpec{{Envelope: "A"}, {Envelope: "C"}}
	err := within(s, func(tx *Tx) error {
		if _, err := tx.Tender(d.ID); err != nil {
			return err
		}
		return tx.SaveTender(d)
	})
	if err != nil {
		t.Fatal(err)
	}
	return &arena{s: s, dsn: dsn, tender: d, service: bids.NewService(Acts[bids.Tx](s), s, nil, nil)}
}

// digest is that of an envelope of the n-th bid.
func digest(n int, envelope byte) docs.Hash {
	return docs.Hash{byte(n), byte(n >> 8), byte(n >> 16), envelope}
}

// fresh makes bids that are ready to be submitted.
func (a *arena) fresh(t testing.TB, n int) []*bids.Bid {
	var all []*bids.Bid
	err := within(a.s, func(tx *Tx) error {
		for range n {
			a.next++
			x := &parties.Supplier{ID: act.NewID(), Country: "FR", TaxID: fmt.Sprint(a.tender.ID, a.next)}
			b := (&bids.Bid{ID: act.NewID(), TenderID: a.tender.ID, LotID: a.tender.Lots[0].ID, Supplier: x.ID, Form: bids.Single, CreatedAt: noon, Uploads: []bids.Upload{
				{Envelope: "A", SHA256: digest(a.next, 1), Size: 2000, UploadedAt: noon}, {Envelope: "C", SHA256: digest(a.next, 2), Size: 2000, UploadedAt: noon}}}).Attach(a.tender)
			if err := errors.Join(tx.SaveSupplier(x), tx.SaveBid(b)); err != nil {
				return err
			}
			all = append(all, b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// submit is the act as the API calls it, under a key.
func (a *arena) submit(ctx context.Context, b *bids.Bid) error {
	who := act.Actor{Kind: act.KindPerson, ID: "p-" + b.Supplier, Powers: []act.Power{{Role: act.Supplier, Supplier: b.Supplier}}}
	var manifest []bids.Claim
	for _, u := range b.Uploads {
		manifest = append(manifest, bids.Claim{Envelope: u.Envelope, SHA256: u.SHA256})
	}
	_, err := a.service.Submit(ctx, act.Call{Actor: who, Key: "key-" + b.ID, Request: strings.Repeat("0", 64)}, b.ID, manifest, bids.Pressed{})
	return err
}

// another is a second arena in the same database, with a tender of its own.
func (a *arena) another(t testing.TB, id string) *arena {
	d := *a.tender
	d.ID, d.Version = id, 0
	d.Terms.Lots = []tender.Lot{d.Lots[0]}
	d.Lots[0].ID = "lot-" + id
	err := within(a.s, func(tx *Tx) error {
		return errors.Join(tx.SaveTender(&d), tx.KeepKey(id, tender.Key{Lot: d.Lots[0].ID, Envelope: "A"}, []byte("wrapped")))
	})
	if err != nil {
		t.Fatal(err)
	}
	return &arena{s: a.s, tender: &d, service: a.service}
}

// emptyVault has lost everything: envelopes are tried, and none opens.
type emptyVault struct{ docs.Vault }

func (emptyVault) Open(context.Context, docs.Area, docs.Hash) (docs.File, int64, error) {
	return nil, 0, fault.Missing("document")
}

// deafSealer releases nothing.
type deafSealer struct{ bids.Sealer }

func (deafSealer) Release(_ context.Context, r bids.Request) ([]bids.Released, error) {
	return make([]bids.Released, len(r.Envelopes)), nil
}
