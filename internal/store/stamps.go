package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/anchor"
)

// stampRow is a time stamp as it is kept.
type stampRow struct {
	Size  int64 `gorm:"primaryKey"`
	Note  string
	Token []byte
	SHA   []byte `gorm:"column:sha256"`
	At    int64
	Told  int64
}

func (stampRow) TableName() string { return "log_stamp" }

// SaveStamp keeps a new time stamp.
func (tx *Tx) SaveStamp(s *anchor.Stamp) error {
	tx.wrote = true
	row := stampRow{int64(s.Size), s.Note, s.Token, s.Digest, s.At.UnixMicro(), s.Told}
	return told(tx.db.Create(&row).Error, "stamp")
}

// Stamps lists them by size.
func (s *Store) Stamps(ctx context.Context, after uint64, limit int) ([]*anchor.Stamp, error) {
	var rows []stampRow
	if err := s.read.WithContext(ctx).Where("size > ?", after).Order("size").Limit(limit).Find(&rows).Error; err != nil {
		return nil, err
	}
	all := make([]*anchor.Stamp, len(rows))
	for i, r := range rows {
		all[i] = &anchor.Stamp{Size: uint64(r.Size), Note: r.Note, Token: r.Token, Digest: r.SHA, At: time.UnixMicro(r.At).UTC(), Version: 1, Told: r.Told}
	}
	return all, nil
}

// urgent are the acts after which a checkpoint is stamped at once.
var urgent = []string{string(act.CloseLot), string(act.OpenAdministrative), string(act.OpenTechnical), string(act.OpenEconomic)}

// DueStamp is the checkpoint to be stamped. What is public is derived from the
// log, so that the newest checkpoint covers all of it; while that one is not
// signed yet, nothing is due.
func (s *Store) DueStamp(ctx context.Context, before time.Time) (*anchor.Stamp, error) {
	db := s.read.WithContext(ctx)
	var due anchor.Stamp
	if err := db.Raw("SELECT coalesce(max(n), 0) FROM feed_change").Row().Scan(&due.Told); err != nil {
		return nil, err
	}
	// Only now: it covers what was counted.
	err := db.Raw("SELECT size, note FROM audit_checkpoint ORDER BY size DESC LIMIT 1").Row().Scan(&due.Size, &due.Note)
	if errors.Is(err, sql.ErrNoRows) || err == nil && due.Note == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var last stampRow
	err = db.Raw("SELECT size, at, told FROM log_stamp ORDER BY size DESC LIMIT 1").Row().Scan(&last.Size, &last.At, &last.Told)
	if errors.Is(err, sql.ErrNoRows) {
		return &due, nil
	}
	if err != nil {
		return nil, err
	}
	if int64(due.Size) <= last.Size {
		return nil, nil
	}
	var moved int
	if err := db.Raw("SELECT count(*) FROM feed_change WHERE n > ? AND n <= ? AND action IN ?", last.Told, due.Told, urgent).Row().Scan(&moved); err != nil {
		return nil, err
	}
	// The entry of the last stamp itself is no reason for another.
	if moved > 0 || int64(due.Size) > last.Size+1 && last.At <= before.UnixMicro() {
		return &due, nil
	}
	return nil, nil
}
