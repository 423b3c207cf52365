package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"sigillo/audit"
	"sigillo/feed"
	"sigillo/internal/act"
)

// Derive keeps what the log makes public, one batch after the other, and tells
// how many leaves it has read.
func (s *Store) Derive(ctx context.Context) (int, error) {
	all := 0
	for {
		n, err := s.DeriveChanges(ctx, Batch)
		if all += n; err != nil || n < Batch {
			return all, err
		}
	}
}

// DeriveChanges reads up to limit leaves of the log it has not read yet, and
// keeps what they make public. It tells how many leaves. Any replica may call it
// at any time: while another is at it, it does nothing.
//
// The order of the log is final, and the leaves it has are all there will ever
// be between two: so nothing is passed over, whatever writers are under way.
// Entries of bidders are not even read.
func (s *Store) DeriveChanges(ctx context.Context, limit int) (int, error) {
	var next, size int64
	err := s.read.WithContext(ctx).Raw("SELECT next, (SELECT coalesce(max(idx), -1) + 1 FROM audit_leaf) FROM feed_head").Row().Scan(&next, &size)
	if err != nil || next >= size {
		return 0, err // SQLite's one writer is not troubled for nothing
	}
	n := 0
	err = s.db.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		n, err = s.derive(db, limit)
		return err
	})
	return n, err
}

func (s *Store) derive(db *gorm.DB, limit int) (int, error) {
	lock := ""
	if s.postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	var next, to int64
	err := db.Raw("SELECT next FROM feed_head" + lock).Row().Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err == nil {
		// Asked only now: what was read before the lock could be old.
		err = db.Raw("SELECT coalesce(max(idx), -1) + 1 FROM audit_leaf").Row().Scan(&to)
	}
	if to = min(to, next+int64(limit)); err != nil || to <= next {
		return 0, err
	}
	changes, err := s.madePublic(db, next, to)
	if err != nil {
		return 0, err
	}
	if err := saveChanges(db, changes); err != nil {
		return 0, err
	}
	return int(to - next), db.Exec("UPDATE feed_head SET next = ?", to).Error
}

// madePublic is what the leaves from inclusive to exclusive make public.
func (s *Store) madePublic(db *gorm.DB, from, to int64) ([]feed.Change, error) {
	var bodies [][]byte
	err := db.Raw("SELECT e.body FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry WHERE l.idx >= ? AND l.idx < ? AND l.tender <> '' AND NOT e.bidder ORDER BY l.idx",
		from, to).Scan(&bodies).Error
	if err != nil {
		return nil, err
	}
	entries := make([]audit.Entry, len(bodies))
	ids := make([]string, len(bodies))
	for i, body := range bodies {
		if entries[i], err = audit.Open(body); err != nil {
			return nil, err
		}
		ids[i] = entries[i].Tender
	}
	tenders, err := tendersOf(db, ids)
	if err != nil {
		return nil, err
	}
	var all []feed.Change
	for _, e := range entries {
		if t := tenders[e.Tender]; t != nil {
			if c, told := feed.Of(e, t); told {
				all = append(all, c)
			}
		}
	}
	return all, nil
}

func saveChanges(db *gorm.DB, all []feed.Change) error {
	if len(all) == 0 {
		return nil
	}
	var last int64
	if err := db.Raw("SELECT coalesce(max(n), 0) FROM feed_change").Row().Scan(&last); err != nil {
		return err
	}
	const most = 1000 // rows in a statement: both databases bound its parameters
	for begin := 0; begin < len(all); begin += most {
		part := all[begin:min(begin+most, len(all))]
		var values []any
		for i, c := range part {
			values = append(values, last+int64(begin+i)+1, c.ID, string(c.Action), c.At.UnixMicro(), microsOf(c.Effective), c.Authority, c.Tender, c.Lot, c.Question)
		}
		err := db.Exec("INSERT INTO feed_change (n, id, action, at, effective, authority, tender, lot, question) VALUES "+
			strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?, ?, ?), ", len(part)), ", "), values...).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// changeRow is a change as it is kept.
type changeRow struct {
	N                                            int64
	ID, Action, Authority, Tender, Lot, Question string
	At                                           int64
	Effective                                    *int64
}

func (r changeRow) change() feed.Change {
	return feed.Change{ID: r.ID, Action: act.Action(r.Action), At: time.UnixMicro(r.At).UTC(), Effective: instantOf(r.Effective),
		Authority: r.Authority, Tender: r.Tender, Lot: r.Lot, Question: r.Question}
}

// Changes lists what has become public after the change of an id, in order: of
// all tenders, or of one. Fault: unknown-cursor.
func (s *Store) Changes(ctx context.Context, tender, after string, limit int) ([]feed.Change, error) {
	db := s.read.WithContext(ctx)
	n, err := changeNumber(db, after)
	if err != nil {
		return nil, err
	}
	q := db.Table("feed_change").Where("n > ?", n).Order("n").Limit(limit)
	if tender != "" {
		q = q.Where("tender = ?", tender)
	}
	return complete(db, q)
}

// Latest lists what has become public last, the newest first.
func (s *Store) Latest(ctx context.Context, tender string, limit int) ([]feed.Change, error) {
	db := s.read.WithContext(ctx)
	q := db.Table("feed_change").Order("n DESC").Limit(limit)
	if tender != "" {
		q = q.Where("tender = ?", tender)
	}
	return complete(db, q)
}

// changeNumber is 0 for the very beginning.
func changeNumber(db *gorm.DB, id string) (n int64, err error) {
	if id == "" {
		return 0, nil
	}
	err = db.Raw("SELECT n FROM feed_change WHERE id = ?", id).Row().Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		err = feed.ErrCursor
	}
	return n, err
}

// complete reads changes with what stands in their tenders.
func complete(db, q *gorm.DB) ([]feed.Change, error) {
	var rows []changeRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, err
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.Tender
	}
	tenders, err := tendersOf(db, ids)
	if err != nil {
		return nil, err
	}
	all := make([]feed.Change, len(rows))
	for i, r := range rows {
		all[i] = r.change()
		all[i].Complete(tenders[r.Tender])
	}
	return all, nil
}
