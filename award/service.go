package award

import (
	"context"
	"time"

	"sigillo/bids"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/tender"
)

// Tx is what evaluations need of a transaction.
type Tx interface {
	act.Tx
	// Evaluation loads the evaluation of a lot, with its tender attached and
	// locked.
	Evaluation(lot string) (*Evaluation, error)
	SaveEvaluation(*Evaluation) error
	SaveTender(*tender.Tender) error
	// OpeningOf loads the opening of one kind of envelope of a lot.
	OpeningOf(t *tender.Tender, lot string, e tender.Envelope) (*bids.Opening, error)
}

// Reader reads without a transaction of change.
type Reader interface {
	Evaluation(ctx context.Context, lot string) (*Evaluation, error)
}

// Service performs the acts on evaluations.
type Service struct {
	within act.Within[Tx]
	read   Reader
}

// NewService wires the acts to a store.
func NewService(within act.Within[Tx], read Reader) *Service { return &Service{within, read} }

// change performs an act on the evaluation of a lot. The lot's state moves
// with it: the tender stands in the same entry.
func (s *Service) change(ctx context.Context, call act.Call, action act.Action, tenderID, lot string, f func(Tx, *Evaluation, time.Time) error) (*Evaluation, error) {
	var tx Tx
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Evaluation]{
		Action: action,
		Load: func(x Tx) (*Evaluation, error) {
			tx = x
			e, err := x.Evaluation(lot)
			if err == nil && e.TenderID != tenderID {
				return nil, fault.Missing("evaluation")
			}
			return e, err
		},
		Also:   func(e *Evaluation) []act.Thing { return []act.Thing{e.tender} },
		Change: func(e *Evaluation, now time.Time) (act.Facts, error) { return act.Facts{}, f(tx, e, now) },
		Save: func(tx Tx, e *Evaluation) error {
			if err := tx.SaveTender(e.tender); err != nil {
				return err
			}
			return tx.SaveEvaluation(e)
		},
		Restore: func(tx Tx, e *Evaluation) error {
			now, err := tx.Evaluation(e.ID)
			if err == nil {
				e.tender = now.tender
			}
			return err
		},
	})
}

// Decide admits or excludes a bid (decide-admission).
func (s *Service) Decide(ctx context.Context, call act.Call, tenderID, lot, bid string, v Verdict, reason string) (*Evaluation, error) {
	return s.change(ctx, call, act.DecideAdmission, tenderID, lot, func(_ Tx, e *Evaluation, now time.Time) error {
		return e.Decide(bid, v, reason, call.Actor.ID, now)
	})
}

// Conclude ends the admissions (conclude-admissions).
func (s *Service) Conclude(ctx context.Context, call act.Call, tenderID, lot string) (*Evaluation, error) {
	return s.change(ctx, call, act.ConcludeAdmissions, tenderID, lot, func(_ Tx, e *Evaluation, _ time.Time) error { return e.Conclude() })
}

// Score records the technical points of a bid (score-technical).
func (s *Service) Score(ctx context.Context, call act.Call, tenderID, lot, bid string, scores []TechnicalScore) (*Evaluation, error) {
	return s.change(ctx, call, act.ScoreTechnical, tenderID, lot, func(_ Tx, e *Evaluation, _ time.Time) error { return e.Score(bid, scores) })
}

// Lock fixes the technical scores (lock-scores).
func (s *Service) Lock(ctx context.Context, call act.Call, tenderID, lot string) (*Evaluation, error) {
	return s.change(ctx, call, act.LockScores, tenderID, lot, func(_ Tx, e *Evaluation, now time.Time) error { return e.Lock(now) })
}

// Rank forms the ranking from the opened economic envelopes (rank-bids).
func (s *Service) Rank(ctx context.Context, call act.Call, tenderID, lot string) (*Evaluation, error) {
	return s.change(ctx, call, act.RankBids, tenderID, lot, func(tx Tx, e *Evaluation, now time.Time) error {
		if err := e.in(tender.EconomicOpened, act.RankBids); err != nil {
			return err
		}
		o, err := tx.OpeningOf(e.tender, lot, tender.Economic)
		if err != nil {
			return err
		}
		if !o.Unsealed {
			return fault.New(fault.Conflict, "not-unsealed", "Le buste economiche si stanno ancora aprendo: riprovi tra poco.",
				"The economic envelopes are still being unsealed: try again shortly.")
		}
		return e.Rank(answersOf(o), now)
	})
}

// Propose proposes the award (propose-award).
func (s *Service) Propose(ctx context.Context, call act.Call, tenderID, lot, bid, reason string) (*Evaluation, error) {
	return s.change(ctx, call, act.ProposeAward, tenderID, lot, func(_ Tx, e *Evaluation, now time.Time) error { return e.Propose(bid, reason, now) })
}

// Verify records the checks on the proposed winner (verify-award).
func (s *Service) Verify(ctx context.Context, call act.Call, tenderID, lot string, passed bool, report string) (*Evaluation, error) {
	return s.change(ctx, call, act.VerifyAward, tenderID, lot, func(_ Tx, e *Evaluation, now time.Time) error { return e.Verify(passed, report, now) })
}

// Adopt awards the lot (adopt-award).
func (s *Service) Adopt(ctx context.Context, call act.Call, tenderID, lot, reason string) (*Evaluation, error) {
	return s.change(ctx, call, act.AdoptAward, tenderID, lot, func(_ Tx, e *Evaluation, now time.Time) error { return e.Adopt(reason, now) })
}

// Decline ends the lot without an award (decline-award).
func (s *Service) Decline(ctx context.Context, call act.Call, tenderID, lot, reason string) (*Evaluation, error) {
	return s.change(ctx, call, act.DeclineAward, tenderID, lot, func(_ Tx, e *Evaluation, now time.Time) error { return e.Decline(reason, now) })
}

// Notify records the notices and fixes the standstill (notify-award).
func (s *Service) Notify(ctx context.Context, call act.Call, tenderID, lot string) (*Evaluation, error) {
	return s.change(ctx, call, act.NotifyAward, tenderID, lot, func(_ Tx, e *Evaluation, now time.Time) error { return e.Notify(now) })
}

// View returns the evaluation of a lot to whoever may see it (view-evaluation).
func (s *Service) View(ctx context.Context, who act.Actor, tenderID, lot string) (*Evaluation, error) {
	e, err := s.read.Evaluation(ctx, lot)
	if err != nil {
		return nil, err
	}
	if e.TenderID != tenderID {
		return nil, fault.Missing("evaluation")
	}
	return e, act.See(who, act.ViewEvaluation, e)
}
