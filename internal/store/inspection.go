package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"sigillo/audit"
	"sigillo/inspection"
	"sigillo/tender"
)

// most is how many entries one search looks at: whoever looks for little reads
// on, and nobody holds the database.
const (
	most    = 5000
	portion = 500
)

// open to a reader are entries but those of bidders on tenders not open yet.
const openToReaders = ` AND NOT (e.bidder AND EXISTS (SELECT 1 FROM lot WHERE lot.tender = e.tender AND lot.state IN ?))`

var sealedStates = []string{string(tender.Published), string(tender.Suspended), string(tender.Closed)}

// Entries finds entries in the order of the log, which never changes and never
// gets a place filled behind a reader.
func (s *Store) Entries(ctx context.Context, authority string, q inspection.Query) (inspection.Page, error) {
	page := inspection.Page{Next: q.After, Lines: []inspection.Line{}}
	where, more := "", []any{}
	if q.Tender != "" {
		where, more = " AND l.tender = ?", []any{q.Tender}
	}
	for range most / portion {
		args := append([]any{authority, page.Next, sealedStates}, more...)
		kept, err := s.kept(ctx, "FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry WHERE l.tenant = ? AND l.idx >= ?"+openToReaders+where+" ORDER BY l.idx LIMIT 500", args...)
		if err != nil {
			return page, err
		}
		for _, k := range kept {
			if len(page.Lines) >= q.Limit {
				return page, nil
			}
			page.Next = k.Line.Index + 1
			if q.Matches(k.Line.Entry) {
				page.Lines = append(page.Lines, k.Line)
			}
		}
		if page.Whole = len(kept) < portion; page.Whole {
			return page, nil
		}
	}
	return page, nil
}

// EntryAt is the entry at a place in the log.
func (s *Store) EntryAt(ctx context.Context, authority string, index uint64) (*inspection.Kept, error) {
	all, err := s.kept(ctx, "FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry WHERE l.tenant = ? AND l.idx = ?"+openToReaders, authority, index, sealedStates)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

// kept reads entries with their places in the log, in clear.
func (s *Store) kept(ctx context.Context, from string, args ...any) ([]*inspection.Kept, error) {
	rows, err := s.read.WithContext(ctx).Raw("SELECT coalesce(l.idx, 0), coalesce(l.tender_seq, 0), e.bidder, e.body, e.salt, e.leaf "+from, args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*inspection.Kept
	var raw []trailRow
	for rows.Next() {
		var k inspection.Kept
		var r trailRow
		if err := rows.Scan(&k.Line.Index, &k.Line.Seq, &r.bidder, &r.body, &r.salt, &r.leaf); err != nil {
			return nil, err
		}
		all, raw = append(all, &k), append(raw, r)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	i := 0
	return all, s.visit(ctx, raw, func(r audit.Record) error {
		k := all[i]
		i++
		k.Record = r
		k.Line.Entry, err = audit.Open(r.Body)
		return err
	})
}

// StateAt is the last snapshot of an object until an instant.
func (s *Store) StateAt(ctx context.Context, authority, kind, id string, at time.Time) (*inspection.Kept, error) {
	from := ` FROM audit_state s JOIN audit_entry e ON e.leaf = s.leaf LEFT JOIN audit_leaf l ON l.entry = e.id
		WHERE s.type = ? AND s.object = ? AND s.at <= ? AND e.tenant = ?` + openToReaders + " ORDER BY s.at DESC, s.id DESC LIMIT 1"
	args := []any{kind, id, at.UnixMicro(), authority, sealedStates}
	var row int64
	err := s.read.WithContext(ctx).Raw("SELECT s.id"+from, args...).Row().Scan(&row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := s.kept(ctx, "FROM audit_state s JOIN audit_entry e ON e.leaf = s.leaf LEFT JOIN audit_leaf l ON l.entry = e.id WHERE s.id = ?", row)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	snapshot, err := s.snapshot(ctx, "s.id = ?", row)
	if err != nil {
		return nil, err
	}
	if all[0].Erased = snapshot == nil; !all[0].Erased {
		all[0].Snapshot = *snapshot
	}
	return all[0], nil
}

// SnapshotOf is the one a state's hash was made from, nil if it was erased. It
// may be of an earlier version than the object has now.
func (s *Store) SnapshotOf(ctx context.Context, o audit.Object, hash string) (*audit.Snapshot, error) {
	var ids []int64
	err := s.read.WithContext(ctx).Table("audit_state").Where("type = ? AND object = ? AND version <= ? AND salt IS NOT NULL", o.Type, o.ID, o.Version).
		Order("version DESC, id DESC").Limit(10).Pluck("id", &ids).Error
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		snapshot, err := s.snapshot(ctx, "s.id = ?", id)
		if err != nil {
			return nil, err
		}
		if snapshot != nil && snapshot.Hash() == hash {
			return snapshot, nil
		}
	}
	return nil, nil
}

// snapshot reads one in clear, nil if it was erased or is not there.
func (s *Store) snapshot(ctx context.Context, where string, args ...any) (*audit.Snapshot, error) {
	var x audit.Snapshot
	var leaf, salt []byte
	var place int
	err := s.read.WithContext(ctx).Raw(`SELECT s.type, s.object, s.version, s.leaf, s.salt, s.doc,
		(SELECT count(*) FROM audit_state o WHERE o.leaf = s.leaf AND o.id < s.id) FROM audit_state s WHERE `+where, args...).
		Row().Scan(&x.Object.Type, &x.Object.ID, &x.Object.Version, &leaf, &salt, &x.Doc, &place)
	if errors.Is(err, sql.ErrNoRows) || err == nil && len(salt) != 32 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	x.Salt = [32]byte(salt)
	if underVeil(x.Doc) {
		texts, err := s.lift(ctx, threads{}, []cloth{{statePlace(leaf, place), x.Doc}})
		if err != nil {
			return nil, err
		}
		x.Doc = texts[0]
	}
	return &x, nil
}
