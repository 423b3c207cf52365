package award

import (
	"fmt"
	"slices"
	"time"

	"sigillo/audit"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/money"
	"sigillo/tender"
)

// Score records the commission's points for one bid, all criteria at once, or
// replaces them until they are locked.
func (e *Evaluation) Score(bid string, scores []TechnicalScore) error {
	if err := e.in(tender.TechnicalOpened, act.ScoreTechnical); err != nil {
		return err
	}
	if _, err := e.admission(bid); err != nil {
		return err
	}
	if !e.eligible(bid) {
		return fault.New(fault.Conflict, "bid-excluded", "L'offerta è esclusa: non si valuta.", "The bid is excluded: it is not scored.")
	}
	var fs fault.Fields
	for i, s := range scores {
		at := fmt.Sprintf("/scores/%d", i)
		c := slices.IndexFunc(e.Lot().Criterion.Technical, func(c tender.TechnicalCriterion) bool { return c.ID == s.Criterion })
		if c < 0 {
			fs.Add(at+"/criterion", "unknown-criterion", "Criterio sconosciuto.", "Unknown criterion.")
			continue
		}
		if most := e.Lot().Criterion.Technical[c].Points; s.Points.Sign() < 0 || s.Points.Cmp(money.FromInt(int64(most))) > 0 {
			fs.Add(at+"/points", "out-of-range", "Da 0 a %d punti.", "From 0 to %d points.", most)
		}
		if s.Reason == "" {
			fs.Add(at+"/reason", "missing", "Motivi il punteggio.", "Give the reason of the score.")
		}
	}
	for _, c := range e.Lot().Criterion.Technical {
		n := 0
		for _, s := range scores {
			if s.Criterion == c.ID {
				n++
			}
		}
		if n != 1 {
			fs.Add("/scores", "criterion-count", "Serve un solo punteggio per il criterio «%s».", "Criterion %q needs exactly one score.", c.Title)
		}
	}
	if err := fs.Err("bad-scores", "Punteggi non validi.", "Invalid scores."); err != nil {
		return err
	}
	e.Scores = slices.DeleteFunc(slices.Clone(e.Scores), func(s TechnicalScore) bool { return s.Bid == bid })
	for _, s := range scores {
		s.Bid = bid
		e.Scores = append(e.Scores, s)
	}
	return nil
}

// Lock fixes the technical scores by their hash; only then may an economic
// envelope be opened (DR-96).
func (e *Evaluation) Lock(at time.Time) error {
	if err := e.in(tender.TechnicalOpened, act.LockScores); err != nil {
		return err
	}
	for _, bid := range e.Eligible() {
		if !slices.ContainsFunc(e.Scores, func(s TechnicalScore) bool { return s.Bid == bid }) {
			return fault.New(fault.Conflict, "scores-missing", "L'offerta %s non ha ancora punteggi.", "Bid %s has no scores yet.", bid)
		}
	}
	hash, err := audit.Hash(e.Scores)
	if err != nil {
		return err
	}
	e.ScoresHash, e.LockedAt = hash, &at
	return e.Lot().Move(act.LockScores, tender.ScoresLocked)
}
