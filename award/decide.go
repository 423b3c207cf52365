package award

import (
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/tender"
)

// Propose names the winner: the first of the ranking, or another with a
// reason. Between bids tied at every step a person records the draw's outcome
// as the reason.
func (e *Evaluation) Propose(bid, why string, at time.Time) error {
	if err := e.in(tender.Ranked, act.ProposeAward); err != nil {
		return err
	}
	var row *Row
	for i := range e.Ranking.Rows {
		if e.Ranking.Rows[i].Bid == bid {
			row = &e.Ranking.Rows[i]
		}
	}
	if row == nil {
		return fault.Missing("bid")
	}
	if why == "" && (row.Rank != 1 || row.Tied) {
		return fault.New(fault.Invalid, "reason-needed", "Motivi la proposta: l'offerta non è l'unica prima in graduatoria.",
			"Give a reason: the bid is not the only first of the ranking.").
			At("/reason", "missing", fault.T("manca la motivazione", "the reason is missing"))
	}
	e.Proposal = &Proposal{bid, why, at}
	return e.Lot().Move(act.ProposeAward, tender.Proposed)
}

// Verify records the checks on the proposed winner. Failed checks do not move
// the lot: the authority declines the award, for that outcome needs a person.
func (e *Evaluation) Verify(passed bool, report string, at time.Time) error {
	if err := e.in(tender.Proposed, act.VerifyAward); err != nil {
		return err
	}
	if report == "" {
		return fault.New(fault.Invalid, "report-needed", "Descriva le verifiche svolte (art. 99).", "Describe the checks made (art. 99).").
			At("/report", "missing", fault.T("manca il resoconto", "the report is missing"))
	}
	e.Checks = &Checks{passed, report, at}
	if !passed {
		return nil
	}
	return e.Lot().Move(act.VerifyAward, tender.Verified)
}

// Adopt awards the lot to the proposed bid; the award is effective at once
// (art. 17 c. 5).
func (e *Evaluation) Adopt(why string, at time.Time) error {
	if err := e.in(tender.Verified, act.AdoptAward); err != nil {
		return err
	}
	e.Decision = &Decision{Awarded: true, Bid: e.Proposal.Bid, Reason: why, At: at}
	return e.Lot().Move(act.AdoptAward, tender.Awarded)
}

// Decline ends the lot without an award (art. 108 c. 10, DR-74).
func (e *Evaluation) Decline(why string, at time.Time) error {
	if why == "" {
		return fault.New(fault.Invalid, "reason-needed", "Motivi la decisione di non aggiudicare (art. 108 c. 10).",
			"Give the reason for not awarding (art. 108 c. 10).").At("/reason", "missing", fault.T("manca la motivazione", "the reason is missing"))
	}
	if err := e.Lot().Move(act.DeclineAward, tender.NotAwarded); err != nil {
		return err
	}
	e.Lot().EndReason = why
	e.Decision = &Decision{Reason: why, At: at}
	return nil
}

// Notify records the notices of award, to the winner and to everybody admitted
// or excluded (art. 90), and fixes the standstill (art. 18 c. 3): it ends when
// the whole of its last day has run; none below the EU threshold (art. 55
// c. 2), nor for a single bid.
func (e *Evaluation) Notify(at time.Time) error {
	if err := e.in(tender.Awarded, act.NotifyAward); err != nil {
		return err
	}
	l, t := e.Lot(), e.tender
	until := at
	if t.Standstill() && len(e.Admissions) > 1 {
		until = tender.EarliestDeadline(at, t.Rules.StandstillDays)
	}
	l.StandstillUntil = &until
	for _, a := range e.Admissions {
		kind := "participant"
		if a.Bid == e.Decision.Bid {
			kind = "winner"
		}
		e.Notices = append(e.Notices, Notice{Supplier: a.Supplier, Kind: kind, At: at, StandstillUntil: &until})
	}
	return l.Move(act.NotifyAward, tender.Standstill)
}
