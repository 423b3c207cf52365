package tender

import (
	"fmt"
	"slices"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/money"
)

// Value is the estimated value of the whole procedure, all lots together (art.
// 14 c. 9-10).
func (t *Tender) Value() money.Amount {
	var sum money.Amount
	for _, l := range t.Lots {
		sum = money.Sum(sum, l.Amounts.Value())
	}
	return sum
}

// Scopes lists the lot and envelope pairs that need a key before publication.
func (t *Tender) Scopes() []Key {
	var all []Key
	for _, l := range t.Lots {
		for _, e := range l.Envelopes {
			all = append(all, Key{Lot: l.ID, Envelope: e.Envelope})
		}
	}
	return all
}

// Publish makes the tender public at the instant, with the rules of that day
// and the keys given; it refuses with the whole report when anything blocks.
func (t *Tender) Publish(keys []Key, at time.Time) error {
	if t.PublishedAt != nil {
		return fault.New(fault.Conflict, "already-published", "La gara è già pubblicata.", "The tender is already published.")
	}
	if err := t.Check(at).Err(); err != nil {
		return err
	}
	for _, want := range t.Scopes() {
		if !slices.ContainsFunc(keys, func(k Key) bool { return k.Lot == want.Lot && k.Envelope == want.Envelope && k.Recipient != "" }) {
			return fault.New(fault.Internal, "missing-key", "Manca la chiave di una busta.", "The key of an envelope is missing.")
		}
	}
	rules, _ := RulesOn(DayOf(at))
	hash, err := rules.Hash()
	if err != nil {
		return err
	}
	t.Rules, t.RulesHash, t.Keys, t.PublishedAt = &rules, hash, keys, &at
	for i := range t.Lots {
		if err := t.Lots[i].Move(act.PublishTender, Published); err != nil {
			return err
		}
	}
	return nil
}

// Err turns a report that blocks into one fault that lists every finding.
func (r Report) Err() error {
	var fs fault.Fields
	for _, f := range r.Findings {
		if f.Severity == Blocking {
			text := f.Text
			if f.Article != "" {
				text = fault.Text{IT: fmt.Sprintf("%s (%s)", text.IT, f.Article), EN: fmt.Sprintf("%s (%s)", text.EN, f.Article)}
			}
			fs = append(fs, fault.Field{Pointer: f.Pointer, Code: f.Code, Text: text})
		}
	}
	return fs.Err("not-publishable", "La gara non si può pubblicare: ecco tutto ciò che manca o non è conforme.",
		"The tender cannot be published: here is all that is missing or unlawful.")
}

// Discard drops a draft. A published tender is revoked instead.
func (t *Tender) Discard() error {
	if t.PublishedAt != nil {
		return fault.New(fault.Conflict, "already-published", "Una gara pubblicata si revoca, non si elimina.",
			"A published tender is revoked, not discarded.")
	}
	t.Discarded = true
	return nil
}

// Appoint names the seggio and the commission. The commission is named only
// after the deadline of every lot (art. 93 c. 2, DR-62), is odd and not larger
// than the law's maximum (DR-05).
func (t *Tender) Appoint(seggio, commission []string, at time.Time) error {
	if t.PublishedAt == nil {
		return fault.New(fault.Conflict, "not-published", "La gara non è pubblicata.", "The tender is not published.")
	}
	var fs fault.Fields
	if len(commission) > 0 {
		if slices.ContainsFunc(t.Lots, func(l Lot) bool { return l.State == Published || l.State == Suspended }) || at.Before(t.Timetable.Deadline) {
			return fault.New(fault.Conflict, "commission-too-early",
				"La commissione si nomina dopo la scadenza delle offerte (art. 93 c. 2).",
				"The commission is appointed after the deadline for bids (art. 93 c. 2).")
		}
		if len(commission)%2 == 0 || len(commission) > t.Rules.CommissionMax {
			fs.Add("/commission", "commission-size", "La commissione ha un numero dispari di membri, al massimo %d (art. 93 c. 2).",
				"The commission has an odd number of members, at most %d (art. 93 c. 2).", t.Rules.CommissionMax)
		}
		if slices.ContainsFunc(t.Lots, func(l Lot) bool { return l.State == TechnicalOpened || l.State == ScoresLocked }) && !slices.Equal(commission, t.Commission) {
			return fault.New(fault.Conflict, "commission-at-work", "La commissione sta valutando: non si cambia ora.",
				"The commission is evaluating: it cannot change now.")
		}
	}
	if len(seggio) > 3 {
		fs.Add("/seggio", "seggio-size", "Il seggio ha da uno a tre membri.", "The seggio has one to three members.")
	}
	for name, members := range map[string][]string{"/seggio": seggio, "/commission": commission} {
		if len(slices.Compact(slices.Sorted(slices.Values(members)))) != len(members) {
			fs.Add(name, "duplicate", "Una persona compare due volte.", "A person appears twice.")
		}
	}
	if err := fs.Err("bad-panel", "Nomina non valida.", "Invalid appointment."); err != nil {
		return err
	}
	t.Seggio, t.Commission = seggio, commission
	return nil
}

// Standstill tells whether the contract must wait after the award: from the EU
// threshold up (art. 18 c. 3 and art. 55 c. 2).
func (t *Tender) Standstill() bool {
	return t.Rules != nil && t.Value().Cmp(t.Rules.Threshold(t.Nature, t.Buyer.Special, t.Buyer.Central)) >= 0
}
