package tender

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
)

// Tx is what tenders need of a transaction. A Save inserts what has version 0,
// otherwise updates where the version is the expected one, and raises it.
type Tx interface {
	act.Tx
	// Tender loads a tender and locks it and its lots against other changes.
	Tender(id string) (*Tender, error)
	SaveTender(*Tender) error
	Question(id string) (*Question, error)
	SaveQuestion(*Question) error
	// KeepKey stores the wrapped private half of a key; only the sealer can
	// make use of it.
	KeepKey(tender string, k Key, wrapped []byte) error
	// DestroyKeys forgets the wrapped private halves of a lot's keys, and tells
	// the SHA-256 of each, in hex, by envelope.
	DestroyKeys(lot string) (map[Envelope]string, error)
	// Buyer reads what a tender keeps of its authority.
	Buyer(authority string) (Buyer, error)
	// HasPower tells whether the person has the role for the authority now.
	HasPower(person string, role act.Role, authority string) (bool, error)
	// SupplierExists tells whether the supplier is registered.
	SupplierExists(id string) (bool, error)
	// SavePaper notes that the authority stored a document; again is fine.
	SavePaper(*Paper) error
	// DocumentExists tells whether the authority stored a document.
	DocumentExists(authority string, h docs.Hash) (bool, error)
}

// Reader reads without a transaction of change.
type Reader interface {
	Tender(ctx context.Context, id string) (*Tender, error)
	// Tenders lists by id, those after the given one, at most limit.
	Tenders(ctx context.Context, f Filter) ([]*Tender, error)
	Questions(ctx context.Context, tender, after string, limit int) ([]*Question, error)
}

// Filter chooses tenders for a list.
type Filter struct {
	Authority string
	State     State
	After     string // id of the last one seen
	Limit     int
}

// Keeper makes the keys bids are sealed to. The private half comes back
// wrapped, for the sealer alone.
type Keeper interface {
	// Mint makes a key of the live hierarchy, or of the one for rehearsals.
	Mint(ctx context.Context, authority, tender, lot, envelope string, rehearsal bool) (recipient string, wrapped []byte, err error)
}

// Service performs the acts on tenders.
type Service struct {
	within act.Within[Tx]
	read   Reader
	keeper Keeper
	vault  docs.Vault
	now    func() time.Time
	// rehearsals says whether tenders in the demo mode of custody may be
	// published here.
	rehearsals bool
}

// NewService wires the acts to a store, a keeper of keys, an object store and
// a clock. Only where rehearsals are allowed may a tender be published whose
// bids the platform alone can open.
func NewService(within act.Within[Tx], read Reader, keeper Keeper, vault docs.Vault, now func() time.Time, rehearsals bool) *Service {
	return &Service{within, read, keeper, vault, now, rehearsals}
}

func (s *Service) change(ctx context.Context, call act.Call, action act.Action, id string, f func(Tx, *Tender, time.Time) error) (*Tender, error) {
	var tx Tx
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Tender]{
		Action: action,
		Load:   func(x Tx) (*Tender, error) { tx = x; return find(x, id) },
		Change: func(t *Tender, now time.Time) (act.Facts, error) { return act.Facts{}, f(tx, t, now) },
		Save:   Tx.SaveTender,
	})
}

func find(tx Tx, id string) (*Tender, error) {
	t, err := tx.Tender(id)
	if err == nil && t.Discarded {
		return nil, fault.Missing("tender")
	}
	return t, err
}

// Create makes a draft for an authority (create-tender).
func (s *Service) Create(ctx context.Context, call act.Call, authority string, terms Terms) (*Tender, error) {
	var tx Tx
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Tender]{
		Action: act.CreateTender, New: true,
		Load: func(x Tx) (*Tender, error) {
			tx = x
			buyer, err := x.Buyer(authority)
			if err != nil {
				return nil, err
			}
			return &Tender{ID: act.NewID(), Buyer: buyer, CreatedAt: x.Now()}, nil
		},
		Change: func(t *Tender, _ time.Time) (act.Facts, error) {
			if err := t.Edit(terms); err != nil {
				return act.Facts{}, err
			}
			return act.Facts{}, known(tx, t)
		},
		Save: Tx.SaveTender,
	})
}

// known refuses terms that name people, suppliers or documents that are not
// there, so that nothing is silently dropped later (AT-098).
func known(tx Tx, t *Tender) error {
	var fs fault.Fields
	if t.RUP != "" {
		ok, err := tx.HasPower(t.RUP, act.RUP, t.Buyer.ID)
		if err != nil {
			return err
		}
		if !ok {
			fs.Add("/rup", "unknown-person", "Non risulta RUP di questa stazione appaltante.", "Not a RUP of this contracting authority.")
		}
	}
	for i, c := range t.Custody.Custodians {
		role := act.Custodian
		if c.Kind == RUPKey {
			role = act.RUP
		}
		if c.Person == "" {
			continue
		}
		ok, err := tx.HasPower(c.Person, role, t.Buyer.ID)
		if err != nil {
			return err
		}
		if !ok {
			fs.Add(pointer("/custody/custodians/%d/person", i), "unknown-person", "Persona senza il potere di custode presso la stazione appaltante.",
				"Person without the power of custodian at the contracting authority.")
		}
	}
	for i, id := range t.Invited {
		ok, err := tx.SupplierExists(id)
		if err != nil {
			return err
		}
		if !ok {
			fs.Add(pointer("/invited/%d", i), "unknown-supplier", "Operatore economico non registrato.", "Supplier not registered.")
		}
	}
	if err := papersKnown(tx, t.Buyer.ID, t.Papers, &fs); err != nil {
		return err
	}
	return fs.Err("unknown-reference", "La gara nomina persone, operatori o documenti che non risultano.",
		"The tender names persons, suppliers or documents that are not there.")
}

func papersKnown(tx Tx, authority string, papers []docs.Document, fs *fault.Fields) error {
	for i, d := range papers {
		ok, err := tx.DocumentExists(authority, d.Hash)
		if err != nil {
			return err
		}
		if !ok {
			fs.Add(pointer("/papers/%d/sha256", i), "unknown-document", "Documento non caricato: lo carichi prima.", "Document not stored: upload it first.")
		}
	}
	return nil
}

// Edit replaces the terms of a draft (edit-tender).
func (s *Service) Edit(ctx context.Context, call act.Call, id string, terms Terms) (*Tender, error) {
	return s.change(ctx, call, act.EditTender, id, func(tx Tx, t *Tender, _ time.Time) error {
		if err := t.Edit(terms); err != nil {
			return err
		}
		return known(tx, t)
	})
}

// Discard drops a draft (discard-tender).
func (s *Service) Discard(ctx context.Context, call act.Call, id string) (*Tender, error) {
	return s.change(ctx, call, act.DiscardTender, id, func(_ Tx, t *Tender, _ time.Time) error { return t.Discard() })
}

// Check reports what is missing or unlawful (check-tender).
func (s *Service) Check(ctx context.Context, who act.Actor, id string) (Report, error) {
	t, err := s.visible(ctx, who, act.CheckTender, id)
	if err != nil {
		return Report{}, err
	}
	return t.Check(s.now()), nil
}

// Challenge makes a test message for a custodian's key (challenge-key) and
// returns the tender and the message, an age file: its holder decrypts it and
// gives back what is inside.
func (s *Service) Challenge(ctx context.Context, call act.Call, id string, custodian int) (*Tender, []byte, error) {
	var random [20]byte
	rand.Read(random[:])
	answer := base32.StdEncoding.EncodeToString(random[:])
	var one Custodian
	t, err := s.change(ctx, call, act.ChallengeKey, id, func(_ Tx, t *Tender, _ time.Time) (err error) {
		one, err = t.Challenge(custodian, answer)
		return err
	})
	if err != nil || one.Recipient == "" {
		return t, nil, err
	}
	message, err := seal.Message(one.Recipient, []byte(answer))
	return t, message, err
}

// TestKey takes the answer of a test (test-key).
func (s *Service) TestKey(ctx context.Context, call act.Call, id string, custodian int, answer string) (*Tender, error) {
	return s.change(ctx, call, act.TestKey, id, func(_ Tx, t *Tender, now time.Time) error {
		return t.PassTest(custodian, call.Actor.ID, strings.TrimSpace(answer), now)
	})
}

// Publish makes the keys, outside any transaction, then publishes
// (publish-tender).
func (s *Service) Publish(ctx context.Context, call act.Call, id string) (*Tender, error) {
	draft, err := s.visible(ctx, call.Actor, act.PublishTender, id)
	if err != nil {
		return nil, err
	}
	rehearsal := draft.Custody.Mode == Rehearsal
	if rehearsal && !s.rehearsals {
		return nil, fault.New(fault.Forbidden, "no-rehearsals", "Su questa piattaforma non si pubblicano gare di prova: scelga un'altra custodia delle chiavi.",
			"No rehearsals are published on this platform: choose another custody of the keys.")
	}
	var keys []Key
	wrapped := map[Key][]byte{}
	if draft.PublishedAt == nil {
		for _, k := range draft.Scopes() {
			recipient, private, err := s.keeper.Mint(ctx, draft.Buyer.ID, draft.ID, k.Lot, string(k.Envelope), rehearsal)
			if err != nil {
				return nil, err
			}
			k.Recipient = recipient
			keys, wrapped[k] = append(keys, k), private
		}
	}
	return s.change(ctx, call, act.PublishTender, id, func(tx Tx, t *Tender, now time.Time) error {
		if rehearsal != (t.Custody.Mode == Rehearsal) {
			return fault.New(fault.Stale, "stale-version", "La custodia è cambiata nel frattempo: riprovi.", "The custody has changed meanwhile: try again.")
		}
		if err := t.Publish(keys, now); err != nil {
			return err
		}
		if err := known(tx, t); err != nil {
			return err
		}
		for _, k := range keys {
			if err := tx.KeepKey(t.ID, k, wrapped[k]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Amend changes a published tender (amend-tender).
func (s *Service) Amend(ctx context.Context, call act.Call, id string, c Change) (*Tender, error) {
	return s.change(ctx, call, act.AmendTender, id, func(tx Tx, t *Tender, now time.Time) error {
		var fs fault.Fields
		if err := papersKnown(tx, t.Buyer.ID, c.Papers, &fs); err != nil {
			return err
		}
		if err := fs.Err("unknown-reference", "Documento non caricato.", "Document not stored."); err != nil {
			return err
		}
		return t.Amend(c, now)
	})
}

// Extend moves the deadline for everybody (extend-deadline).
func (s *Service) Extend(ctx context.Context, call act.Call, id string, deadline, opens time.Time, why string) (*Tender, error) {
	return s.change(ctx, call, act.ExtendDeadline, id, func(_ Tx, t *Tender, now time.Time) error { return t.Extend(deadline, opens, why, now) })
}

// Suspend stops the reception of bids (suspend-tender).
func (s *Service) Suspend(ctx context.Context, call act.Call, id, why string) (*Tender, error) {
	return s.change(ctx, call, act.SuspendTender, id, func(_ Tx, t *Tender, now time.Time) error { return t.Suspend(why, now) })
}

// Resume lets bids in again (resume-tender).
func (s *Service) Resume(ctx context.Context, call act.Call, id string, deadline, opens time.Time, why string) (*Tender, error) {
	return s.change(ctx, call, act.ResumeTender, id, func(_ Tx, t *Tender, now time.Time) error { return t.Resume(deadline, opens, why, now) })
}

// Appoint names seggio and commission (appoint-panel).
func (s *Service) Appoint(ctx context.Context, call act.Call, id string, seggio, commission []string) (*Tender, error) {
	return s.change(ctx, call, act.AppointPanel, id, func(tx Tx, t *Tender, now time.Time) error {
		var fs fault.Fields
		for role, panel := range map[act.Role][]string{act.Seggio: seggio, act.Commissioner: commission} {
			for i, person := range panel {
				ok, err := tx.HasPower(person, role, t.Buyer.ID)
				if err != nil {
					return err
				}
				if !ok {
					where := "/seggio/%d"
					if role == act.Commissioner {
						where = "/commission/%d"
					}
					fs.Add(pointer(where, i), "unknown-person", "Persona senza questo potere presso la stazione appaltante.",
						"Person without this power at the contracting authority.")
				}
			}
		}
		if err := fs.Err("bad-panel", "Nomina non valida.", "Invalid appointment."); err != nil {
			return err
		}
		return t.Appoint(seggio, commission, now)
	})
}

// Revoke ends a lot (revoke-lot).
func (s *Service) Revoke(ctx context.Context, call act.Call, id, lot, why string) (*AtLot, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *AtLot]{
		Action: act.RevokeLot,
		Load: func(tx Tx) (*AtLot, error) {
			t, err := find(tx, id)
			if err != nil {
				return nil, err
			}
			return t.At(lot)
		},
		Change: func(a *AtLot, now time.Time) (act.Facts, error) { return act.Facts{}, a.Tender.Revoke(lot, why, now) },
		Save:   func(tx Tx, a *AtLot) error { return tx.SaveTender(a.Tender) },
	})
}

// Ask puts a question in the name of the supplier the actor represents
// (ask-question).
func (s *Service) Ask(ctx context.Context, call act.Call, id, text string) (*Question, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Question]{
		Action: act.AskQuestion, New: true,
		Load: func(tx Tx) (*Question, error) {
			t, err := find(tx, id)
			if err != nil {
				return nil, err
			}
			if _, err := act.Permit(call.Actor, act.AskQuestion, t.Subject()); err != nil {
				return nil, err
			}
			return t.Ask(act.NewID(), call.Actor.SupplierID(), text, tx.Now())
		},
		Change: func(*Question, time.Time) (act.Facts, error) { return act.Facts{}, nil },
		Save:   Tx.SaveQuestion, Restore: restore,
	})
}

// Answer replies to a question, for everybody (answer-question).
func (s *Service) Answer(ctx context.Context, call act.Call, tender, question, text string) (*Question, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Question]{
		Action: act.AnswerQuestion,
		Load: func(tx Tx) (*Question, error) {
			q, err := tx.Question(question)
			if err == nil && q.TenderID != tender {
				return nil, fault.Missing("question")
			}
			return q, err
		},
		Change: func(q *Question, now time.Time) (act.Facts, error) { return act.Facts{}, q.Reply(text, now) },
		Save:   Tx.SaveQuestion, Restore: restore,
	})
}

func restore(tx Tx, q *Question) error {
	t, err := tx.Tender(q.TenderID)
	q.tender = t
	return err
}

// Question returns one to whoever may see it (view-question).
func (s *Service) Question(ctx context.Context, who act.Actor, tender, id string) (*Question, error) {
	all, _, err := s.Questions(ctx, who, tender, "", 10_000)
	if err != nil {
		return nil, err
	}
	for _, q := range all {
		if q.ID == id {
			return q, act.See(who, act.ViewQuestion, q)
		}
	}
	return nil, fault.Missing("question")
}

func (s *Service) visible(ctx context.Context, who act.Actor, action act.Action, id string) (*Tender, error) {
	t, err := s.read.Tender(ctx, id)
	if err != nil {
		return nil, err
	}
	if t.Discarded {
		return nil, fault.Missing("tender")
	}
	return t, act.See(who, action, t)
}

// View returns a tender to whoever may see it (view-tender).
func (s *Service) View(ctx context.Context, who act.Actor, id string) (*Tender, error) {
	return s.visible(ctx, who, act.ViewTender, id)
}

// List returns the tenders the actor may see, after the filter's cursor, and
// the cursor to go on from ("" at the end).
func (s *Service) List(ctx context.Context, who act.Actor, f Filter) ([]*Tender, string, error) {
	want := f.Limit
	var seen []*Tender
	for {
		page, err := s.read.Tenders(ctx, f)
		if err != nil {
			return nil, "", err
		}
		for _, t := range page {
			f.After = t.ID
			if !t.Discarded && (f.State == "" || t.State() == f.State) && act.See(who, act.ViewTender, t) == nil {
				seen = append(seen, t)
				if len(seen) == want {
					return seen, t.ID, nil
				}
			}
		}
		if len(page) < f.Limit {
			return seen, "", nil
		}
	}
}

// Questions lists what the actor may see: the public sees answered questions
// only, a supplier also its own, the authority all, nobody the asker.
func (s *Service) Questions(ctx context.Context, who act.Actor, id, after string, limit int) ([]*Question, string, error) {
	t, err := s.visible(ctx, who, act.ViewTender, id)
	if err != nil {
		return nil, "", err
	}
	staff := slices.ContainsFunc(who.Powers, func(p act.Power) bool { return p.Authority == t.Buyer.ID })
	page, err := s.read.Questions(ctx, id, after, limit)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(page) == limit {
		next = page[len(page)-1].ID
	}
	page = slices.DeleteFunc(page, func(q *Question) bool {
		return q.AnsweredAt == nil && !staff && (q.Supplier == "" || q.Supplier != who.SupplierID())
	})
	return page, next, nil
}
