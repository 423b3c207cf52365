package store

import (
	"context"
	"database/sql"

	"gorm.io/gorm"

	"sigillo/audit"
	"sigillo/tender"
)

// Trail visits the entries of an authority's register in the order of the log.
// Acts of bidders on tenders that are not open yet are left out; sealed names
// those tenders. begin is called once, before the first entry.
func (s *Store) Trail(ctx context.Context, authority string, begin func(sealed []string) error, visit func(audit.Record) error) error {
	options := &sql.TxOptions{ReadOnly: true}
	if s.postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	return s.read.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		var sealed []string
		err := db.Table("lot").Joins("JOIN tender ON tender.id = lot.tender").Where("tender.authority = ? AND lot.state IN ?", authority,
			[]string{string(tender.Published), string(tender.Suspended), string(tender.Closed)}).
			Distinct().Order("lot.tender").Pluck("lot.tender", &sealed).Error
		if err != nil {
			return err
		}
		if err := begin(sealed); err != nil {
			return err
		}
		q := db.Model(&auditRow{}).Where("tenant = ? AND NOT (bidder AND tender IN ?)", authority, append(sealed, "-"))
		if s.postgres {
			q = q.Where("xid < pg_snapshot_xmin(pg_current_snapshot())").Order("xid, id")
		} else {
			q = q.Order("id")
		}
		rows, err := q.Select("body", "salt", "leaf").Rows()
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r audit.Record
			var salt, leaf []byte
			if err := rows.Scan(&r.Body, &salt, &leaf); err != nil {
				return err
			}
			copy(r.Salt[:], salt)
			copy(r.Leaf[:], leaf)
			if err := visit(r); err != nil {
				return err
			}
		}
		return rows.Err()
	}, options)
}
