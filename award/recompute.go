package award

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"sigillo/audit"
	"sigillo/bids"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/tender"
)

// Recount does again what the acts of a register computed, from what lay before
// them: locked scores, ranking, proposal, award, standstill. It takes entries in
// the order of the log with the objects as they were left, and trusts nothing
// but those: whoever wants to know that they are true verifies the bundle first.
type Recount struct {
	tenders     map[string][]byte // as last left, by id
	evaluations map[string][]byte // by lot
	offers      map[string][]byte // economic opening, by lot
	Acts        []Redone
}

// Redone is one act computed again.
type Redone struct {
	Index       uint64 // in the log
	Action      act.Action
	At          time.Time
	Tender, Lot string
	// After is the evaluation as computed again; nil if it could not be.
	After *Evaluation
	// Until is the standstill as computed again.
	Until *time.Time
	// Cause says why it could not be computed again.
	Cause error
	// Differences between what the register has and what was computed again:
	// Before is the register's.
	Differences []audit.Difference
}

// Same tells whether the register has what was computed again.
func (r Redone) Same() bool { return r.Cause == nil && len(r.Differences) == 0 }

// NewRecount begins.
func NewRecount() *Recount {
	return &Recount{map[string][]byte{}, map[string][]byte{}, map[string][]byte{}, nil}
}

// replays are the acts whose outcome follows from what lay before, and from
// what a person decided in them.
var replays = map[act.Action]func(e, after *Evaluation, offers *bids.Opening, at time.Time) error{
	act.ConcludeAdmissions: func(e, _ *Evaluation, _ *bids.Opening, _ time.Time) error { return e.Conclude() },
	act.LockScores:         func(e, _ *Evaluation, _ *bids.Opening, at time.Time) error { return e.Lock(at) },
	act.RankBids: func(e, _ *Evaluation, offers *bids.Opening, at time.Time) error {
		if offers == nil {
			return errNoOffers
		}
		return e.Rank(answersOf(offers), at)
	},
	act.ProposeAward: func(e, after *Evaluation, _ *bids.Opening, at time.Time) error {
		if after.Proposal == nil {
			return errNoDecision
		}
		return e.Propose(after.Proposal.Bid, after.Proposal.Reason, at)
	},
	act.VerifyAward: func(e, after *Evaluation, _ *bids.Opening, at time.Time) error {
		if after.Checks == nil {
			return errNoDecision
		}
		return e.Verify(after.Checks.Passed, after.Checks.Report, at)
	},
	act.AdoptAward: func(e, after *Evaluation, _ *bids.Opening, at time.Time) error {
		if after.Decision == nil {
			return errNoDecision
		}
		return e.Adopt(after.Decision.Reason, at)
	},
	act.DeclineAward: func(e, after *Evaluation, _ *bids.Opening, at time.Time) error {
		if after.Decision == nil {
			return errNoDecision
		}
		return e.Decline(after.Decision.Reason, at)
	},
	act.NotifyAward: func(e, _ *Evaluation, _ *bids.Opening, at time.Time) error { return e.Notify(at) },
}

var (
	errNoOffers = fault.New(fault.Conflict, "nothing-to-compute-from", "Le offerte economiche aperte non sono nel fascicolo: non si può ricalcolare.",
		"The opened economic offers are not in the bundle: it cannot be computed again.")
	errNoState = fault.New(fault.Conflict, "nothing-to-compute-from", "Gara o valutazione non sono nel fascicolo com'erano prima e dopo l'atto: non si può ricalcolare.",
		"Tender or evaluation are not in the bundle as they were before and after the act: it cannot be computed again.")
	errNoDecision = fault.New(fault.Conflict, "nothing-to-compute-from", "L'atto non dice che cosa fu deciso.", "The act does not say what was decided.")
)

// Take takes the next entry, with the objects it left.
func (r *Recount) Take(e audit.BundleEntry) error {
	left := map[string][]byte{}
	for _, s := range e.States {
		left[s.Object.Type] = s.Doc
	}
	if replay, ok := replays[act.Action(e.Action)]; ok && e.Lot != "" {
		done := Redone{Index: e.Index, Action: act.Action(e.Action), At: e.At, Tender: e.Entry.Tender, Lot: e.Lot}
		done.Cause = r.again(&done, replay, left["evaluation"], left["tender"])
		r.Acts = append(r.Acts, done)
	}
	return r.keep(e)
}

// keep remembers objects as they were left.
func (r *Recount) keep(e audit.BundleEntry) error {
	for _, s := range e.States {
		switch s.Object.Type {
		case "tender":
			r.tenders[s.Object.ID] = s.Doc
		case "evaluation":
			r.evaluations[s.Object.ID] = s.Doc
		case "opening":
			var o bids.Opening
			if err := json.Unmarshal(s.Doc, &o); err != nil {
				return fmt.Errorf("opening %s: %w", s.Object.ID, err)
			}
			if o.Envelope == tender.Economic {
				r.offers[o.LotID] = s.Doc
			}
		}
	}
	return nil
}

// again performs one act on what lay before it, and compares.
func (r *Recount) again(done *Redone, replay func(e, after *Evaluation, offers *bids.Opening, at time.Time) error, evaluation, of []byte) error {
	var before, after Evaluation
	var t tender.Tender
	earlier, known := r.evaluations[done.Lot]
	if !known || evaluation == nil || of == nil || r.tenders[done.Tender] == nil {
		return errNoState
	}
	for doc, to := range map[*[]byte]any{&earlier: &before, &evaluation: &after} {
		if err := json.Unmarshal(*doc, to); err != nil {
			return err
		}
	}
	if err := json.Unmarshal(r.tenders[done.Tender], &t); err != nil {
		return err
	}
	if !slices.ContainsFunc(t.Lots, func(l tender.Lot) bool { return l.ID == done.Lot }) {
		return errNoState
	}
	var offers *bids.Opening
	if doc := r.offers[done.Lot]; doc != nil {
		offers = new(bids.Opening)
		if err := json.Unmarshal(doc, offers); err != nil {
			return err
		}
	}
	e := before.Attach(&t)
	if err := replay(e, &after, offers, done.At); err != nil {
		return err
	}
	e.Version, t.Version = after.Version, versionIn(of) // counted by the register, not computed
	done.After, done.Until = e, e.Lot().StandstillUntil
	for _, pair := range []struct {
		has []byte
		is  any
	}{{evaluation, e}, {of, &t}} {
		is, err := audit.Canonical(pair.is)
		if err != nil {
			return err
		}
		differ, err := audit.Differences(pair.has, is)
		if err != nil {
			return err
		}
		done.Differences = append(done.Differences, differ...)
	}
	return nil
}

func versionIn(doc []byte) int {
	var v struct{ Version int }
	if json.Unmarshal(doc, &v) != nil {
		return 0
	}
	return v.Version
}

// answersOf are the offers that could be read, by bid.
func answersOf(o *bids.Opening) map[string]map[string]string {
	answers := map[string]map[string]string{}
	for _, b := range o.Bids {
		if b.Fault == "" {
			answers[b.Bid] = b.Offer
		}
	}
	return answers
}
