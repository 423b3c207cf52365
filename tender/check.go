package tender

import (
	"fmt"
	"slices"
	"time"

	"sigillo/docs"
	"sigillo/internal/fault"
)

// Severity of a finding.
type Severity string

// The severities. A blocking finding forbids publication.
const (
	Blocking Severity = "blocking"
	Warning  Severity = "warning"
)

// Finding is one thing missing or unlawful in a draft.
type Finding struct {
	Severity Severity
	Code     string
	Article  string // article of D.Lgs. 36/2023 unless it says otherwise
	Pointer  string // RFC 6901 pointer into the tender
	Text     fault.Text
}

// Report is the outcome of a check: all that is wrong, not the first thing.
type Report struct {
	Rules    string // id of the rule set used
	Findings []Finding
}

// Publishable tells whether nothing blocks the publication.
func (r Report) Publishable() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == Blocking })
}

func (r *Report) block(code, article, pointer, it, en string, args ...any) {
	r.Findings = append(r.Findings, Finding{Blocking, code, article, pointer, fault.T(it, en, args...)})
}

func (r *Report) warn(code, article, pointer, it, en string, args ...any) {
	r.Findings = append(r.Findings, Finding{Warning, code, article, pointer, fault.T(it, en, args...)})
}

// Check reports everything that is missing or unlawful if the draft were
// published at the instant.
func (t *Tender) Check(at time.Time) Report {
	rules, ok := RulesOn(DayOf(at))
	r := Report{Rules: rules.ID}
	if !ok {
		r.block("no-rules", "", "", "Nessuna serie di regole è in vigore a questa data.", "No rule set is in force on this date.")
		return r
	}
	t.checkIdentity(&r, rules)
	t.checkProcedure(&r, rules)
	t.checkPapers(&r)
	t.checkTimetable(&r, rules, at)
	t.checkCustody(&r)
	for i := range t.Lots {
		t.checkLot(&r, rules, i)
	}
	return r
}

func (t *Tender) checkIdentity(r *Report, rules RuleSet) {
	if t.Title == "" {
		r.block("missing-title", "art. 83", "/title", "Manca l'oggetto della gara.", "The tender has no title.")
	}
	if t.RUP == "" {
		r.block("missing-rup", "art. 15", "/rup", "Nomini il responsabile unico del progetto.", "Appoint the person responsible for the project (RUP).")
	}
	for _, code := range rules.ExclusionGrounds {
		if !slices.Contains(t.ExclusionGrounds, code) {
			r.block("missing-exclusion-ground", "art. 94-95", "/exclusion_grounds",
				"Manca la causa di esclusione obbligatoria «%s».", "The mandatory exclusion ground %q is missing.", code)
		}
	}
	switch {
	case len(t.Lots) == 0:
		r.block("missing-lots", "art. 58", "/lots", "Inserisca almeno un lotto.", "Add at least one lot.")
	case len(t.Lots) == 1 && t.NoLotsReason == "" && t.Procedure != DirectAward:
		r.block("missing-no-lots-reason", "art. 58 c. 2 (DR-29)", "/no_lots_reason",
			"Motivi perché l'appalto non è suddiviso in lotti.", "Explain why the contract is not split into lots.")
	}
}

func (t *Tender) checkProcedure(r *Report, rules RuleSet) {
	p, _ := t.Procedure.Find()
	value := t.Value()
	threshold := rules.Threshold(t.Nature, t.Buyer.Special, t.Buyer.Central)
	if p.Stages > 1 {
		r.block("procedure-in-two-stages", p.Article, "/procedure",
			"La piattaforma non gestisce ancora la fase di prequalifica di questa procedura.",
			"The platform does not handle the request stage of this procedure yet.")
	}
	if p.OnlyBelow && value.Cmp(threshold) >= 0 {
		r.block("above-threshold", "art. 14, 50 (DR-25, DR-30)", "/procedure",
			"Il valore (%s €) raggiunge la soglia europea (%s €): serve una procedura ordinaria.",
			"The value (€%s) reaches the EU threshold (€%s): an ordinary procedure is needed.", value, threshold)
	}
	if p.OnlyBelow && t.CrossBorder {
		r.block("cross-border-interest", "art. 48 c. 2", "/procedure",
			"Con interesse transfrontaliero certo serve una procedura ordinaria.",
			"With a certain cross-border interest an ordinary procedure is needed.")
	}
	direct := rules.DirectBelow[t.Nature]
	minimum := 1
	switch t.Procedure {
	case DirectAward:
		if value.Cmp(direct) >= 0 {
			r.block("above-direct-award", "art. 50 c. 1 lett. a-b (DR-25)", "/procedure",
				"L'affidamento diretto è ammesso sotto %s €: il valore è %s €.", "A direct award is allowed below €%s: the value is €%s.", direct, value)
		}
		if len(t.Invited) > 1 {
			r.warn("several-invited", "art. 50", "/invited", "L'affidamento diretto invita un solo operatore.", "A direct award invites one supplier only.")
		}
	case NegotiatedBelow:
		if n, ok := rules.MinInvited(t.Nature, value, threshold); ok {
			minimum = n
		}
	case NegotiatedNoCall:
		minimum = 3
	}
	if !p.Public && len(t.Invited) < minimum {
		if t.Procedure == NegotiatedNoCall && len(t.Invited) > 0 {
			r.warn("few-invited", "art. 76 c. 7 (DR-16)", "/invited", "Inviti almeno %d operatori, se esistono.", "Invite at least %d suppliers, where they exist.", minimum)
		} else {
			r.block("few-invited", p.Article+" (DR-16, DR-25)", "/invited",
				"Servono almeno %d operatori invitati: sono %d.", "At least %d suppliers must be invited: there are %d.", minimum, len(t.Invited))
		}
	}
	if p.Public && len(t.Invited) > 0 {
		r.block("invitations-to-public", p.Article, "/invited", "Una procedura pubblica non ha inviti.", "A public procedure has no invitations.")
	}
	limit := rules.DirectBelow[t.Nature]
	if t.Nature == Works {
		limit = rules.QualifiedAboveWorks
	}
	if !t.Buyer.Qualified && value.Cmp(limit) > 0 {
		r.block("not-qualified", "art. 62 c. 1-2 (DR-10)", "", "La stazione appaltante non è qualificata oltre %s €.",
			"The contracting authority is not qualified above €%s.", limit)
	}
}

func (t *Tender) checkPapers(r *Report) {
	p, _ := t.Procedure.Find()
	need := []docs.Kind{docs.BiddingDocuments}
	if p.Public {
		need = append(need, docs.Notice, docs.TechnicalSpecifications)
	}
	for _, kind := range need {
		if !slices.ContainsFunc(t.Papers, func(d docs.Document) bool { return d.Kind == kind }) {
			r.block("missing-paper", "art. 82, 88 (DR-33)", "/papers", "Manca il documento di gara «%s».", "The tender document %q is missing.", string(kind))
		}
	}
}

func (t *Tender) checkTimetable(r *Report, rules RuleSet, at time.Time) {
	tt := t.Timetable
	if tt.Deadline.IsZero() || tt.OpensAt.IsZero() {
		r.block("missing-timetable", "art. 92", "/timetable", "Indichi la scadenza delle offerte e l'apertura delle buste.",
			"State the deadline for bids and the opening of the envelopes.")
		return
	}
	term, days := t.term(rules)
	if earliest := EarliestDeadline(at, days); days > 0 && tt.Deadline.Before(earliest) {
		r.block("term-too-short", term.Article, "/timetable/deadline",
			"Servono almeno %d giorni interi: la scadenza non può precedere %s.",
			"At least %d whole days are needed: the deadline cannot be before %s.", days, InRome(earliest))
	}
	if !tt.Deadline.After(at) {
		r.block("deadline-passed", "art. 92", "/timetable/deadline", "La scadenza è già passata.", "The deadline has already passed.")
	}
	if tt.OpensAt.Before(tt.Deadline) {
		r.block("opening-before-deadline", "art. 35 c. 2", "/timetable/opens_at", "Le buste non si aprono prima della scadenza.",
			"Envelopes are not opened before the deadline.")
	}
	if p, _ := t.Procedure.Find(); p.Public && tt.QuestionsUntil.IsZero() {
		r.block("missing-questions-term", "art. 88 c. 3 (DR-20)", "/timetable/questions_until",
			"Indichi fino a quando si chiedono chiarimenti.", "State until when clarifications may be asked.")
	} else if !tt.QuestionsUntil.IsZero() && !tt.QuestionsUntil.Before(t.answersBy(rules)) {
		r.block("questions-term-too-late", "art. 88 c. 3 (DR-20)", "/timetable/questions_until",
			"Le risposte sono dovute entro %s: le domande devono finire prima.",
			"Answers are due by %s: questions must end before.", InRome(t.answersBy(rules)))
	}
	if day := DayOf(tt.Deadline); !day.IsWorkingDay() {
		r.warn("deadline-on-holiday", "Reg. (CEE) 1182/71", "/timetable/deadline", "La scadenza cade in un giorno non lavorativo.",
			"The deadline falls on a day that is not a working day.")
	}
}

// term is the minimum time for offers that applies, in days.
func (t *Tender) term(rules RuleSet) (Term, int) {
	term := rules.Terms[t.Procedure]
	days := term.Days
	if t.Urgency != "" && term.Urgent > 0 {
		days = min(days, term.Urgent)
	}
	if t.PriorNotice != "" && term.PreInfo > 0 {
		days = min(days, term.PreInfo)
	}
	return term, days
}

// answersBy is the last instant for answers (art. 88 c. 3, DR-20).
func (t *Tender) answersBy(rules RuleSet) time.Time {
	days := rules.AnswerDays
	if t.Urgency != "" {
		days = rules.AnswerDaysReduced
	}
	return t.Timetable.Deadline.In(Rome()).AddDate(0, 0, -days).UTC()
}

func (t *Tender) checkLot(r *Report, rules RuleSet, i int) {
	l, at := &t.Lots[i], fmt.Sprintf("/lots/%d", i)
	need := func(missing bool, code, article, field, it, en string) {
		if missing {
			r.Findings = append(r.Findings, Finding{Blocking, code, article, at + field, fault.Text{IT: it, EN: en}})
		}
	}
	need(l.Title == "", "missing-title", "art. 83", "/title", "Manca l'oggetto del lotto.", "The lot has no title.")
	need(l.CPV == "", "missing-cpv", "All. II.6", "/cpv", "Manca il CPV.", "The CPV code is missing.")
	need(l.NUTS == "", "missing-nuts", "All. II.6", "/nuts", "Manca il luogo di esecuzione (NUTS).", "The place of performance (NUTS) is missing.")
	need(l.CIG == "", "missing-cig", "art. 83 c. 1 (DR-36)", "/cig", "Manca il CIG.", "The CIG is missing.")
	need(l.Amounts.Base.IsZero(), "missing-base", "art. 14", "/amounts/base", "Indichi l'importo a base di gara soggetto a ribasso.", "State the amount the discount applies to.")
	if t.Nature != Supplies && l.Amounts.Labour.IsZero() {
		r.warn("missing-labour", "art. 41 c. 14", at+"/amounts/labour", "I costi della manodopera sono a zero: è corretto?", "The cost of labour is zero: is that right?")
	}
	need(!l.Has(Administrative), "missing-envelope-a", "art. 91 (DR-42)", "/envelopes", "Manca la busta amministrativa (A).", "The administrative envelope (A) is missing.")
	need(!l.Has(Economic), "missing-envelope-c", "art. 91 (DR-42)", "/envelopes", "Manca la busta economica (C).", "The economic envelope (C) is missing.")
	t.checkCriterion(r, rules, l, at)
}

func (t *Tender) checkCriterion(r *Report, rules RuleSet, l *Lot, at string) {
	c := l.Criterion
	p, _ := t.Procedure.Find()
	if c.Method == LowestPrice {
		if l.Has(Technical) {
			r.block("technical-envelope-at-lowest-price", "art. 108 (DR-42)", at+"/envelopes",
				"Al minor prezzo non c'è busta tecnica (B).", "At the lowest price there is no technical envelope (B).")
		}
		if l.LabourIntensive {
			r.block("lowest-price-labour-intensive", "art. 108 c. 2 lett. a (DR-90)", at+"/criterion/method",
				"I servizi ad alta intensità di manodopera non vanno al minor prezzo.", "Labour-intensive services cannot go to the lowest price.")
		}
		if p.OnlyQuality {
			r.block("lowest-price-not-allowed", p.Article, at+"/criterion/method", "Questa procedura vuole il miglior rapporto qualità/prezzo.",
				"This procedure demands the best price-quality ratio.")
		}
		return
	}
	if !l.Has(Technical) {
		r.block("missing-envelope-b", "art. 108 (DR-42)", at+"/envelopes", "Manca la busta tecnica (B).", "The technical envelope (B) is missing.")
	}
	if c.TechnicalPoints+c.EconomicPoints != 100 {
		r.block("points-not-100", "art. 108 (DR-92)", at+"/criterion", "I punti tecnici ed economici fanno %d, devono fare 100.",
			"Technical and economic points make %d, they must make 100.", c.TechnicalPoints+c.EconomicPoints)
	}
	sum := 0
	for _, tc := range c.Technical {
		sum += tc.Points
	}
	if sum != c.TechnicalPoints || len(c.Technical) == 0 {
		r.block("criteria-do-not-sum", "art. 108 (DR-92)", at+"/criterion/technical", "I criteri tecnici sommano a %d punti invece di %d.",
			"The technical criteria sum to %d points instead of %d.", sum, c.TechnicalPoints)
	}
	if c.MinimumTechnical > c.TechnicalPoints {
		r.block("threshold-too-high", "DR-95", at+"/criterion/minimum_technical", "La soglia di sbarramento supera i punti tecnici.",
			"The technical threshold exceeds the technical points.")
	}
	if c.Formula == "" {
		r.block("missing-formula", "art. 108 c. 8 (DR-92)", at+"/criterion/formula", "Indichi la formula del punteggio economico.", "State the formula of the economic score.")
	}
	if l.LabourIntensive && c.EconomicPoints > rules.LabourIntensiveEconomicMax {
		r.block("economic-points-above-cap", "art. 108 c. 4 (DR-91)", at+"/criterion/economic_points",
			"Per i servizi ad alta intensità di manodopera il prezzo pesa al massimo %d punti.",
			"For labour-intensive services the price may weigh at most %d points.", rules.LabourIntensiveEconomicMax)
	}
}
