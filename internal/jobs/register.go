package jobs

import (
	"context"
	"time"

	"github.com/robfig/cron/v3"

	"sigillo/internal/fault"
)

// Register is the log: what is recorded goes into it, and what is signed is
// published. Each tells how much.
type Register interface {
	Integrate(ctx context.Context) (int, error)
	Publish(ctx context.Context) (int, error)
}

// pulse is how often entries go into the log. A receipt waits until its entry
// is under a signed checkpoint: a quarter of a second is not noticed, and when
// nothing happened a pulse costs one indexed question. A shorter one would
// make more checkpoints, which are kept for ever.
const pulse = every(250 * time.Millisecond)

// every is a schedule finer than the seconds that cron has words for.
type every time.Duration

// Next is the next instant.
func (e every) Next(now time.Time) time.Time { return now.Add(time.Duration(e)) }

// Keep has the log go on as long as the bell rings. Call it before Start.
// Publishing rings apart, so that a store of objects that is slow or away keeps
// nobody from a receipt.
func (b *Bell) Keep(ctx context.Context, r Register) {
	b.cron.Schedule(pulse, b.quietly("integrate", func() (int, error) { return r.Integrate(ctx) }))
	b.cron.Schedule(pulse, b.quietly("publish", func() (int, error) { return r.Publish(ctx) }))
}

// Anchors has the log vouched for by others, and tells how often it was.
type Anchors interface {
	Stamp(ctx context.Context) (int, error)
	Cosign(ctx context.Context) (int, error)
}

// Vouch has the log vouched for as long as the bell rings. It rings apart: an
// authority that hangs keeps nobody waiting. Call it before Start.
func (b *Bell) Vouch(ctx context.Context, a Anchors) {
	b.cron.Schedule(every(time.Second), b.quietly("cosign", func() (int, error) { return a.Cosign(ctx) }))
	b.cron.Schedule(every(time.Second), b.quietly("stamp", func() (int, error) { return a.Stamp(ctx) }))
}

// quietly reports a failure when it begins and when it ends, and not four times
// a second meanwhile.
func (b *Bell) quietly(what string, do func() (int, error)) cron.Job {
	failing := ""
	return cron.FuncJob(func() {
		n, err := do()
		switch f := fault.Of(err); {
		case f != nil && f.Code != failing:
			failing = f.Code
			b.log.Error("not done", "what", what, "code", f.Code, "cause", f.Err)
		case f == nil && failing != "":
			failing = ""
			b.log.Info("done again", "what", what, "number", n)
		}
	})
}
