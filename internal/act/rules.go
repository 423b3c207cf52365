package act

import (
	"slices"

	"sigillo/internal/fault"
)

// Action is at once the permission, the audit verb, the OpenAPI operation id
// and the menu entry of one use case.
type Action string

// A when decides whether a power reaches a subject. The names of these
// functions are the vocabulary of the rules table.
type when struct {
	name string
	test func(Actor, Power, Subject) bool
}

var (
	anywhere = when{"anywhere", func(Actor, Power, Subject) bool { return true }}
	public   = when{"public", func(_ Actor, _ Power, s Subject) bool { return s.Public }}
	own      = when{"own", func(_ Actor, p Power, s Subject) bool { return p.Authority != "" && p.Authority == s.Authority }}
	mine     = when{"mine", func(_ Actor, p Power, s Subject) bool { return p.Supplier != "" && p.Supplier == s.Supplier }}
	invited  = when{"invited", func(_ Actor, p Power, s Subject) bool {
		return s.Published && p.Supplier != "" && (s.Public || slices.Contains(s.Invited, p.Supplier))
	}}
	leads = when{"leads", func(a Actor, p Power, s Subject) bool { return own.test(a, p, s) && a.ID == s.Team.RUP }}
	sits  = when{"sits", func(a Actor, p Power, s Subject) bool {
		return own.test(a, p, s) && slices.Contains(s.Team.Seggio, a.ID)
	}}
	judges = when{"judges", func(a Actor, p Power, s Subject) bool {
		return own.test(a, p, s) && slices.Contains(s.Team.Commission, a.ID)
	}}
	keeps = when{"keeps", func(a Actor, p Power, s Subject) bool {
		return own.test(a, p, s) && slices.Contains(s.Team.Custodians, a.ID)
	}}
	opened = func(w when) when {
		return when{w.name + "+opened", func(a Actor, p Power, s Subject) bool { return s.Opened && w.test(a, p, s) }}
	}
)

type grant struct {
	role Role
	when when
}

type rule struct {
	action Action
	title  fault.Text
	grants []grant
}

// The actions.
const (
	ViewStatus Action = "view-status"

	OpenSession  Action = "open-session"
	CloseSession Action = "close-session"
	WhoAmI       Action = "who-am-i"
	IssueToken   Action = "issue-token"

	RegisterAuthority Action = "register-authority"
	ViewAuthority     Action = "view-authority"
	ListAuthorities   Action = "list-authorities"
	RegisterPerson    Action = "register-person"
	GrantPower        Action = "grant-power"
	RevokePower       Action = "revoke-power"
	ErasePerson       Action = "erase-person"
	ViewPerson        Action = "view-person"
	RegisterSupplier  Action = "register-supplier"
	ViewSupplier      Action = "view-supplier"

	StoreDocument Action = "store-document"
	FetchDocument Action = "fetch-document"

	CreateTender    Action = "create-tender"
	EditTender      Action = "edit-tender"
	DiscardTender   Action = "discard-tender"
	CheckTender     Action = "check-tender"
	ChallengeKey    Action = "challenge-key"
	TestKey         Action = "test-key"
	PublishTender   Action = "publish-tender"
	ViewTender      Action = "view-tender"
	ListTenders     Action = "list-tenders"
	AmendTender     Action = "amend-tender"
	ExtendDeadline  Action = "extend-deadline"
	SuspendTender   Action = "suspend-tender"
	ResumeTender    Action = "resume-tender"
	RevokeLot       Action = "revoke-lot"
	AppointPanel    Action = "appoint-panel"
	ViewFunctioning Action = "view-functioning"

	AskQuestion    Action = "ask-question"
	AnswerQuestion Action = "answer-question"
	ViewQuestion   Action = "view-question"
	ListQuestions  Action = "list-questions"

	DraftBid       Action = "draft-bid"
	BeginUpload    Action = "begin-upload"
	ViewUpload     Action = "view-upload"
	AddressPart    Action = "address-part"
	StorePart      Action = "store-part"
	NotePart       Action = "note-part"
	DropUpload     Action = "drop-upload"
	UploadEnvelope Action = "upload-envelope"
	FinishUpload   Action = "finish-upload"
	ViewDossier    Action = "view-dossier"
	SubmitBid      Action = "submit-bid"
	ConfirmBid     Action = "confirm-bid"
	RecordLate     Action = "record-late"
	RecordMessage  Action = "record-message"
	WithdrawBid    Action = "withdraw-bid"
	ViewReceipt    Action = "view-receipt"
	PrintReceipt   Action = "print-receipt"
	ReportDamage   Action = "report-damage"
	ListContested  Action = "list-contested"
	DecideLate     Action = "decide-late"
	ViewBid        Action = "view-bid"
	ListOwnBids    Action = "list-own-bids"
	ListLotBids    Action = "list-lot-bids"

	CloseLot           Action = "close-lot"
	OpenAdministrative Action = "open-administrative"
	OpenTechnical      Action = "open-technical"
	OpenEconomic       Action = "open-economic"
	ViewShares         Action = "view-shares"
	ReleaseShares      Action = "release-shares"
	BreakGlass         Action = "break-glass"
	UnsealEnvelopes    Action = "unseal-envelopes"
	DestroyKeys        Action = "destroy-keys"
	ViewOpening        Action = "view-opening"
	ListOpenings       Action = "list-openings"
	ReadEnvelope       Action = "read-envelope"
	CheckDocument      Action = "check-document"

	DecideAdmission    Action = "decide-admission"
	ConcludeAdmissions Action = "conclude-admissions"
	ScoreTechnical     Action = "score-technical"
	LockScores         Action = "lock-scores"
	RankBids           Action = "rank-bids"
	ProposeAward       Action = "propose-award"
	VerifyAward        Action = "verify-award"
	AdoptAward         Action = "adopt-award"
	NotifyAward        Action = "notify-award"
	DeclineAward       Action = "decline-award"
	ViewEvaluation     Action = "view-evaluation"

	ExportAudit  Action = "export-audit"
	ExportBundle Action = "export-bundle"
	SearchAudit  Action = "search-audit"
	ViewEntry    Action = "view-entry"
	ViewState    Action = "view-state"
	ViewLogKey   Action = "view-log-key"

	ViewCheckpoint Action = "view-checkpoint"
	ViewTile       Action = "view-tile"

	// StampCheckpoint and ListStamps: what others say of the log.
	StampCheckpoint Action = "stamp-checkpoint"
	ListStamps      Action = "list-stamps"
	ViewCosigned    Action = "view-cosigned"
	ListChanges     Action = "list-changes"
	ReadFeed        Action = "read-feed"

	SubscribeWebhook Action = "subscribe-webhook"
	ListWebhooks     Action = "list-webhooks"
	EndWebhook       Action = "end-webhook"
	GiveUpWebhook    Action = "give-up-webhook"
)

func allow(role Role, w when) grant { return grant{role, w} }

// staff grants the same reach to everybody who works for the authority.
func staff(w when) []grant {
	return []grant{allow(Drafter, w), allow(RUP, w), allow(Signatory, w), allow(Seggio, w), allow(Commissioner, w), allow(Custodian, w), allow(Auditor, w)}
}

// everybody grants the same reach to all but the clock, which reads nothing.
func everybody(w when) []grant {
	var all []grant
	for _, r := range Roles() {
		if r != Clock {
			all = append(all, allow(r, w))
		}
	}
	return all
}

func some(more ...any) []grant {
	var all []grant
	for _, m := range more {
		switch g := m.(type) {
		case grant:
			all = append(all, g)
		case []grant:
			all = append(all, g...)
		}
	}
	return all
}

// panel is who attends the evaluation of one tender, once the seal is off.
func panel() []grant {
	return []grant{allow(RUP, opened(leads)), allow(Seggio, opened(sits)), allow(Commissioner, opened(judges))}
}

// told is who may have a body told of what is public.
func told() []grant {
	return []grant{allow(Drafter, own), allow(Supplier, mine), allow(Administrator, anywhere)}
}

// rules is the whole law of the house: an action that is not here is refused to
// everybody, a role that is not named in a row is refused that action.
var rules = []rule{
	{ViewStatus, fault.T("Stato del servizio", "Service status"), everybody(anywhere)},

	{OpenSession, fault.T("Accedi", "Sign in"), everybody(anywhere)},
	{CloseSession, fault.T("Esci", "Sign out"), everybody(anywhere)},
	{WhoAmI, fault.T("Chi sono", "Who am I"), everybody(anywhere)},
	{IssueToken, fault.T("Rilascia un token per un sistema", "Issue a token for a machine"), some(allow(Administrator, anywhere))},

	{RegisterAuthority, fault.T("Registra una stazione appaltante", "Register a contracting authority"), some(allow(Administrator, anywhere))},
	{ViewAuthority, fault.T("Vedi una stazione appaltante", "View a contracting authority"), everybody(anywhere)},
	{ListAuthorities, fault.T("Elenca le stazioni appaltanti", "List the contracting authorities"), everybody(anywhere)},
	{RegisterPerson, fault.T("Registra una persona", "Register a person"), some(allow(Administrator, anywhere))},
	{GrantPower, fault.T("Attribuisci un potere", "Grant a power"), some(allow(Administrator, anywhere))},
	{RevokePower, fault.T("Revoca un potere", "Revoke a power"), some(allow(Administrator, anywhere))},
	{ErasePerson, fault.T("Cancella i dati di una persona", "Erase a person's data"), some(allow(Administrator, anywhere))},
	{ViewPerson, fault.T("Vedi una persona", "View a person"), some(allow(Administrator, anywhere))},
	{RegisterSupplier, fault.T("Registra un operatore economico", "Register an economic operator"), some(allow(Administrator, anywhere))},
	{ViewSupplier, fault.T("Vedi un operatore economico", "View an economic operator"), some(allow(Administrator, anywhere), allow(Supplier, mine))},

	{StoreDocument, fault.T("Carica un documento di gara", "Store a tender document"), some(allow(Drafter, own), allow(RUP, own), allow(Signatory, own))},
	{FetchDocument, fault.T("Scarica un documento di gara", "Fetch a tender document"), some(staff(own), everybody(public), allow(Supplier, invited))},

	{CreateTender, fault.T("Crea una gara", "Create a tender"), some(allow(Drafter, own), allow(RUP, own))},
	{EditTender, fault.T("Modifica la bozza", "Edit the draft"), some(allow(Drafter, own), allow(RUP, leads))},
	{DiscardTender, fault.T("Elimina la bozza", "Discard the draft"), some(allow(Drafter, own), allow(RUP, leads))},
	{CheckTender, fault.T("Controlla la bozza", "Check the draft"), some(allow(Drafter, own), allow(RUP, leads), allow(Signatory, own))},
	{ChallengeKey, fault.T("Chiedi di provare una chiave", "Ask to try a key"), some(allow(Drafter, own), allow(RUP, leads), allow(Custodian, keeps))},
	{TestKey, fault.T("Prova una chiave", "Try a key"), some(allow(Drafter, own), allow(RUP, leads), allow(Custodian, keeps))},
	{PublishTender, fault.T("Pubblica la gara", "Publish the tender"), some(allow(Signatory, own))},
	{ViewTender, fault.T("Vedi la gara", "View the tender"), some(staff(own), everybody(public), allow(Supplier, invited))},
	{ListTenders, fault.T("Elenca le gare", "List the tenders"), everybody(anywhere)},
	{AmendTender, fault.T("Rettifica la gara", "Amend the tender"), some(allow(Signatory, own))},
	{ExtendDeadline, fault.T("Proroga il termine", "Extend the deadline"), some(allow(RUP, leads), allow(Signatory, own))},
	{SuspendTender, fault.T("Sospendi la gara", "Suspend the tender"), some(allow(RUP, leads), allow(Signatory, own))},
	{ResumeTender, fault.T("Riprendi la gara", "Resume the tender"), some(allow(RUP, leads), allow(Signatory, own))},
	{RevokeLot, fault.T("Revoca il lotto", "Revoke the lot"), some(allow(Signatory, own))},
	{ViewFunctioning, fault.T("Vedi il certificato di funzionamento", "View the functioning certificate"), some(staff(own), everybody(public), allow(Supplier, invited))},
	{AppointPanel, fault.T("Nomina seggio e commissione", "Appoint seggio and commission"), some(allow(Signatory, own))},

	{AskQuestion, fault.T("Chiedi un chiarimento", "Ask for a clarification"), some(allow(Supplier, invited))},
	{AnswerQuestion, fault.T("Rispondi a un chiarimento", "Answer a clarification"), some(allow(RUP, leads), allow(Drafter, own))},
	{ListQuestions, fault.T("Elenca i chiarimenti", "List the clarifications"), everybody(anywhere)},
	{ViewQuestion, fault.T("Vedi un chiarimento", "View a clarification"), some(staff(own), everybody(public), allow(Supplier, invited))},

	{DraftBid, fault.T("Prepara un'offerta", "Draft a bid"), some(allow(Supplier, invited), allow(Supplier, mine))},
	{UploadEnvelope, fault.T("Carica una busta sigillata", "Upload a sealed envelope"), some(allow(Supplier, mine))},
	{BeginUpload, fault.T("Inizia il caricamento di una busta", "Begin the upload of an envelope"), some(allow(Supplier, mine))},
	{ViewUpload, fault.T("Vedi un caricamento", "View an upload"), some(allow(Supplier, mine))},
	{AddressPart, fault.T("Chiedi dove caricare una parte", "Ask where to put a part"), some(allow(Supplier, mine))},
	{StorePart, fault.T("Carica una parte", "Store a part"), some(allow(Supplier, mine))},
	{NotePart, fault.T("Segnala una parte caricata", "Note a part that was stored"), some(allow(Supplier, mine))},
	{FinishUpload, fault.T("Concludi il caricamento", "Finish the upload"), some(allow(Supplier, mine))},
	{DropUpload, fault.T("Elimina un caricamento abbandonato", "Drop an abandoned upload"), some(allow(Clock, anywhere))},
	{ViewDossier, fault.T("Vedi il fascicolo dei caricamenti", "View the upload dossier"), some(allow(Supplier, mine), panel(), allow(Auditor, opened(own)))},
	{SubmitBid, fault.T("Invia l'offerta", "Submit the bid"), some(allow(Supplier, mine))},
	{ConfirmBid, fault.T("Conferma l'offerta dopo la rettifica", "Confirm the bid after an amendment"), some(allow(Supplier, mine))},
	{WithdrawBid, fault.T("Ritira l'offerta", "Withdraw the bid"), some(allow(Supplier, mine))},
	{RecordLate, fault.T("Registra un invio tardivo", "Record a late submission"), some(allow(Clock, anywhere))},
	{RecordMessage, fault.T("Registra un messaggio mostrato", "Record a message shown"), some(allow(Clock, anywhere))},
	{ViewReceipt, fault.T("Vedi la ricevuta", "View the receipt"), some(allow(Supplier, mine))},
	{ReportDamage, fault.T("Segnala una busta danneggiata", "Report a damaged envelope"), some(allow(Clock, anywhere))},
	{PrintReceipt, fault.T("Stampa la ricevuta", "Print the receipt"), some(allow(Supplier, mine))},
	{ListContested, fault.T("Elenca gli invii tardivi contestati", "List the contested late bids"), some(allow(RUP, leads), allow(Signatory, own))},
	{DecideLate, fault.T("Decidi su un invio tardivo", "Decide on a late bid"), some(allow(Signatory, own))},
	{ViewBid, fault.T("Vedi l'offerta", "View the bid"), some(allow(Supplier, mine), panel())},

	{ListOwnBids, fault.T("Elenca le mie offerte", "List my bids"), some(allow(Supplier, anywhere))},
	{ListLotBids, fault.T("Elenca le offerte di un lotto aperto", "List the bids for an opened lot"), everybody(anywhere)},

	{CloseLot, fault.T("Chiudi alla scadenza", "Close at the deadline"), some(allow(Clock, anywhere))},
	{OpenAdministrative, fault.T("Apri le buste amministrative", "Open the administrative envelopes"), some(allow(Clock, anywhere))},
	{OpenTechnical, fault.T("Apri le buste tecniche", "Open the technical envelopes"), some(allow(Commissioner, judges))},
	{OpenEconomic, fault.T("Apri le buste economiche", "Open the economic envelopes"), some(allow(Seggio, sits), allow(Commissioner, judges))},
	{ViewShares, fault.T("Vedi le quote da rilasciare", "View the shares to release"), some(allow(RUP, opened(leads)), allow(Custodian, opened(keeps)))},
	{ReleaseShares, fault.T("Rilascia le quote di chiave", "Release key shares"), some(allow(RUP, opened(leads)), allow(Custodian, opened(keeps)))},
	{BreakGlass, fault.T("Chiedi l'intervento del garante", "Call in the guarantor"), some(allow(Signatory, opened(own)))},
	{UnsealEnvelopes, fault.T("Togli i sigilli delle buste aperte", "Unseal the opened envelopes"), some(allow(Clock, anywhere))},
	{DestroyKeys, fault.T("Distruggi le chiavi di un lotto revocato", "Destroy the keys of a revoked lot"), some(allow(Clock, anywhere))},
	{ViewOpening, fault.T("Vedi l'apertura", "View the opening"), some(panel(), allow(Auditor, opened(own)), allow(Signatory, opened(own)), allow(Custodian, opened(keeps)))},
	{ListOpenings, fault.T("Elenca le aperture", "List the openings"), everybody(anywhere)},
	{ReadEnvelope, fault.T("Leggi un documento di un'offerta aperta", "Read a document of an opened bid"), panel()},
	{CheckDocument, fault.T("Controlla un documento di un'offerta aperta", "Check a document of an opened bid"), panel()},

	{DecideAdmission, fault.T("Ammetti o escludi", "Admit or exclude"), some(allow(RUP, opened(leads)), allow(Seggio, opened(sits)))},
	{ConcludeAdmissions, fault.T("Concludi le ammissioni", "Conclude the admissions"), some(allow(RUP, opened(leads)), allow(Seggio, opened(sits)))},
	{ScoreTechnical, fault.T("Attribuisci i punteggi tecnici", "Score the technical offers"), some(allow(Commissioner, opened(judges)))},
	{LockScores, fault.T("Blocca i punteggi tecnici", "Lock the technical scores"), some(allow(Commissioner, opened(judges)))},
	{RankBids, fault.T("Forma la graduatoria", "Rank the bids"), some(allow(Seggio, opened(sits)), allow(Commissioner, opened(judges)))},
	{ProposeAward, fault.T("Proponi l'aggiudicazione", "Propose the award"), some(allow(Seggio, opened(sits)), allow(Commissioner, opened(judges)))},
	{VerifyAward, fault.T("Registra le verifiche sull'aggiudicatario", "Record the checks on the proposed winner"), some(allow(RUP, opened(leads)))},
	{AdoptAward, fault.T("Aggiudica", "Adopt the award"), some(allow(Signatory, opened(own)))},
	{NotifyAward, fault.T("Comunica l'aggiudicazione", "Notify the award"), some(allow(RUP, opened(leads)))},
	{DeclineAward, fault.T("Non aggiudicare", "Decline to award"), some(allow(Signatory, opened(own)))},
	{ViewEvaluation, fault.T("Vedi la valutazione", "View the evaluation"), some(panel(), allow(Auditor, opened(own)), allow(Signatory, opened(own)))},

	{SearchAudit, fault.T("Cerca nel registro", "Search the audit trail"), some(allow(Auditor, own))},
	{ViewEntry, fault.T("Vedi che cosa ha cambiato un atto", "View what an act changed"), some(allow(Auditor, own))},
	{ViewState, fault.T("Vedi un oggetto com'era", "View an object as it was"), some(allow(Auditor, own))},
	{ExportAudit, fault.T("Esporta il registro", "Export the audit trail"), some(allow(Auditor, own))},
	{ExportBundle, fault.T("Esporta un fascicolo del registro", "Export a bundle of the audit trail"), some(allow(Auditor, own))},
	{ViewLogKey, fault.T("Vedi la chiave del registro", "View the log's key"), everybody(anywhere)},
	{ViewCheckpoint, fault.T("Vedi il checkpoint del registro", "View the log's checkpoint"), everybody(anywhere)},
	{ViewTile, fault.T("Vedi una tessera del registro", "View a tile of the log"), everybody(anywhere)},

	{StampCheckpoint, fault.T("Fai marcare temporalmente un checkpoint del registro", "Have a checkpoint of the log time-stamped"), some(allow(Clock, anywhere))},
	{ListStamps, fault.T("Elenca le marche temporali del registro", "List the time stamps of the log"), everybody(anywhere)},
	{ViewCosigned, fault.T("Vedi l'ultimo checkpoint firmato dai testimoni", "View the newest checkpoint that witnesses signed"), everybody(anywhere)},
	{ListChanges, fault.T("Elenca ciò che è diventato pubblico", "List what has become public"), everybody(anywhere)},
	{ReadFeed, fault.T("Segui ciò che è diventato pubblico (Atom)", "Follow what has become public (Atom)"), everybody(anywhere)},
	{SubscribeWebhook, fault.T("Chiedi di essere avvisato", "Subscribe a webhook"), told()},
	{ListWebhooks, fault.T("Elenca gli avvisi chiesti", "List the webhooks"), told()},
	{EndWebhook, fault.T("Termina un avviso", "End a webhook"), told()},
	{GiveUpWebhook, fault.T("Rinuncia a un avviso che non arriva", "Give up a webhook that does not answer"), some(allow(Clock, anywhere))},
}

// gate is the action that says who may see a thing of each type: who may not
// is told that there is no such thing.
var gate = map[string]Action{
	"tender": ViewTender, "question": ViewQuestion, "bid": ViewBid, "opening": ViewOpening,
	"transfer": ViewUpload, "evaluation": ViewEvaluation, "authority": ViewAuthority, "supplier": ViewSupplier,
	"person": ViewPerson, "document": FetchDocument, "webhook": ListWebhooks,
}

func ruleOf(action Action) (rule, bool) {
	i := slices.IndexFunc(rules, func(r rule) bool { return r.action == action })
	if i < 0 {
		return rule{}, false
	}
	return rules[i], true
}

// Actions lists every action in the order of the table.
func Actions() []Action {
	all := make([]Action, len(rules))
	for i, r := range rules {
		all[i] = r.action
	}
	return all
}

// Known tells whether the table has the action.
func Known(action Action) bool { _, ok := ruleOf(action); return ok }

// Title is the action's name for people; it is also the operation's summary.
func Title(action Action) fault.Text { r, _ := ruleOf(action); return r.title }

// RolesOf lists the roles that may ever do the action; the API document and
// the menus are made from it.
func RolesOf(action Action) []Role {
	r, _ := ruleOf(action)
	var roles []Role
	for _, g := range r.grants {
		if !slices.Contains(roles, g.role) {
			roles = append(roles, g.role)
		}
	}
	return roles
}

func granted(a Actor, action Action, s Subject) (Power, bool) {
	r, ok := ruleOf(action)
	if !ok {
		return Power{}, false
	}
	for _, g := range r.grants {
		for _, p := range a.Powers {
			if p.Role == g.role && g.when.test(a, p, s) {
				return p, true
			}
		}
	}
	return Power{}, false
}

// Permit returns the power by which the actor may do the action to the
// subject. The fault is NotFound when the actor may not even see the subject,
// Unauthenticated when nobody is signed in, Forbidden otherwise.
func Permit(a Actor, action Action, s Subject) (Power, error) { return permit(a, action, s, false) }

// permit: what is only being made cannot be missing.
func permit(a Actor, action Action, s Subject, made bool) (Power, error) {
	if p, ok := granted(a, action, s); ok {
		return p, nil
	}
	if see, ok := gate[s.Type]; ok && !made {
		if _, visible := granted(a, see, s); !visible {
			return Power{}, fault.Missing(s.Type)
		}
	}
	if a.Kind == KindAnonymous {
		return Power{}, fault.New(fault.Unauthenticated, "not-signed-in", "Acceda per continuare.", "Sign in to continue.")
	}
	return Power{}, fault.New(fault.Forbidden, "not-permitted",
		"Il suo ruolo non consente questa operazione: %s.", "Your role does not permit this operation: %s.", string(action))
}

// See is Permit for reads that leave no trace of their own.
func See(a Actor, action Action, t Thing) error {
	_, err := Permit(a, action, t.Subject())
	return err
}
