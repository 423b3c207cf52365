package bids

import (
	"fmt"
	"slices"
	"time"

	"sigillo/audit"
	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/money"
	"sigillo/tender"
)

// Form in which an economic operator bids (art. 65, DR-06).
type Form string

// The forms of participation.
const (
	Single     Form = "single"
	Group      Form = "group"      // raggruppamento temporaneo, constituted or to be (art. 68)
	Consortium Form = "consortium" // consorzio of art. 65 c. 2 lett. b-d, f
	Network    Form = "network"    // rete d'imprese, art. 65 c. 2 lett. g
)

// Member is one operator behind a bid. The first one leads.
type Member struct {
	Supplier string        `json:"supplier"`
	Share    money.Percent `json:"share"` // of the performance
	Part     string        `json:"part"`  // what it performs (art. 68 c. 2)
}

// Upload is a sealed envelope in the object store: its name is the SHA-256 of
// the ciphertext.
type Upload struct {
	Envelope   tender.Envelope `json:"envelope"`
	SHA256     docs.Hash       `json:"sha256"`
	Size       int64           `json:"size"` // bytes of ciphertext
	UploadedAt time.Time       `json:"uploaded_at"`
	// BegunAt is when the upload began: one that began in time may end late and
	// still be contested (INC-10).
	BegunAt time.Time `json:"begun_at"`
}

// Submission is one sending of a bid. Of all the submissions of a bid only the
// last one counts; the others are kept sealed for ever.
type Submission struct {
	Number     int       `json:"number"`
	ReceivedAt time.Time `json:"received_at"` // the legal instant
	Manifest   []Upload  `json:"manifest"`
	// ManifestHash binds receipt and bid: the canonical manifest's SHA-256.
	ManifestHash string `json:"manifest_hash"`
	// Amendment is the last one the bidder has seen and confirmed.
	Amendment int `json:"amendment"`
	Pressed
}

// Pressed is what is known of a submission besides its legal instant.
type Pressed struct {
	// PressedAt is when the bidder's program says it was sent; its clock is its
	// own.
	PressedAt *time.Time `json:"pressed_at,omitempty"`
	// ArrivedAt is when the platform had the request, by its own clock.
	ArrivedAt time.Time `json:"arrived_at,omitzero"`
}

// Bid is the offer of one operator, or group, for one lot.
type Bid struct {
	ID        string       `json:"id"`
	Version   int          `json:"version"`
	TenderID  string       `json:"tender"`
	LotID     string       `json:"lot"`
	Supplier  string       `json:"supplier"`
	Form      Form         `json:"form"`
	Members   []Member     `json:"members,omitempty"`
	CreatedAt time.Time    `json:"created_at"`
	Uploads   []Upload     `json:"uploads,omitempty"` // of the next submission
	Sent      []Submission `json:"sent,omitempty"`
	Withdrawn *time.Time   `json:"withdrawn,omitempty"`
	// Late lists submissions that were refused because the deadline had passed.
	Late []LateAttempt `json:"late,omitempty"`
	// Contested is a late submission whose upload had begun in time: parked,
	// sealed, until the authority decides.
	Contested *Contested `json:"contested,omitempty"`
	// Damaged lists envelopes that the store no longer has as they were sent.
	Damaged []Damage `json:"damaged,omitempty"`

	tender *tender.Tender
}

// State of a bid, derived from what happened to it.
type State string

// The states of a bid.
const (
	Drafted     State = "draft"
	Submitted   State = "submitted"
	Unconfirmed State = "unconfirmed" // sent before an amendment that asks for confirmation
	Withdrawn   State = "withdrawn"
)

// State of the bid as the tender stands.
func (b *Bid) State() State {
	switch {
	case b.Withdrawn != nil:
		return Withdrawn
	case len(b.Sent) == 0:
		return Drafted
	case b.current().Amendment < b.tender.Confirmation():
		return Unconfirmed
	}
	return Submitted
}

func (b *Bid) current() *Submission {
	if len(b.Sent) == 0 {
		return nil
	}
	return &b.Sent[len(b.Sent)-1]
}

// Current returns the submission that counts, or nil.
func (b *Bid) Current() *Submission {
	if c := b.Contested; c != nil && c.Decision != nil && c.Decision.Admitted {
		return &c.Submission
	}
	if b.State() != Submitted {
		return nil
	}
	return b.current()
}

// Attach gives the bid the tender it is for; the store does it on loading.
func (b *Bid) Attach(t *tender.Tender) *Bid { b.tender = t; return b }

// Tender returns the tender the bid is for.
func (b *Bid) Tender() *tender.Tender { return b.tender }

// Lot returns the lot the bid is for.
func (b *Bid) Lot() (*tender.Lot, error) { return b.tender.Lot(b.LotID) }

// Subject is what permissions on the bid depend on: the bidder always, the
// officials of the tender once the lot is open.
func (b *Bid) Subject() act.Subject {
	opened := false
	if l, err := b.Lot(); err == nil {
		opened = !l.State.Sealed() && l.State != tender.Revoked && (len(b.Sent) > 0 || b.Current() != nil)
	}
	return act.Subject{
		Type: "bid", ID: b.ID, Version: b.Version, State: string(b.State()),
		Authority: b.tender.Buyer.ID, Tender: b.TenderID, Lot: b.LotID, Supplier: b.Supplier,
		Team: b.tender.Team(), Opened: opened,
	}
}

// New makes the draft of a bid.
func New(id string, t *tender.Tender, lot, supplier string, form Form, members []Member, now time.Time) (*Bid, error) {
	b := &Bid{ID: id, TenderID: t.ID, LotID: lot, Supplier: supplier, Form: form, Members: members, CreatedAt: now, tender: t}
	if err := b.accepting(now); err != nil {
		return nil, err
	}
	return b, b.form()
}

func (b *Bid) form() error {
	var fs fault.Fields
	if !slices.Contains([]Form{Single, Group, Consortium, Network}, b.Form) {
		fs.Add("/form", "unknown-code", "Scelga single, group, consortium o network.", "Choose single, group, consortium or network.")
	}
	if b.Form == Single && len(b.Members) > 0 {
		fs.Add("/members", "not-a-group", "Chi partecipa da solo non indica altri membri.", "Who bids alone names no members.")
	}
	if b.Form == Group {
		b.checkGroup(&fs)
	}
	return fs.Err("bad-bid", "Offerta non valida: corregga i campi indicati.", "Invalid bid: correct the fields shown.")
}

// checkGroup: the lead is the bidder, every member once, shares make 100 per
// cent, each part is stated (art. 68 c. 2, DR-07).
func (b *Bid) checkGroup(fs *fault.Fields) {
	if len(b.Members) < 2 || len(b.Members) > 50 {
		fs.Add("/members", "group-size", "Un raggruppamento ha da 2 a 50 membri.", "A group has 2 to 50 members.")
		return
	}
	if b.Members[0].Supplier != b.Supplier {
		fs.Add("/members/0/supplier", "not-the-lead", "Il primo membro è la mandataria, cioè chi invia l'offerta.", "The first member is the lead, who sends the bid.")
	}
	sum, seen := money.Ratio{}, map[string]bool{}
	for i, m := range b.Members {
		if seen[m.Supplier] {
			fs.Add(fmt.Sprintf("/members/%d/supplier", i), "duplicate", "Un membro compare due volte.", "A member appears twice.")
		}
		seen[m.Supplier] = true
		if m.Part == "" || len(m.Part) > 2000 {
			fs.Add(fmt.Sprintf("/members/%d/part", i), "missing", "Indichi la parte eseguita (art. 68 c. 2).", "State the part performed (art. 68 c. 2).")
		}
		sum = sum.Add(money.FromRat(m.Share.Rat()))
	}
	if sum.Cmp(money.FromInt(100)) != 0 {
		fs.Add("/members", "shares-not-100", "Le quote devono sommare a 100.", "The shares must sum to 100.")
	}
}

// accepting refuses when the lot does not take bids at the instant.
func (b *Bid) accepting(now time.Time) error {
	l, err := b.Lot()
	if err != nil {
		return err
	}
	switch {
	case b.tender.Accepts(l, now):
		return nil
	case l.State == tender.Suspended:
		return fault.New(fault.Conflict, "tender-suspended", "La gara è sospesa: le offerte riprendono quando lo comunica la stazione appaltante.",
			"The tender is suspended: bids resume when the authority says so.")
	case l.State == tender.Published || l.State == tender.Closed || l.State == tender.Deserted:
		return fault.New(fault.Conflict, "deadline-passed", "Il termine per le offerte è scaduto: %s.", "The deadline for bids has passed: %s.",
			tender.InRome(b.tender.Timetable.Deadline))
	}
	return fault.New(fault.Conflict, "lot-not-open", "Il lotto non riceve offerte.", "The lot does not take bids.")
}

// Put notes an uploaded envelope for the next submission. What was sent
// before stays as it is until the new one is sent.
func (b *Bid) Put(u Upload) error {
	if err := b.accepting(u.UploadedAt); err != nil && !b.mayContest(u.BegunAt, u.UploadedAt) {
		return err
	}
	l, err := b.Lot()
	if err != nil {
		return err
	}
	if !l.Has(u.Envelope) {
		return fault.New(fault.Invalid, "no-such-envelope", "Questo lotto non prevede la busta %s.", "This lot has no envelope %s.", string(u.Envelope))
	}
	next := slices.DeleteFunc(slices.Clone(b.Uploads), func(old Upload) bool { return old.Envelope == u.Envelope })
	b.Uploads = append(next, u)
	slices.SortFunc(b.Uploads, func(x, y Upload) int { return compare(x.Envelope, y.Envelope) })
	return nil
}

func compare(a, b tender.Envelope) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Claim is one line of the manifest a bidder submits.
type Claim struct {
	Envelope tender.Envelope
	SHA256   docs.Hash
}

// Submit sends the bid: a manifest of hashes that must name exactly the
// uploaded envelopes, all those the lot demands. The instant is the legal one.
func (b *Bid) Submit(manifest []Claim, pressed Pressed, now time.Time) error {
	if err := b.accepting(now); err != nil {
		return err
	}
	sent, err := b.submission(manifest, pressed, now)
	if err != nil {
		return err
	}
	b.Sent = append(b.Sent, sent)
	b.Uploads, b.Withdrawn = nil, nil
	return nil
}

// submission checks a manifest against what was uploaded.
func (b *Bid) submission(manifest []Claim, pressed Pressed, now time.Time) (Submission, error) {
	l, err := b.Lot()
	if err != nil {
		return Submission{}, err
	}
	var fs fault.Fields
	for _, spec := range l.Envelopes {
		if !slices.ContainsFunc(b.Uploads, func(u Upload) bool { return u.Envelope == spec.Envelope }) {
			fs.Add("/manifest", "missing-envelope", "Manca la busta %s: la carichi prima di inviare.", "Envelope %s is missing: upload it before submitting.", string(spec.Envelope))
		}
	}
	for i, c := range manifest {
		if !slices.ContainsFunc(b.Uploads, func(u Upload) bool { return u.Envelope == c.Envelope && u.SHA256 == c.SHA256 }) {
			fs.Add(fmt.Sprintf("/manifest/%d", i), "not-uploaded", "La busta %s con questa impronta non risulta caricata.",
				"Envelope %s with this digest has not been uploaded.", string(c.Envelope))
		}
	}
	if len(fs) == 0 && len(manifest) != len(b.Uploads) {
		fs.Add("/manifest", "incomplete", "Il manifesto deve elencare tutte le buste caricate (%d).", "The manifest must list all uploaded envelopes (%d).", len(b.Uploads))
	}
	if err := fs.Err("incomplete-bid", "L'offerta non è stata inviata: è incompleta.", "The bid was not submitted: it is incomplete."); err != nil {
		return Submission{}, err
	}
	hash, err := audit.Hash(b.Uploads)
	return Submission{
		Number: len(b.Sent) + 1, ReceivedAt: now, Manifest: b.Uploads, ManifestHash: hash, Amendment: len(b.tender.Amendments), Pressed: pressed,
	}, err
}

// Confirm says that the sent bid stands after an amendment.
func (b *Bid) Confirm(now time.Time) error {
	if err := b.accepting(now); err != nil {
		return err
	}
	if b.State() != Unconfirmed {
		return fault.New(fault.Conflict, "nothing-to-confirm", "Non c'è nulla da confermare.", "There is nothing to confirm.")
	}
	b.Sent = slices.Clone(b.Sent)
	b.current().Amendment = len(b.tender.Amendments)
	return nil
}

// Withdraw takes the sent bid back before the deadline (DR-46). It may be
// submitted again.
func (b *Bid) Withdraw(now time.Time) error {
	if err := b.accepting(now); err != nil {
		return err
	}
	if s := b.State(); s != Submitted && s != Unconfirmed {
		return fault.New(fault.Conflict, "nothing-to-withdraw", "Non c'è un'offerta inviata da ritirare.", "There is no submitted bid to withdraw.")
	}
	b.Withdrawn = &now
	return nil
}

// Operators lists every supplier behind the bid.
func (b *Bid) Operators() []string {
	all := []string{b.Supplier}
	for _, m := range b.Members {
		if m.Supplier != b.Supplier {
			all = append(all, m.Supplier)
		}
	}
	return all
}
