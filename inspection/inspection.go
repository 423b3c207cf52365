// Package inspection is the auditor's desk (ispezione): searching the register,
// seeing an object as it was at an instant, and what an act changed.
//
// It promises that every look is an entry itself, that what a reader has passed
// is never filled up behind it while others write, and that an object is shown
// as the register fixes it, or not at all. It does not know what the objects
// mean.
package inspection

import (
	"encoding/json"
	"time"

	"sigillo/audit"
)

// Query says which entries of an authority's register are looked for. What is
// empty does not matter.
type Query struct {
	Tender, Lot, Actor, Action, Type, Object string
	From, To                                 time.Time // instants of the acts, from inclusive to exclusive
	After                                    uint64    // place in the log to read on from
	Limit                                    int       // of entries
}

// Matches tells whether an entry is looked for; place and number are the
// reader's affair.
func (q Query) Matches(e audit.Entry) bool {
	for _, x := range [][2]string{{q.Tender, e.Tender}, {q.Lot, e.Lot}, {q.Actor, e.Actor.ID}, {q.Action, e.Action}} {
		if x[0] != "" && x[0] != x[1] {
			return false
		}
	}
	if !q.From.IsZero() && e.At.Before(q.From) || !q.To.IsZero() && !e.At.Before(q.To) {
		return false
	}
	if q.Type == "" && q.Object == "" {
		return true
	}
	for _, c := range e.Changes() {
		if (q.Type == "" || q.Type == c.Object.Type) && (q.Object == "" || q.Object == c.Object.ID) {
			return true
		}
	}
	return false
}

// facts are what the register says of a look: which question was asked.
func (q Query) facts() map[string]string {
	said := map[string]string{"tender": q.Tender, "lot": q.Lot, "actor": q.Actor, "action": q.Action, "type": q.Type, "object": q.Object}
	for name, at := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !at.IsZero() {
			said[name] = at.UTC().Format(time.RFC3339Nano)
		}
	}
	for name, text := range said {
		if text == "" {
			delete(said, name)
		}
	}
	return said
}

// Line is an entry where it stands in the log.
type Line struct {
	Index uint64 // in the log of the whole platform, from 0
	Seq   uint64 // among the entries of its tender, from 1; 0 for those of none
	Entry audit.Entry
}

// Page is what was found. Next is where to read on, now or when there is more.
type Page struct {
	Lines []Line
	Next  uint64
	// Whole says that the log was searched up to its present end.
	Whole bool
}

// State is an object as an act left it. Salt and snapshot give the hash the
// entry states; the evidence shows the entry in the log.
type State struct {
	Line     Line
	Object   audit.Object
	Name     string // of the state
	Salt     []byte
	Snapshot json.RawMessage
	Evidence *audit.Evidence
}

// Look is an act with what it changed.
type Look struct {
	Line     Line
	Evidence *audit.Evidence
	Changes  []Change
}

// Change is what an act did to one object. Erased says that a snapshot is gone
// for good, so that the differences cannot be told.
type Change struct {
	Object      audit.Object
	Before      string // names of the states
	After       string
	Erased      bool
	Differences []audit.Difference
}
