package feed

import (
	"context"
	"math/rand/v2"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// Parcel is one change on its way to one webhook.
type Parcel struct {
	Webhook *Webhook
	Course  Course
	Change  Change
	Number  int64
	// Claim is the right to be the only one to send it, for a while.
	Claim string
}

// Queue is the outbox.
type Queue interface {
	// Claim takes the next change that is due to any webhook; nil when none is.
	// Nobody else gets that webhook before the time given is over, or Settle.
	Claim(ctx context.Context, hold time.Duration) (*Parcel, error)
	// Settle keeps the course and gives the claim back. A claim that was lost
	// meanwhile settles nothing.
	Settle(ctx context.Context, p *Parcel) error
}

// Message is what is sent.
type Message struct {
	Address string
	ID      string // the same at every attempt
	At      time.Time
	Secret  []byte
	Body    []byte
}

// Post sends messages.
type Post interface {
	// Check refuses an address to which nothing would be sent. Fault:
	// bad-address.
	Check(address string) error
	// Send makes one attempt, within the time given. The status is 0 when there
	// was no answer.
	Send(ctx context.Context, m Message) (Outcome, int)
}

// Courier delivers changes to webhooks: each at least once, and to one webhook
// in order, one after the other.
type Courier struct {
	within act.Within[Tx]
	queue  Queue
	post   Post
	now    func() (time.Time, error)
	jitter func(int64) int64
}

// NewCourier wires it to a store, a post and the clock of the store.
func NewCourier(within act.Within[Tx], queue Queue, post Post, now func() (time.Time, error)) *Courier {
	return &Courier{within, queue, post, now, rand.Int64N}
}

const (
	// patient is how long a receiver may take to answer.
	patient = 10 * time.Second
	// hold is how long a claim lasts: long enough for an attempt, so that nobody
	// else makes it at the same time unless its sender died.
	hold = time.Minute
	// round is how many deliveries are made before the bell is let go.
	round = 100
)

// Deliver makes attempts as long as any is due, and tells how many got through.
// When the context ends, the attempt under way is made to its end: cut off, it
// would be made once more.
func (c *Courier) Deliver(ctx context.Context) (int, error) {
	n := 0
	whole := context.WithoutCancel(ctx)
	for range round {
		if ctx.Err() != nil {
			break
		}
		p, err := c.queue.Claim(whole, hold)
		if err != nil || p == nil {
			return n, err
		}
		got, err := c.attempt(whole, p)
		if err != nil {
			return n, err
		}
		if got {
			n++
		}
	}
	return n, nil
}

func (c *Courier) attempt(ctx context.Context, p *Parcel) (bool, error) {
	body, err := Body(p.Change)
	if err != nil {
		return false, err
	}
	at, err := c.now()
	if err != nil {
		return false, err
	}
	limited, stop := context.WithTimeout(ctx, patient)
	outcome, status := c.post.Send(limited, Message{p.Webhook.Address, p.Change.ID, at, p.Webhook.Secret, body})
	stop()
	if at, err = c.now(); err != nil {
		return false, err
	}
	if outcome == Delivered {
		p.Course.delivered(p.Number, status, at)
		return true, c.queue.Settle(ctx, p)
	}
	p.Course.failed(outcome, status, at, c.jitter)
	if err := c.queue.Settle(ctx, p); err != nil {
		return false, err
	}
	if why, over := p.Course.end(at); over {
		return false, c.giveUp(ctx, p.Webhook.ID, why)
	}
	return false, nil
}

// giveUp ends a webhook in the name of the clock (give-up-webhook).
func (c *Courier) giveUp(ctx context.Context, id string, why End) error {
	_, err := act.Do(ctx, c.within, act.By(act.Time()), act.Deed[Tx, *Webhook]{
		Action: act.GiveUpWebhook,
		Load:   func(tx Tx) (*Webhook, error) { return tx.Webhook(id) },
		Change: func(w *Webhook, now time.Time) (act.Facts, error) {
			return act.Facts{Data: map[string]string{"end": string(why)}}, w.stop(why, now)
		},
		Save: Tx.SaveWebhook,
	})
	if f := fault.Of(err); f != nil && f.Code == "already-ended" {
		return nil // by its owner, meanwhile
	}
	return err
}
