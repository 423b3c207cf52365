package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"sigillo/audit"
	"sigillo/bids"
	"sigillo/internal/fault"
	"sigillo/internal/sealer"
	"sigillo/tender"
)

// Foresee has a bid read ahead, and with the questions that are asked anyway.
func (tx *Tx) Foresee(id string) { tx.foreseen = id }

// ahead reads the bid foreseen, in no lock: what the sealer must be asked about
// it is known then before any lock. If there is none, it is not foreseen.
func (tx *Tx) ahead() ([]cloth, error) {
	if tx.foreseen == "" {
		return nil, nil
	}
	row := bidRow{ID: tx.foreseen}
	var now int64
	err := tx.db.Raw("SELECT "+tx.clock()+", doc, who FROM bid WHERE id = ?", row.ID).Row().Scan(&now, &row.Doc, &row.Who)
	if errors.Is(err, sql.ErrNoRows) {
		tx.foreseen = ""
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	tx.keepTime(now)
	return row.cloths(true)
}

// lockedBid is a bid under its lock, and under that of its lot.
type lockedBid struct {
	bidRow
	tender, hash string
	version      int
	salt         []byte // of its last snapshot; nil as well if it was not there when the statement began
}

// lockBid locks and reads the bid foreseen. What is read by the statement that
// locks cannot change any more: the bid only under its own lock, the tender only
// under that of all its lots. Lots are locked before bids, as everywhere. The
// outcome of an earlier request comes along; one that is committed while this
// one waits is found by the insertion of its own.
func (tx *Tx) lockBid(mark string) (thing *string, err error) {
	lock := ""
	if tx.store.postgres {
		// In the order of these words. If one had to be waited for, PostgreSQL
		// reads both again, as they are then.
		lock = " FOR SHARE OF l FOR UPDATE OF b"
	}
	x := &lockedBid{bidRow: bidRow{ID: tx.foreseen}}
	tx.foreseen = ""
	err = tx.db.Raw("SELECT (SELECT thing FROM outcome WHERE mark = ?), l.tender, l.tender_hash, b.version, b.doc, b.who, "+
		fmt.Sprintf(lastSalt, "'bid'", "b.id", "b.version")+" FROM bid b JOIN lot l ON l.id = b.lot WHERE b.id = ?"+lock, mark, x.ID).
		Row().Scan(&thing, &x.tender, &x.hash, &x.version, &x.Doc, &x.Who, &x.salt)
	if errors.Is(err, sql.ErrNoRows) {
		err = fault.Missing("bid")
	}
	if err == nil {
		tx.locked = x
	}
	return thing, err
}

// Bid loads a bid with its tender, and keeps the lot from being closed. The
// sealer is asked before anything is locked; again only if the bid has changed
// meanwhile.
func (tx *Tx) Bid(id string) (*bids.Bid, error) {
	x := tx.locked
	tx.locked = nil // what was read ahead serves once
	if x == nil || x.ID != id {
		tx.Foresee(id)
		all, err := tx.ahead()
		if err == nil && all == nil {
			err = fault.Missing("bid")
		}
		if err != nil {
			return nil, err
		}
		if _, err := tx.dressed(all); err != nil {
			return nil, err
		}
		if _, err := tx.lockBid(""); err != nil {
			return nil, err
		}
		x, tx.locked = tx.locked, nil
	}
	all, err := tx.store.unveiled(tx.ctx(), tx.held, []bidRow{x.bidRow}, true)
	if err != nil {
		return nil, err
	}
	t, err := tx.tenderBy(x.tender, x.hash)
	if err != nil {
		return nil, err
	}
	tx.sent[id] = len(all[0].Sent)
	if x.salt != nil {
		tx.salts[audit.Object{Type: "bid", ID: id, Version: x.version}] = x.salt
	}
	return all[0].Attach(t), nil
}

// SaveBid saves a bid and the row of a new submission; the database refuses a
// late one. Whose the bid is, is written when it is drafted and never again.
func (tx *Tx) SaveBid(b *bids.Bid) error {
	g, err := tx.dress()
	if err != nil {
		return err
	}
	doc := func() (string, error) {
		text, err := nameless(b)
		return onPaper(g.rest.cover("bid.doc/"+b.ID, text)), err
	}
	if b.Version == 0 {
		err = tx.draftBid(b, g, doc)
	} else {
		tx.wrote = true
		old := b.Version
		b.Version++
		var text string
		if text, err = doc(); err == nil {
			tx.queueOne("UPDATE bid SET version = ?, doc = ?, contested = ? WHERE id = ? AND version = ?", b.Version, text, b.Contested != nil, b.ID, old)
		}
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

func (tx *Tx) draftBid(b *bids.Bid, g *garb, doc func() (string, error)) error {
	m, err := tx.store.marker(tx.ctx(), "bidder", b.Supplier)
	if err != nil {
		return err
	}
	text, err := json.Marshal(who{b.Supplier, b.Members})
	if err != nil {
		return err
	}
	err = tx.putAs("bid", "bid", b.ID, &b.Version, map[string]any{
		"tender": b.TenderID, "lot": b.LotID, "contested": b.Contested != nil,
		"supplier": m.at(b.LotID), "who": onPaper(g.who.cover("bid.who/"+b.ID, text)),
	}, doc)
	if f := fault.Of(err); f != nil && f.Code == "duplicate" {
		return fault.New(fault.Conflict, "one-bid", "Ha già un'offerta per questo lotto: la modifichi o la ritiri (art. 17 c. 4).",
			"You already have a bid for this lot: change or withdraw it (art. 17 c. 4).")
	}
	return err
}

// toScrub has the envelopes of a sending hashed every day.
func (tx *Tx) toScrub(bid string, manifest []bids.Upload) {
	var args []any
	for _, u := range manifest {
		args = append(args, u.SHA256.String(), bid)
	}
	if len(args) > 0 {
		tx.queue("INSERT INTO scrub (digest, bid, claimed_at) VALUES (?, ?, 0)"+strings.Repeat(", (?, ?, 0)", len(manifest)-1)+" ON CONFLICT (digest) DO NOTHING", args...)
	}
}

// BidsOf lists every bid for a lot.
func (tx *Tx) BidsOf(t *tender.Tender, lot string) ([]*bids.Bid, error) {
	return tx.bidsOf(t, lot, true)
}

// Nameless lists every bid for a lot, without supplier and members.
func (tx *Tx) Nameless(t *tender.Tender, lot string) ([]*bids.Bid, error) {
	return tx.bidsOf(t, lot, false)
}

func (tx *Tx) bidsOf(t *tender.Tender, lot string, named bool) ([]*bids.Bid, error) {
	rows, err := bidRows(tx.db, 0, "lot = ?", lot)
	if err != nil {
		return nil, err
	}
	all, err := tx.store.unveiled(tx.ctx(), tx.held, rows, named)
	for _, b := range all {
		b.Attach(t)
	}
	return all, err
}

func bidRows(db *gorm.DB, limit int, where string, args ...any) ([]bidRow, error) {
	var rows []bidRow
	q := db.Table("bid").Select("id", "doc", "who").Where(where, args...).Order("id")
	if limit > 0 {
		q = q.Limit(limit)
	}
	return rows, q.Find(&rows).Error
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
	all, err := s.bids(ctx, 1, true, "id = ?", id)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fault.Missing("bid")
	}
	return all[0], nil
}

// BidsBy lists a supplier's own bids by id. Its mark differs from lot to lot, so
// all that it may bear are looked for: one for each lot ever published.
func (s *Store) BidsBy(ctx context.Context, supplier, after string, limit int) ([]*bids.Bid, error) {
	var lots, marks []string
	if err := s.read.WithContext(ctx).Table("lot").Where("state <> ?", string(tender.Draft)).Pluck("id", &lots).Error; err != nil {
		return nil, err
	}
	m, err := s.marker(ctx, "bidder", supplier)
	if err != nil {
		return nil, err
	}
	for _, lot := range lots {
		marks = append(marks, m.at(lot))
	}
	text, err := json.Marshal(marks)
	if err != nil {
		return nil, err
	}
	// One parameter, for there are bounds to how many a statement may have.
	values := "SELECT value FROM json_each(?)"
	if s.postgres {
		values = "SELECT jsonb_array_elements_text(?::jsonb)"
	}
	return s.bids(ctx, limit, true, "supplier IN ("+values+") AND id > ?", string(text), after)
}

// BidsFor lists the bids for a lot by id; while the lot is sealed, only those of
// the supplier.
func (s *Store) BidsFor(ctx context.Context, lot, supplier, after string, limit int) ([]*bids.Bid, error) {
	own := ""
	if supplier != "" {
		m, err := s.marker(ctx, "bidder", supplier)
		if err != nil {
			return nil, err
		}
		own = m.at(lot)
	}
	var sealed []string
	for _, state := range tender.States() {
		if state.Sealed() {
			sealed = append(sealed, string(state))
		}
	}
	return s.bids(ctx, limit, true, "lot = ? AND id > ? AND (supplier = ? OR EXISTS (SELECT 1 FROM lot WHERE lot.id = bid.lot AND state NOT IN ?))", lot, after, own, sealed)
}

// ContestedBids lists the bids for a lot with a contested late submission,
// without supplier and members.
func (s *Store) ContestedBids(ctx context.Context, lot string) ([]*bids.Bid, error) {
	return s.bids(ctx, 0, false, "lot = ? AND contested", lot)
}

func (s *Store) bids(ctx context.Context, limit int, named bool, where string, args ...any) ([]*bids.Bid, error) {
	db := s.read.WithContext(ctx)
	rows, err := bidRows(db, limit, where, args...)
	if err != nil {
		return nil, err
	}
	all, err := s.unveiled(ctx, threads{}, rows, named)
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
