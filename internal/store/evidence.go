package store

import (
	"context"
	"errors"
	"time"

	"sigillo/audit"
)

// patience is how long evidence is waited for: an entry is in the log within a
// fraction of a second, unless a transaction elsewhere in the cluster lasts.
const patience = 5 * time.Second

// Evidence shows an act in the log, once its entry is under a signed checkpoint;
// it puts it there if nobody has yet. nil if there was no such act. Fault:
// not-logged-yet.
func (l *Log) Evidence(ctx context.Context, d audit.Deed) (*audit.Evidence, error) {
	r, err := l.store.recordOf(ctx, d)
	if err != nil || r == nil {
		return nil, err
	}
	return l.Prove(ctx, *r)
}

// Prove shows a record in the log, as Evidence does.
func (l *Log) Prove(ctx context.Context, r audit.Record) (*audit.Evidence, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	for {
		p, err := l.store.Inclusion(ctx, r.Leaf)
		if err == nil {
			return &audit.Evidence{Entry: r.Body, Salt: r.Salt[:], Proof: p.Text()}, nil
		}
		if !errors.Is(err, ErrNotLogged) {
			return nil, err
		}
		if _, err := l.Integrate(ctx); err != nil && ctx.Err() == nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ErrNotLogged
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// recordOf is the record of an act, in clear, or nil.
func (s *Store) recordOf(ctx context.Context, d audit.Deed) (*audit.Record, error) {
	return s.recordWhere(ctx, d.Is, "s.type = ? AND s.object = ? AND s.at = ?", d.Type, d.ID, d.At.UnixMicro())
}

// recordWhere is the first record that is the one, in clear, or nil, of those
// that left states.
func (s *Store) recordWhere(ctx context.Context, is func(audit.Entry) bool, where string, args ...any) (*audit.Record, error) {
	rows, err := s.read.WithContext(ctx).Raw("SELECT e.bidder, e.body, e.salt, e.leaf FROM audit_state s JOIN audit_entry e ON e.leaf = s.leaf WHERE "+where+" ORDER BY s.id", args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []trailRow
	for rows.Next() {
		var r trailRow
		if err := rows.Scan(&r.bidder, &r.body, &r.salt, &r.leaf); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var found *audit.Record
	err = s.visit(ctx, all, func(r audit.Record) error {
		if e, err := audit.Open(r.Body); err != nil || found != nil || !is(e) {
			return err
		}
		found = &r
		return nil
	})
	return found, err
}
