package jobs

import "context"

// Feeds are what tells the world. Each tells how much it did.
type Feeds interface {
	// Derive finds in the log what has become public.
	Derive(ctx context.Context) (int, error)
}

// Tell has the feeds go on as long as the bell rings. Call it before Start.
func (b *Bell) Tell(ctx context.Context, f Feeds) {
	b.cron.Schedule(pulse, b.quietly("derive", func() (int, error) { return f.Derive(ctx) }))
}
