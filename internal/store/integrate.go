package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/note"
	"gorm.io/gorm"

	"sigillo/audit"
)

// Batch is how many entries one integration takes at most: enough to be far
// faster than any writer, and few enough not to keep SQLite's one writer long.
const Batch = 5000

// integratorLock is the number of PostgreSQL's advisory lock of the integrator.
const integratorLock = 0x5167696c6c6f // "Sigillo", by ear

// Integrate appends up to limit committed entries of the register to the log,
// with tiles and a checkpoint, in one transaction, and signs the checkpoint
// once it is committed. It tells how many entries.
//
// Any replica may call it at any time. While another one integrates it does
// nothing. It may be stopped anywhere: the tree is a function of the register's
// order alone and the signature one of the tree, so whoever goes on makes the
// same bytes. This is no act: nothing is decided here.
func (s *Store) Integrate(ctx context.Context, signer note.Signer, limit int) (int, error) {
	return s.integrate(ctx, signer, limit, func(string) error { return nil })
}

// integrate tells after which step it is; what that answers stops it there.
func (s *Store) integrate(ctx context.Context, signer note.Signer, limit int, after func(step string) error) (int, error) {
	some, err := s.unintegrated(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	if some {
		// Read committed: a snapshot taken before the lock was had would not show
		// what its last holder did.
		err = s.db.WithContext(ctx).Transaction(func(db *gorm.DB) error {
			n, err = (&integration{s: s, db: db, after: after}).run(limit)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	if err := after("commit"); err != nil {
		return n, err
	}
	return n, s.sign(ctx, signer, after)
}

// integration is one run of the integrator.
type integration struct {
	s     *Store
	db    *gorm.DB
	after func(string) error
}

// ripe is a committed entry before which none can come any more.
type ripe struct {
	id, epoch      int64
	xid            string
	tenant, tender string
	leaf           []byte
}

func (i *integration) run(limit int) (int, error) {
	if i.s.postgres {
		var ours bool
		if err := i.db.Raw("SELECT pg_try_advisory_xact_lock(?)", integratorLock).Scan(&ours).Error; err != nil || !ours {
			return 0, err
		}
	}
	return i.append(limit)
}

// append writes the next leaves. Were two to do it at once, the keys of the
// tables would refuse the slower one.
func (i *integration) append(limit int) (int, error) {
	h, err := i.s.head(i.db)
	if err != nil {
		return 0, err
	}
	entries, err := i.s.ripe(i.db, h, limit)
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	leaves := make([][32]byte, len(entries))
	for k, e := range entries {
		leaves[k] = [32]byte(e.leaf)
	}
	tiles, root, err := audit.Grow(uint64(h.size), leaves, i.s.tiles(i.db))
	if err != nil {
		return 0, err
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"leaves", func() error { return i.saveLeaves(h.size, entries) }},
		{"tiles", func() error { return i.saveTiles(tiles) }},
		{"checkpoint", func() error { return i.saveCheckpoint(h.size+int64(len(entries)), root, entries[len(entries)-1]) }},
	} {
		if err := step.do(); err != nil {
			return 0, err
		}
		if err := i.after(step.name); err != nil {
			return 0, err
		}
	}
	return len(entries), nil
}

// head is how far the log goes: the last checkpoint, signed or not.
type head struct {
	size, epoch, entry int64
	xid                string
}

func (s *Store) head(db *gorm.DB) (head, error) {
	h := head{xid: "0"}
	columns := "size, entry, 0, '0'"
	if s.postgres {
		columns = "size, entry, epoch, xid::text"
	}
	err := db.Raw("SELECT "+columns+" FROM audit_checkpoint ORDER BY size DESC LIMIT 1").Row().Scan(&h.size, &h.entry, &h.epoch, &h.xid)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return h, err
}

// beyond are the entries the log has not reached. On PostgreSQL they are in the
// order of (epoch, xid, id), columns and not their texts.
const (
	beyondSQLite   = " FROM audit_entry e WHERE e.id > ?"
	beyondPostgres = " FROM audit_entry e WHERE (e.epoch, e.xid, e.id) > (?, ?::text::xid8, ?)"
)

// behindTheFence is true of entries that no transaction under way can come
// before any more: the oldest one has a higher id. Of earlier epochs none is
// under way. An id alone tells nothing: it is drawn before the commit, and a
// slow transaction would be passed over for ever.
const behindTheFence = " AND (e.epoch < (SELECT max(epoch) FROM audit_epoch) OR e.xid < (SELECT pg_snapshot_xmin(pg_current_snapshot())))"

func (s *Store) beyond(h head) (string, []any) {
	if s.postgres {
		return beyondPostgres, []any{h.epoch, h.xid, h.entry}
	}
	return beyondSQLite, []any{h.entry}
}

func (s *Store) ripe(db *gorm.DB, h head, limit int) ([]ripe, error) {
	from, args := s.beyond(h)
	query := "SELECT e.id, 0, '0', e.tenant, e.tender, e.leaf" + from + " ORDER BY e.id LIMIT ?"
	if s.postgres {
		query = "SELECT e.id, e.epoch, e.xid::text AS xid_text, e.tenant, e.tender, e.leaf" + from + behindTheFence + " ORDER BY e.epoch, e.xid, e.id LIMIT ?"
	}
	rows, err := db.Raw(query, append(args, limit)...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []ripe
	for rows.Next() {
		var e ripe
		if err := rows.Scan(&e.id, &e.epoch, &e.xid, &e.tenant, &e.tender, &e.leaf); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

// unintegrated tells whether there may be something to do, without SQLite's one
// writer and without a transaction.
func (s *Store) unintegrated(ctx context.Context) (bool, error) {
	db := s.read.WithContext(ctx)
	h, err := s.head(db)
	if err != nil {
		return false, err
	}
	from, args := s.beyond(h)
	var some bool
	err = db.Raw("SELECT EXISTS (SELECT 1"+from+")", args...).Scan(&some).Error
	return some, err
}

// Lag is the age of the oldest entry that is not in the log yet, 0 when all
// are. On PostgreSQL it grows as long as any transaction of the cluster lasts,
// and no entry is lost meanwhile. Entries of before the log existed have no age.
func (s *Store) Lag(ctx context.Context) (time.Duration, error) {
	db := s.read.WithContext(ctx)
	h, err := s.head(db)
	if err != nil {
		return 0, err
	}
	from, args := s.beyond(h)
	var oldest int64
	if err := db.Raw("SELECT coalesce(min(e.at), 0)"+from+" AND e.at > 0", args...).Scan(&oldest).Error; err != nil || oldest == 0 {
		return 0, err
	}
	now, err := s.Now()
	return max(now.Sub(time.UnixMicro(oldest)), 0), err
}

func (i *integration) saveLeaves(size int64, entries []ripe) error {
	seq, err := i.lastOfTenders(entries)
	if err != nil {
		return err
	}
	n := len(entries)
	idx, entry, number, tenant, tender := make([]int64, n), make([]int64, n), make([]int64, n), make([]string, n), make([]string, n)
	for k, e := range entries {
		if e.tender != "" {
			seq[e.tender]++
		}
		idx[k], entry[k], number[k], tenant[k], tender[k] = size+int64(k), e.id, seq[e.tender], e.tenant, e.tender
	}
	if i.s.postgres {
		return i.exec("INSERT INTO audit_leaf (idx, entry, tenant, tender, tender_seq) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])",
			idx, entry, tenant, tender, number)
	}
	rows := make([][5]any, n)
	for k := range rows {
		rows[k] = [5]any{idx[k], entry[k], tenant[k], tender[k], number[k]}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	return i.exec("INSERT INTO audit_leaf (idx, entry, tenant, tender, tender_seq) SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM json_each(?)", string(text))
}

// lastOfTenders is how many leaves each tender has. They are numbered here and
// not where they are recorded: a counter without gaps in the act's transaction
// would make all acts on one tender wait for one another.
func (i *integration) lastOfTenders(entries []ripe) (map[string]int64, error) {
	seq, names := map[string]int64{}, []string{}
	for _, e := range entries {
		if _, ok := seq[e.tender]; !ok && e.tender != "" {
			seq[e.tender] = 0
			names = append(names, e.tender)
		}
	}
	text, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	from := "SELECT value AS tender FROM json_each(?)"
	if i.s.postgres {
		from = "SELECT value AS tender FROM json_array_elements_text(?::json)"
	}
	rows, err := i.db.Raw("SELECT t.tender, coalesce((SELECT max(l.tender_seq) FROM audit_leaf l WHERE l.tender = t.tender AND l.tender <> ''), 0) FROM ("+from+") t", string(text)).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return nil, err
		}
		seq[name] = n
	}
	return seq, rows.Err()
}

func (i *integration) saveTiles(tiles []audit.Filled) error {
	for _, t := range tiles {
		err := i.db.Exec("INSERT INTO audit_tile (level, n, data) VALUES (?, ?, ?) ON CONFLICT (level, n) DO UPDATE SET data = excluded.data", t.Level, t.N, t.Data).Error
		if err != nil {
			return err
		}
	}
	return nil
}

func (i *integration) saveCheckpoint(size int64, root [32]byte, last ripe) error {
	now, err := i.s.Now()
	if err != nil {
		return err
	}
	if i.s.postgres {
		return i.db.Exec("INSERT INTO audit_checkpoint (size, root, at, epoch, xid, entry) VALUES (?, ?, ?, ?, ?::text::xid8, ?)",
			size, root[:], now.UnixMicro(), last.epoch, last.xid, last.id).Error
	}
	return i.db.Exec("INSERT INTO audit_checkpoint (size, root, at, entry) VALUES (?, ?, ?, ?)", size, root[:], now.UnixMicro(), last.id).Error
}

// exec goes past gorm, which would spread a slice over many parameters.
func (i *integration) exec(query string, args ...any) error {
	_, err := i.db.Statement.ConnPool.ExecContext(i.db.Statement.Context, query, args...)
	return err
}

// sign signs every committed checkpoint that is not signed yet.
func (s *Store) sign(ctx context.Context, signer note.Signer, after func(string) error) error {
	var unsigned []struct {
		Size int64
		Root []byte
	}
	if err := s.read.WithContext(ctx).Raw("SELECT size, root FROM audit_checkpoint WHERE note = '' ORDER BY size").Scan(&unsigned).Error; err != nil {
		return err
	}
	for _, c := range unsigned {
		text, err := audit.SignCheckpoint(signer.Name(), uint64(c.Size), [32]byte(c.Root), signer)
		if err != nil {
			return err
		}
		if err := after("signature"); err != nil {
			return err
		}
		if err := s.db.WithContext(ctx).Exec("UPDATE audit_checkpoint SET note = ? WHERE size = ? AND note = ''", text, c.Size).Error; err != nil {
			return err
		}
	}
	return nil
}

// beginEpoch notes when the database stands in another cluster than before.
func (s *Store) beginEpoch(ctx context.Context) error {
	if !s.postgres {
		return nil
	}
	return s.db.WithContext(ctx).Exec(`INSERT INTO audit_epoch (epoch, cluster) SELECT e.epoch + 1, c.system_identifier::text FROM audit_epoch e, pg_control_system() c
		WHERE e.epoch = (SELECT max(epoch) FROM audit_epoch) AND e.cluster <> c.system_identifier::text ON CONFLICT DO NOTHING`).Error
}
