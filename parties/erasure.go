package parties

import (
	"context"
	"slices"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// Ground is why the data of a person are erased (art. 17 par. 1 GDPR).
type Ground string

// The grounds.
const (
	NoLongerNeeded Ground = "no-longer-needed" // letter a
	Unlawful       Ground = "unlawful"         // letter d
	Ordered        Ground = "ordered"          // letter e: a court or the Garante says so
)

// retention is how long who has had a power stays known by name after the last
// one ended: the documents of a tender, and with them who acted, are kept for
// five years at least (art. 112 c. 4 d.lgs. 36/2023 by PAD-25, as dated here;
// art. 17 par. 3 letter b GDPR).
var retention = []struct {
	from  time.Time
	years int
}{{time.Date(2023, time.July, 1, 0, 0, 0, 0, time.UTC), 5}}

func keptUntil(ended time.Time) time.Time {
	years := retention[0].years
	for _, r := range retention {
		if !ended.Before(r.from) {
			years = r.years
		}
	}
	return ended.AddDate(years, 0, 0)
}

// Erase forgets who a person is; the identifier, the powers it had and when
// stay. Faults: unknown-code for the ground, still-empowered, still-kept.
func (p *Person) Erase(ground Ground, at time.Time) error {
	if !slices.Contains([]Ground{NoLongerNeeded, Unlawful, Ordered}, ground) {
		return fault.New(fault.Invalid, "bad-ground", "Motivo non valido.", "Invalid ground.").
			At("/ground", "unknown-code", fault.T("scelga no-longer-needed, unlawful oppure ordered", "choose no-longer-needed, unlawful or ordered"))
	}
	if p.ErasedAt != nil {
		return fault.New(fault.Conflict, "already-erased", "I dati della persona sono già cancellati.", "The person's data are erased already.")
	}
	for _, m := range p.Powers {
		if m.Until == nil || at.Before(*m.Until) {
			return fault.New(fault.Conflict, "still-empowered", "La persona ha ancora poteri: prima li revochi.",
				"The person still has powers: revoke them first.")
		}
		if until := keptUntil(*m.Until); ground == NoLongerNeeded && at.Before(until) {
			return fault.New(fault.Conflict, "still-kept",
				"Chi ha avuto poteri in una gara resta noto fino al %s (art. 112 c. 4): cancelli prima solo se il trattamento è illecito o se è ordinato.",
				"Who has had powers in a tender stays known until %s (art. 112 c. 4): erase earlier only what is unlawful or ordered.",
				until.Format(time.DateOnly))
		}
	}
	p.Name, p.Email, p.ErasedAt = "", "", &at
	return nil
}

// ErasePerson erases a person's data (erase-person): the record, and every
// snapshot of it with its salt. The entries stay and their proofs hold, but
// what they hash can no longer be told, nor guessed.
func (s *Service) ErasePerson(ctx context.Context, call act.Call, id string, ground Ground) (*Person, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Person]{
		Action: act.ErasePerson,
		Load:   func(tx Tx) (*Person, error) { return tx.Person(id) },
		Change: func(p *Person, now time.Time) (act.Facts, error) {
			return act.Facts{Data: map[string]string{"ground": string(ground)}}, p.Erase(ground, now)
		},
		Save: func(tx Tx, p *Person) error {
			tx.EraseSnapshots("person", p.ID)
			return tx.SavePerson(p)
		},
	})
}
