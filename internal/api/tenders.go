package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/money"
	"sigillo/internal/seal"
	"sigillo/tender"
)

// TermsBody is what the authority decides about a tender.
type TermsBody struct {
	Reference        string        `json:"reference,omitempty" maxLength:"500" doc:"Numero interno della stazione appaltante."`
	Title            string        `json:"title" maxLength:"500"`
	Description      string        `json:"description,omitempty" maxLength:"20000"`
	Procedure        string        `json:"procedure" maxLength:"40" enum:"open,restricted,neg-w-call,comp-dial,innovation,neg-wo-call,neg-below,direct"`
	Nature           string        `json:"nature" enum:"works,services,supplies"`
	Urgency          string        `json:"urgency,omitempty" maxLength:"20000" doc:"Motivo dell'urgenza che abbrevia i termini (art. 71 c. 3)."`
	PriorNotice      string        `json:"prior_notice,omitempty" maxLength:"100" doc:"Numero dell'avviso di preinformazione completo."`
	CrossBorder      bool          `json:"cross_border,omitempty" doc:"Interesse transfrontaliero certo (art. 48 c. 2)."`
	NoLotsReason     string        `json:"no_lots_reason,omitempty" maxLength:"20000" doc:"Perché l'appalto non è diviso in lotti (art. 58 c. 2)."`
	RUP              string        `json:"rup,omitempty" maxLength:"100"`
	Invited          []string      `json:"invited,omitempty" maxItems:"1000"`
	ExclusionGrounds []string      `json:"exclusion_grounds,omitempty" maxItems:"100" doc:"Codici eForms exclusion-ground."`
	Timetable        TimetableBody `json:"timetable,omitempty"`
	Papers           []PaperBody   `json:"papers,omitempty" maxItems:"500"`
	Lots             []LotBody     `json:"lots,omitempty" maxItems:"500"`
	Custody          CustodyBody   `json:"custody,omitempty"`
}

// CustodyBody says who takes part in opening the envelopes.
type CustodyBody struct {
	Mode       string          `json:"mode" enum:"standard,commission,demo" doc:"standard: piattaforma e una tra la chiave del RUP e quella di recupero; commission: piattaforma e k custodi su n; demo: prova, la piattaforma apre da sola."`
	Threshold  int             `json:"threshold,omitempty" minimum:"0" maximum:"12" doc:"Quanti custodi servono."`
	Custodians []CustodianBody `json:"custodians,omitempty" maxItems:"12"`
	Delay      int             `json:"delay,omitempty" minimum:"0" maximum:"720" doc:"Ore che il garante attende, dopo la chiamata."`
}

// CustodianBody is one key of the authority.
type CustodianBody struct {
	Kind      string `json:"kind" enum:"rup,recovery,custodian,guarantor"`
	Name      string `json:"name" maxLength:"500"`
	Person    string `json:"person,omitempty" maxLength:"100"`
	Recipient string `json:"recipient,omitempty" maxLength:"4000" doc:"Chiave pubblica age, creata sul computer di chi la custodisce."`
}

// TimetableBody holds instants in Italian time, such as
// 2027-01-15T12:00:00+01:00.
type TimetableBody struct {
	QuestionsUntil string `json:"questions_until,omitempty" maxLength:"40"`
	Deadline       string `json:"deadline,omitempty" maxLength:"40"`
	OpensAt        string `json:"opens_at,omitempty" maxLength:"40"`
}

// PaperBody is a stored document listed by the tender.
type PaperBody struct {
	SHA256       string `json:"sha256" maxLength:"64"`
	Name         string `json:"name" maxLength:"255"`
	Title        string `json:"title" maxLength:"500"`
	Kind         string `json:"kind" maxLength:"60"`
	MediaType    string `json:"media_type" maxLength:"100"`
	Size         int64  `json:"size" minimum:"0"`
	Language     string `json:"language,omitempty" maxLength:"10"`
	Confidential bool   `json:"confidential,omitempty"`
	Reason       string `json:"reason,omitempty" maxLength:"2000" doc:"Motivo della riservatezza."`
}

// LotBody is one lot.
type LotBody struct {
	ID              string                `json:"id,omitempty" maxLength:"100" doc:"Di un lotto che c'era già; assente per uno nuovo."`
	Title           string                `json:"title" maxLength:"500"`
	Description     string                `json:"description,omitempty" maxLength:"20000"`
	CIG             string                `json:"cig,omitempty" maxLength:"10"`
	CPV             string                `json:"cpv,omitempty" maxLength:"10"`
	NUTS            string                `json:"nuts,omitempty" maxLength:"5"`
	Amounts         AmountsBody           `json:"amounts,omitempty"`
	Criterion       CriterionBody         `json:"criterion"`
	Envelopes       []tender.EnvelopeSpec `json:"envelopes,omitempty" maxItems:"3"`
	MinimumBids     int                   `json:"minimum_bids,omitempty"`
	LabourIntensive bool                  `json:"labour_intensive,omitempty"`
}

// AmountsBody holds euro as text, "1234.50".
type AmountsBody struct {
	Base    string `json:"base,omitempty" maxLength:"40" doc:"Soggetto a ribasso."`
	Labour  string `json:"labour,omitempty" maxLength:"40" doc:"Costi della manodopera (art. 41 c. 14)."`
	Safety  string `json:"safety,omitempty" maxLength:"40" doc:"Oneri della sicurezza non soggetti a ribasso."`
	Options string `json:"options,omitempty" maxLength:"40" doc:"Opzioni e rinnovi (art. 14 c. 4)."`
}

// CriterionBody is how the lot is awarded.
type CriterionBody struct {
	Method           string          `json:"method" enum:"lowest-price,price-quality"`
	TechnicalPoints  int             `json:"technical_points,omitempty"`
	EconomicPoints   int             `json:"economic_points,omitempty"`
	Technical        []TechnicalBody `json:"technical,omitempty" maxItems:"100"`
	MinimumTechnical int             `json:"minimum_technical,omitempty" doc:"Soglia di sbarramento."`
	Formula          string          `json:"formula,omitempty" maxLength:"40"`
	DiscountDecimals int             `json:"discount_decimals,omitempty"`
	Rounding         *RoundingBody   `json:"rounding,omitempty" doc:"Assente: nessun arrotondamento, i punteggi sono esatti."`
}

// TechnicalBody is one line of the technical score.
type TechnicalBody struct {
	ID     string `json:"id,omitempty" maxLength:"100" doc:"Di un criterio che c'era già; assente per uno nuovo."`
	Title  string `json:"title" maxLength:"500"`
	Points int    `json:"points"`
}

// RoundingBody is the published policy of rounding.
type RoundingBody struct {
	Mode     string `json:"mode" enum:"half-up,truncate"`
	Decimals int    `json:"decimals"`
}

// terms reads the body; every faulty place is told at once.
func (b TermsBody) terms() (tender.Terms, error) {
	var fs fault.Fields
	t := tender.Terms{
		Reference: b.Reference, Title: b.Title, Description: b.Description, Procedure: tender.ProcedureCode(b.Procedure),
		Nature: tender.Nature(b.Nature), Urgency: b.Urgency, PriorNotice: b.PriorNotice, CrossBorder: b.CrossBorder,
		NoLotsReason: b.NoLotsReason, RUP: b.RUP, Invited: b.Invited, ExclusionGrounds: b.ExclusionGrounds,
		Timetable: tender.Timetable{
			QuestionsUntil: instant(&fs, "/timetable/questions_until", b.Timetable.QuestionsUntil),
			Deadline:       instant(&fs, "/timetable/deadline", b.Timetable.Deadline),
			OpensAt:        instant(&fs, "/timetable/opens_at", b.Timetable.OpensAt),
		},
	}
	t.Custody = tender.Custody{Mode: tender.Mode(b.Custody.Mode), Threshold: b.Custody.Threshold, Delay: b.Custody.Delay}
	for _, c := range b.Custody.Custodians {
		t.Custody.Custodians = append(t.Custody.Custodians, tender.Custodian{Kind: tender.CustodianKind(c.Kind), Name: c.Name, Person: c.Person, Recipient: c.Recipient})
	}
	t.Papers = papers(&fs, b.Papers)
	for i, l := range b.Lots {
		t.Lots = append(t.Lots, l.lot(&fs, fmt.Sprintf("/lots/%d", i)))
	}
	return t, fs.Err("malformed-tender", "La gara contiene dati non validi: corregga i campi indicati.",
		"The tender holds invalid data: correct the fields shown.")
}

func papers(fs *fault.Fields, in []PaperBody) []docs.Document {
	var all []docs.Document
	for i, p := range in {
		h, err := docs.ParseHash(p.SHA256)
		note(fs, fmt.Sprintf("/papers/%d/sha256", i), err)
		all = append(all, docs.Document{Hash: h, Name: p.Name, Title: p.Title, Kind: docs.Kind(p.Kind), MediaType: p.MediaType,
			Size: p.Size, Language: p.Language, Confidential: p.Confidential, Reason: p.Reason})
	}
	return all
}

func (b LotBody) lot(fs *fault.Fields, at string) tender.Lot {
	c := b.Criterion
	l := tender.Lot{
		ID: b.ID, Title: b.Title, Description: b.Description, CIG: b.CIG, CPV: b.CPV, NUTS: b.NUTS,
		Amounts: tender.Amounts{
			Base: amount(fs, at+"/amounts/base", b.Amounts.Base), Labour: amount(fs, at+"/amounts/labour", b.Amounts.Labour),
			Safety: amount(fs, at+"/amounts/safety", b.Amounts.Safety), Options: amount(fs, at+"/amounts/options", b.Amounts.Options),
		},
		Criterion: tender.Criterion{
			Method: tender.Method(c.Method), TechnicalPoints: c.TechnicalPoints, EconomicPoints: c.EconomicPoints,
			MinimumTechnical: c.MinimumTechnical, Formula: c.Formula, DiscountDecimals: c.DiscountDecimals,
		},
		Envelopes: b.Envelopes, MinimumBids: b.MinimumBids, LabourIntensive: b.LabourIntensive,
	}
	for _, t := range c.Technical {
		l.Criterion.Technical = append(l.Criterion.Technical, tender.TechnicalCriterion(t))
	}
	if c.Rounding != nil {
		l.Criterion.Rounding = money.Rounding{Mode: money.Mode(c.Rounding.Mode), Decimals: c.Rounding.Decimals}
	}
	return l
}

func note(fs *fault.Fields, at string, err error) {
	if err != nil {
		f := fault.Of(err)
		*fs = append(*fs, fault.Field{Pointer: at, Code: f.Code, Text: f.Text})
	}
}

func instant(fs *fault.Fields, at, s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	t, err := tender.ParseInstant(s)
	note(fs, at, err)
	return t
}

func amount(fs *fault.Fields, at, s string) money.Amount {
	if s == "" {
		return money.Amount{}
	}
	x, err := money.ParseAmount(s)
	note(fs, at, err)
	return x
}

// ByCustodian names a custodian of a tender's keys.
type ByCustodian struct {
	ByID
	Custodian int `path:"custodian" minimum:"0" maximum:"11" doc:"Posto tra i custodi, da 0."`
}

// ChallengeView is the test message of a custodian's key.
type ChallengeView struct {
	Fingerprint string `json:"fingerprint"`
	Message     []byte `json:"message" doc:"File age in base64: chi ha la chiave lo decifra e restituisce il contenuto."`
}

// TenderView is a tender as the caller may see it.
type TenderView struct {
	ID               string               `json:"id"`
	Version          int                  `json:"version"`
	State            tender.State         `json:"state" doc:"In sintesi; lo stato che conta è quello di ogni lotto."`
	Buyer            tender.Buyer         `json:"buyer"`
	Reference        string               `json:"reference"`
	Title            string               `json:"title"`
	Description      string               `json:"description"`
	Procedure        tender.ProcedureCode `json:"procedure"`
	Nature           tender.Nature        `json:"nature"`
	Urgency          string               `json:"urgency,omitempty"`
	NoLotsReason     string               `json:"no_lots_reason,omitempty"`
	RUP              string               `json:"rup"`
	Invited          []string             `json:"invited,omitempty" doc:"Solo per la stazione appaltante: i nomi degli invitati sono riservati (art. 35)."`
	ExclusionGrounds []string             `json:"exclusion_grounds"`
	Timetable        tender.Timetable     `json:"timetable"`
	AnswersBy        time.Time            `json:"answers_by" doc:"Ultimo istante per le risposte ai chiarimenti (art. 88 c. 3)."`
	BidRule          string               `json:"bid_rule" doc:"Quando un'offerta è in termini."`
	Papers           []docs.Document      `json:"papers"`
	Lots             []tender.Lot         `json:"lots"`
	Value            money.Amount         `json:"value" doc:"Valore stimato della procedura (art. 14)."`
	PublishedAt      *time.Time           `json:"published_at,omitempty"`
	Rules            string               `json:"rules,omitempty" doc:"Serie di regole in vigore alla pubblicazione."`
	RulesHash        string               `json:"rules_hash,omitempty"`
	Keys             []tender.Key         `json:"keys,omitempty" doc:"Chiavi pubbliche age a cui si sigillano le buste."`
	Custody          tender.Custody       `json:"custody" doc:"Chi custodisce le chiavi dell'ente: stanno nel bando con le loro impronte."`
	KeysFingerprint  string               `json:"keys_fingerprint,omitempty" doc:"Impronta di tutte le chiavi insieme, da stampare nel bando e da confrontare prima di sigillare."`
	KeyTests         []KeyTestView        `json:"key_tests,omitempty" doc:"Prove delle chiavi dei custodi."`
	Amendments       []tender.Amendment   `json:"amendments,omitempty"`
	SuspendedAt      *time.Time           `json:"suspended_at,omitempty"`
	Seggio           []string             `json:"seggio,omitempty"`
	Commission       []string             `json:"commission,omitempty"`
}

// KeyTestView says that a custodian's key was tried.
type KeyTestView struct {
	Fingerprint string    `json:"fingerprint"`
	PassedAt    time.Time `json:"passed_at"`
}

func keyTests(t *tender.Tender) []KeyTestView {
	var all []KeyTestView
	for _, k := range t.KeyTests {
		if !k.PassedAt.IsZero() {
			all = append(all, KeyTestView{seal.Fingerprint(k.Recipient), k.PassedAt})
		}
	}
	return all
}

func tenderView(ctx context.Context, t *tender.Tender) TenderView {
	c := callerOf(ctx)
	rule, en := tender.BidRule()
	if c.lang == "en" {
		rule = en
	}
	v := TenderView{
		ID: t.ID, Version: t.Version, State: t.State(), Buyer: t.Buyer, Reference: t.Reference, Title: t.Title, Description: t.Description,
		Procedure: t.Procedure, Nature: t.Nature, Urgency: t.Urgency, NoLotsReason: t.NoLotsReason, RUP: t.RUP,
		ExclusionGrounds: t.ExclusionGrounds, Timetable: t.Timetable, AnswersBy: t.AnswersBy(), BidRule: rule, Papers: t.Papers, Lots: t.Lots,
		Value: t.Value(), PublishedAt: t.PublishedAt, RulesHash: t.RulesHash, Keys: t.Keys, Custody: t.Custody, KeyTests: keyTests(t), Amendments: t.Amendments,
		SuspendedAt: t.SuspendedAt, Seggio: t.Seggio, Commission: t.Commission,
	}
	if len(t.Keys) > 0 {
		v.KeysFingerprint = tender.KeysFingerprint(t.Keys, t.Custody)
	}
	if t.Rules != nil {
		v.Rules = t.Rules.ID
	}
	if slices.ContainsFunc(c.actor.Powers, func(p act.Power) bool { return p.Authority == t.Buyer.ID }) {
		v.Invited = t.Invited
	}
	return v
}

func oneTender(ctx context.Context, t *tender.Tender, err error) (*one[TenderView], error) {
	if err != nil {
		return nil, err
	}
	return &one[TenderView]{etag(t.Version), tenderView(ctx, t)}, nil
}

// ReportBody is the outcome of a check.
type ReportBody struct {
	Publishable bool          `json:"publishable"`
	Rules       string        `json:"rules" doc:"Serie di regole usata."`
	Findings    []FindingBody `json:"findings"`
}

// FindingBody is one thing missing or unlawful.
type FindingBody struct {
	Severity tender.Severity `json:"severity" enum:"blocking,warning"`
	Code     string          `json:"code"`
	Article  string          `json:"article" doc:"Fonte: articolo del D.Lgs. 36/2023, o altra norma."`
	Pointer  string          `json:"pointer"`
	Text     string          `json:"text"`
}

type newTender struct {
	Authority string `path:"id" maxLength:"100"`
	Body      TermsBody
}

type editTender struct {
	ByID
	Body TermsBody
}

// ReasonBody is the reason of a decision.
type ReasonBody struct {
	Reason string `json:"reason" maxLength:"20000"`
}

// ExtensionBody moves the deadline for everybody.
type ExtensionBody struct {
	Deadline string `json:"deadline" maxLength:"40"`
	OpensAt  string `json:"opens_at,omitempty" maxLength:"40" doc:"Assente: alla stessa distanza dal termine."`
	Reason   string `json:"reason" maxLength:"20000"`
}

func (b ExtensionBody) times() (deadline, opens time.Time, err error) {
	var fs fault.Fields
	deadline, opens = instant(&fs, "/deadline", b.Deadline), instant(&fs, "/opens_at", b.OpensAt)
	return deadline, opens, fs.Err("bad-extension", "Proroga non valida.", "Invalid extension.")
}

// AmendmentBody changes a published tender.
type AmendmentBody struct {
	Reason      string         `json:"reason" maxLength:"20000"`
	Title       *string        `json:"title,omitempty" maxLength:"500"`
	Description *string        `json:"description,omitempty" maxLength:"20000"`
	Papers      []PaperBody    `json:"papers,omitempty" maxItems:"100" doc:"Documenti nuovi o nuove versioni: i precedenti restano."`
	Required    []RequiredBody `json:"required,omitempty" maxItems:"100"`
	Substantial bool           `json:"substantial,omitempty" doc:"La modifica conta per preparare le offerte (art. 92 c. 2): proroga e conferma."`
	Deadline    string         `json:"deadline,omitempty" maxLength:"40"`
	OpensAt     string         `json:"opens_at,omitempty" maxLength:"40"`
}

// RequiredBody is a new list of what an envelope must contain.
type RequiredBody struct {
	Lot      string                    `json:"lot" maxLength:"100"`
	Envelope tender.Envelope           `json:"envelope" enum:"A,B,C"`
	Required []tender.RequiredDocument `json:"required" maxItems:"100"`
}

func (b AmendmentBody) change() (tender.Change, error) {
	var fs fault.Fields
	c := tender.Change{Reason: b.Reason, Title: b.Title, Description: b.Description, Substantial: b.Substantial,
		Papers: papers(&fs, b.Papers), Deadline: instant(&fs, "/deadline", b.Deadline), OpensAt: instant(&fs, "/opens_at", b.OpensAt)}
	for _, r := range b.Required {
		c.Required = append(c.Required, tender.RequiredChange(r))
	}
	return c, fs.Err("bad-amendment", "Rettifica non valida.", "Invalid amendment.")
}

// PanelBody names seggio and commission by their persons.
type PanelBody struct {
	Seggio     []string `json:"seggio,omitempty" maxItems:"10"`
	Commission []string `json:"commission,omitempty" maxItems:"10"`
}

type tenderFilter struct {
	Page
	Authority string `query:"authority" maxLength:"100"`
	State     string `query:"state" maxLength:"40"`
}

func (a *API) tenders() {
	const tag = "Gare"
	create := operation(act.CreateTender, http.MethodPost, "/v1/authorities/{id}/tenders", tag, withKey)
	create.DefaultStatus = http.StatusCreated
	on(a, create, func(ctx context.Context, call act.Call, in *newTender) (*created[TenderView], error) {
		terms, err := in.Body.terms()
		if err != nil {
			return nil, err
		}
		t, err := a.s.Tenders.Create(ctx, call, in.Authority, terms)
		if err != nil {
			return nil, err
		}
		return &created[TenderView]{etag(t.Version), "/v1/tenders/" + t.ID, tenderView(ctx, t)}, nil
	})
	on(a, operation(act.ListTenders, http.MethodGet, "/v1/tenders", tag), func(ctx context.Context, call act.Call, in *tenderFilter) (*list[TenderView], error) {
		all, next, err := a.s.Tenders.List(ctx, call.Actor, tender.Filter{Authority: in.Authority, State: tender.State(in.State), After: in.After, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		out := &list[TenderView]{items[TenderView]{Items: []TenderView{}, Next: next}}
		for _, t := range all {
			out.Body.Items = append(out.Body.Items, tenderView(ctx, t))
		}
		return out, nil
	})
	on(a, operation(act.ViewTender, http.MethodGet, "/v1/tenders/{id}", tag), func(ctx context.Context, call act.Call, in *ByID) (*one[TenderView], error) {
		t, err := a.s.Tenders.View(ctx, call.Actor, in.ID)
		return oneTender(ctx, t, err)
	})
	on(a, operation(act.EditTender, http.MethodPut, "/v1/tenders/{id}", tag, withVersion), func(ctx context.Context, call act.Call, in *editTender) (*one[TenderView], error) {
		terms, err := in.Body.terms()
		if err != nil {
			return nil, err
		}
		if err := must(call); err != nil {
			return nil, err
		}
		t, err := a.s.Tenders.Edit(ctx, call, in.ID, terms)
		return oneTender(ctx, t, err)
	})
	discard := operation(act.DiscardTender, http.MethodDelete, "/v1/tenders/{id}", tag, withVersion)
	discard.DefaultStatus = http.StatusNoContent
	on(a, discard, func(ctx context.Context, call act.Call, in *ByID) (*struct{}, error) {
		_, err := a.s.Tenders.Discard(ctx, call, in.ID)
		return nil, err
	})
	on(a, operation(act.CheckTender, http.MethodGet, "/v1/tenders/{id}/check", tag), func(ctx context.Context, call act.Call, in *ByID) (*struct{ Body ReportBody }, error) {
		r, err := a.s.Tenders.Check(ctx, call.Actor, in.ID)
		if err != nil {
			return nil, err
		}
		out := &struct{ Body ReportBody }{ReportBody{r.Publishable(), r.Rules, []FindingBody{}}}
		for _, f := range r.Findings {
			out.Body.Findings = append(out.Body.Findings, FindingBody{f.Severity, f.Code, f.Article, f.Pointer, f.Text.In(callerOf(ctx).lang)})
		}
		return out, nil
	})
	a.tenderActs(tag)
}

func (a *API) tenderActs(tag string) {
	post := func(action act.Action, verb string) huma.Operation {
		return operation(action, http.MethodPost, "/v1/tenders/{id}/"+verb, tag, withKey, withVersion)
	}
	on(a, post(act.PublishTender, "publish"), func(ctx context.Context, call act.Call, in *ByID) (*one[TenderView], error) {
		t, err := a.s.Tenders.Publish(ctx, call, in.ID)
		return oneTender(ctx, t, err)
	})
	on(a, post(act.AmendTender, "amend"), func(ctx context.Context, call act.Call, in *struct {
		ByID
		Body AmendmentBody
	}) (*one[TenderView], error) {
		c, err := in.Body.change()
		if err != nil {
			return nil, err
		}
		t, err := a.s.Tenders.Amend(ctx, call, in.ID, c)
		return oneTender(ctx, t, err)
	})
	type extension struct {
		ByID
		Body ExtensionBody
	}
	on(a, post(act.ExtendDeadline, "extend"), func(ctx context.Context, call act.Call, in *extension) (*one[TenderView], error) {
		deadline, opens, err := in.Body.times()
		if err != nil {
			return nil, err
		}
		t, err := a.s.Tenders.Extend(ctx, call, in.ID, deadline, opens, in.Body.Reason)
		return oneTender(ctx, t, err)
	})
	on(a, post(act.SuspendTender, "suspend"), func(ctx context.Context, call act.Call, in *struct {
		ByID
		Body ReasonBody
	}) (*one[TenderView], error) {
		t, err := a.s.Tenders.Suspend(ctx, call, in.ID, in.Body.Reason)
		return oneTender(ctx, t, err)
	})
	on(a, post(act.ResumeTender, "resume"), func(ctx context.Context, call act.Call, in *extension) (*one[TenderView], error) {
		deadline, opens, err := in.Body.times()
		if err != nil {
			return nil, err
		}
		t, err := a.s.Tenders.Resume(ctx, call, in.ID, deadline, opens, in.Body.Reason)
		return oneTender(ctx, t, err)
	})
	on(a, post(act.AppointPanel, "panel"), func(ctx context.Context, call act.Call, in *struct {
		ByID
		Body PanelBody
	}) (*one[TenderView], error) {
		t, err := a.s.Tenders.Appoint(ctx, call, in.ID, in.Body.Seggio, in.Body.Commission)
		return oneTender(ctx, t, err)
	})
	on(a, post(act.ChallengeKey, "custodians/{custodian}/challenge"), func(ctx context.Context, call act.Call, in *ByCustodian) (*struct{ Body ChallengeView }, error) {
		t, message, err := a.s.Tenders.Challenge(ctx, call, in.ID, in.Custodian)
		if err != nil {
			return nil, err
		}
		return &struct{ Body ChallengeView }{ChallengeView{t.Custody.Custodians[in.Custodian].Fingerprint, message}}, nil
	})
	on(a, post(act.TestKey, "custodians/{custodian}/test"), func(ctx context.Context, call act.Call, in *struct {
		ByCustodian
		Body struct {
			Answer string `json:"answer" maxLength:"200" doc:"Ciò che la chiave ha decifrato."`
		}
	}) (*one[TenderView], error) {
		t, err := a.s.Tenders.TestKey(ctx, call, in.ID, in.Custodian, in.Body.Answer)
		return oneTender(ctx, t, err)
	})
	on(a, post(act.RevokeLot, "lots/{lot}/revoke"), func(ctx context.Context, call act.Call, in *struct {
		ByLot
		Body ReasonBody
	}) (*one[TenderView], error) {
		at, err := a.s.Tenders.Revoke(ctx, call, in.ID, in.Lot, in.Body.Reason)
		if err != nil {
			return nil, err
		}
		return oneTender(ctx, at.Tender, nil)
	})
}

// ByLot names a lot of a tender.
type ByLot struct {
	ByID
	Lot string `path:"lot" maxLength:"100"`
}
