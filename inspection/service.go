package inspection

import (
	"context"
	"io"
	"strconv"
	"time"

	"sigillo/audit"
	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/parties"
)

// Tx is what looking needs of a transaction.
type Tx interface {
	act.Tx
	Authority(id string) (*parties.Authority, error)
}

// Reader reads the register of one authority, without the acts of bidders on
// tenders that are not open yet.
type Reader interface {
	// Entries finds entries in the order of the log.
	Entries(ctx context.Context, authority string, q Query) (Page, error)
	// EntryAt is the one at a place in the log, nil if it is not this reader's.
	EntryAt(ctx context.Context, authority string, index uint64) (*Kept, error)
	// StateAt is the last snapshot of an object until an instant, nil if there
	// is none.
	StateAt(ctx context.Context, authority, kind, id string, at time.Time) (*Kept, error)
	// SnapshotOf is the one an entry's state was hashed from: nil if it was
	// erased.
	SnapshotOf(ctx context.Context, o audit.Object, hash string) (*audit.Snapshot, error)
}

// Prover shows entries in the log.
type Prover interface {
	Prove(ctx context.Context, r audit.Record) (*audit.Evidence, error)
}

// Bundler writes part of a register as an archive that proves itself.
type Bundler interface {
	Bundle(ctx context.Context, scope audit.Scope, size uint64, w io.Writer, open func(docs.Hash) (io.ReadCloser, error)) error
}

// Trail is the log.
type Trail interface {
	Prover
	Bundler
}

// Kept is an entry as it is kept, and the snapshot it was found by.
type Kept struct {
	Record   audit.Record
	Line     Line
	Snapshot audit.Snapshot
	Erased   bool
}

// Service looks.
type Service struct {
	within act.Within[Tx]
	read   Reader
	trail  Trail
	vault  docs.Vault
}

// NewService wires it to a store, a log and the documents.
func NewService(within act.Within[Tx], read Reader, trail Trail, vault docs.Vault) *Service {
	return &Service{within, read, trail, vault}
}

// noted records the look before anything is shown.
func (s *Service) noted(ctx context.Context, call act.Call, action act.Action, authority string, facts map[string]string) error {
	_, err := act.Do(ctx, s.within, call, act.Deed[Tx, *parties.Authority]{
		Action: action,
		Load:   func(tx Tx) (*parties.Authority, error) { return tx.Authority(authority) },
		Change: func(*parties.Authority, time.Time) (act.Facts, error) { return act.Facts{Data: facts}, nil },
		Save:   func(Tx, *parties.Authority) error { return nil },
	})
	return err
}

// Search finds entries (search-audit).
func (s *Service) Search(ctx context.Context, call act.Call, authority string, q Query) (Page, error) {
	if err := s.noted(ctx, call, act.SearchAudit, authority, q.facts()); err != nil {
		return Page{}, err
	}
	return s.read.Entries(ctx, authority, q)
}

// StateAt shows an object as it was at an instant (view-state). Faults:
// not-found, erased, altered-state.
func (s *Service) StateAt(ctx context.Context, call act.Call, authority, kind, id string, at time.Time) (*State, error) {
	facts := map[string]string{"type": kind, "object": id, "at": at.UTC().Format(time.RFC3339Nano)}
	if err := s.noted(ctx, call, act.ViewState, authority, facts); err != nil {
		return nil, err
	}
	k, err := s.read.StateAt(ctx, authority, kind, id, at)
	switch {
	case err != nil:
		return nil, err
	case k == nil:
		return nil, fault.Missing("state")
	case k.Erased:
		return nil, fault.New(fault.NotFound, "erased", "I dati sono stati cancellati dal registro: resta la voce, senza contenuto.",
			"The data were erased from the register: the entry remains, without content.")
	}
	evidence, err := s.proven(ctx, k)
	if err != nil {
		return nil, err
	}
	for _, c := range k.Line.Entry.Changes() {
		if c.Object == k.Snapshot.Object && c.After != nil && c.After.Hash == k.Snapshot.Hash() {
			return &State{k.Line, c.Object, c.After.State, k.Snapshot.Salt[:], k.Snapshot.Doc, evidence}, nil
		}
	}
	return nil, altered(k.Line)
}

func altered(l Line) error {
	return fault.New(fault.Internal, "altered-state", "Quanto è conservato accanto alla voce %d non è ciò che la voce dice: qualcuno l'ha alterato.",
		"What is kept beside entry %d is not what the entry says: somebody altered it.", l.Index)
}

// proven shows the entry in the log; what was recorded a moment ago has its
// place there only then.
func (s *Service) proven(ctx context.Context, k *Kept) (*audit.Evidence, error) {
	v, err := s.trail.Prove(ctx, k.Record)
	if err != nil {
		return nil, err
	}
	p, err := audit.ParseProof(v.Proof)
	k.Line.Index = p.Index
	return v, err
}

// Entry shows an act and what it changed (view-entry). Fault: not-found.
func (s *Service) Entry(ctx context.Context, call act.Call, authority string, index uint64) (*Look, error) {
	if err := s.noted(ctx, call, act.ViewEntry, authority, map[string]string{"index": strconv.FormatUint(index, 10)}); err != nil {
		return nil, err
	}
	k, err := s.read.EntryAt(ctx, authority, index)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return nil, fault.Missing("entry")
	}
	l := &Look{Line: k.Line}
	for _, c := range k.Line.Entry.Changes() {
		change, err := s.change(ctx, c)
		if err != nil {
			return nil, err
		}
		l.Changes = append(l.Changes, change)
	}
	l.Evidence, err = s.proven(ctx, k)
	return l, err
}

// change tells what became of one object.
func (s *Service) change(ctx context.Context, c audit.Change) (Change, error) {
	out := Change{Object: c.Object}
	var sides [2][]byte
	for i, state := range []*audit.State{c.Before, c.After} {
		if state == nil {
			continue
		}
		if i == 0 {
			out.Before = state.State
		} else {
			out.After = state.State
		}
		snapshot, err := s.read.SnapshotOf(ctx, c.Object, state.Hash)
		if err != nil {
			return out, err
		}
		if snapshot == nil {
			out.Erased = true
			return out, nil
		}
		sides[i] = snapshot.Doc
	}
	var err error
	out.Differences, err = audit.Differences(sides[0], sides[1])
	return out, err
}

// Bundle writes part of the register as an archive (export-bundle), under the
// checkpoint of that size or, of 0, under the newest. Faults: not-found,
// no-checkpoint.
func (s *Service) Bundle(ctx context.Context, call act.Call, scope audit.Scope, size uint64, w io.Writer) error {
	facts := map[string]string{}
	for name, at := range map[string]*time.Time{"from": scope.From, "to": scope.To} {
		if at != nil {
			facts[name] = at.UTC().Format(time.RFC3339Nano)
		}
	}
	if scope.Tender != "" {
		facts["tender"] = scope.Tender
	}
	if size > 0 {
		facts["size"] = strconv.FormatUint(size, 10)
	}
	if err := s.noted(ctx, call, act.ExportBundle, scope.Authority, facts); err != nil {
		return err
	}
	return s.trail.Bundle(ctx, scope, size, w, func(h docs.Hash) (io.ReadCloser, error) {
		f, _, err := s.vault.Open(ctx, docs.Papers, h)
		return f, err
	})
}
