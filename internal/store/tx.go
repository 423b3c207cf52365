package store

import (
	"context"
	"encoding/hex"
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
	leaf     []byte                  // of the entry recorded
	states   map[string]tender.State // of lots, as they were loaded
	sent     map[string]int          // submissions of bids, as they were loaded
	garb     *garb                   // keys of what is veiled, once something is
	held     threads                 // keys of what was unveiled
	markers  map[string]marker       // of actors
	foreseen string                  // bid that will be loaded
	locked   *lockedBid              // that bid, once it is
	salts    map[audit.Object][]byte // that came along with what was loaded
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
	tx := &Tx{db: db, store: s, states: map[string]tender.State{}, sent: map[string]int{}, held: threads{}, markers: map[string]marker{}, salts: map[audit.Object][]byte{}}
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
// left out of exports until the opening, and stands under the veil for ever.
// Its leaf is that of the entry in clear.
func (tx *Tx) Record(e audit.Entry, kept []audit.Snapshot) error {
	r, err := e.Seal()
	if err != nil {
		return err
	}
	tx.recorded++
	tx.leaf = r.Leaf[:]
	bidder := slices.Contains([]string{"bid", "transfer", "message"}, e.Object.Type)
	for _, p := range e.Actor.Powers {
		bidder = bidder || p == string(act.Supplier)
	}
	body := r.Body
	if bidder {
		g, err := tx.dress()
		if err != nil {
			return err
		}
		body = g.who.cover(entryPlace(r.Leaf[:]), body)
	}
	tx.queue("INSERT INTO audit_entry (tenant, tender, bidder, body, salt, leaf, at) VALUES (?, ?, ?, ?, ?, ?, ?)", e.Tenant, e.Tender, bidder, body, r.Salt[:], r.Leaf[:], e.At.UnixMicro())
	return tx.keepStates(r.Leaf, e.At, bidder, kept)
}

func entryPlace(leaf []byte) string { return "audit_entry.body/" + hex.EncodeToString(leaf) }

// outcome is what stands under the veil of the table outcome. All of it does,
// whoever acted: before the act nobody but its key is known, and rows that
// look alike do not tell bidders from officials. The snapshot is the first of
// those kept beside the act's entry, so that it is erased there once for all.
type outcome struct {
	Action  act.Action `json:"action"`
	Request string     `json:"request"`
	Leaf    []byte     `json:"leaf"`
}

// outcomeMark is what an outcome is found by. It differs from key to key, so
// that the rows of one person cannot be told to be.
func (tx *Tx) outcomeMark(actor, key string) (string, error) {
	m, ok := tx.markers[actor]
	if !ok {
		all, err := tx.ahead()
		if err != nil {
			return "", err
		}
		marks, err := tx.dressed(all, named("actor", actor))
		if err != nil {
			return "", err
		}
		m = marker{marks[0]}
		tx.markers[actor] = m
	}
	return m.at(key), nil
}

// Recall finds the outcome of an earlier act.
func (tx *Tx) Recall(actor, key string) (act.Outcome, bool, error) {
	mark, err := tx.outcomeMark(actor, key)
	if err != nil {
		return act.Outcome{}, false, err
	}
	thing, err := tx.thing(mark)
	if err != nil || thing == nil {
		return act.Outcome{}, false, err
	}
	c, err := fromPaper("outcome/"+mark, *thing)
	if err != nil {
		return act.Outcome{}, false, err
	}
	texts, err := tx.store.lift(tx.ctx(), tx.held, []cloth{c})
	if err != nil {
		return act.Outcome{}, false, err
	}
	var o outcome
	if err := json.Unmarshal(texts[0], &o); err != nil {
		return act.Outcome{}, false, err
	}
	snapshot, err := tx.firstState(o.Leaf)
	return act.Outcome{Action: o.Action, Request: o.Request, Snapshot: snapshot}, err == nil, err
}

// thing reads an outcome, and what comes along with the same question: the bid
// that will be loaded, or else the database's instant.
func (tx *Tx) thing(mark string) (thing *string, err error) {
	if tx.foreseen != "" {
		thing, err = tx.lockBid(mark)
		return thing, err
	}
	var now int64
	err = tx.db.Raw("SELECT "+tx.clock()+", (SELECT thing FROM outcome WHERE mark = ?)", mark).Row().Scan(&now, &thing)
	tx.keepTime(now)
	return thing, err
}

// clock is the expression for the database's instant, or 0 where another clock
// rules; keepTime makes it the instant of the act.
func (tx *Tx) clock() string {
	if tx.store.clock == nil {
		return clockNow
	}
	return "0"
}

func (tx *Tx) keepTime(us int64) {
	if us > 0 && tx.now.IsZero() {
		tx.now = time.UnixMicro(us).UTC()
	}
}

// Remember keeps an outcome, after the entry and its snapshots were recorded.
func (tx *Tx) Remember(actor, key string, o act.Outcome) error {
	mark, err := tx.outcomeMark(actor, key)
	if err != nil {
		return err
	}
	g, err := tx.dress()
	if err != nil {
		return err
	}
	text, err := json.Marshal(outcome{o.Action, o.Request, tx.leaf})
	if err != nil {
		return err
	}
	tx.queue("INSERT INTO outcome (mark, thing, at) VALUES (?, ?, ?)", mark, onPaper(g.who.cover("outcome/"+mark, text)), tx.Now().UnixMicro())
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

func docRows(db *gorm.DB, table string, limit int, where string, args ...any) ([]docRow, error) {
	var rows []docRow
	q := db.Table(table).Select("id", "version", "doc").Where(where, args...).Order("id")
	if limit > 0 {
		q = q.Limit(limit)
	}
	return rows, q.Find(&rows).Error
}

// list reads aggregates in the order of their ids.
func list[T any](db *gorm.DB, table string, limit int, where string, args ...any) ([]*T, error) {
	rows, err := docRows(db, table, limit, where, args...)
	if err != nil {
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
	return tx.putAs(table, what, id, version, columns, func() (string, error) {
		doc, err := json.Marshal(thing)
		return string(doc), err
	})
}

// putAs is put for what writes its document itself, once the version is raised.
func (tx *Tx) putAs(table, what, id string, version *int, columns map[string]any, write func() (string, error)) error {
	tx.wrote = true
	old := *version
	*version = old + 1
	doc, err := write()
	if err == nil {
		columns["version"], columns["doc"] = *version, doc
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
