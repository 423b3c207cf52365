package api

import (
	"sigillo/award"
	"sigillo/bids"
	"sigillo/docs"
	"sigillo/feed"
	"sigillo/internal/act"
	"sigillo/tender"
)

// enums documents every value that an answer may hold where the domain's types
// are closed lists; it is made from those lists and cannot fall behind them.
func (a *API) enums() {
	states := values(tender.States())
	envelopes := values([]tender.Envelope{tender.Administrative, tender.Technical, tender.Economic})
	var procedures []any
	for _, p := range tender.Procedures() {
		procedures = append(procedures, string(p.Code))
	}
	closed := map[string]map[string][]any{
		"Lot":            {"state": states},
		"TenderView":     {"state": states, "procedure": procedures, "nature": values([]tender.Nature{tender.Works, tender.Services, tender.Supplies})},
		"EvaluationView": {"state": states},
		"Criterion":      {"method": values([]tender.Method{tender.LowestPrice, tender.PriceQuality})},
		"EnvelopeSpec":   {"envelope": envelopes},
		"Key":            {"envelope": envelopes},
		"Custody":        {"mode": values([]tender.Mode{tender.Standard, tender.Commission, tender.Rehearsal, ""})},
		"Custodian":      {"kind": values([]tender.CustodianKind{tender.RUPKey, tender.RecoveryKey, tender.PersonKey, tender.GuarantorKey})},
		"Upload":         {"envelope": envelopes},
		"Admission":      {"verdict": values([]award.Verdict{award.Pending, award.Admitted, award.Excluded})},
		"Document":       {"kind": values(docs.Kinds())},
		"BidView":        {"state": values([]bids.State{bids.Drafted, bids.Submitted, bids.Unconfirmed, bids.Withdrawn})},
		"Power":          {"role": values(act.Roles())},
		"Membership":     {"role": values(act.Roles())},
		"Amendment":      {"kind": {"amend", "extend", "suspend", "resume", "revoke"}},
		"Notice":         {"kind": {"winner", "participant"}},
		"Change":         {"kind": values(feed.Kinds())},
		"WebhookView":    {"outcome": values(feed.Outcomes())},
		"NewWebhook":     {"outcome": values(feed.Outcomes())},
	}
	schemas := a.huma.OpenAPI().Components.Schemas.Map()
	for name, properties := range closed {
		for property, list := range properties {
			schemas[name].Properties[property].Enum = list
		}
	}
}

func values[T ~string](list []T) []any {
	var all []any
	for _, v := range list {
		all = append(all, string(v))
	}
	return all
}
