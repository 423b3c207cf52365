package store

import (
	"context"
	"time"

	"sigillo/bids"
	"sigillo/docs"
	"sigillo/internal/fault"
	"sigillo/tender"
)

// Transfer loads an upload with its bid, and keeps the lot from being closed.
func (tx *Tx) Transfer(id string) (*bids.Transfer, error) {
	var row struct{ Bid, Doc string }
	if err := tx.db.Table("transfer").Select("bid", "doc").Where("id = ?", id).Take(&row).Error; err != nil {
		return nil, told(err, "upload")
	}
	c, err := fromPaper("transfer.doc/"+id, row.Doc)
	if err != nil {
		return nil, err
	}
	if err := tx.store.fetch(tx.ctx(), tx.held, []cloth{c}); err != nil { // before any lock
		return nil, err
	}
	b, err := tx.Bid(row.Bid) // its row is locked, and with it all its uploads
	if err != nil {
		return nil, err
	}
	t, err := getVeiled[bids.Transfer](tx.store, tx.held, tx.db, "transfer", "upload", "id = ?", id)
	if err != nil {
		return nil, err
	}
	return t.Attach(b), nil
}

// SaveTransfer saves an upload.
func (tx *Tx) SaveTransfer(t *bids.Transfer) error {
	return tx.putVeiled("transfer", "upload", t.ID, &t.Version, t, map[string]any{
		"bid": t.Bid, "begun_at": t.BegunAt.UnixMicro(), "under_way": t.EndedAt == nil && !t.Dropped,
	})
}

// SaveMessage keeps a message that a bidder was shown.
func (tx *Tx) SaveMessage(m *bids.Message) error {
	return tx.putVeiled("message", "message", m.ID, &m.Version, m, map[string]any{"bid": m.Bid})
}

// Transfer reads an upload with its bid.
func (s *Store) Transfer(ctx context.Context, id string) (*bids.Transfer, error) {
	t, err := getVeiled[bids.Transfer](s, threads{}, s.read.WithContext(ctx), "transfer", "upload", "id = ?", id)
	if err != nil {
		return nil, err
	}
	b, err := s.Bid(ctx, t.Bid)
	if err != nil {
		return nil, err
	}
	return t.Attach(b), nil
}

// Transfers lists the uploads of a bid by id.
func (s *Store) Transfers(ctx context.Context, bid string) ([]*bids.Transfer, error) {
	b, err := s.Bid(ctx, bid)
	if err != nil {
		return nil, err
	}
	all, err := listVeiled[bids.Transfer](s, threads{}, s.read.WithContext(ctx), "transfer", 0, "bid = ?", bid)
	for _, t := range all {
		t.Attach(b)
	}
	return all, err
}

// AbandonedTransfers lists unfinished uploads begun before the instant.
func (s *Store) AbandonedTransfers(ctx context.Context, before time.Time) ([]*bids.Transfer, error) {
	all, err := listVeiled[bids.Transfer](s, threads{}, s.read.WithContext(ctx), "transfer", 1000, "under_way AND begun_at < ?", before.UnixMicro())
	for _, t := range all {
		b, err := s.bids(ctx, 1, false, "id = ?", t.Bid)
		if err != nil {
			return nil, err
		}
		if len(b) == 0 {
			return nil, fault.Missing("bid")
		}
		t.Attach(b[0])
	}
	return all, err
}

// LotStateOf is the state of the lot a bid is for.
func (s *Store) LotStateOf(ctx context.Context, bid string) (tender.State, error) {
	var state []string
	err := s.read.WithContext(ctx).Table("lot").Joins("JOIN bid ON bid.lot = lot.id").Where("bid.id = ?", bid).Pluck("lot.state", &state).Error
	if err == nil && len(state) == 0 {
		return "", fault.Missing("bid")
	}
	if err != nil {
		return "", err
	}
	return tender.State(state[0]), nil
}

// ScrubDue lists the submitted envelopes that nobody has hashed since an
// instant, for lots whose envelopes may still be opened.
func (s *Store) ScrubDue(ctx context.Context, before time.Time) ([]bids.Stored, error) {
	var rows []struct {
		Digest, Bid string
		OpensAt     int64
	}
	err := s.read.WithContext(ctx).Table("scrub").Select("scrub.digest, scrub.bid, lot.opens_at").
		Joins("JOIN bid ON bid.id = scrub.bid").Joins("JOIN lot ON lot.id = bid.lot").
		Where("scrub.claimed_at < ? AND lot.state IN ?", before.UnixMicro(), []string{
			string(tender.Published), string(tender.Suspended), string(tender.Closed), string(tender.AdministrativeOpened), string(tender.Admitted),
			string(tender.TechnicalOpened), string(tender.ScoresLocked), string(tender.EconomicOpened),
		}).Order("scrub.claimed_at, scrub.digest").Limit(1000).Scan(&rows).Error
	all := make([]bids.Stored, 0, len(rows))
	for _, r := range rows {
		h, err := docs.ParseHash(r.Digest)
		if err != nil {
			return nil, err
		}
		all = append(all, bids.Stored{Digest: h, Bid: r.Bid, OpensAt: time.UnixMicro(r.OpensAt).UTC()})
	}
	return all, err
}

// ClaimScrub claims the hashing of an envelope. It is no act: nothing about
// anybody's rights changes, and damage that is found becomes one.
func (s *Store) ClaimScrub(ctx context.Context, h docs.Hash, now, before time.Time) (bool, error) {
	r := s.db.WithContext(ctx).Exec("UPDATE scrub SET claimed_at = ? WHERE digest = ? AND claimed_at < ?", now.UnixMicro(), h.String(), before.UnixMicro())
	return r.RowsAffected == 1, r.Error
}

// Messages lists what a bidder was shown about a bid.
func (s *Store) Messages(ctx context.Context, bid string) ([]*bids.Message, error) {
	return listVeiled[bids.Message](s, threads{}, s.read.WithContext(ctx), "message", 0, "bid = ?", bid)
}

// SupplierName is the name people know a supplier by.
func (s *Store) SupplierName(ctx context.Context, id string) (string, error) {
	r, err := s.Supplier(ctx, id)
	if err != nil {
		return "", err
	}
	return r.Name, nil
}
