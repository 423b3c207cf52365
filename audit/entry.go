// Package audit is the register of acts: canonical entries, their hashes, a
// signed root over all of them, the export file and its verification.
//
// It promises that the bytes of an entry are fixed by its meaning, and that
// from an export file alone anybody can find an entry that was changed,
// dropped, added or moved. It knows nothing of tenders: identifiers, states and
// hashes are all it sees, so that names and contents never enter the register.
package audit

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"
)

// Entry is the record of one act. Its canonical JSON (RFC 8785) is what is
// hashed; the fields are never reordered or renamed.
type Entry struct {
	V         int               `json:"v"`                   // version of the format: 1
	ID        string            `json:"id"`                  // UUID
	At        time.Time         `json:"at"`                  // instant of the act by the store's clock, UTC
	Effective *time.Time        `json:"effective,omitempty"` // legal instant, where it differs
	Tenant    string            `json:"tenant,omitempty"`    // contracting authority
	Tender    string            `json:"tender,omitempty"`
	Lot       string            `json:"lot,omitempty"`
	Actor     Actor             `json:"actor"`
	Action    string            `json:"action"`
	Object    Object            `json:"object"`
	Before    *State            `json:"before,omitempty"` // absent when the act created the object
	After     *State            `json:"after,omitempty"`
	Also      []Change          `json:"also,omitempty"` // other objects the act changed
	Data      map[string]string `json:"data,omitempty"` // identifiers and hashes; never names, prices or contents
}

// Actor is who acted, by which powers, on whose behalf.
type Actor struct {
	Kind   string   `json:"kind"` // person, machine, clock, anonymous
	ID     string   `json:"id"`
	For    string   `json:"for,omitempty"` // authority or supplier
	Powers []string `json:"powers"`
}

// Object is what was acted on, in the version the act left.
type Object struct {
	Type    string `json:"type"`
	ID      string `json:"id"`
	Version int    `json:"version"`
}

// State names a state and fixes the whole object by the SHA-256 of its
// canonical snapshot, in hex.
type State struct {
	State string `json:"state"`
	Hash  string `json:"hash"`
}

// Change is what an act did to one object.
type Change struct {
	Object Object `json:"object"`
	Before *State `json:"before,omitempty"`
	After  *State `json:"after,omitempty"`
}

// Changes lists everything the act touched, the object first.
func (e Entry) Changes() []Change {
	return append([]Change{{e.Object, e.Before, e.After}}, e.Also...)
}

var hexHash = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Check tells whether the entry is well formed.
func (e Entry) Check() error {
	switch {
	case e.V != 1:
		return fmt.Errorf("entry format %d is not known", e.V)
	case e.ID == "" || e.Action == "" || e.Actor.Kind == "" || e.Actor.ID == "" || e.Object.Type == "" || e.Object.ID == "":
		return errors.New("entry lacks an id, an action, an actor or an object")
	case e.At.IsZero() || e.At.Year() < 2000 || e.At.Year() > 9999:
		return errors.New("entry has no instant")
	case len(e.Data) > 50 || len(e.Also) > 50:
		return errors.New("entry holds too much")
	}
	for k, v := range e.Data {
		if !utf8.ValidString(k+v) || len(k)+len(v) > 2000 {
			return errors.New("entry data is not short text")
		}
	}
	for _, c := range e.Changes() {
		for _, s := range []*State{c.Before, c.After} {
			if s != nil && !hexHash.MatchString(s.Hash) {
				return errors.New("a state has no SHA-256")
			}
		}
	}
	return nil
}

// Record is an entry as it is stored: its exact bytes, a random salt, and the
// leaf hash over both. With the salt gone, the hash tells nothing of the body.
type Record struct {
	Body []byte
	Salt [32]byte
	Leaf [32]byte
}

// Leaf is the RFC 6962 leaf hash of salt and body: SHA-256(0x00 || salt || body).
func Leaf(salt [32]byte, body []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(salt[:])
	h.Write(body)
	return [32]byte(h.Sum(nil))
}

// Seal makes the record of an entry. Instants are kept in UTC to the
// microsecond, which every database preserves.
func (e Entry) Seal() (Record, error) {
	var salt [32]byte
	rand.Read(salt[:])
	return e.sealWith(salt)
}

func (e Entry) sealWith(salt [32]byte) (Record, error) {
	e.At = e.At.UTC().Truncate(time.Microsecond)
	if e.Effective != nil {
		at := e.Effective.UTC().Truncate(time.Microsecond)
		e.Effective = &at
	}
	if err := e.Check(); err != nil {
		return Record{}, err
	}
	body, err := Canonical(e)
	if err != nil {
		return Record{}, err
	}
	return Record{body, salt, Leaf(salt, body)}, nil
}

// Open reads the bytes of an entry. Unknown fields, and bytes that are not the
// canonical form of what they say, are refused.
func Open(body []byte) (Entry, error) {
	var e Entry
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, err
	}
	if err := e.Check(); err != nil {
		return e, err
	}
	again, err := Canonical(e)
	if err != nil {
		return e, err
	}
	if !bytes.Equal(again, body) {
		return e, errors.New("the bytes are not in canonical form")
	}
	return e, nil
}
