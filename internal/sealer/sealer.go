// Package sealer keeps custody of the private halves of the keys bids are
// sealed to.
//
// It promises that a stolen database and bucket open nothing without the
// master key file, that a wrapped key serves only the lot and envelope it was
// made for, and that no file key is released before the opening of exactly
// that lot and envelope has been committed. It does not take the caller's word
// for that: it reads the register of openings itself. This is its in-process
// form; another process can offer the same interface.
package sealer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"

	"sigillo/bids"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
)

// Register tells which openings are committed.
type Register interface {
	// OpenedAt is the legal instant of the opening of a lot's envelope, false
	// when it has not been opened.
	OpenedAt(ctx context.Context, lot, envelope string) (time.Time, bool, error)
}

// Sealer mints keys and releases file keys.
type Sealer struct {
	master   *Master
	register Register
	now      func() time.Time
}

// New makes a sealer around a master key.
func New(master *Master, register Register, now func() time.Time) *Sealer {
	return &Sealer{master, register, now}
}

// private is what is wrapped: the identity together with its scope.
type private struct {
	Scope    bids.Scope `json:"scope"`
	Identity string     `json:"identity"`
}

// Mint makes a fresh post-quantum hybrid key pair for a scope. The private
// half comes back wrapped to the master key; the sealer keeps nothing.
func (s *Sealer) Mint(_ context.Context, authority, tender, lot, envelope string) (string, []byte, error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return "", nil, err
	}
	text, err := json.Marshal(private{bids.Scope{Authority: authority, Tender: tender, Lot: lot, Envelope: envelope}, id.String()})
	if err != nil {
		return "", nil, err
	}
	var wrapped bytes.Buffer
	w, err := age.Encrypt(&wrapped, s.master.id.Recipient())
	if err != nil {
		return "", nil, err
	}
	if _, err := w.Write(text); err != nil {
		return "", nil, err
	}
	if err := w.Close(); err != nil {
		return "", nil, err
	}
	return id.Recipient().String(), wrapped.Bytes(), nil
}

// Release gives the file keys of envelopes by their headers. One that does not
// open does not stop the others. Faults: not-yet-open, wrong-key.
func (s *Sealer) Release(ctx context.Context, scope bids.Scope, wrapped []byte, headers [][]byte) ([]bids.Released, error) {
	at, opened, err := s.register.OpenedAt(ctx, scope.Lot, scope.Envelope)
	if err != nil {
		return nil, err
	}
	if !opened || s.now().Before(at) {
		return nil, fault.New(fault.Conflict, "not-yet-open", "Queste buste non sono ancora aperte: la chiave non si usa.",
			"These envelopes are not open yet: the key is not used.")
	}
	id, err := s.unwrap(scope, wrapped)
	if err != nil {
		return nil, err
	}
	all := make([]bids.Released, len(headers))
	for i, h := range headers {
		all[i].FileKey, all[i].Err = seal.FileKey(h, id)
	}
	return all, nil
}

// unwrap never tells what it holds: the causes are fixed sentences.
func (s *Sealer) unwrap(scope bids.Scope, wrapped []byte) (*age.HybridIdentity, error) {
	wrong := fault.New(fault.Internal, "wrong-key", "La chiave custodita non è di questa busta.", "The key in custody is not of this envelope.")
	strange := wrong.Because(errors.New("the wrapped key was altered, or wrapped to another master key"))
	r, err := age.Decrypt(bytes.NewReader(wrapped), s.master.id)
	if err != nil {
		return nil, strange
	}
	text, err := io.ReadAll(io.LimitReader(r, 64<<10))
	if err != nil {
		return nil, strange
	}
	var p private
	if json.Unmarshal(text, &p) != nil || p.Scope != scope {
		return nil, wrong.Because(errors.New("the wrapped key was made for another lot or envelope"))
	}
	id, err := age.ParseHybridIdentity(p.Identity)
	if err != nil {
		return nil, strange
	}
	return id, nil
}

// Format keeps keys out of logs however a sealer is printed.
func (s *Sealer) Format(f fmt.State, _ rune) { io.WriteString(f, "sealer") }
