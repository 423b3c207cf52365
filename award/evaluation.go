package award

import (
	"slices"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/money"
	"sigillo/tender"
)

// Evaluation is all that is decided about the bids for one lot.
type Evaluation struct {
	ID       string `json:"id"` // the lot's
	Version  int    `json:"version"`
	TenderID string `json:"tender"`

	Admissions []Admission `json:"admissions"`
	// Scores of the technical criteria, by bid.
	Scores []TechnicalScore `json:"scores,omitempty"`
	// ScoresHash fixes the scores when they are locked (DR-96).
	ScoresHash string     `json:"scores_hash,omitempty"`
	LockedAt   *time.Time `json:"locked_at,omitempty"`
	Ranking    *Ranking   `json:"ranking,omitempty"`
	Proposal   *Proposal  `json:"proposal,omitempty"`
	Checks     *Checks    `json:"checks,omitempty"`
	Decision   *Decision  `json:"decision,omitempty"`
	Notices    []Notice   `json:"notices,omitempty"`

	tender *tender.Tender
}

// Admission is the decision on one bid after its administrative envelope.
type Admission struct {
	Bid      string     `json:"bid"`
	Supplier string     `json:"supplier"`
	Verdict  Verdict    `json:"verdict"`
	Reason   string     `json:"reason,omitempty"`
	By       string     `json:"by,omitempty"`
	At       *time.Time `json:"at,omitempty"`
}

// Verdict on a bid.
type Verdict string

// The verdicts. Nothing but a person excludes (DR-70).
const (
	Pending  Verdict = "pending"
	Admitted Verdict = "admitted"
	Excluded Verdict = "excluded"
)

// TechnicalScore is what the commission gave one bid for one criterion.
type TechnicalScore struct {
	Bid       string      `json:"bid"`
	Criterion string      `json:"criterion"`
	Points    money.Ratio `json:"points"`
	Reason    string      `json:"reason"`
}

// Proposal names who should win (art. 17 c. 5).
type Proposal struct {
	Bid    string    `json:"bid"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Checks is the outcome of verifying the proposed winner (art. 99, DR-71).
type Checks struct {
	Passed bool      `json:"passed"`
	Report string    `json:"report"`
	At     time.Time `json:"at"`
}

// Decision awards the lot, or declines to.
type Decision struct {
	Awarded bool      `json:"awarded"`
	Bid     string    `json:"bid,omitempty"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
}

// Notice is one communication of the award (art. 90).
type Notice struct {
	Supplier string    `json:"supplier"`
	Kind     string    `json:"kind"` // winner, participant
	At       time.Time `json:"at"`
	// StandstillUntil is stated in every notice of award.
	StandstillUntil *time.Time `json:"standstill_until,omitempty"`
}

// Attach gives the evaluation its tender; the store does it on loading.
func (e *Evaluation) Attach(t *tender.Tender) *Evaluation { e.tender = t; return e }

// Tender returns the tender the evaluation belongs to.
func (e *Evaluation) Tender() *tender.Tender { return e.tender }

// Lot returns the lot evaluated.
func (e *Evaluation) Lot() *tender.Lot {
	l, err := e.tender.Lot(e.ID)
	if err != nil { // an evaluation is only ever made for a lot of its tender
		panic(err)
	}
	return l
}

// Subject is what permissions on the evaluation depend on.
func (e *Evaluation) Subject() act.Subject {
	s := e.tender.Subject()
	l := e.Lot()
	s.Type, s.ID, s.Version, s.Lot, s.State = "evaluation", e.ID, e.Version, l.ID, string(l.State)
	s.Public, s.Published, s.Opened = false, false, !l.State.Sealed()
	return s
}

// Start makes the evaluation of a lot whose administrative envelopes are open,
// with one pending admission for each bid.
func Start(t *tender.Tender, lot string, bids []Entrant) *Evaluation {
	e := &Evaluation{ID: lot, TenderID: t.ID, tender: t}
	for _, b := range bids {
		e.Admissions = append(e.Admissions, Admission{Bid: b.Bid, Supplier: b.Supplier, Verdict: Pending})
	}
	return e
}

// Entrant is a bid as it comes out of the administrative opening.
type Entrant struct{ Bid, Supplier string }

func (e *Evaluation) in(s tender.State, action act.Action) error {
	if e.Lot().State != s {
		return tender.WrongState(e.Lot(), action)
	}
	return nil
}

func (e *Evaluation) admission(bid string) (*Admission, error) {
	for i := range e.Admissions {
		if e.Admissions[i].Bid == bid {
			return &e.Admissions[i], nil
		}
	}
	return nil, fault.Missing("bid")
}

// Decide admits or excludes one bid; an exclusion has a reason.
func (e *Evaluation) Decide(bid string, v Verdict, reason, by string, at time.Time) error {
	if err := e.in(tender.AdministrativeOpened, act.DecideAdmission); err != nil {
		return err
	}
	a, err := e.admission(bid)
	if err != nil {
		return err
	}
	var fs fault.Fields
	if v != Admitted && v != Excluded {
		fs.Add("/verdict", "unknown-code", "Scelga admitted o excluded.", "Choose admitted or excluded.")
	}
	if v == Excluded && reason == "" {
		fs.Add("/reason", "missing", "Motivi l'esclusione (art. 94-98).", "Give the reason of the exclusion (art. 94-98).")
	}
	if len(reason) > 20_000 {
		fs.Add("/reason", "too-long", "Al massimo 20.000 caratteri.", "At most 20,000 characters.")
	}
	if err := fs.Err("bad-decision", "Decisione non valida.", "Invalid decision."); err != nil {
		return err
	}
	a.Verdict, a.Reason, a.By, a.At = v, reason, by, &at
	return nil
}

// Conclude ends the admissions: to admitted, or to not awarded when nobody is.
func (e *Evaluation) Conclude() error {
	if err := e.in(tender.AdministrativeOpened, act.ConcludeAdmissions); err != nil {
		return err
	}
	var pending fault.Fields
	for _, a := range e.Admissions {
		if a.Verdict == Pending {
			pending.Add("/admissions", "pending", "L'offerta %s attende una decisione.", "Bid %s awaits a decision.", a.Bid)
		}
	}
	if len(pending) > 0 {
		return &fault.Fault{Kind: fault.Conflict, Code: "admissions-pending", Fields: pending,
			Text: fault.T("Ogni offerta va ammessa o esclusa prima di concludere.", "Every bid must be admitted or excluded before concluding.")}
	}
	if len(e.Eligible()) == 0 {
		e.Lot().EndReason = "nobody admitted"
		return e.Lot().Move(act.ConcludeAdmissions, tender.NotAwarded)
	}
	return e.Lot().Move(act.ConcludeAdmissions, tender.Admitted)
}

// Eligible lists the bids whose next envelope may be opened: those admitted
// and, once the technical scores are locked, not below the threshold
// (sbarramento, DR-95: raw scores, the limit itself passes).
func (e *Evaluation) Eligible() []string {
	var ids []string
	limit := money.FromInt(int64(e.Lot().Criterion.MinimumTechnical))
	for _, a := range e.Admissions {
		if a.Verdict != Admitted || e.LockedAt != nil && e.Technical(a.Bid).Cmp(limit) < 0 {
			continue
		}
		ids = append(ids, a.Bid)
	}
	return ids
}

// Technical is the sum of a bid's technical points.
func (e *Evaluation) Technical(bid string) money.Ratio {
	var sum money.Ratio
	for _, s := range e.Scores {
		if s.Bid == bid {
			sum = sum.Add(s.Points)
		}
	}
	return sum
}

func (e *Evaluation) eligible(bid string) bool { return slices.Contains(e.Eligible(), bid) }
