package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sigillo/bids"
	"sigillo/internal/client"
	"sigillo/internal/fault"
	"sigillo/tender"
)

type rushCommand struct {
	Suppliers int           `help:"Suppliers who submit; 2000 on PostgreSQL, 200 without."`
	Window    time.Duration `help:"Time before the deadline in which they do; 60s on PostgreSQL, 20s without."`
	Database  string        `env:"TEST_DATABASE_URL,SIGILLO_DATABASE" help:"postgres://… of a server on which a database may be made, and dropped afterwards; without it, SQLite."`
	Objects   string        `env:"TEST_S3_URL,SIGILLO_OBJECTS" help:"s3://… beside whose bucket one may be made; without it, a folder."`
	Seed      uint64        `default:"1" help:"Seed of the instants at which they submit."`
	JSON      bool          `name:"json" help:"Write the report as JSON."`
}

var errBroken = errors.New("an invariant is broken")

// Run prepares a platform of its own, has the suppliers submit, and reports.
func (c *rushCommand) Run(w *world) error {
	at, err := newGround(w.ctx, c.Database, c.Objects)
	if err != nil {
		return err
	}
	r := &rush{n: c.Suppliers, window: c.Window, seed: c.Seed, tell: func(it, en string, args ...any) {
		fmt.Fprintln(w.err, fault.T(it, en, args...).In(w.lang))
	}}
	if !at.postgres {
		r.tell("Senza PostgreSQL: SQLite, con numeri più piccoli. Non dice nulla di un'installazione vera.",
			"No PostgreSQL: SQLite, with smaller numbers. This says nothing of a real installation.")
	}
	r.defaults(at.postgres)
	report, err := r.run(w.ctx, at)
	if err := errors.Join(err, at.drop()); err != nil {
		return err
	}
	if c.JSON {
		text := json.NewEncoder(w.out)
		text.SetIndent("", "  ")
		err = text.Encode(report)
	} else {
		err = report.print(w.out, w.lang)
	}
	if len(report.Broken) > 0 {
		err = fault.New(fault.Conflict, "broken", "Non è andata come deve: %s.", "It did not go as it must: %s.", strings.Join(report.Broken, ", ")).Because(errBroken)
	}
	return err
}

// rush is one run: the deadline of one lot, and everybody at once.
type rush struct {
	n      int
	window time.Duration
	seed   uint64
	tell   func(it, en string, args ...any)

	field    *field
	tender   *published
	rivals   []*rival
	p        *platform // the one they submit to
	deadline time.Time
	ahead    time.Duration // of the deciding clock before this process's
	shots    []shot
}

// shot is one supplier's submission. Instants are of the deciding clock.
type shot struct {
	arrived  atomic.Int64 // at the server for the first time, microseconds
	took     time.Duration
	tries    int
	err      error
	received time.Time // as acknowledged
}

func (r *rush) defaults(postgres bool) {
	n, window := 200, 20*time.Second
	if postgres {
		n, window = 2000, 60*time.Second
	}
	if r.n == 0 {
		r.n = n
	}
	if r.window == 0 {
		r.window = window
	}
}

// grace is how long after the deadline the envelopes are opened: by then
// whoever was late has been told.
func (r *rush) grace() time.Duration { return min(5*time.Second, r.window) }

func (r *rush) run(ctx context.Context, at *ground) (*rushReport, error) {
	began := time.Now()
	if err := r.prepare(ctx, at); err != nil {
		return nil, fmt.Errorf("preparing: %w", err)
	}
	prepared := time.Since(began)
	p, err := assemble(ctx, at.settings, nil, true, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer p.store.Close()
	r.p = p
	base, stop, err := listen(r)
	if err != nil {
		return nil, err
	}
	defer stop()
	if err := parallel(ctx, r.n, workers, func(ctx context.Context, i int) error { return r.rivals[i].signIn(ctx, p, base) }); err != nil {
		return nil, err
	}
	if err := r.compareClocks(); err != nil {
		return nil, err
	}
	r.deadline = r.now().Add(r.window + time.Second).Truncate(time.Millisecond)
	if err := setTerm(ctx, p.store, r.field.persons["rup"], r.tender.ID, r.deadline, r.deadline.Add(r.grace())); err != nil {
		return nil, err
	}
	// Not before: the old deadline is over, and the bell would close the lot.
	if err := p.bell.Start(ctx); err != nil {
		return nil, err
	}
	defer p.bell.Stop()
	r.tell("Pronti %d concorrenti in %s; scadenza %s.", "%d suppliers ready in %s; deadline %s.", r.n, prepared.Round(time.Second), tender.InRome(r.deadline))
	before, err := commits(ctx, at)
	if err != nil {
		return nil, err
	}
	r.fire(ctx)
	after, err := commits(ctx, at)
	if err != nil {
		return nil, err
	}
	r.tell("Hanno inviato tutti; ora l'apertura.", "All have submitted; now the opening.")
	o, err := r.opened(ctx)
	if err != nil {
		return nil, err
	}
	report := r.judge(o)
	report.Database, report.Objects = "SQLite", "directory"
	if at.postgres {
		report.Database = "PostgreSQL"
	}
	if at.s3 {
		report.Objects = "S3"
	}
	report.Commits = float64(after-before) / (r.window + 2*time.Second).Seconds()
	report.Opening = r.now().Sub(r.deadline.Add(r.grace())).Seconds()
	report.Prepared = prepared.Seconds()
	return report, r.commitInstants(ctx, at, report)
}

// prepare makes the tender, the suppliers, their bids and envelopes.
func (r *rush) prepare(ctx context.Context, at *ground) error {
	f, err := newField(ctx, at)
	if err != nil {
		return err
	}
	defer f.stop()
	r.field = f
	if r.tender, err = f.publish(ctx); err != nil {
		return err
	}
	r.rivals, r.shots = make([]*rival, r.n), make([]shot, r.n)
	return parallel(ctx, r.n, workers, func(ctx context.Context, i int) error {
		x, err := f.enrol(ctx, i)
		if err == nil {
			r.rivals[i] = x
			err = x.ready(ctx, r.tender)
		}
		return err
	})
}

// compareClocks finds how far the deciding clock is ahead of ours: of twenty
// questions the one that was answered fastest tells best.
func (r *rush) compareClocks() error {
	best := time.Hour
	for range 20 {
		asked := time.Now()
		theirs, err := r.p.store.Now()
		if err != nil {
			return err
		}
		if took := time.Since(asked); took < best {
			best, r.ahead = took, theirs.Sub(asked.Add(took/2))
		}
	}
	return nil
}

// now by the deciding clock.
func (r *rush) now() time.Time { return time.Now().Add(r.ahead) }

// ServeHTTP notes when a submission arrives, then lets the platform answer.
func (r *rush) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if n, ok := strings.CutPrefix(q.Header.Get("Idempotency-Key"), "rush-"); ok {
		if i, err := strconv.Atoi(n); err == nil {
			r.shots[i].arrived.CompareAndSwap(0, r.now().UnixMicro())
		}
	}
	r.p.api.ServeHTTP(w, q)
}

// instants at which the suppliers submit, from the deadline: half of them over
// the whole window, a third in its last tenth, the others within a second and
// a half around the deadline itself.
func (r *rush) instants() []time.Duration {
	random := rand.New(rand.NewPCG(r.seed, 0))
	all := make([]time.Duration, r.n)
	for i := range all {
		switch x := i % 20; {
		case x < 10:
			all[i] = -time.Duration(random.Int64N(int64(r.window)))
		case x < 17:
			all[i] = -time.Duration(random.Int64N(int64(r.window / 10)))
		default:
			all[i] = time.Duration(random.Int64N(int64(1500*time.Millisecond))) - time.Second
		}
	}
	return all
}

// fire has everybody submit at its instant and waits for the last answer.
func (r *rush) fire(ctx context.Context) {
	var all sync.WaitGroup
	for i, at := range r.instants() {
		all.Go(func() {
			select {
			case <-ctx.Done():
			case <-time.After(r.deadline.Add(at).Sub(r.now())):
			}
			r.submit(ctx, i)
		})
	}
	all.Wait()
}

// tries of one submission: as a careful client would, only where the answer
// does not say what happened, and under the same key.
const tries = 5

func (r *rush) submit(ctx context.Context, i int) {
	s, x := &r.shots[i], r.rivals[i]
	sent := time.Now()
	for s.tries = 1; ; s.tries++ {
		var b bidState
		s.err = x.api.Do(ctx, "POST", "/v1/bids/"+x.bid+"/submit", map[string]any{"manifest": x.manifest}, &b, client.Key(fmt.Sprint("rush-", i)))
		if s.err == nil {
			s.received = b.Sent[len(b.Sent)-1].ReceivedAt
		}
		if s.err == nil || refusedLate(s.err) || s.tries == tries || ctx.Err() != nil {
			break
		}
		time.Sleep(time.Duration(s.tries) * 50 * time.Millisecond)
	}
	s.took = time.Since(sent)
}

func refusedLate(err error) bool {
	f := fault.Of(err)
	return f != nil && (f.Code == "deadline-passed" || f.Code == "lot-not-open") // the latter once it is opened
}

// opened waits for the bell to close the lot and open the envelopes.
func (r *rush) opened(ctx context.Context) (*bids.Opening, error) {
	limit := time.Now().Add(5 * time.Minute)
	for time.Now().Before(limit) {
		all, err := r.p.store.Openings(ctx, r.tender.ID)
		if err != nil {
			return nil, err
		}
		if len(all) == 1 && all[0].Unsealed {
			return all[0], nil
		}
		t, err := r.p.store.Tender(ctx, r.tender.ID)
		if err != nil {
			return nil, err
		}
		if t.Lots[0].State == tender.Deserted { // nobody is in
			return new(bids.Opening), nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil, errors.New("the envelopes were not opened in five minutes")
}
