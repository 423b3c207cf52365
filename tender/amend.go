package tender

import (
	"fmt"
	"slices"
	"time"

	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// Change is what an amendment may alter after publication. Lots, amounts and
// criteria never change: for those a tender is revoked and published anew.
type Change struct {
	Reason      string
	Title       *string
	Description *string
	// Papers added or new versions of papers; none is ever removed (AT-007).
	Papers []docs.Document
	// Required replaces what an envelope must contain, by lot and envelope.
	Required []RequiredChange
	// Substantial says that the change matters to the preparation of bids
	// (art. 92 c. 2 lett. b): the term is extended and bids are confirmed.
	// Changed requirements are always substantial.
	Substantial bool
	// Deadline and OpensAt extend the term; zero keeps what is.
	Deadline, OpensAt time.Time
}

// RequiredChange is a new list of required documents for one envelope.
type RequiredChange struct {
	Lot      string
	Envelope Envelope
	Required []RequiredDocument
}

// Amend applies a change to a published tender. A substantial one must leave
// the law's minimum of days and asks every bidder to confirm.
func (t *Tender) Amend(c Change, at time.Time) error {
	if err := t.underWay(act.AmendTender, at); err != nil {
		return err
	}
	if err := reason(c.Reason); err != nil {
		return err
	}
	substantial := c.Substantial || len(c.Required) > 0
	deadline, opens := t.Timetable.Deadline, t.Timetable.OpensAt
	if !c.Deadline.IsZero() {
		var err error
		if deadline, opens, err = t.later(c.Deadline, c.OpensAt, at); err != nil {
			return err
		}
	}
	if substantial {
		earliest := at.In(Rome()).AddDate(0, 0, t.Rules.AmendmentDays).UTC()
		if deadline.Before(earliest) {
			lacking := int((earliest.Sub(deadline) + 24*time.Hour - 1) / (24 * time.Hour))
			return fault.New(fault.Invalid, "extension-needed",
				"Con questa modifica il termine va prorogato di almeno %d giorni (art. 92 c. 2): non prima di %s.",
				"With this change the deadline must be extended by at least %d days (art. 92 c. 2): not before %s.", lacking, InRome(earliest)).
				At("/deadline", "too-early", fault.T("proroghi almeno fino a %s", "extend at least until %s", InRome(earliest)))
		}
	}
	next := *t
	next.Terms.Papers = append(slices.Clone(t.Papers), c.Papers...)
	next.Terms.Lots = slices.Clone(t.Lots)
	if c.Title != nil {
		next.Title = *c.Title
	}
	if c.Description != nil {
		next.Description = *c.Description
	}
	for _, r := range c.Required {
		l, err := next.Lot(r.Lot)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(l.Envelopes, func(s EnvelopeSpec) bool { return s.Envelope == r.Envelope })
		if i < 0 {
			return fault.Missing("envelope")
		}
		l.Envelopes = slices.Clone(l.Envelopes)
		l.Envelopes[i].Required = r.Required
	}
	next.Timetable.Deadline, next.Timetable.OpensAt = deadline, opens
	if err := next.form(); err != nil {
		return err
	}
	*t = next
	t.note("amend", c.Reason, substantial, at)
	return nil
}

// Extend moves the deadline for everybody. It is possible before the deadline
// and, as long as nothing is open, after it (art. 25 c. 2): received bids stay
// sealed and may be replaced.
func (t *Tender) Extend(deadline, opens time.Time, why string, at time.Time) error {
	if t.PublishedAt == nil {
		return fault.New(fault.Conflict, "not-published", "La gara non è pubblicata.", "The tender is not published.")
	}
	if err := reason(why); err != nil {
		return err
	}
	deadline, opens, err := t.later(deadline, opens, at)
	if err != nil {
		return err
	}
	for _, l := range t.Lots {
		if l.State.Sealed() || l.State.ended() {
			continue
		}
		return fault.New(fault.Conflict, "already-open", "Le buste di un lotto sono già aperte: il termine non si proroga più.",
			"The envelopes of a lot are already open: the deadline can no longer be extended.")
	}
	moved := false
	for i := range t.Lots {
		switch l := &t.Lots[i]; l.State {
		case Published, Suspended:
			moved = true
		case Closed, Deserted:
			if err := l.Move(act.ExtendDeadline, Published); err != nil {
				return err
			}
			l.ClosedAt, moved = nil, true
		}
	}
	if !moved {
		return fault.New(fault.Conflict, "nothing-to-extend", "Nessun lotto può ancora ricevere offerte.", "No lot can receive bids any more.")
	}
	t.Timetable.Deadline, t.Timetable.OpensAt = deadline, opens
	t.note("extend", why, false, at)
	return nil
}

// Suspend stops the reception of bids, for example on a malfunction (art. 25
// c. 2). While suspended nothing closes and nothing is opened.
func (t *Tender) Suspend(why string, at time.Time) error {
	if err := t.underWay(act.SuspendTender, at); err != nil {
		return err
	}
	if err := reason(why); err != nil {
		return err
	}
	for i := range t.Lots {
		if l := &t.Lots[i]; l.State == Published {
			if err := l.Move(act.SuspendTender, Suspended); err != nil {
				return err
			}
		}
	}
	t.SuspendedAt = &at
	t.note("suspend", why, false, at)
	return nil
}

// Resume lets bids in again and gives back at least the time lost (art. 25
// c. 2, DR-48).
func (t *Tender) Resume(deadline, opens time.Time, why string, at time.Time) error {
	if t.SuspendedAt == nil {
		return fault.New(fault.Conflict, "not-suspended", "La gara non è sospesa.", "The tender is not suspended.")
	}
	if err := reason(why); err != nil {
		return err
	}
	earliest := t.Timetable.Deadline.Add(at.Sub(*t.SuspendedAt))
	deadline, opens, err := t.later(deadline, opens, at)
	if err != nil {
		return err
	}
	if deadline.Before(earliest) {
		return fault.New(fault.Invalid, "extension-too-short",
			"La sospensione va restituita per intero: il termine non può precedere %s.",
			"The suspension must be given back in full: the deadline cannot be before %s.", InRome(earliest)).
			At("/deadline", "too-early", fault.T("troppo presto", "too early"))
	}
	for i := range t.Lots {
		if l := &t.Lots[i]; l.State == Suspended {
			if err := l.Move(act.ResumeTender, Published); err != nil {
				return err
			}
		}
	}
	t.SuspendedAt, t.Timetable.Deadline, t.Timetable.OpensAt = nil, deadline, opens
	t.note("resume", why, false, at)
	return nil
}

// Revoke ends one lot before its contract (DR-75). Its bids stay sealed.
func (t *Tender) Revoke(lot, why string, at time.Time) error {
	l, err := t.Lot(lot)
	if err != nil {
		return err
	}
	if err := reason(why); err != nil {
		return err
	}
	if err := l.Move(act.RevokeLot, Revoked); err != nil {
		return err
	}
	l.EndReason = why
	t.note("revoke", why, false, at)
	return nil
}

func (t *Tender) note(kind, why string, confirm bool, at time.Time) {
	t.Amendments = append(slices.Clone(t.Amendments), Amendment{
		Number: len(t.Amendments) + 1, At: at, Kind: kind, Reason: why, Confirm: confirm, Deadline: t.Timetable.Deadline,
	})
}

// underWay refuses unless some lot is published and the deadline is ahead.
func (t *Tender) underWay(action act.Action, at time.Time) error {
	for i := range t.Lots {
		if t.Accepts(&t.Lots[i], at) {
			return nil
		}
	}
	return fault.New(fault.Conflict, "not-under-way",
		"La gara non sta ricevendo offerte: l'operazione %s non è possibile.", "The tender is not receiving bids: the operation %s is not possible.", string(action))
}

// later checks a new deadline, which may only move forward, and gives the
// opening the same distance from it unless one is stated.
func (t *Tender) later(deadline, opens, at time.Time) (time.Time, time.Time, error) {
	if opens.IsZero() {
		opens = deadline.Add(t.Timetable.OpensAt.Sub(t.Timetable.Deadline))
	}
	var fs fault.Fields
	if !deadline.After(t.Timetable.Deadline) || !deadline.After(at) {
		fs.Add("/deadline", "not-later", "Il nuovo termine deve seguire quello attuale (%s) e l'istante presente.",
			"The new deadline must follow the present one (%s) and the current instant.", InRome(t.Timetable.Deadline))
	}
	if opens.Before(deadline) {
		fs.Add("/opens_at", "opening-before-deadline", "Le buste non si aprono prima della scadenza.", "Envelopes are not opened before the deadline.")
	}
	return deadline, opens, fs.Err("bad-extension", "Proroga non valida.", "Invalid extension.")
}

// pointer builds an RFC 6901 pointer with an index in it.
func pointer(format string, i int) string { return fmt.Sprintf(format, i) }

func reason(why string) error {
	var fs fault.Fields
	if why == "" {
		fs.Add("/reason", "missing", "Indichi la motivazione.", "State the reason.")
	}
	line(&fs, "/reason", why, maxText)
	return fs.Err("missing-reason", "Serve una motivazione.", "A reason is needed.")
}
