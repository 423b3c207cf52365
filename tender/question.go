package tender

import (
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// Question is a request for clarification. The asker's name is shown to nobody
// before the opening, question and answer are public together.
type Question struct {
	ID         string     `json:"id"`
	Version    int        `json:"version"`
	TenderID   string     `json:"tender"`
	Supplier   string     `json:"supplier"` // never shown with the question
	Text       string     `json:"text"`
	AskedAt    time.Time  `json:"asked_at"`
	Answer     string     `json:"answer,omitempty"`
	AnsweredAt *time.Time `json:"answered_at,omitempty"`

	tender *Tender
}

// Attach gives the question the tender it belongs to; the store does it when
// it loads one.
func (q *Question) Attach(t *Tender) *Question { q.tender = t; return q }

// Subject follows the tender's: who may see the tender may see the answered
// questions.
func (q *Question) Subject() act.Subject {
	s := q.tender.Subject()
	s.Type, s.ID, s.Version, s.State, s.Supplier = "question", q.ID, q.Version, "asked", q.Supplier
	if q.AnsweredAt != nil {
		s.State = "answered"
	}
	return s
}

// Ask makes a question in the name of a supplier.
func (t *Tender) Ask(id, supplier, text string, at time.Time) (*Question, error) {
	if err := t.underWay(act.AskQuestion, at); err != nil {
		return nil, err
	}
	if !t.Timetable.QuestionsUntil.IsZero() && !at.Before(t.Timetable.QuestionsUntil) {
		return nil, fault.New(fault.Conflict, "questions-closed", "Il termine per i chiarimenti è scaduto (%s).",
			"The time for clarifications has passed (%s).", InRome(t.Timetable.QuestionsUntil))
	}
	if err := passage("/text", text); err != nil {
		return nil, err
	}
	return (&Question{ID: id, TenderID: t.ID, Supplier: supplier, Text: text, AskedAt: at}).Attach(t), nil
}

// Reply answers the question, for everybody and without a name. An answer that
// comes later than the law allows needs an extension of the deadline first
// (art. 92 c. 2 lett. a, DR-20, DR-47).
func (q *Question) Reply(text string, at time.Time) error {
	if q.AnsweredAt != nil {
		return fault.New(fault.Conflict, "already-answered", "A questo chiarimento è già stata data risposta.",
			"This clarification has already been answered.")
	}
	if err := q.tender.underWay(act.AnswerQuestion, at); err != nil {
		return err
	}
	if err := passage("/answer", text); err != nil {
		return err
	}
	if by := q.tender.AnswersBy(); at.After(by) {
		lacking := at.Sub(by)
		return fault.New(fault.Conflict, "answer-late",
			"La risposta era dovuta entro %s (art. 88 c. 3): proroghi prima il termine, almeno fino a %s.",
			"The answer was due by %s (art. 88 c. 3): extend the deadline first, at least until %s.",
			InRome(by), InRome(q.tender.Timetable.Deadline.Add(lacking)))
	}
	q.Answer, q.AnsweredAt = text, &at
	return nil
}

// AnswersBy is the last lawful instant for answers to questions.
func (t *Tender) AnswersBy() time.Time {
	if t.Rules == nil {
		return t.Timetable.Deadline
	}
	return t.answersBy(*t.Rules)
}

func passage(pointer, text string) error {
	var fs fault.Fields
	if text == "" {
		fs.Add(pointer, "missing", "Manca il testo.", "The text is missing.")
	}
	line(&fs, pointer, text, maxText)
	return fs.Err("bad-text", "Testo non valido.", "Invalid text.")
}
