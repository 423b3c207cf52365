package store

import (
	"context"
	"time"

	"gorm.io/gorm/clause"

	"sigillo/internal/health"
)

// probeRow is one look at how the platform worked.
type probeRow struct {
	At         int64  `gorm:"primaryKey"`
	Replica    string `gorm:"primaryKey"`
	DatabaseUS int64  `gorm:"column:database_us"`
	ObjectsUS  int64  `gorm:"column:objects_us"`
	Errors     int
	SlowestUS  int64 `gorm:"column:slowest_us"`
	Clock      string
	MaxErrorUS int64 `gorm:"column:max_error_us"`
}

func (probeRow) TableName() string { return "probe" }

// SaveProbe keeps a probe. It is no act: nobody's rights change by it.
func (s *Store) SaveProbe(ctx context.Context, p health.Probe) error {
	row := probeRow{p.At.UnixMicro(), p.Replica, p.Database, p.Objects, p.Errors, p.Slowest, p.Clock, p.MaxError}
	return s.db.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error
}

// Probes lists those of a window, from inclusive to exclusive.
func (s *Store) Probes(ctx context.Context, from, to time.Time) ([]health.Probe, error) {
	var rows []probeRow
	err := s.read.WithContext(ctx).Where("at >= ? AND at < ?", from.UnixMicro(), to.UnixMicro()).Order("at, replica").Find(&rows).Error
	all := make([]health.Probe, len(rows))
	for i, r := range rows {
		all[i] = health.Probe{At: time.UnixMicro(r.At).UTC(), Replica: r.Replica, Database: r.DatabaseUS, Objects: r.ObjectsUS,
			Errors: r.Errors, Slowest: r.SlowestUS, Clock: r.Clock, MaxError: r.MaxErrorUS}
	}
	return all, err
}

// DropProbes forgets those before an instant.
func (s *Store) DropProbes(ctx context.Context, before time.Time) error {
	return s.db.WithContext(ctx).Where("at < ?", before.UnixMicro()).Delete(&probeRow{}).Error
}
