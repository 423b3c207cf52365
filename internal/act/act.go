package act

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"sigillo/audit"
	"sigillo/internal/fault"
)

// Tx is what an act needs of a transaction. The store hands one out and is the
// only one to begin and commit; it refuses to commit rows without an entry.
type Tx interface {
	// Now is the one instant of the act, by the store's clock, UTC.
	Now() time.Time
	// Record appends the entry to the register, and keeps the snapshots whose
	// hashes stand in it.
	Record(audit.Entry, []audit.Snapshot) error
	// Salt is that of the last snapshot of an object in a version, if there is
	// one. The object must be loaded already: it cannot change any more then.
	Salt(audit.Object) (salt [32]byte, known bool, err error)
	// Recall finds the outcome of an earlier act of this actor under the key.
	Recall(actor, key string) (Outcome, bool, error)
	// Remember keeps the outcome, once the act is recorded: the snapshot is the
	// first of those. A concurrent act under the same key makes it fail with
	// ErrRaced.
	Remember(actor, key string, o Outcome) error
}

// Outcome is what a repeated request is answered with.
type Outcome struct {
	Action   Action
	Request  string // hash of the request
	Snapshot []byte // JSON of the thing as the first act left it
}

// ErrRaced says that another request with the same key won; its outcome can be
// recalled.
var ErrRaced = errors.New("another request with the same idempotency key committed first")

// Call is how an act was asked for.
type Call struct {
	Actor Actor
	// Key makes the act happen once however often it is asked for; "" for none.
	Key string
	// Request is the hash of what was asked, so that a key used for something
	// else is refused.
	Request string
	// Version is the version the asker has read; 0 asks for no check.
	Version int
}

// By is a call without key or version.
func By(a Actor) Call { return Call{Actor: a} }

// Facts is what an entry says beyond who, what and which: the legal instant
// where it differs, and identifiers or hashes. Never names, prices or contents.
type Facts struct {
	Effective *time.Time
	Data      map[string]string
}

// Deed is one use case: load, change, save. New says that Load makes the thing
// rather than finds it. Also names the other things the change touches: their
// states before and after stand in the same entry.
//
// Ahead tells the transaction which thing will be loaded, before anything is
// asked of the database: one question may then serve for two.
type Deed[T Tx, S Thing] struct {
	Action Action
	New    bool
	Ahead  func(T)
	Load   func(T) (S, error)
	Also   func(S) []Thing
	// Made names what the change makes besides, once it has: it stands in the
	// entry with the state it is left in.
	Made   func() []Thing
	Change func(S, time.Time) (Facts, error)
	Save   func(T, S) error
	// Restore completes a thing recalled from an earlier act's snapshot.
	Restore func(T, S) error
}

// Within runs a function in one transaction.
type Within[T Tx] func(context.Context, func(T) error) error

// Do performs a deed: load, permit, compare the version, change, save, record,
// all in one transaction. It returns the thing as the act left it, or as an
// earlier act under the same key left it.
func Do[T Tx, S Thing](ctx context.Context, within Within[T], call Call, d Deed[T, S]) (S, error) {
	thing, err := once(ctx, within, call, d)
	if errors.Is(err, ErrRaced) || call.Key != "" && overtaken(err) {
		// The same request may have waited for its twin and found the thing as the
		// twin left it: then the answer is the twin's.
		thing, err = once(ctx, within, call, d)
	}
	return thing, err
}

// overtaken tells whether an act was refused for the state of the thing.
func overtaken(err error) bool {
	f := fault.Of(err)
	return f != nil && (f.Kind == fault.Conflict || f.Kind == fault.Stale || f.Kind == fault.Invalid)
}

func once[T Tx, S Thing](ctx context.Context, within Within[T], call Call, d Deed[T, S]) (S, error) {
	var done S
	err := within(ctx, func(tx T) error {
		if d.Ahead != nil {
			d.Ahead(tx)
		}
		if call.Key != "" {
			found, err := recall(tx, call, d.Action, &done)
			if found && err == nil && d.Restore != nil {
				err = d.Restore(tx, done)
			}
			if found || err != nil {
				return err
			}
		}
		thing, err := d.Load(tx)
		if err != nil {
			return err
		}
		power, err := permit(call.Actor, d.Action, thing.Subject(), d.New)
		if err != nil {
			return err
		}
		var before *state
		if !d.New {
			if v := thing.Subject().Version; v > 0 && call.Version != 0 && call.Version != v {
				return fault.New(fault.Stale, "stale-version",
					"Nel frattempo è cambiato (versione %d, lei ha letto la %d): rilegga e riprovi.",
					"It has changed meanwhile (version %d, you read %d): read it again and retry.", v, call.Version)
			}
			if before, err = found(tx, thing); err != nil {
				return err
			}
		}
		var others []*state
		if d.Also != nil {
			for _, other := range d.Also(thing) {
				was, err := found(tx, other)
				if err != nil {
					return err
				}
				others = append(others, was)
			}
		}
		facts, err := d.Change(thing, tx.Now())
		if err != nil {
			return err
		}
		if err := d.Save(tx, thing); err != nil {
			return err
		}
		var kept []audit.Snapshot
		own, err := left(thing, before, call.Key != "", &kept)
		if err != nil {
			return err
		}
		var also []audit.Change
		for i, was := range others {
			change, err := left(d.Also(thing)[i], was, false, &kept)
			if err != nil {
				return err
			}
			also = append(also, change)
		}
		if d.Made != nil {
			for _, made := range d.Made() {
				change, err := left(made, nil, false, &kept)
				if err != nil {
					return err
				}
				also = append(also, change)
			}
		}
		e := entry(call.Actor, power, d.Action, thing, facts, tx.Now())
		e.Before, e.After, e.Also = own.Before, own.After, also
		if err := tx.Record(e, kept); err != nil {
			return err
		}
		if call.Key != "" {
			if err := tx.Remember(call.Actor.ID, call.Key, Outcome{d.Action, call.Request, kept[0].Doc}); err != nil {
				return err
			}
		}
		done = thing
		return nil
	})
	return done, err
}

func recall[T Tx, S Thing](tx T, call Call, action Action, done *S) (bool, error) {
	o, found, err := tx.Recall(call.Actor.ID, call.Key)
	if err != nil || !found {
		return false, err
	}
	if o.Action != action || o.Request != call.Request {
		return true, fault.New(fault.Invalid, "idempotency-key-reused",
			"Questa Idempotency-Key è già stata usata per un'altra richiesta: ne usi una nuova.",
			"This Idempotency-Key was already used for another request: use a new one.").
			At("header:Idempotency-Key", "reused", fault.T("già usata", "already used"))
	}
	return true, json.Unmarshal(o.Snapshot, done)
}

// state is one a thing was found in.
type state struct {
	audit.State
	of audit.Snapshot
}

// Discreet is a thing that holds what must not stand in a snapshot, such as a
// key: Kept is what may.
type Discreet interface{ Kept() any }

func form(t Thing) any {
	if d, ok := t.(Discreet); ok {
		return d.Kept()
	}
	return t
}

// found is the state of a thing as it was loaded, hashed anew under the salt of
// its last snapshot: if it was changed without an act since, the entry shows it.
// What was never recorded has no state before.
func found(tx Tx, t Thing) (*state, error) {
	s := audit.Snapshot{Object: objectOf(t)}
	if s.Object.Version == 0 {
		return nil, nil
	}
	var known bool
	var err error
	if s.Salt, known, err = tx.Salt(s.Object); err != nil || !known {
		return nil, err
	}
	if s.Doc, err = audit.Canonical(form(t)); err != nil {
		return nil, err
	}
	return &state{audit.State{State: t.Subject().State, Hash: s.Hash()}, s}, nil
}

// left is what an act did to a thing, and adds the snapshot it leaves to those
// kept. A thing left as it was keeps its state, and needs no other snapshot
// unless a repeated request is to be answered with it.
func left(t Thing, was *state, always bool, kept *[]audit.Snapshot) (audit.Change, error) {
	s, err := audit.Snap(objectOf(t), form(t))
	if err != nil {
		return audit.Change{}, err
	}
	c := audit.Change{Object: s.Object}
	if was != nil {
		c.Before = &was.State
		if was.of.Object == s.Object && bytes.Equal(was.of.Doc, s.Doc) {
			s.Salt, c.After = was.of.Salt, c.Before
			if !always {
				return c, nil
			}
		}
	}
	*kept = append(*kept, s)
	if c.After == nil {
		c.After = &audit.State{State: t.Subject().State, Hash: s.Hash()}
	}
	return c, nil
}

func objectOf(t Thing) audit.Object {
	s := t.Subject()
	return audit.Object{Type: s.Type, ID: s.ID, Version: s.Version}
}

func entry(a Actor, p Power, action Action, t Thing, f Facts, at time.Time) audit.Entry {
	s := t.Subject()
	behalf := p.Authority
	if behalf == "" {
		behalf = p.Supplier
	}
	return audit.Entry{
		V: 1, ID: NewID(), At: at, Effective: f.Effective,
		Tenant: s.Authority, Tender: s.Tender, Lot: s.Lot,
		Actor:  audit.Actor{Kind: string(a.Kind), ID: a.ID, For: behalf, Powers: []string{string(p.Role)}},
		Action: string(action), Object: objectOf(t), Data: f.Data,
	}
}

// NewID returns a fresh identifier: a UUID version 7, which sorts by creation
// and cannot be guessed.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }
