package tender

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"sigillo/audit"
	"sigillo/internal/money"
)

// RuleSet is the law's numbers for procedures that start on or after
// ValidFrom. It is chosen once, by the day of publication, and frozen by hash
// in the tender; it is never looked up by "today".
type RuleSet struct {
	ID        string `json:"id"`
	ValidFrom Day    `json:"valid_from"`
	Source    string `json:"source"`

	// Thresholds of EU relevance (art. 14, DR-30), euro net of VAT.
	Thresholds Thresholds `json:"thresholds"`
	// Below the threshold (art. 50, DR-25): the bands that say which procedure
	// may be used and how many must be invited.
	DirectBelow map[Nature]money.Amount `json:"direct_below"`
	Negotiated  []Band                  `json:"negotiated"`

	// QualifiedAboveWorks: works above it need a qualified authority, as do
	// services and supplies above DirectBelow (art. 62 c. 1, DR-10).
	QualifiedAboveWorks money.Amount `json:"qualified_above_works"`

	// Terms in days (DR-11 ... DR-22), by procedure.
	Terms map[ProcedureCode]Term `json:"terms"`
	// Answers to questions are due this many days before the deadline
	// (art. 88 c. 3, DR-20).
	AnswerDays        int `json:"answer_days"`
	AnswerDaysReduced int `json:"answer_days_reduced"`
	// A substantial amendment leaves at least this many days (art. 92 c. 2
	// says "proportionate": the number is the platform's reading).
	AmendmentDays int `json:"amendment_days"`
	// StandstillDays between the last notice of award and the contract
	// (art. 18 c. 3); 0 below the threshold (art. 55 c. 2).
	StandstillDays int `json:"standstill_days"`
	// NoticeDays: award and exclusions are told within these days (art. 90).
	NoticeDays int `json:"notice_days"`
	// CommissionMax and oddness: art. 93 c. 1-2 (DR-05).
	CommissionMax int `json:"commission_max"`
	// LabourIntensiveEconomicMax: cap on economic points of labour-intensive
	// services, percent (art. 108 c. 4, DR-91).
	LabourIntensiveEconomicMax int `json:"labour_intensive_economic_max"`
	// ExclusionGrounds that every notice must state (art. 94-95), by the
	// eForms exclusion-ground codes.
	ExclusionGrounds []string `json:"exclusion_grounds"`
}

// Thresholds are euro net of VAT (DR-30).
type Thresholds struct {
	Works         money.Amount `json:"works"`
	Central       money.Amount `json:"central"`
	SubCentral    money.Amount `json:"sub_central"`
	SpecialWorks  money.Amount `json:"special_works"`
	SpecialOthers money.Amount `json:"special_others"`
}

// Term is the minimum time for offers, in days from publication or invitation.
type Term struct {
	Days    int    `json:"days"`
	Urgent  int    `json:"urgent"`  // with a reasoned urgency
	PreInfo int    `json:"preinfo"` // after a complete prior notice
	Article string `json:"article"`
}

// Band says how many must be invited to a negotiated procedure.
type Band struct {
	Nature  Nature       `json:"nature"`
	From    money.Amount `json:"from"`
	Below   money.Amount `json:"below"` // zero: up to the EU threshold
	Invited int          `json:"invited"`
}

//go:embed rules/*.json
var ruleFiles embed.FS

var ruleSets = sync.OnceValue(func() []RuleSet {
	names, err := fs.Glob(ruleFiles, "rules/*.json")
	if err != nil {
		panic(err)
	}
	var all []RuleSet
	for _, name := range names {
		text, err := ruleFiles.ReadFile(name)
		if err != nil {
			panic(err)
		}
		var r RuleSet
		if err := json.Unmarshal(text, &r); err != nil {
			panic(fmt.Errorf("%s: %w", name, err))
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b RuleSet) int { return a.ValidFrom.Compare(b.ValidFrom) })
	return all
})

// RulesOn returns the rule set for a procedure that starts on the day, and
// false when the day is before the first one we know.
func RulesOn(day Day) (RuleSet, bool) {
	sets := ruleSets()
	for i := len(sets) - 1; i >= 0; i-- {
		if sets[i].ValidFrom.Compare(day) <= 0 {
			return sets[i], true
		}
	}
	return RuleSet{}, false
}

// Hash is the SHA-256 of the canonical form, in hex; the tender carries it.
func (r RuleSet) Hash() (string, error) { return audit.Hash(r) }

// Threshold is the EU threshold for a nature, sector and kind of authority.
func (r RuleSet) Threshold(n Nature, special, central bool) money.Amount {
	switch {
	case n == Works && special:
		return r.Thresholds.SpecialWorks
	case n == Works:
		return r.Thresholds.Works
	case special:
		return r.Thresholds.SpecialOthers
	case central:
		return r.Thresholds.Central
	}
	return r.Thresholds.SubCentral
}

// MinInvited is how many must be invited to a negotiated procedure of the
// value; false when no band permits it.
func (r RuleSet) MinInvited(n Nature, value, threshold money.Amount) (int, bool) {
	for _, b := range r.Negotiated {
		if b.Nature != n {
			continue
		}
		upper := b.Below
		if upper.IsZero() {
			upper = threshold
		}
		if value.Cmp(b.From) >= 0 && value.Cmp(upper) < 0 {
			return b.Invited, true
		}
	}
	return 0, false
}
