package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sigillo/bids"
)

// wire is what one submit leaves in the database.
type wire struct{ doc, body, snapshot string }

// sample submits a bid and reads back what that wrote.
func (a *arena) sample(t testing.TB) wire {
	b := a.fresh(t, 1)[0]
	if err := a.submit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	var w wire
	row := a.s.db.Raw(`SELECT b.doc, convert_from(e.body, 'UTF8'), o.snapshot FROM bid b, outcome o, audit_entry e
		WHERE b.id = ? AND o.key = ? AND e.bidder ORDER BY e.id DESC LIMIT 1`, b.ID, "key-"+b.ID).Row()
	if err := row.Scan(&w.doc, &w.body, &w.snapshot); err != nil {
		t.Fatal(err)
	}
	return w
}

// plain is the transaction anybody would write by hand for the same rows: the
// lot locked, tender and bid read, one update, three inserts of the same bytes,
// on the same driver. It parses nothing,
// decides nothing and hashes nothing.
func plain(ctx context.Context, db *sql.DB, id string, w wire) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var state, doc, term string
	var deadline, version, now int64
	if err := tx.QueryRowContext(ctx, "SELECT state, deadline FROM lot WHERE tender = $1 FOR SHARE", "tender").Scan(&state, &deadline); err != nil {
		return err
	}
	err = tx.QueryRowContext(ctx, `SELECT b.version, b.doc, t.doc, floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint
		FROM bid b JOIN tender t ON t.id = b.tender WHERE b.id = $1 FOR UPDATE OF b`, id).Scan(&version, &doc, &term, &now)
	if err != nil {
		return err
	}
	var salt, leaf [32]byte
	rand.Read(salt[:])
	rand.Read(leaf[:])
	for _, x := range []struct {
		sql  string
		args []any
	}{
		{"UPDATE bid SET version = $1, doc = $2 WHERE id = $3 AND version = $4", []any{version + 1, w.doc, id, version}},
		{"INSERT INTO submission (bid, number, lot, received_at, manifest_hash, database_clock) VALUES ($1, 1, 'lot', $2, $3, TRUE)", []any{id, now, strings.Repeat("0", 64)}},
		{"INSERT INTO audit_entry (tenant, tender, bidder, body, salt, leaf) VALUES ('city1', 'tender', TRUE, $1, $2, $3)", []any{[]byte(w.body), salt[:], leaf[:]}},
		{"INSERT INTO outcome (actor, key, action, request, snapshot, at) VALUES ($1, $2, 'submit-bid', $3, $4, $5)", []any{"p-" + id, "key-" + id, strings.Repeat("0", 64), w.snapshot, now}},
	} {
		if _, err := tx.ExecContext(ctx, x.sql, x.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// BenchmarkSubmit measures a submission as it is against plain, by turns in one
// run. The ratio is what permission, rules, hashes, register and idempotency
// cost besides the rows themselves.
func BenchmarkSubmit(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprint("clients=", clients), func(b *testing.B) {
			a := newArena(b, time.Now().Add(24*time.Hour))
			w := a.sample(b)
			pool, err := a.s.db.DB()
			if err != nil {
				b.Fatal(err)
			}
			const each = 8
			timed := func(f func(*bids.Bid) error) time.Duration {
				ready := a.fresh(b, clients*each)
				began := time.Now()
				var all sync.WaitGroup
				for c := range clients {
					all.Go(func() {
						for _, x := range ready[c*each : (c+1)*each] {
							if err := f(x); err != nil {
								b.Error(err)
							}
						}
					})
				}
				all.Wait()
				return time.Since(began)
			}
			theirs := func(x *bids.Bid) error { return plain(b.Context(), pool, x.ID, w) }
			ours := func(x *bids.Bid) error { return a.submit(b.Context(), x) }
			timed(theirs) // fill the pool and its statements
			timed(ours)
			var them, us time.Duration
			n := 0
			for b.Loop() {
				if n++; n%2 == 0 {
					them, us = them+timed(theirs), us+timed(ours)
				} else {
					us, them = us+timed(ours), them+timed(theirs)
				}
			}
			b.ReportMetric(us.Seconds()/them.Seconds(), "submit/plain")
			b.ReportMetric(float64(us.Microseconds())/float64(n*each*clients), "µs/submit")
			b.ReportMetric(float64(them.Microseconds())/float64(n*each*clients), "µs/plain")
		})
	}
}
