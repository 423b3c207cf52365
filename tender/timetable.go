package tender

import "time"

// Timetable holds the instants of a tender, UTC. A zero instant is not set.
type Timetable struct {
	// QuestionsUntil is when clarifications can no longer be asked.
	QuestionsUntil time.Time `json:"questions_until"`
	// Deadline is the one source of the term for bids: a bid is in when it was
	// received before it, half-open.
	Deadline time.Time `json:"deadline"`
	// OpensAt is when the administrative envelopes are opened.
	OpensAt time.Time `json:"opens_at"`
}

// Accepts tells whether a bid received at the instant is in time: the lot is
// published and the instant is before the deadline, the deadline itself
// excluded.
func (t *Tender) Accepts(l *Lot, at time.Time) bool {
	return l.State == Published && at.Before(t.Timetable.Deadline)
}

// BidRule is how the half-open rule is printed in the notice (DR-45).
func BidRule() (it, en string) {
	return "Un'offerta è in termini se è ricevuta prima dell'istante di scadenza: quella ricevuta nell'istante stesso, o dopo, è tardiva. Fa fede l'orologio della piattaforma nella transazione che registra l'offerta.",
		"A bid is in time if it is received before the instant of the deadline: one received at that very instant, or after, is late. The platform's clock, in the transaction that records the bid, decides."
}
