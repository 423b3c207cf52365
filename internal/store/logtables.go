package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"sigillo/audit"
	"sigillo/internal/fault"
)

// The faults of questions to the log.
var (
	ErrNoCheckpoint = fault.New(fault.NotFound, "no-checkpoint", "Il registro non ha ancora un checkpoint firmato di questa dimensione.",
		"The log has no signed checkpoint of this size yet.")
	ErrNotLogged = fault.New(fault.Unavailable, "not-logged-yet", "La voce è registrata, ma non ancora sotto un checkpoint firmato: riprovi tra un istante.",
		"The entry is recorded, but not under a signed checkpoint yet: try again in a moment.")
	ErrNoEntry = fault.New(fault.NotFound, "not-found", "Non trovato: voce del registro.", "Not found: entry of the register.")
)

// Checkpoint is the note of the newest signed checkpoint. Fault: no-checkpoint.
func (s *Store) Checkpoint(ctx context.Context) (string, error) {
	_, text, err := s.newest(ctx)
	return text, err
}

func (s *Store) newest(ctx context.Context) (size int64, text string, err error) {
	err = s.read.WithContext(ctx).Raw("SELECT size, note FROM audit_checkpoint WHERE note <> '' ORDER BY size DESC LIMIT 1").Row().Scan(&size, &text)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoCheckpoint
	}
	return size, text, err
}

// Signed is the note of the checkpoint of that size. Fault: no-checkpoint.
func (s *Store) Signed(ctx context.Context, size uint64) (string, error) {
	var text string
	err := s.read.WithContext(ctx).Raw("SELECT note FROM audit_checkpoint WHERE size = ? AND note <> ''", size).Row().Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoCheckpoint
	}
	return text, err
}

// Inclusion proves that the entry with this leaf is under the newest signed
// checkpoint. Faults: not-found, not-logged-yet.
func (s *Store) Inclusion(ctx context.Context, leaf [32]byte) (audit.Proof, error) {
	db := s.read.WithContext(ctx)
	var idx sql.NullInt64
	err := db.Raw("SELECT l.idx FROM audit_entry e LEFT JOIN audit_leaf l ON l.entry = e.id WHERE e.leaf = ?", leaf[:]).Row().Scan(&idx)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Proof{}, ErrNoEntry
	}
	if err != nil {
		return audit.Proof{}, err
	}
	size, text, err := s.newest(ctx)
	if errors.Is(err, ErrNoCheckpoint) || err == nil && (!idx.Valid || idx.Int64 >= size) {
		return audit.Proof{}, ErrNotLogged
	}
	if err != nil {
		return audit.Proof{}, err
	}
	hashes, err := audit.ProveInclusion(uint64(idx.Int64), uint64(size), s.tiles(db))
	return audit.Proof{Index: uint64(idx.Int64), Hashes: hashes, Note: text}, err
}

// Consistency proves that the log of size m is the beginning of that of size n,
// which it must have reached.
func (s *Store) Consistency(ctx context.Context, m, n uint64) ([][32]byte, error) {
	return audit.ProveConsistency(m, n, s.Tiles(ctx))
}

// TenderCount is how many entries of a tender are in the log. They are numbered
// from 1, without gaps.
func (s *Store) TenderCount(ctx context.Context, tender string) (uint64, error) {
	var n uint64
	err := s.read.WithContext(ctx).Raw("SELECT coalesce(max(tender_seq), 0) FROM audit_leaf WHERE tender = ? AND tender <> ''", tender).Scan(&n).Error
	return n, err
}

// Tiles reads the tiles of the log, each cut to the width asked for. They only
// grow, so what is read in several steps is of one tree.
func (s *Store) Tiles(ctx context.Context) audit.TileReader { return s.tiles(s.read.WithContext(ctx)) }

func (s *Store) tiles(db *gorm.DB) audit.TileReader {
	return func(tiles []audit.Tile) ([][]byte, error) {
		var places []any
		for _, t := range tiles {
			places = append(places, t.Level, t.N)
		}
		rows, err := db.Raw("SELECT level, n, data FROM audit_tile WHERE (level, n) IN (VALUES "+
			strings.TrimSuffix(strings.Repeat("(CAST(? AS INTEGER), CAST(? AS BIGINT)), ", len(tiles)), ", ")+")", places...).Rows()
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		found := map[audit.Tile][]byte{}
		for rows.Next() {
			var t audit.Tile
			var data []byte
			if err := rows.Scan(&t.Level, &t.N, &data); err != nil {
				return nil, err
			}
			found[t] = data
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
		all := make([][]byte, len(tiles))
		for i, t := range tiles {
			data := found[audit.Tile{Level: t.Level, N: t.N}]
			if len(data) < t.Bytes() {
				return nil, fault.Hidden(fmt.Errorf("the log has no %s", t.Path()))
			}
			all[i] = data[:t.Bytes()]
		}
		return all, nil
	}
}

// Unpublished lists the notes of signed checkpoints that are not published,
// from the smallest.
func (s *Store) Unpublished(ctx context.Context, limit int) ([]string, error) {
	var notes []string
	err := s.read.WithContext(ctx).Raw("SELECT note FROM audit_checkpoint WHERE NOT published AND note <> '' ORDER BY size LIMIT ?", limit).Scan(&notes).Error
	return notes, err
}

// MarkPublished notes that the checkpoint of that size is published.
func (s *Store) MarkPublished(ctx context.Context, size uint64) error {
	return s.db.WithContext(ctx).Exec("UPDATE audit_checkpoint SET published = TRUE WHERE size = ? AND NOT published", size).Error
}

// Integrate appends to the log what is committed, one batch after the other,
// and tells how much.
func (l *Log) Integrate(ctx context.Context) (int, error) {
	all := 0
	for {
		n, err := l.store.Integrate(ctx, l.signer, Batch)
		if all += n; err != nil || n < Batch {
			return all, err
		}
	}
}
