package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"sigillo/bids"
	"sigillo/internal/fault"
)

// rushReport is what a rush came to. Times are seconds unless they say so.
type rushReport struct {
	Database  string  `json:"database"`
	Objects   string  `json:"objects"`
	Suppliers int     `json:"suppliers"`
	Window    float64 `json:"window"`
	Prepared  float64 `json:"prepared"`

	Sent     int `json:"sent"`
	Accepted int `json:"accepted"`
	Refused  int `json:"refused_late"`
	Errors   int `json:"errors"`
	Retries  int `json:"retries"`

	// Late: recorded at or after the deadline, or committed then where the
	// server keeps the instants of commits.
	Late int `json:"late"`
	// Lost: acknowledged, and not in the opening as acknowledged.
	Lost int `json:"lost"`
	// Extra: in the opening and never acknowledged.
	Extra int `json:"extra"`
	// Unopened: envelopes that did not open.
	Unopened int `json:"unopened"`
	// InFlight arrived before the deadline and were not committed before it:
	// refused, for the commit decides. Margin is how long before it the earliest
	// of them came, in milliseconds.
	InFlight int     `json:"in_flight_refused"`
	Margin   float64 `json:"in_flight_margin_ms"`
	// CommitsKept tells whether the server keeps the instants of commits;
	// LastCommit is by how much the last one was before the deadline, in
	// milliseconds.
	CommitsKept bool    `json:"commit_instants"`
	LastCommit  float64 `json:"last_commit_before_ms"`

	P50 float64 `json:"ack_p50_ms"`
	P95 float64 `json:"ack_p95_ms"`
	P99 float64 `json:"ack_p99_ms"`
	Max float64 `json:"ack_max_ms"`
	// Peak is the most submissions recorded in one second.
	Peak    int     `json:"peak_per_second"`
	Commits float64 `json:"commits_per_second"`
	// Opening of all envelopes A, from the hour fixed for it.
	Opening float64 `json:"opening"`

	Broken []string `json:"broken"`

	first error
}

// judge compares what suppliers were told with what was frozen.
func (r *rush) judge(o *bids.Opening) *rushReport {
	out := &rushReport{Suppliers: r.n, Window: r.window.Seconds(), Sent: r.n, Broken: []string{}}
	frozen := map[string]bids.Opened{}
	for _, b := range o.Bids {
		frozen[b.Bid] = b
		if !b.ReceivedAt.Before(r.deadline) {
			out.Late++
		}
		if b.Fault != "" {
			out.Unopened++
		}
	}
	var took []time.Duration
	perSecond := map[int64]int{}
	for i := range r.shots {
		s := &r.shots[i]
		b, in := frozen[r.rivals[i].bid]
		out.Retries += s.tries - 1
		switch {
		case s.err == nil:
			out.Accepted++
			took = append(took, s.took)
			perSecond[s.received.Unix()]++
			if !in || !b.ReceivedAt.Equal(s.received) {
				out.Lost++
			}
			continue
		case refusedLate(s.err):
			out.Refused++
			if margin := r.deadline.Sub(time.UnixMicro(s.arrived.Load())); margin > 0 {
				out.InFlight++
				out.Margin = max(out.Margin, milliseconds(margin))
			}
		default:
			out.Errors++
			out.first = s.err
		}
		if in {
			out.Extra++
		}
	}
	slices.Sort(took)
	out.P50, out.P95, out.P99, out.Max = quantile(took, 50), quantile(took, 95), quantile(took, 99), quantile(took, 100)
	for _, n := range perSecond {
		out.Peak = max(out.Peak, n)
	}
	for what, n := range map[string]int{"late": out.Late, "lost": out.Lost, "extra": out.Extra, "errors": out.Errors, "unopened": out.Unopened} {
		if n > 0 {
			out.Broken = append(out.Broken, fmt.Sprintf("%s %d", what, n))
		}
	}
	slices.Sort(out.Broken)
	return out
}

func quantile(sorted []time.Duration, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return milliseconds(sorted[max(0, (len(sorted)*percent+99)/100-1)])
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// commits counts the transactions of the database so far; 0 where it does not
// say.
func commits(ctx context.Context, at *ground) (int64, error) {
	if !at.postgres {
		return 0, nil
	}
	c, err := pgx.Connect(ctx, at.settings.Database)
	if err != nil {
		return 0, err
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "SELECT pg_sleep(1.1)"); err != nil { // sessions report what they did once a second
		return 0, err
	}
	var n int64
	return n, c.QueryRow(ctx, "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()").Scan(&n)
}

// commitInstants asks the server, where it keeps them (track_commit_timestamp),
// when the submissions were committed.
func (r *rush) commitInstants(ctx context.Context, at *ground, out *rushReport) error {
	if !at.postgres {
		return nil
	}
	c, err := pgx.Connect(ctx, at.settings.Database)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	var kept string
	if err := c.QueryRow(ctx, "SHOW track_commit_timestamp").Scan(&kept); err != nil || kept != "on" {
		return err
	}
	var late int
	var last *time.Time
	err = c.QueryRow(ctx, "SELECT count(*) FILTER (WHERE t >= $1), max(t) FROM (SELECT pg_xact_commit_timestamp(xmin) AS t FROM submission) x", r.deadline).Scan(&late, &last)
	if err != nil || last == nil {
		return err
	}
	out.CommitsKept, out.LastCommit = true, milliseconds(r.deadline.Sub(*last))
	if late > 0 {
		out.Late += late
		out.Broken = append(out.Broken, fmt.Sprintf("committed late %d", late))
	}
	return nil
}

// print writes the report as a table.
func (r *rushReport) print(w io.Writer, lang string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(it, en, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", fault.Text{IT: it, EN: en}.In(lang), fmt.Sprintf(format, args...))
	}
	row("dove", "where", "%s, %s", r.Database, r.Objects)
	row("concorrenti", "suppliers", "%d / %.0f s", r.Suppliers, r.Window)
	row("inviate", "sent", "%d", r.Sent)
	row("accolte", "accepted", "%d", r.Accepted)
	row("respinte perché tardive", "refused as late", "%d", r.Refused)
	row("  di cui arrivate prima della scadenza", "  of which arrived before the deadline", "%d (%.1f ms)", r.InFlight, r.Margin)
	row("errori", "errors", "%d", r.Errors)
	row("nuovi tentativi", "retries", "%d", r.Retries)
	row("registrate dopo la scadenza", "recorded after the deadline", "%d", r.Late)
	if r.CommitsKept {
		row("ultimo commit, prima della scadenza di", "last commit, before the deadline by", "%.1f ms", r.LastCommit)
	} else {
		row("istanti dei commit", "instants of commits", "%s", fault.T("il server non li conserva (track_commit_timestamp)", "the server does not keep them (track_commit_timestamp)").In(lang))
	}
	row("confermate e perse", "acknowledged and lost", "%d", r.Lost)
	row("aperte e mai confermate", "opened and never acknowledged", "%d", r.Extra)
	row("buste che non si aprono", "envelopes that do not open", "%d", r.Unopened)
	row("conferma p50 / p95 / p99 / max", "answer p50 / p95 / p99 / max", "%.1f / %.1f / %.1f / %.1f ms", r.P50, r.P95, r.P99, r.Max)
	row("invii al secondo, al massimo", "submissions a second, at most", "%d", r.Peak)
	if r.Commits > 0 {
		row("transazioni al secondo, in media", "transactions a second, on average", "%.0f", r.Commits)
	}
	row("apertura di tutte le buste A", "opening of all envelopes A", "%.1f s", r.Opening)
	if r.first != nil {
		row("primo errore", "first error", "%s", fault.Of(r.first).Text.In(lang))
	}
	return t.Flush()
}
