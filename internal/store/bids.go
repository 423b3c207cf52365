package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"sigillo/bids"
	"sigillo/internal/fault"
	"sigillo/internal/sealer"
	"sigillo/tender"
)

// Bid loads a bid with its tender, and keeps the lot from being closed. The
// lots are locked first, as everywhere; what is read by the second statement
// cannot change any more: the tender only under a lock of all its lots, the bid
// only under its own.
func (tx *Tx) Bid(id string) (*bids.Bid, error) {
	if err := tx.lockLots("SHARE", "tender = (SELECT tender FROM bid WHERE id = ?)", id); err != nil {
		return nil, err
	}
	lock := ""
	if tx.store.postgres {
		lock = " FOR UPDATE OF b"
	}
	var doc, of []byte
	err := tx.db.Raw("SELECT b.doc, t.doc FROM bid b JOIN tender t ON t.id = b.tender WHERE b.id = ?"+lock, id).Row().Scan(&doc, &of)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.Missing("bid")
	}
	if err != nil {
		return nil, err
	}
	b, t := new(bids.Bid), new(tender.Tender)
	shown, err := tx.store.showDocs(tx.ctx(), "bid", [][]byte{doc})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(json.Unmarshal(shown[0], b), json.Unmarshal(of, t)); err != nil {
		return nil, err
	}
	tx.sent[b.ID] = len(b.Sent)
	return b.Attach(t), nil
}

// SaveBid saves a bid and the row of a new submission; the database refuses a
// late one.
func (tx *Tx) SaveBid(b *bids.Bid) error {
	bidder, err := tx.store.mark(tx.ctx(), b.Supplier)
	if err != nil {
		return err
	}
	err = tx.put("bid", "bid", b.ID, &b.Version, b, map[string]any{"tender": b.TenderID, "lot": b.LotID, "supplier": bidder, "contested": b.Contested != nil})
	if f := fault.Of(err); f != nil && f.Code == "duplicate" {
		return fault.New(fault.Conflict, "one-bid", "Ha già un'offerta per questo lotto: la modifichi o la ritiri (art. 17 c. 4).",
			"You already have a bid for this lot: change or withdraw it (art. 17 c. 4).")
	}
	if err != nil {
		return err
	}
	if c := b.Contested; c != nil && c.Decision == nil {
		tx.toScrub(b.ID, c.Submission.Manifest)
	}
	if len(b.Sent) == tx.sent[b.ID] {
		return nil
	}
	last := b.Sent[len(b.Sent)-1]
	tx.toScrub(b.ID, last.Manifest)
	tx.queue("INSERT INTO submission (bid, number, lot, received_at, manifest_hash, database_clock) VALUES (?, ?, ?, ?, ?, ?)",
		b.ID, last.Number, b.LotID, last.ReceivedAt.UnixMicro(), last.ManifestHash, tx.store.clock == nil)
	return nil
}

// toScrub has the envelopes of a sending hashed every day.
func (tx *Tx) toScrub(bid string, manifest []bids.Upload) {
	for _, u := range manifest {
		tx.queue("INSERT INTO scrub (digest, bid, claimed_at) VALUES (?, ?, 0) ON CONFLICT (digest) DO NOTHING", u.SHA256.String(), bid)
	}
}

// BidsOf lists every bid for a lot.
func (tx *Tx) BidsOf(t *tender.Tender, lot string) ([]*bids.Bid, error) {
	all, err := listVeiled[bids.Bid](tx.store, tx.db, "bid", 0, "lot = ?", lot)
	for _, b := range all {
		b.Attach(t)
	}
	return all, err
}

// Opening loads an opening with its tender, shared.
func (tx *Tx) Opening(id string) (*bids.Opening, error) {
	o, err := get[bids.Opening](tx.lock("UPDATE"), "opening", "opening", "id = ?", id)
	if err != nil {
		return nil, err
	}
	t, err := tx.TenderShared(o.TenderID)
	if err != nil {
		return nil, err
	}
	return o.Attach(t), nil
}

// OpeningOf loads the opening of one kind of envelope of a lot.
func (tx *Tx) OpeningOf(t *tender.Tender, lot string, e tender.Envelope) (*bids.Opening, error) {
	o, err := get[bids.Opening](tx.db, "opening", "opening", "lot = ? AND envelope = ?", lot, string(e))
	if err != nil {
		return nil, err
	}
	return o.Attach(t), nil
}

// SaveOpening saves an opening; a lot's envelopes are opened once.
func (tx *Tx) SaveOpening(o *bids.Opening) error {
	return tx.put("opening", "opening", o.ID, &o.Version, o, map[string]any{
		"tender": o.TenderID, "lot": o.LotID, "envelope": string(o.Envelope), "effective": o.Effective.UnixMicro(), "unsealed": o.Unsealed,
	})
}

// Bid reads a bid with its tender.
func (s *Store) Bid(ctx context.Context, id string) (*bids.Bid, error) {
	b, err := getVeiled[bids.Bid](s, s.read.WithContext(ctx), "bid", "bid", "id = ?", id)
	if err != nil {
		return nil, err
	}
	t, err := s.Tender(ctx, b.TenderID)
	if err != nil {
		return nil, err
	}
	return b.Attach(t), nil
}

// BidsBy lists a supplier's own bids by id.
func (s *Store) BidsBy(ctx context.Context, supplier, after string, limit int) ([]*bids.Bid, error) {
	bidder, err := s.mark(ctx, supplier)
	if err != nil {
		return nil, err
	}
	return s.bids(ctx, limit, "supplier = ? AND id > ?", bidder, after)
}

// BidsFor lists the bids for a lot by id.
func (s *Store) BidsFor(ctx context.Context, lot, after string, limit int) ([]*bids.Bid, error) {
	return s.bids(ctx, limit, "lot = ? AND id > ?", lot, after)
}

// ContestedBids lists the bids for a lot with a contested late submission.
func (s *Store) ContestedBids(ctx context.Context, lot string) ([]*bids.Bid, error) {
	return s.bids(ctx, 0, "lot = ? AND contested", lot)
}

func (s *Store) bids(ctx context.Context, limit int, where string, args ...any) ([]*bids.Bid, error) {
	db := s.read.WithContext(ctx)
	all, err := listVeiled[bids.Bid](s, db, "bid", limit, where, args...)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, b := range all {
		ids = append(ids, b.TenderID)
	}
	tenders, err := tendersOf(db, ids)
	for _, b := range all {
		b.Attach(tenders[b.TenderID])
	}
	return all, err
}

// Opening reads an opening with its tender.
func (s *Store) Opening(ctx context.Context, id string) (*bids.Opening, error) {
	o, err := get[bids.Opening](s.read.WithContext(ctx), "opening", "opening", "id = ?", id)
	if err != nil {
		return nil, err
	}
	t, err := s.Tender(ctx, o.TenderID)
	if err != nil {
		return nil, err
	}
	return o.Attach(t), nil
}

// Openings lists the openings of a tender.
func (s *Store) Openings(ctx context.Context, id string) ([]*bids.Opening, error) {
	t, err := s.Tender(ctx, id)
	if err != nil {
		return nil, err
	}
	all, err := list[bids.Opening](s.read.WithContext(ctx), "opening", 0, "tender = ?", id)
	for _, o := range all {
		o.Attach(t)
	}
	return all, err
}

// Sealed lists openings whose envelopes have not been tried.
func (s *Store) Sealed(ctx context.Context) ([]string, error) {
	var ids []string
	err := s.read.WithContext(ctx).Table("opening").Where("NOT unsealed").Order("id").Pluck("id", &ids).Error
	return ids, err
}

// Committed tells of a committed opening: the sealer asks.
func (s *Store) Committed(ctx context.Context, lot, envelope string) (*sealer.Committed, error) {
	o, err := get[bids.Opening](s.db.WithContext(ctx), "opening", "opening", "lot = ? AND envelope = ?", lot, envelope)
	if f := fault.Of(err); f != nil && f.Kind == fault.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c := &sealer.Committed{Effective: o.Effective}
	for _, b := range o.Bids {
		c.Suppliers = append(c.Suppliers, b.Supplier)
	}
	return c, nil
}

// Due lists what the clock owes at the instant. The index narrows the search;
// the tender itself says what is due.
func (s *Store) Due(ctx context.Context, now time.Time) ([]tender.Due, error) {
	db := s.read.WithContext(ctx)
	var ids []string
	us := now.UnixMicro()
	err := db.Table("lot").Where("state = 'published' AND deadline <= ? OR state = 'closed' AND opens_at <= ? OR state = 'revoked' AND keys_kept", us, us).
		Distinct().Order("tender").Pluck("tender", &ids).Error
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	tenders, err := tendersOf(db, ids)
	var all []tender.Due
	for _, id := range ids {
		if t := tenders[id]; t != nil {
			all = append(all, t.Due(now)...)
		}
	}
	return all, err
}
