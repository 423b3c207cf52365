package feed

import (
	"slices"

	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// Kind names an event to machines, in the way of Standard Webhooks.
type Kind string

// row says of one action that it is public, and how it is told.
type row struct {
	action act.Action
	kind   Kind
	title  fault.Text
}

// public is the whole list of what is told. An action that is not here is told
// to nobody. Admissions and exclusions are not: they are communicated to those
// concerned (art. 90), and the evaluation is not public. No action of a bidder
// may ever stand here.
var public = []row{
	{act.PublishTender, "tender.published", fault.T("Gara pubblicata", "Tender published")},
	{act.AmendTender, "tender.amended", fault.T("Gara rettificata", "Tender amended")},
	{act.ExtendDeadline, "tender.extended", fault.T("Termine prorogato", "Deadline extended")},
	{act.SuspendTender, "tender.suspended", fault.T("Gara sospesa", "Tender suspended")},
	{act.ResumeTender, "tender.resumed", fault.T("Gara ripresa", "Tender resumed")},
	{act.AnswerQuestion, "tender.answered", fault.T("Risposta a un chiarimento", "Clarification answered")},
	{act.RevokeLot, "lot.revoked", fault.T("Lotto revocato", "Lot revoked")},
	{act.CloseLot, "lot.closed", fault.T("Termine scaduto", "Deadline passed")},
	{act.OpenAdministrative, "lot.administrative_opened", fault.T("Aperte le buste amministrative", "Administrative envelopes opened")},
	{act.OpenTechnical, "lot.technical_opened", fault.T("Aperte le buste tecniche", "Technical envelopes opened")},
	{act.OpenEconomic, "lot.economic_opened", fault.T("Aperte le buste economiche", "Economic envelopes opened")},
	{act.AdoptAward, "lot.awarded", fault.T("Lotto aggiudicato", "Lot awarded")},
	{act.DeclineAward, "lot.not_awarded", fault.T("Lotto non aggiudicato", "Lot not awarded")},
}

func rowOf(action act.Action) (row, bool) {
	i := slices.IndexFunc(public, func(r row) bool { return r.action == action })
	if i < 0 {
		return row{}, false
	}
	return public[i], true
}

// Kinds lists every kind of event.
func Kinds() []Kind {
	all := make([]Kind, len(public))
	for i, r := range public {
		all[i] = r.kind
	}
	return all
}
