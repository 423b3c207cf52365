package store

import (
	"context"
	"database/sql"
	"errors"

	"sigillo/audit"
	"sigillo/bids"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/tender"
)

// Cosigned is the note of the newest checkpoint that enough witnesses signed.
// Fault: no-checkpoint.
func (s *Store) Cosigned(ctx context.Context) (string, error) {
	var text string
	err := s.read.WithContext(ctx).Raw("SELECT note FROM log_cosigned ORDER BY size DESC LIMIT 1").Row().Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoCheckpoint
	}
	return text, err
}

// KeepCosigned keeps one. Of two replicas the first keeps its own.
func (s *Store) KeepCosigned(ctx context.Context, size uint64, note string) error {
	return s.db.WithContext(ctx).Exec("INSERT INTO log_cosigned (size, note) VALUES (?, ?) ON CONFLICT DO NOTHING", size, note).Error
}

// openingActs are the acts by which envelopes are opened.
var openingActs = map[string]act.Action{
	string(tender.Administrative): act.OpenAdministrative, string(tender.Technical): act.OpenTechnical, string(tender.Economic): act.OpenEconomic,
}

// Witnessed shows the act by which a lot's envelope was opened in the log, under
// the newest checkpoint that witnesses signed. Fault: not-witnessed.
func (s *Store) Witnessed(ctx context.Context, lot, envelope string) (*audit.Evidence, error) {
	o, err := get[bids.Opening](s.read.WithContext(ctx), "opening", "opening", "lot = ? AND envelope = ?", lot, envelope)
	if err != nil {
		return nil, err
	}
	is := func(e audit.Entry) bool { return e.Action == string(openingActs[envelope]) }
	r, err := s.recordWhere(ctx, is, "s.type = 'opening' AND s.object = ? AND s.version = 1", o.ID)
	if err != nil || r == nil {
		return nil, errors.Join(err, audit.ErrNotWitnessed)
	}
	var size, index uint64
	var text string
	err = s.read.WithContext(ctx).Raw(`SELECT c.size, c.note, l.idx FROM audit_entry e JOIN audit_leaf l ON l.entry = e.id, log_cosigned c
		WHERE e.leaf = ? AND c.size > l.idx ORDER BY c.size DESC LIMIT 1`, r.Leaf[:]).Row().Scan(&size, &text, &index)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, audit.ErrNotWitnessed
	}
	if err != nil {
		return nil, err
	}
	hashes, err := audit.ProveInclusion(index, size, s.Tiles(ctx))
	if err != nil {
		return nil, fault.Hidden(err)
	}
	return &audit.Evidence{Entry: r.Body, Salt: r.Salt[:], Proof: audit.Proof{Index: index, Hashes: hashes, Note: text}.Text()}, nil
}
