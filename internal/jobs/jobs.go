// Package jobs rings a bell. Every tick asks the domain what is due and has it
// done.
//
// It promises nothing about when: a tick that is missed, doubled or late
// changes nothing, because what is due is a function of the data and each thing
// is claimed in the transaction that does it. It knows no schedule of its own.
package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/robfig/cron/v3"

	"sigillo/internal/fault"
	"sigillo/tender"
)

// Work is what the bell has done.
type Work interface {
	Due(ctx context.Context, now time.Time) ([]tender.Due, error)
	Perform(ctx context.Context, d tender.Due) error
	Unfinished(ctx context.Context) ([]string, error)
	Finish(ctx context.Context, id string) error
	// Scrub hashes what is stored; Collect drops what was abandoned.
	Scrub(ctx context.Context, now time.Time) error
	Collect(ctx context.Context, now time.Time) error
}

// Bell rings once a second.
type Bell struct {
	work Work
	now  func() (time.Time, error)
	log  *slog.Logger
	cron *cron.Cron
}

// New makes a bell that does not ring yet.
func New(work Work, now func() (time.Time, error), log *slog.Logger) *Bell {
	// Recover stands inside: outside, one panic would leave the job marked as
	// running for ever.
	return &Bell{work, now, log, cron.New(cron.WithLocation(time.UTC), cron.WithChain(
		cron.SkipIfStillRunning(cron.DiscardLogger), cron.Recover(cron.DiscardLogger)))}
}

// Probe has a prober look as long as the bell rings. Call it before Start.
func (b *Bell) Probe(ctx context.Context, p *Prober) error {
	_, err := b.cron.AddFunc("@every 10s", func() {
		if f := fault.Of(p.Probe(ctx)); f != nil {
			b.log.Error("not probed", "code", f.Code, "cause", f.Err)
		}
	})
	return err
}

// Start rings until Stop.
func (b *Bell) Start(ctx context.Context) error {
	if _, err := b.cron.AddFunc("@every 1s", func() { b.Ring(ctx) }); err != nil {
		return err
	}
	if _, err := b.cron.AddFunc("@every 10m", func() { b.Sweep(ctx) }); err != nil {
		return err
	}
	b.cron.Start()
	return nil
}

// Stop waits for the last ring to end.
func (b *Bell) Stop() { <-b.cron.Stop().Done() }

// Ring does all that is due now, in the order of its legal instants, and what
// an earlier ring left unfinished. What another replica has just done is not
// an error.
func (b *Bell) Ring(ctx context.Context) {
	now, err := b.now()
	if err != nil {
		b.log.Error("clock", "cause", err)
		return
	}
	for range 2 { // what is closed may be due for opening at once
		due, err := b.work.Due(ctx, now)
		if err != nil {
			b.log.Error("what is due", "cause", err)
			return
		}
		for _, d := range due {
			b.report(string(d.Action), d.Lot, b.work.Perform(ctx, d))
		}
	}
	ids, err := b.work.Unfinished(ctx)
	if err != nil {
		b.log.Error("what is unfinished", "cause", err)
		return
	}
	for _, id := range ids {
		b.report("unseal", id, b.work.Finish(ctx, id))
	}
}

// Sweep does what is due within the day: stored envelopes are hashed anew, and
// abandoned uploads collected.
func (b *Bell) Sweep(ctx context.Context) {
	now, err := b.now()
	if err != nil {
		b.log.Error("clock", "cause", err)
		return
	}
	for what, do := range map[string]func(context.Context, time.Time) error{"scrub": b.work.Scrub, "collect": b.work.Collect} {
		if f := fault.Of(do(ctx, now)); f != nil {
			b.log.Error("not done", "what", what, "code", f.Code, "cause", f.Err)
		}
	}
}

func (b *Bell) report(what, id string, err error) {
	switch f := fault.Of(err); {
	case f == nil:
		b.log.Info("done", "what", what, "id", id)
	case f.Kind == fault.Conflict || f.Kind == fault.Stale:
		b.log.Debug("done already", "what", what, "id", id)
	default:
		b.log.Error("not done", "what", what, "id", id, "code", f.Code, "cause", f.Err)
	}
}
