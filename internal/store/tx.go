package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"sigillo/audit"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/tender"
)

// Tx is one transaction. It satisfies the Tx interface of every domain package.
type Tx struct {
	db       *gorm.DB
	store    *Store
	now      time.Time // zero until it is asked for, or comes along with an answer
	blind    error     // why the database did not tell the time
	later    []rows    // written with the next of them, in one statement
	wrote    bool
	recorded int
	states   map[string]tender.State // of lots, as they were loaded
	sent     map[string]int          // submissions of bids, as they were loaded
}

type inTx struct{}

// Within runs f in one transaction. It refuses to nest, and to commit when rows
// were written and not exactly one entry recorded. It runs f anew when the
// database asks for it, so f keeps no state of its own.
func (s *Store) Within(ctx context.Context, f func(*Tx) error) error {
	if ctx.Value(inTx{}) != nil {
		return errors.New("a transaction inside a transaction")
	}
	ctx = context.WithValue(ctx, inTx{}, true)
	var err error
	for range 5 {
		err = s.db.WithContext(ctx).Transaction(func(db *gorm.DB) error { return s.run(db, f) })
		if !again(err) {
			break
		}
	}
	return told(err, "object")
}

func (s *Store) run(db *gorm.DB, f func(*Tx) error) error {
	tx := &Tx{db: db, store: s, states: map[string]tender.State{}, sent: map[string]int{}}
	if err := f(tx); err != nil {
		return errors.Join(tx.blind, err)
	}
	if err := errors.Join(tx.blind, tx.flush()); err != nil {
		return err
	}
	if tx.wrote && tx.recorded == 0 {
		return errors.New("rows were written and no entry recorded")
	}
	if tx.recorded > 1 {
		return fmt.Errorf("%d entries recorded for one act", tx.recorded)
	}
	return nil
}

func (tx *Tx) ctx() context.Context { return tx.db.Statement.Context }

// Acts adapts the store to the transaction a domain package asks for.
func Acts[T act.Tx](s *Store) act.Within[T] {
	return func(ctx context.Context, f func(T) error) error {
		return s.Within(ctx, func(tx *Tx) error { return f(any(tx).(T)) })
	}
}

// Now is the one instant of the act, fixed when it is first asked for. If the
// database does not tell it, nothing is committed.
func (tx *Tx) Now() time.Time {
	if tx.now.IsZero() && tx.blind == nil {
		if tx.store.clock != nil {
			tx.now, tx.blind = tx.store.Now()
		} else {
			tx.now, tx.blind = databaseNow(tx.db)
		}
	}
	return tx.now
}

// Record appends the entry to the register. An act of a bidder is marked: it is
// left out of exports until the opening.
func (tx *Tx) Record(e audit.Entry) error {
	r, err := e.Seal()
	if err != nil {
		return err
	}
	tx.recorded++
	bidder := slices.Contains([]string{"bid", "transfer", "message"}, e.Object.Type)
	for _, p := range e.Actor.Powers {
		bidder = bidder || p == string(act.Supplier)
	}
	body := r.Body
	if bidder { // the leaf stays that of the body in clear
		if body, err = tx.store.hide(tx.ctx(), "audit", r.Body); err != nil {
			return err
		}
	}
	tx.queue("INSERT INTO audit_entry (tenant, tender, bidder, body, salt, leaf) VALUES (?, ?, ?, ?, ?, ?)", e.Tenant, e.Tender, bidder, body, r.Salt[:], r.Leaf[:])
	return nil
}

// Recall finds the outcome of an earlier act.
func (tx *Tx) Recall(actor, key string) (act.Outcome, bool, error) {
	var row struct {
		Now                       int64
		Action, Request, Snapshot *string
	}
	asker, err := tx.store.mark(tx.ctx(), actor)
	if err != nil {
		return act.Outcome{}, false, err
	}
	clock := "0"
	if tx.store.clock == nil { // the database's instant comes along: one question fewer
		clock = clockNow
	}
	err = tx.db.Raw("SELECT "+clock+" AS now, o.action, o.request, o.snapshot FROM (SELECT 1) one LEFT JOIN outcome o ON o.actor = ? AND o.key = ?", asker, key).
		Scan(&row).Error
	if err == nil && row.Now > 0 && tx.now.IsZero() {
		tx.now = time.UnixMicro(row.Now).UTC()
	}
	if err != nil || row.Action == nil {
		return act.Outcome{}, false, err
	}
	snapshot, err := tx.store.shownText(tx.ctx(), "outcome", *row.Snapshot)
	return act.Outcome{Action: act.Action(*row.Action), Request: *row.Request, Snapshot: snapshot}, true, err
}

// Remember keeps an outcome.
func (tx *Tx) Remember(actor, key string, o act.Outcome) error {
	asker, err := tx.store.mark(tx.ctx(), actor)
	if err != nil {
		return err
	}
	snapshot, err := tx.store.hiddenText(tx.ctx(), "outcome", o.Snapshot)
	if err != nil {
		return err
	}
	tx.queue("INSERT INTO outcome (actor, key, action, request, snapshot, at) VALUES (?, ?, ?, ?, ?, ?)", asker, key, string(o.Action), o.Request, snapshot, tx.Now().UnixMicro())
	err = tx.flush()
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return act.ErrRaced
	}
	return err
}

// docRow is what all tables of aggregates have in common.
type docRow struct {
	ID      string
	Version int
	Doc     string
}

// get reads one aggregate. what names it for people.
func get[T any](db *gorm.DB, table, what, where string, args ...any) (*T, error) {
	var row docRow
	if err := db.Table(table).Select("id", "version", "doc").Where(where, args...).Take(&row).Error; err != nil {
		return nil, told(err, what)
	}
	thing := new(T)
	return thing, json.Unmarshal([]byte(row.Doc), thing)
}

// list reads aggregates in the order of their ids.
func list[T any](db *gorm.DB, table string, limit int, where string, args ...any) ([]*T, error) {
	var rows []docRow
	q := db.Table(table).Select("id", "version", "doc").Where(where, args...).Order("id")
	if limit > 0 {
		q = q.Limit(limit)
	}
	if err := q.Find(&rows).Error; err != nil {
		return nil, err
	}
	all := make([]*T, len(rows))
	for i, row := range rows {
		all[i] = new(T)
		if err := json.Unmarshal([]byte(row.Doc), all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// put inserts an aggregate of version 0, or updates it where the version is
// the one that was read, and raises the version.
func (tx *Tx) put(table, what, id string, version *int, thing any, columns map[string]any) error {
	tx.wrote = true
	old := *version
	*version = old + 1
	doc, err := json.Marshal(thing)
	var kept string
	if err == nil {
		kept, err = tx.store.hideDoc(tx.ctx(), table, doc)
	}
	if err == nil {
		columns["version"], columns["doc"] = *version, kept
		if old == 0 {
			columns["id"] = id
			err = tx.db.Table(table).Create(columns).Error
		} else {
			r := tx.db.Table(table).Where("id = ? AND version = ?", id, old).Updates(columns)
			if err = r.Error; err == nil && r.RowsAffected == 0 {
				err = stale()
			}
		}
	}
	if err != nil {
		*version = old
	}
	return told(err, what)
}

func stale() error {
	return fault.New(fault.Stale, "stale-version", "Nel frattempo è cambiato: rilegga e riprovi.", "It has changed meanwhile: read it again and retry.")
}

func (tx *Tx) lock(strength string) *gorm.DB {
	return tx.db.Clauses(clause.Locking{Strength: strength})
}

func (tx *Tx) exists(table, where string, args ...any) (bool, error) {
	var n int64
	err := tx.db.Table(table).Where(where, args...).Count(&n).Error
	return n > 0, err
}
