package jobs

import (
	"context"
	"time"
)

// Feeds are what tells the world. Each tells how much it did.
type Feeds interface {
	// Derive finds in the log what has become public.
	Derive(ctx context.Context) (int, error)
	// Deliver sends it to those who asked to be told, until the context ends.
	Deliver(ctx context.Context) (int, error)
}

// lanes is how many deliveries are under way at once: a receiver that hangs
// keeps one lane from the others for as long as it may hang.
const lanes = 4

// Tell has the feeds go on as long as the bell rings, and sends nothing more
// once the context has ended: who waits for the bell to stop does not wait for
// all receivers. Call it before Start.
func (b *Bell) Tell(ctx context.Context, f Feeds) {
	b.cron.Schedule(pulse, b.quietly("derive", func() (int, error) { return f.Derive(context.WithoutCancel(ctx)) }))
	for range lanes {
		b.cron.Schedule(every(time.Second), b.quietly("deliver", func() (int, error) { return f.Deliver(ctx) }))
	}
}
