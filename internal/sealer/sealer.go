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
	"context"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"filippo.io/age"

	"sigillo/audit"
	"sigillo/bids"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
)

// Register tells which openings are committed.
type Register interface {
	// Committed tells of the opening of a lot's envelope, nil when it has not
	// been opened.
	Committed(ctx context.Context, lot, envelope string) (*Committed, error)
	// Witnessed shows the act of the opening in the log, under a checkpoint that
	// witnesses signed. Fault: not-witnessed.
	Witnessed(ctx context.Context, lot, envelope string) (*audit.Evidence, error)
}

// Committed is an opening as the register knows it.
type Committed struct {
	Effective time.Time
	Suppliers []string // whose envelopes are part of it
}

// Sealer mints keys and releases file keys.
type Sealer struct {
	master   *Master
	register Register
	now      func() time.Time
	aead     cipher.AEAD   // the veil's
	marks    []byte        // key of the marks
	policy   *audit.Policy // on witnesses; nil where none is demanded
}

// New makes a sealer around a master key.
func New(master *Master, register Register, now func() time.Time) *Sealer {
	return &Sealer{master: master, register: register, now: now, aead: master.veil(), marks: master.derive("marks")}
}

// private is what is wrapped: the identity together with its scope and its
// hierarchy.
type private struct {
	Scope     bids.Scope `json:"scope"`
	Rehearsal bool       `json:"rehearsal"`
	Identity  string     `json:"identity"`
}

// Mint makes a fresh post-quantum hybrid key pair for a scope. The private
// half comes back wrapped to the master key of the live hierarchy or of that
// for rehearsals; the sealer keeps nothing.
func (s *Sealer) Mint(_ context.Context, authority, tender, lot, envelope string, rehearsal bool) (string, []byte, error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return "", nil, err
	}
	text, err := json.Marshal(private{bids.Scope{Authority: authority, Tender: tender, Lot: lot, Envelope: envelope}, rehearsal, id.String()})
	if err != nil {
		return "", nil, err
	}
	wrapped, err := seal.Message(s.master.of(rehearsal).Recipient().String(), text)
	return id.Recipient().String(), wrapped, err
}

// Weigh reads a custodian's message and says of every envelope which places it
// holds pieces for, and which do not fit what the bidder committed to. Faults:
// not-yet-open, wrong-key, wrong-message.
func (s *Sealer) Weigh(ctx context.Context, r bids.Request) ([]bids.Weight, error) {
	id, _, err := s.admit(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(r.Messages) != 1 {
		return nil, errMessage
	}
	m, err := open(r, r.Messages[0], id)
	if err != nil {
		return nil, err
	}
	all := make([]bids.Weight, len(r.Envelopes))
	for i, e := range r.Envelopes {
		for _, p := range seal.Fit(e.Header, label(r.Scope, e), m.Pieces[e.Supplier]) {
			all[i].Places = append(all[i].Places, p.Index)
			if !p.Fits {
				all[i].Unfit = append(all[i].Unfit, p.Index)
			}
		}
	}
	return all, nil
}

// Release gives the file keys of envelopes. One that does not open does not
// stop the others. Faults: not-yet-open, wrong-key; of one envelope:
// not-admitted, not-enough-shares, foreign-envelope, cannot-unseal.
func (s *Sealer) Release(ctx context.Context, r bids.Request) ([]bids.Released, error) {
	id, committed, err := s.admit(ctx, r)
	if err != nil {
		return nil, err
	}
	var messages []bids.SharesMessage
	for _, text := range r.Messages {
		m, err := open(r, text, id)
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	all := make([]bids.Released, len(r.Envelopes))
	for i, e := range r.Envelopes {
		all[i] = release(r.Scope, e, id, messages, slices.Contains(committed.Suppliers, e.Supplier))
	}
	return all, nil
}

// release combines the platform's own pieces of one envelope with those of the
// custodians. In a rehearsal the platform's key opens the authority's part too.
func release(scope bids.Scope, e bids.Sealed, id age.Identity, messages []bids.SharesMessage, admitted bool) bids.Released {
	if !admitted {
		return bids.Released{Err: fault.New(fault.Conflict, "not-admitted", "Questa busta non fa parte dell'apertura: resta sigillata.",
			"This envelope is not part of the opening: it stays sealed.")}
	}
	want := label(scope, e)
	pieces, err := seal.Parts(e.Header, want, id)
	if err != nil {
		return bids.Released{Err: err}
	}
	for _, m := range messages {
		pieces = append(pieces, m.Pieces[e.Supplier]...)
	}
	key, falsity, err := seal.Combine(e.Header, want, pieces)
	return bids.Released{FileKey: key, Falsity: falsity, Err: err}
}

func label(s bids.Scope, e bids.Sealed) seal.Label {
	return seal.Label{Authority: s.Authority, Tender: s.Tender, Lot: s.Lot, Envelope: s.Envelope, Supplier: e.Supplier}
}

var errMessage = fault.New(fault.Invalid, "wrong-message", "Il messaggio del custode non è valido per queste buste.",
	"The custodian's message is not valid for these envelopes.")

// open reads a custodian's message; it must be for this lot and envelope.
func open(r bids.Request, text []byte, id age.Identity) (bids.SharesMessage, error) {
	var m bids.SharesMessage
	plain, err := seal.ReadMessage(text, id)
	if err != nil {
		return m, err
	}
	if json.Unmarshal(plain, &m) != nil || m.Lot != r.Scope.Lot || m.Envelope != r.Scope.Envelope {
		return m, errMessage
	}
	return m, nil
}

// admit lets a request in only once the opening is committed and its instant
// has come, and unwraps the key of the scope.
func (s *Sealer) admit(ctx context.Context, r bids.Request) (*age.HybridIdentity, *Committed, error) {
	committed, err := s.register.Committed(ctx, r.Scope.Lot, r.Scope.Envelope)
	if err != nil {
		return nil, nil, err
	}
	if committed == nil || s.now().Before(committed.Effective) {
		return nil, nil, fault.New(fault.Conflict, "not-yet-open", "Queste buste non sono ancora aperte: la chiave non si usa.",
			"These envelopes are not open yet: the key is not used.")
	}
	if err := s.witnessed(ctx, r.Scope); err != nil {
		return nil, nil, err
	}
	id, err := s.unwrap(r.Scope, r.Wrapped)
	return id, committed, err
}

// unwrap never tells what it holds: the causes are fixed sentences.
func (s *Sealer) unwrap(scope bids.Scope, wrapped []byte) (*age.HybridIdentity, error) {
	wrong := fault.New(fault.Internal, "wrong-key", "La chiave custodita non è di questa busta.", "The key in custody is not of this envelope.")
	for _, rehearsal := range []bool{false, true} {
		text, err := seal.ReadMessage(wrapped, s.master.of(rehearsal))
		if err != nil {
			continue
		}
		var p private
		if json.Unmarshal(text, &p) != nil || p.Scope != scope || p.Rehearsal != rehearsal {
			return nil, wrong.Because(errors.New("the wrapped key was made for another lot, envelope or hierarchy"))
		}
		id, err := age.ParseHybridIdentity(p.Identity)
		if err != nil {
			return nil, wrong.Because(errors.New("the wrapped key is not a key"))
		}
		return id, nil
	}
	return nil, wrong.Because(errors.New("the wrapped key was altered, or wrapped to another master key"))
}

// Format keeps keys out of logs however a sealer is printed.
func (s *Sealer) Format(f fmt.State, _ rune) { io.WriteString(f, "sealer") }
