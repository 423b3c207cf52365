package tender

import (
	"encoding/json"
	"slices"
	"time"

	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// Buyer is what a tender keeps of its contracting authority.
type Buyer struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Central   bool   `json:"central"`   // central government authority (DR-30)
	Special   bool   `json:"special"`   // special sectors
	Qualified bool   `json:"qualified"` // qualified under art. 62-63 (DR-10)
}

// Terms is what the authority decides about a tender while it is a draft, and
// may amend afterwards.
type Terms struct {
	Reference   string        `json:"reference"` // the authority's own number
	Title       string        `json:"title"`
	Description string        `json:"description"`
	Procedure   ProcedureCode `json:"procedure"`
	Nature      Nature        `json:"nature"`
	// Urgency is the reason for shortened terms (art. 71 c. 3), "" for none.
	Urgency string `json:"urgency,omitempty"`
	// PriorNotice is the publication number of a complete prior notice.
	PriorNotice string `json:"prior_notice,omitempty"`
	// CrossBorder: certain cross-border interest (art. 48 c. 2).
	CrossBorder bool `json:"cross_border,omitempty"`
	// NoLotsReason explains why the contract is not split (art. 58 c. 2).
	NoLotsReason string `json:"no_lots_reason,omitempty"`
	// RUP is the person responsible for the project (art. 15).
	RUP string `json:"rup"`
	// Invited suppliers, where the procedure is not public.
	Invited []string `json:"invited,omitempty"`
	// ExclusionGrounds stated by the notice (art. 94-95).
	ExclusionGrounds []string        `json:"exclusion_grounds"`
	Timetable        Timetable       `json:"timetable"`
	Papers           []docs.Document `json:"papers"`
	Lots             []Lot           `json:"lots"`
	Custody          Custody         `json:"custody,omitzero"`
}

// Tender is one procedure of one authority.
type Tender struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Buyer   Buyer  `json:"buyer"`
	Terms

	CreatedAt   time.Time  `json:"created_at"`
	PublishedAt *time.Time `json:"published_at,omitempty"`
	Discarded   bool       `json:"discarded,omitempty"`
	// Rules in force when the procedure started, frozen with their hash.
	Rules     *RuleSet `json:"rules,omitempty"`
	RulesHash string   `json:"rules_hash,omitempty"`
	// Keys the bids are sealed to, one for each lot and envelope.
	Keys []Key `json:"keys,omitempty"`
	// KeyTests of the custodians' keys.
	KeyTests   []KeyTest   `json:"key_tests,omitempty"`
	Amendments []Amendment `json:"amendments,omitempty"`
	// SuspendedAt is set while the tender is suspended.
	SuspendedAt *time.Time `json:"suspended_at,omitempty"`
	Seggio      []string   `json:"seggio,omitempty"`
	Commission  []string   `json:"commission,omitempty"`
}

// Key is the public half to which one envelope of one lot is sealed. The
// private half is in custody and can be used only after the opening.
type Key struct {
	Lot       string   `json:"lot"`
	Envelope  Envelope `json:"envelope"`
	Recipient string   `json:"recipient"`
}

// Amendment is a change after publication. Bidders see all of them.
type Amendment struct {
	Number int       `json:"number"`
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"` // amend, extend, suspend, resume, revoke
	Reason string    `json:"reason"`
	// Confirm: bids sent before must be confirmed or sent anew.
	Confirm  bool      `json:"confirm,omitempty"`
	Deadline time.Time `json:"deadline"` // as it stands after the amendment
}

// New makes a draft.
func New(id string, buyer Buyer, terms Terms, now time.Time) (*Tender, error) {
	t := &Tender{ID: id, Buyer: buyer, CreatedAt: now}
	if err := t.Edit(terms); err != nil {
		return nil, err
	}
	return t, nil
}

// Edit replaces the terms of a draft. An incomplete draft is welcome, a
// malformed one is not.
func (t *Tender) Edit(terms Terms) error {
	if t.PublishedAt != nil {
		return fault.New(fault.Conflict, "already-published",
			"La gara è pubblicata: si modifica solo con una rettifica.", "The tender is published: it changes only by an amendment.")
	}
	t.Terms = terms.tidy(t.Lots)
	return t.form()
}

// tidy gives every lot an identifier and a number, and keeps those of lots
// that were there before.
func (terms Terms) tidy(before []Lot) Terms {
	terms.Custody = terms.Custody.tidy()
	terms.Lots = slices.Clone(terms.Lots)
	for i := range terms.Lots {
		l := &terms.Lots[i]
		known := slices.IndexFunc(before, func(b Lot) bool { return b.ID == l.ID })
		if l.ID == "" || known < 0 {
			l.ID = act.NewID()
		}
		l.Number = i + 1
		l.State = Draft
		if l.MinimumBids == 0 {
			l.MinimumBids = 1
		}
		for j := range l.Criterion.Technical {
			if l.Criterion.Technical[j].ID == "" {
				l.Criterion.Technical[j].ID = act.NewID()
			}
		}
	}
	return terms
}

// Lot returns the lot with the id.
func (t *Tender) Lot(id string) (*Lot, error) {
	for i := range t.Lots {
		if t.Lots[i].ID == id {
			return &t.Lots[i], nil
		}
	}
	return nil, fault.Missing("lot")
}

// Confirmation is the number of the last amendment that bids must have seen;
// 0 when none asks for it.
func (t *Tender) Confirmation() int {
	for i := len(t.Amendments) - 1; i >= 0; i-- {
		if t.Amendments[i].Confirm {
			return t.Amendments[i].Number
		}
	}
	return 0
}

// Recipient returns the key an envelope of a lot is sealed to.
func (t *Tender) Recipient(lot string, e Envelope) (string, bool) {
	for _, k := range t.Keys {
		if k.Lot == lot && k.Envelope == e {
			return k.Recipient, true
		}
	}
	return "", false
}

// State is the headline derived from the lots: the earliest state of a lot
// that is still under way, else the state all have ended in.
func (t *Tender) State() State {
	order := States()
	best := -1
	for _, l := range t.Lots {
		i := slices.Index(order, l.State)
		if best < 0 || order[best].ended() && !l.State.ended() || i < best && l.State.ended() == order[best].ended() {
			best = i
		}
	}
	if best < 0 {
		return Draft
	}
	return order[best]
}

func (s State) ended() bool { return s == Deserted || s == NotAwarded || s == Revoked }

// Subject is what permissions on the tender depend on.
func (t *Tender) Subject() act.Subject {
	return act.Subject{
		Type: "tender", ID: t.ID, Version: t.Version, State: string(t.State()),
		Authority: t.Buyer.ID, Tender: t.ID, Team: t.Team(),
		Published: t.PublishedAt != nil, Public: t.PublishedAt != nil && t.public(), Invited: t.Invited,
		Opened: slices.ContainsFunc(t.Lots, func(l Lot) bool { return !l.State.Sealed() }),
	}
}

func (t *Tender) public() bool {
	p, ok := t.Procedure.Find()
	return ok && p.Public
}

// Team is who has been appointed to the tender.
func (t *Tender) Team() act.Team {
	return act.Team{RUP: t.RUP, Seggio: t.Seggio, Commission: t.Commission, Custodians: t.Custody.Holders()}
}

// AtLot is a tender seen at one of its lots: acts on a lot are acts on the
// tender, and the entry names the lot and its state.
type AtLot struct {
	Tender *Tender
	Lot    *Lot
}

// At looks at a lot of the tender.
func (t *Tender) At(lot string) (*AtLot, error) {
	l, err := t.Lot(lot)
	if err != nil {
		return nil, err
	}
	return &AtLot{t, l}, nil
}

// Subject is the tender's, at the lot.
func (a *AtLot) Subject() act.Subject {
	s := a.Tender.Subject()
	s.Lot, s.State, s.Opened = a.Lot.ID, string(a.Lot.State), !a.Lot.State.Sealed()
	return s
}

// MarshalJSON gives the tender's snapshot, so that its states form one chain
// in the register whichever lot an act was about.
func (a *AtLot) MarshalJSON() ([]byte, error) { return json.Marshal(a.Tender) }

// UnmarshalJSON restores the tender alone.
func (a *AtLot) UnmarshalJSON(text []byte) error {
	a.Tender = new(Tender)
	return json.Unmarshal(text, a.Tender)
}
