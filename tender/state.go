package tender

import (
	"fmt"
	"slices"
	"strings"

	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// State is where a lot stands (DR-60). Stored states are what somebody decided
// or an instant brought about; whether bids are accepted right now is asked of
// Lot.Accepts, so that no job has to run for a term to be over.
type State string

// The states of a lot, in the order a lot passes through them.
const (
	Draft                State = "draft"                 // being prepared; nobody outside the authority sees it
	Published            State = "published"             // bids are accepted until the deadline
	Suspended            State = "suspended"             // published, but no bid is accepted until it resumes
	Closed               State = "closed"                // the deadline has passed with at least the minimum of bids
	AdministrativeOpened State = "administrative-opened" // envelopes A are open, admissions are being decided
	Admitted             State = "admitted"              // admissions concluded
	TechnicalOpened      State = "technical-opened"      // envelopes B are open to the commission
	ScoresLocked         State = "scores-locked"         // technical scores can no longer change
	EconomicOpened       State = "economic-opened"       // envelopes C are open
	Ranked               State = "ranked"                // the ranking is formed
	Proposed             State = "proposed"              // award proposed by seggio or commission
	Verified             State = "verified"              // requirements of the proposed winner checked (art. 17 c. 5)
	Awarded              State = "awarded"               // award adopted, effective at once (art. 17 c. 5)
	Standstill           State = "standstill"            // award notified; the contract waits for the term (art. 18 c. 3)

	Deserted   State = "deserted"    // too few bids at the deadline
	NotAwarded State = "not-awarded" // no bid left, or none suitable (art. 108 c. 10)
	Revoked    State = "revoked"     // withdrawn by the authority (L. 241/1990 art. 21-quinquies)
)

// States lists all states in order.
func States() []State {
	return []State{Draft, Published, Suspended, Closed, AdministrativeOpened, Admitted, TechnicalOpened, ScoresLocked,
		EconomicOpened, Ranked, Proposed, Verified, Awarded, Standstill, Deserted, NotAwarded, Revoked}
}

// edge is one permitted move. Where two edges leave a state by the same action,
// the acting package decides which applies; it cannot invent a third.
type edge struct {
	from   State
	action act.Action
	to     State
	why    string
}

// edges is the whole state machine; testdata/states.mmd is drawn from it.
var edges = []edge{
	{Draft, act.PublishTender, Published, "complete and lawful"},
	{Published, act.SuspendTender, Suspended, "art. 25 c. 2"},
	{Suspended, act.ResumeTender, Published, "with the time lost given back"},
	{Published, act.CloseLot, Closed, "deadline passed"},
	{Published, act.CloseLot, Deserted, "deadline passed, too few bids"},
	{Closed, act.ExtendDeadline, Published, "malfunction, art. 25 c. 2; nothing is open yet"},
	{Deserted, act.ExtendDeadline, Published, "malfunction, art. 25 c. 2"},
	{Closed, act.OpenAdministrative, AdministrativeOpened, "opening instant reached"},
	{AdministrativeOpened, act.ConcludeAdmissions, Admitted, "every bid decided"},
	{AdministrativeOpened, act.ConcludeAdmissions, NotAwarded, "nobody admitted"},
	{Admitted, act.OpenTechnical, TechnicalOpened, "price-quality"},
	{Admitted, act.OpenEconomic, EconomicOpened, "lowest price"},
	{TechnicalOpened, act.LockScores, ScoresLocked, "every bid scored"},
	{ScoresLocked, act.OpenEconomic, EconomicOpened, "C only after B is locked"},
	{EconomicOpened, act.RankBids, Ranked, ""},
	{Ranked, act.ProposeAward, Proposed, ""},
	{Proposed, act.VerifyAward, Verified, "checks recorded"},
	{Verified, act.AdoptAward, Awarded, "art. 17 c. 5"},
	{Awarded, act.NotifyAward, Standstill, "art. 90, art. 18 c. 3"},
	{EconomicOpened, act.DeclineAward, NotAwarded, "art. 108 c. 10"},
	{Ranked, act.DeclineAward, NotAwarded, "art. 108 c. 10"},
	{Proposed, act.DeclineAward, NotAwarded, "art. 108 c. 10"},
	{Verified, act.DeclineAward, NotAwarded, "art. 108 c. 10"},
}

func init() {
	for _, s := range States() {
		switch s {
		case Draft, Deserted, NotAwarded, Revoked:
		default: // every published lot may be revoked until the contract (DR-75)
			edges = append(edges, edge{s, act.RevokeLot, Revoked, "DR-75"})
		}
	}
}

// May tells whether the table lets a lot in the state do the action.
func (s State) May(action act.Action) bool {
	return slices.ContainsFunc(edges, func(e edge) bool { return e.from == s && e.action == action })
}

// Sealed tells whether nobody but a bidder may know anything of the bids.
func (s State) Sealed() bool {
	return slices.Contains([]State{Draft, Published, Suspended, Closed, Deserted}, s)
}

// Final tells whether no action leaves the state.
func (s State) Final() bool {
	return !slices.ContainsFunc(edges, func(e edge) bool { return e.from == s })
}

// WrongState is the fault of an action that the lot's state does not permit.
func WrongState(l *Lot, action act.Action) error {
	return fault.New(fault.Conflict, "wrong-state",
		"Il lotto %d è nello stato «%s»: l'operazione %s non è possibile ora.",
		"Lot %d is in state %q: the operation %s is not possible now.", l.Number, string(l.State), string(action))
}

// Move takes the lot along an edge of the table; it is the only place that
// assigns a lot's state.
func (l *Lot) Move(action act.Action, to State) error {
	ok := slices.ContainsFunc(edges, func(e edge) bool { return e.from == l.State && e.action == action && e.to == to })
	if !ok {
		return WrongState(l, action)
	}
	l.State = to
	return nil
}

// Chart draws the state machine as a Mermaid state diagram.
func Chart() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    [*] --> draft\n")
	for _, e := range edges {
		label := string(e.action)
		if e.why != "" {
			label += ": " + e.why
		}
		fmt.Fprintf(&b, "    %s --> %s: %s\n", e.from, e.to, strings.ReplaceAll(label, ": ", " / "))
	}
	for _, s := range States() {
		if s.Final() {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	return b.String()
}
