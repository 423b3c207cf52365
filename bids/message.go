package bids

import (
	"context"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// Message is a refusal that a bidder was shown while at work on a bid. Who says
// afterwards that the platform told nothing, or something else, finds it here.
type Message struct {
	ID        string     `json:"id"`
	Version   int        `json:"version"`
	Bid       string     `json:"bid"`
	At        time.Time  `json:"at"`
	Operation act.Action `json:"operation"`
	Code      string     `json:"code"`
	Text      fault.Text `json:"text"`

	bid *Bid
}

// Subject is the bidder's own.
func (m *Message) Subject() act.Subject {
	s := m.bid.Subject()
	s.Type, s.ID, s.Version, s.State = "message", m.ID, m.Version, "shown"
	return s
}

// Shown records a message that the bidder was shown (record-message). It is a
// courtesy to later readers: that it fails changes nothing for the bidder.
func (s *Service) Shown(ctx context.Context, id string, operation act.Action, f *fault.Fault) {
	act.Do(ctx, s.within, act.By(act.Time()), act.Deed[Tx, *Message]{
		Action: act.RecordMessage, New: true,
		Load: func(tx Tx) (*Message, error) {
			b, err := tx.Bid(id)
			if err != nil {
				return nil, err
			}
			return &Message{ID: act.NewID(), Bid: id, At: tx.Now(), Operation: operation, Code: f.Code, Text: f.Text, bid: b}, nil
		},
		Change: func(*Message, time.Time) (act.Facts, error) {
			return act.Facts{Data: map[string]string{"operation": string(operation), "code": f.Code}}, nil
		},
		Save: Tx.SaveMessage,
	})
}
