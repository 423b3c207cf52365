package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sigillo/bids"
	"sigillo/internal/sealer"
)

// wire is what one submit leaves in the database.
type wire struct{ doc, body, thing, state string }

// sample submits a bid and reads back what that wrote.
func (a *arena) sample(t testing.TB) wire {
	b := a.fresh(t, 1)[0]
	if err := a.submit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	var w wire
	row := a.s.db.Raw(`SELECT b.doc, e.body, o.thing, s.doc FROM bid b, (SELECT thing FROM outcome ORDER BY at DESC LIMIT 1) o, audit_entry e, audit_state s
		WHERE b.id = ? AND e.bidder AND s.leaf = e.leaf ORDER BY e.id DESC LIMIT 1`, b.ID).Row()
	var body, state []byte
	if err := row.Scan(&w.doc, &body, &w.thing, &state); err != nil {
		t.Fatal(err)
	}
	w.body, w.state = string(body), string(state)
	return w
}

// plain is the transaction anybody would write by hand for the same rows: the
// lot locked, tender and bid read, one update, five inserts of the same bytes,
// on the same driver. It parses nothing, decides nothing and hashes nothing.
func plain(ctx context.Context, db *sql.DB, b *bids.Bid, w wire) error {
	id := b.ID
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
		{"INSERT INTO scrub (digest, bid, claimed_at) VALUES ($1, $3, 0), ($2, $3, 0)", []any{b.Uploads[0].SHA256.String(), b.Uploads[1].SHA256.String(), id}},
		{"INSERT INTO audit_entry (tenant, tender, bidder, body, salt, leaf) VALUES ('city1', 'tender', TRUE, $1, $2, $3)", []any{[]byte(w.body), salt[:], leaf[:]}},
		{"INSERT INTO audit_state (at, leaf, type, object, version, salt, doc) VALUES ($1, $2, 'bid', $3, $4, $5, $6)", []any{now, leaf[:], id, version + 1, salt[:], []byte(w.state)}},
		{"INSERT INTO outcome (mark, thing, at) VALUES ($1, $2, $3)", []any{hex.EncodeToString(leaf[:]), w.thing, now}},
	} {
		if _, err := tx.ExecContext(ctx, x.sql, x.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// acrossSocket puts a sealer behind a socket, as in production.
func acrossSocket(b *testing.B, k sealer.Keeper) Veil {
	folder, err := os.MkdirTemp("", "s") // a socket's path is short
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(folder) })
	path := filepath.Join(folder, "sealer.sock")
	go sealer.Serve(b.Context(), path, k)
	remote := sealer.Dial(path)
	for range 200 {
		if _, err = remote.Veil(b.Context(), sealer.Question{}); err == nil {
			return remote
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.Fatal(err)
	return nil
}

// BenchmarkSubmit measures a submission as it is against plain, by turns in one
// run. The ratio is what permission, rules, hashes, register and idempotency
// cost besides the rows themselves.
func BenchmarkSubmit(b *testing.B) {
	for _, x := range []struct {
		clients int
		socket  bool
	}{{1, false}, {16, false}, {1, true}, {16, true}} {
		clients := x.clients
		b.Run(fmt.Sprintf("clients=%d/socket=%v", clients, x.socket), func(b *testing.B) {
			a := newArena(b, time.Now().Add(24*time.Hour))
			if x.socket {
				a.s.Wear(acrossSocket(b, a.s.veil.(sealer.Keeper)))
			}
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
			theirs := func(x *bids.Bid) error { return plain(b.Context(), pool, x, w) }
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
