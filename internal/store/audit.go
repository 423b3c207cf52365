package store

import (
	"context"
	"database/sql"
	"io"

	"golang.org/x/mod/sumdb/note"
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
		q := db.Table("audit_entry").Where("tenant = ? AND NOT (bidder AND tender IN ?)", authority, append(sealed, "-"))
		if s.postgres {
			// All that this snapshot sees. A reader that goes on from where it
			// stopped would need the fence at the snapshot's xmin as well.
			q = q.Order("epoch, xid, id")
		} else {
			q = q.Order("id")
		}
		rows, err := q.Select("bidder", "body", "salt", "leaf").Rows()
		if err != nil {
			return err
		}
		defer rows.Close()
		page := make([]trailRow, 0, 256)
		for rows.Next() {
			var r trailRow
			if err := rows.Scan(&r.bidder, &r.body, &r.salt, &r.leaf); err != nil {
				return err
			}
			if page = append(page, r); len(page) == cap(page) {
				if err := s.visit(ctx, page, visit); err != nil {
					return err
				}
				page = page[:0]
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return s.visit(ctx, page, visit)
	}, options)
}

// trailRow is a row of the register, as it is kept.
type trailRow struct {
	bidder           bool
	body, salt, leaf []byte
}

// visit shows a page of rows, lifting the veil of those of bidders with one
// question to the sealer.
func (s *Store) visit(ctx context.Context, page []trailRow, visit func(audit.Record) error) error {
	var hidden []cloth
	for _, r := range page {
		if r.bidder {
			hidden = append(hidden, cloth{entryPlace(r.leaf), r.body})
		}
	}
	shown, err := s.lift(ctx, threads{}, hidden)
	if err != nil {
		return err
	}
	for _, row := range page {
		if row.bidder {
			row.body, shown = shown[0], shown[1:]
		}
		r := audit.Record{Body: row.body}
		copy(r.Salt[:], row.salt)
		copy(r.Leaf[:], row.leaf)
		if err := visit(r); err != nil {
			return err
		}
	}
	return nil
}

// Log is the register with the key its exports are signed with.
type Log struct {
	store  *Store
	origin string // of exports
	signer note.Signer
	public string
}

// NewLog makes a log. The keys are those of audit.GenerateKey.
func NewLog(s *Store, private, public string) (*Log, error) {
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, err
	}
	// An export has a tree of its own, which must not pass for a forked log.
	return &Log{s, signer.Name() + "/export", signer, public}, nil
}

// Key is the public key of the log.
func (l *Log) Key() string { return l.public }

// Sign makes a statement of the platform.
func (l *Log) Sign(kind string, body any) (audit.Statement, error) {
	return audit.Sign(kind, body, l.signer)
}

// Export writes an authority's register as a signed file.
func (l *Log) Export(ctx context.Context, authority string, w io.Writer) error {
	now, err := l.store.Now()
	if err != nil {
		return err
	}
	var out *audit.Writer
	err = l.store.Trail(ctx, authority, func(sealed []string) error {
		out, err = audit.NewWriter(w, audit.Header{Origin: l.origin, Authority: authority, ProducedAt: now, Sealed: sealed})
		return err
	}, func(r audit.Record) error { return out.Entry(r) })
	if err != nil {
		return err
	}
	return out.Close(l.signer)
}
