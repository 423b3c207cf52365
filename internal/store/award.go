package store

import (
	"context"

	"sigillo/award"
	"sigillo/bids"
	"sigillo/internal/fault"
	"sigillo/tender"
)

// Evaluation loads the evaluation of a lot with its tender, locked. The first
// time it starts from the administrative opening.
func (tx *Tx) Evaluation(lot string) (*award.Evaluation, error) {
	var rows []lotRow
	if err := tx.db.Where("id = ?", lot).Limit(1).Find(&rows).Error; err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fault.Missing("evaluation")
	}
	t, err := tx.Tender(rows[0].Tender)
	if err != nil {
		return nil, err
	}
	e, err := get[award.Evaluation](tx.db, "evaluation", "evaluation", "id = ?", lot)
	if err == nil {
		return e.Attach(t), nil
	}
	if missingIsFalse(err) != nil {
		return nil, err
	}
	o, err := tx.OpeningOf(t, lot, tender.Administrative)
	if err != nil {
		return nil, missingEvaluation(err)
	}
	return award.Start(t, lot, entrants(o)), nil
}

func missingEvaluation(err error) error {
	if missingIsFalse(err) == nil {
		return fault.Missing("evaluation")
	}
	return err
}

func entrants(o *bids.Opening) []award.Entrant {
	var all []award.Entrant
	for _, b := range o.Bids {
		all = append(all, award.Entrant{Bid: b.Bid, Supplier: b.Supplier})
	}
	return all
}

// SaveEvaluation saves an evaluation.
func (tx *Tx) SaveEvaluation(e *award.Evaluation) error {
	return tx.put("evaluation", "evaluation", e.ID, &e.Version, e, map[string]any{"tender": e.TenderID})
}

// Eligible lists the bids whose next envelope may be opened.
func (tx *Tx) Eligible(lot string) ([]string, error) {
	e, err := tx.Evaluation(lot)
	if err != nil {
		return nil, missingIsFalse(err)
	}
	return e.Eligible(), nil
}

// Evaluation reads the evaluation of a lot.
func (s *Store) Evaluation(ctx context.Context, lot string) (*award.Evaluation, error) {
	db := s.read.WithContext(ctx)
	e, err := get[award.Evaluation](db, "evaluation", "evaluation", "id = ?", lot)
	if err == nil {
		t, err := s.Tender(ctx, e.TenderID)
		if err != nil {
			return nil, err
		}
		return e.Attach(t), nil
	}
	if missingIsFalse(err) != nil {
		return nil, err
	}
	o, err := get[bids.Opening](db, "opening", "evaluation", "lot = ? AND envelope = 'A'", lot)
	if err != nil {
		return nil, missingEvaluation(err)
	}
	t, err := s.Tender(ctx, o.TenderID)
	if err != nil {
		return nil, err
	}
	return award.Start(t, lot, entrants(o)), nil
}
