// Package audit is the register of acts: canonical entries, their hashes, a
// signed root over all of them, the export file and its verification.
//
// It promises that the bytes of an entry are fixed by its meaning, and that
// from an export file alone anybody can find an entry that was changed,
// dropped, added or moved. It knows nothing of tenders: identifiers, states and
// hashes are all it sees, so that names and contents never enter the register.
package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sigillo/internal/fault"
)

// Entry is the record of one act. Its canonical JSON (RFC 8785) is what is
// hashed; the fields are never renamed.
type Entry struct {
	V         int               // version of the format: 1
	ID        string            // UUID version 7 in lower case, given by the caller
	At        time.Time         // instant of the act by the store's clock; written in UTC to the microsecond
	Effective *time.Time        // legal instant where it differs from At, such as the deadline of a closing done late
	Tenant    string            // id of the contracting authority; empty for acts on the platform itself
	Tender    string            // id of the tender, if any
	Lot       string            // id of the lot, if any
	Actor     Actor             // who acted
	Action    string            // the act's name, which is also the permission's
	Object    Object            // what was acted on
	Before    *State            // the object before the act; nil when the act created it
	After     *State            // the object after the act; nil when the act ended it or left it alone
	Also      []Change          // other objects the act changed
	Data      map[string]string // facts by identifier or hash; never names, prices or contents
}

// Actor is who acted, by which powers, on whose behalf. The fields of Actor,
// Object, State and Change stand in the alphabetical order of their JSON
// names, because encodings that leave encoding/json sorted need no second pass.
type Actor struct {
	For    string   `json:"for,omitempty"` // id of the authority or supplier on whose behalf
	ID     string   `json:"id"`            // id of the person or machine, never a name
	Kind   string   `json:"kind"`          // person, machine, clock or anonymous
	Powers []string `json:"powers"`        // the powers used, not all those held
}

// Object is what was acted on, in the version the act left.
type Object struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Version int    `json:"version"`
}

// State names a state and fixes the whole object by the hash of its Snapshot.
type State struct {
	Hash  string `json:"hash"`
	State string `json:"state"`
}

// Change is what an act did to one object. Before and After are as in Entry.
type Change struct {
	After  *State `json:"after,omitempty"`
	Before *State `json:"before,omitempty"`
	Object Object `json:"object"`
}

// Changes lists everything the act touched, the object first.
func (e Entry) Changes() []Change {
	return append([]Change{{Object: e.Object, Before: e.Before, After: e.After}}, e.Also...)
}

// Bounds of an entry. They keep every line of an export well under maxLine.
const (
	maxText  = 200      // bytes of an identifier, action, power or state
	maxFacts = 50       // facts, other objects and powers, each
	maxFact  = 2000     // bytes of the name and the value of one fact
	maxBody  = 1 << 19  // bytes of a whole entry
	hashSize = 2 * 0x20 // hex digits of a SHA-256
)

// Check tells whether the entry is well formed: an Invalid fault that points at
// every faulty field, or nil.
func (e Entry) Check() error {
	var f fault.Fields
	if e.V != 1 {
		f.Add("/v", "unknown-version", "Il formato %d non è noto.", "Format %d is not known.", e.V)
	}
	if !isUUID7(e.ID) {
		f.Add("/id", "not-a-uuid7", "Non è un UUID versione 7.", "Not a UUID version 7.")
	}
	checkInstant(&f, "/at", e.At)
	if e.Effective != nil {
		checkInstant(&f, "/effective", *e.Effective)
	}
	for _, t := range []struct {
		pointer, value string
		needed         bool
	}{
		{"/tenant", e.Tenant, false}, {"/tender", e.Tender, false}, {"/lot", e.Lot, false}, {"/action", e.Action, true},
		{"/actor/id", e.Actor.ID, true}, {"/actor/for", e.Actor.For, false},
	} {
		checkText(&f, t.pointer, t.value, t.needed)
	}
	if !slices.Contains([]string{"person", "machine", "clock", "anonymous"}, e.Actor.Kind) {
		f.Add("/actor/kind", "unknown-kind", "Tipo di attore ignoto.", "Unknown kind of actor.")
	}
	checkCount(&f, "/actor/powers", len(e.Actor.Powers))
	checkCount(&f, "/also", len(e.Also))
	checkCount(&f, "/data", len(e.Data))
	if len(f) > 0 {
		return badEntry(f) // what follows walks lists whose length is now known to be bounded
	}
	for i, p := range e.Actor.Powers {
		if badText(p, true) {
			checkText(&f, fmt.Sprint("/actor/powers/", i), p, true)
		}
	}
	if c := (Change{Object: e.Object, Before: e.Before, After: e.After}); c.bad() {
		checkChange(&f, "", c)
	}
	for i, c := range e.Also {
		if c.bad() {
			checkChange(&f, fmt.Sprint("/also/", i), c)
		}
	}
	for k, v := range e.Data {
		if k == "" || len(k)+len(v) > maxFact || !utf8.ValidString(k) || !utf8.ValidString(v) {
			f.Add("/data", "bad-fact", "Un fatto non ha nome, è troppo lungo o non è UTF-8.", "A fact has no name, is too long or is not UTF-8.")
		}
	}
	return badEntry(f)
}

func badEntry(f fault.Fields) error {
	return f.Err("bad-entry", "La voce del registro non è ben formata.", "The entry of the register is not well formed.")
}

// badText tells whether checkText would find anything.
func badText(value string, needed bool) bool {
	return needed && value == "" || len(value) > maxText || !utf8.ValidString(value)
}

// bad tells whether checkChange would find anything.
func (c Change) bad() bool {
	return badText(c.Object.Type, true) || badText(c.Object.ID, true) || c.Object.Version < 0 || c.Object.Version > maxWhole || c.Before.bad() || c.After.bad()
}

func (s *State) bad() bool {
	return s != nil && (badText(s.State, false) || len(s.Hash) != hashSize || strings.Trim(s.Hash, "0123456789abcdef") != "")
}

func checkText(f *fault.Fields, pointer, value string, needed bool) {
	if needed && value == "" {
		f.Add(pointer, "missing", "Manca.", "Missing.")
	}
	if len(value) > maxText || !utf8.ValidString(value) {
		f.Add(pointer, "bad-text", "Più di %d byte, o non è UTF-8.", "More than %d bytes, or not UTF-8.", maxText)
	}
}

func checkCount(f *fault.Fields, pointer string, n int) {
	if n > maxFacts {
		f.Add(pointer, "too-many", "Sono %d, al massimo %d.", "There are %d, at most %d.", n, maxFacts)
	}
}

func checkInstant(f *fault.Fields, pointer string, at time.Time) {
	if y := at.UTC().Year(); y < 2000 || y > 9999 {
		f.Add(pointer, "no-instant", "Manca l'istante o l'anno è fuori dal 2000-9999.", "The instant is missing or its year outside 2000-9999.")
	}
}

func checkChange(f *fault.Fields, under string, c Change) {
	checkText(f, under+"/object/type", c.Object.Type, true)
	checkText(f, under+"/object/id", c.Object.ID, true)
	if c.Object.Version < 0 || c.Object.Version > maxWhole {
		f.Add(under+"/object/version", "bad-version", "Versione negativa o troppo grande.", "Version negative or too large.")
	}
	for name, s := range map[string]*State{"/before": c.Before, "/after": c.After} {
		if s == nil {
			continue
		}
		checkText(f, under+name+"/state", s.State, false)
		if len(s.Hash) != hashSize || strings.Trim(s.Hash, "0123456789abcdef") != "" {
			f.Add(under+name+"/hash", "not-sha256", "Non è uno SHA-256 in esadecimale minuscolo.", "Not a SHA-256 in lower-case hex.")
		}
	}
}

// isUUID7 demands the one spelling RFC 9562 recommends, so that two spellings
// of one id cannot pass for two entries.
func isUUID7(s string) bool {
	if len(s) != 36 || s[14] != '7' || !strings.ContainsRune("89ab", rune(s[19])) {
		return false
	}
	for i, c := range []byte(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && !strings.ContainsRune("0123456789abcdef", rune(c)) {
			return false
		}
	}
	return true
}

// instant is RFC 3339 in UTC with exactly six decimals. time.Time's own form
// drops trailing zeros, so that equal precision would give unequal lengths.
const instant = "2006-01-02T15:04:05.000000Z"

// wire is the JSON of an entry, its fields in alphabetical order.
type wire struct {
	Action    string            `json:"action"`
	Actor     Actor             `json:"actor"`
	After     *State            `json:"after,omitempty"`
	Also      []Change          `json:"also,omitempty"`
	At        string            `json:"at"`
	Before    *State            `json:"before,omitempty"`
	Data      map[string]string `json:"data,omitempty"`
	Effective string            `json:"effective,omitempty"`
	ID        string            `json:"id"`
	Lot       string            `json:"lot,omitempty"`
	Object    Object            `json:"object"`
	Tenant    string            `json:"tenant,omitempty"`
	Tender    string            `json:"tender,omitempty"`
	V         int               `json:"v"`
}

func (e Entry) wire() wire {
	w := wire{
		Action: e.Action, Actor: e.Actor, After: e.After, Also: e.Also, At: e.At.UTC().Format(instant), Before: e.Before, Data: e.Data,
		ID: e.ID, Lot: e.Lot, Object: e.Object, Tenant: e.Tenant, Tender: e.Tender, V: e.V,
	}
	if e.Effective != nil {
		w.Effective = e.Effective.UTC().Format(instant)
	}
	if w.Actor.Powers == nil {
		w.Actor.Powers = []string{} // none is an empty list, not null
	}
	return w
}

func (w wire) entry() (Entry, error) {
	e := Entry{
		V: w.V, ID: w.ID, Tenant: w.Tenant, Tender: w.Tender, Lot: w.Lot, Actor: w.Actor, Action: w.Action, Object: w.Object,
		Before: w.Before, After: w.After, Also: w.Also, Data: w.Data,
	}
	var err error
	if e.At, err = time.Parse(instant, w.At); err != nil {
		return e, err
	}
	if w.Effective != "" {
		at, err := time.Parse(instant, w.Effective)
		if err != nil {
			return e, err
		}
		e.Effective = &at
	}
	return e, nil
}

// MarshalJSON writes instants with exactly six decimals.
func (e Entry) MarshalJSON() ([]byte, error) { return json.Marshal(e.wire()) }
