package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
	_, some, err := s.oldest(ctx)
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
	leaves, err := i.saveLeaves(h, limit)
	if err != nil || len(leaves) == 0 {
		return 0, err
	}
	if err := i.after("leaves"); err != nil {
		return 0, err
	}
	tiles, root, err := audit.Grow(uint64(h.size), leaves, i.s.tiles(i.db))
	if err != nil {
		return 0, err
	}
	if err := i.saveTiles(tiles); err != nil {
		return 0, err
	}
	if err := i.after("tiles"); err != nil {
		return 0, err
	}
	if err := i.saveCheckpoint(h.size+int64(len(leaves)), root); err != nil {
		return 0, err
	}
	return len(leaves), i.after("checkpoint")
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

// oldest is the instant of the first entry the log has not reached, without
// SQLite's one writer and without a transaction. It asks for the first in order,
// and not whether there is one: that a planner may answer by reading all.
func (s *Store) oldest(ctx context.Context) (at int64, some bool, err error) {
	db := s.read.WithContext(ctx)
	h, err := s.head(db)
	if err != nil {
		return 0, false, err
	}
	from, args := s.beyond(h)
	order := "e.id"
	if s.postgres {
		order = "e.epoch, e.xid, e.id"
	}
	err = db.Raw("SELECT e.at"+from+" ORDER BY "+order+" LIMIT 1", args...).Row().Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return at, err == nil, err
}

// Lag is the age of the oldest entry that is not in the log yet, 0 when all
// are. On PostgreSQL it grows as long as any transaction of the cluster lasts,
// and no entry is lost meanwhile. Entries of before the log existed have no age.
func (s *Store) Lag(ctx context.Context) (time.Duration, error) {
	at, _, err := s.oldest(ctx)
	if err != nil || at == 0 {
		return 0, err
	}
	now, err := s.Now()
	return max(now.Sub(time.UnixMicro(at)), 0), err
}

// leafRows numbers ripe entries among those of their tender. They are numbered
// here and not where they are recorded: a counter without gaps in the act's
// transaction would make all acts on one tender wait for one another. %[1]s is
// the order of the register. There is no join in it, so that there is nothing
// a planner can get wrong about a table that grows from nothing.
const leafRows = `placed AS (
	SELECT r.*, row_number() OVER (ORDER BY %[1]s) AS place FROM ripe r
), numbered AS (
	SELECT p.*, row_number() OVER (PARTITION BY p.tender ORDER BY p.place) AS nth FROM placed p
), known AS (
	SELECT n.*, max(CASE WHEN n.nth = 1 AND n.tender <> '' THEN (SELECT max(l.tender_seq) FROM audit_leaf l WHERE l.tender = n.tender AND l.tender <> '') END)
		OVER (PARTITION BY n.tender) AS last FROM numbered n
)`

// leafInsert writes them, from a size on.
const (
	leafInsert = "INSERT INTO audit_leaf (idx, entry, tenant, tender, tender_seq) "
	leafSelect = ` SELECT ? + k.place - 1, k.id, k.tenant, k.tender, CASE k.tender WHEN '' THEN 0 ELSE coalesce(k.last, 0) + k.nth END FROM known k ORDER BY k.place`
)

// saveLeaves puts the next entries that are ripe in the tree, and tells their
// leaves. All is done by the database, where the rows are: to bring them here
// and back again takes longer.
func (i *integration) saveLeaves(h head, limit int) ([][32]byte, error) {
	from, args := i.s.beyond(h)
	columns, order := "e.id, e.tenant, e.tender, e.leaf", "id"
	if i.s.postgres {
		columns, order, from = columns+", e.epoch, e.xid", "epoch, xid, id", from+behindTheFence
	}
	by := func(table string) string { return table + "." + strings.ReplaceAll(order, ", ", ", "+table+".") }
	// The limit stands inside and in figures. Elsewhere, or as a parameter, the
	// planner may sort the whole register for each batch.
	ripe := "SELECT " + columns + from + " ORDER BY " + by("e") + " LIMIT " + strconv.Itoa(limit)
	numbered := fmt.Sprintf(leafRows, by("r"))
	var joined []byte
	if i.s.postgres {
		query := "WITH ripe AS MATERIALIZED (" + ripe + "), " + numbered + ", saved AS (" + leafInsert + leafSelect + ") SELECT string_agg(p.leaf, ''::bytea ORDER BY p.place) FROM placed p"
		if err := i.db.Raw(query, append(args, h.size)...).Row().Scan(&joined); err != nil {
			return nil, err
		}
	} else { // one writer: both questions are of the same entries
		err := i.db.Raw("SELECT coalesce(unhex(group_concat(hex(leaf), '')), zeroblob(0)) FROM ("+ripe+")", args...).Row().Scan(&joined)
		if err == nil {
			err = i.db.Exec(leafInsert+"WITH ripe AS ("+ripe+"), "+numbered+leafSelect, append(args, h.size)...).Error
		}
		if err != nil {
			return nil, err
		}
	}
	leaves := make([][32]byte, len(joined)/32)
	for k := range leaves {
		leaves[k] = [32]byte(joined[32*k:])
	}
	return leaves, nil
}

func (i *integration) saveTiles(tiles []audit.Filled) error {
	var values []any
	for _, t := range tiles {
		values = append(values, t.Level, t.N, t.Data)
	}
	return i.db.Exec("INSERT INTO audit_tile (level, n, data) VALUES "+strings.TrimSuffix(strings.Repeat("(?, ?, ?), ", len(tiles)), ", ")+
		" ON CONFLICT (level, n) DO UPDATE SET data = excluded.data", values...).Error
}

func (i *integration) saveCheckpoint(size int64, root [32]byte) error {
	now, err := i.s.Now()
	if err != nil {
		return err
	}
	last, of := "entry", "e.id"
	if i.s.postgres {
		last, of = "epoch, xid, entry", "e.epoch, e.xid, e.id"
	}
	return i.db.Exec("INSERT INTO audit_checkpoint (size, root, at, "+last+") SELECT ?, ?, ?, "+of+" FROM audit_entry e JOIN audit_leaf l ON l.entry = e.id WHERE l.idx = ?",
		size, root[:], now.UnixMicro(), size-1).Error
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
