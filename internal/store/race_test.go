package store

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sigillo/bids"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/jobs"
)

// soon is an instant of the database's clock, and what ours shows then.
func soon(t testing.TB, s *Store, in time.Duration) (theirs, ours time.Time) {
	asked := time.Now()
	now, err := s.Now()
	if err != nil {
		t.Fatal(err)
	}
	return now.Add(in), asked.Add(in)
}

// slow holds every transaction up to so many milliseconds before it saves a
// bid, and again before it commits; committed is told an instant before each
// commit that succeeded and sent a bid in. That a late attempt is recorded
// afterwards is another matter.
func slow(s *Store, most int, committed func(after time.Time)) act.Within[bids.Tx] {
	return func(ctx context.Context, f func(bids.Tx) error) error {
		var at time.Time
		var sent bool
		err := s.Within(ctx, func(tx *Tx) error {
			sent = false
			err := f(slowTx{tx, most, &sent})
			if err != nil {
				return err
			}
			hold(most)
			at, err = databaseNow(tx.db)
			return err
		})
		if err == nil && sent {
			committed(at)
		}
		return err
	}
}

type slowTx struct {
	*Tx
	most int
	sent *bool
}

func (x slowTx) SaveBid(b *bids.Bid) error {
	hold(x.most)
	*x.sent = len(b.Sent) > x.Tx.sent[b.ID]
	return x.Tx.SaveBid(b)
}

func hold(most int) { time.Sleep(time.Duration(rand.IntN(most)) * time.Millisecond) }

// actions counts the entries of the register by action and lot, but bidders'.
func actions(t testing.TB, s *Store) map[string]int {
	var rows []struct{ What string }
	err := s.db.Raw("SELECT e->>'action' || ' ' || coalesce(e->>'lot', '') AS what FROM (SELECT convert_from(body, 'UTF8')::jsonb AS e FROM audit_entry WHERE NOT bidder) x").Scan(&rows).Error
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for _, r := range rows {
		n[r.What]++
	}
	return n
}

// TestAT014SlowSubmissionsStraddleTheDeadline: sixteen suppliers at a time send
// bids around the deadline by the database's own clock, each transaction held
// up to 50 ms before it saves and again before it commits, while four replicas
// ring. Nothing is in late, nothing that was answered is missing from the
// frozen set. A machine too busy to straddle a near deadline gets a later one.
func TestAT014SlowSubmissionsStraddleTheDeadline(t *testing.T) {
	until(t, func(lead time.Duration) (in, out int64) { return straddle(t, lead) })
}

func straddle(t *testing.T, lead time.Duration) (entered, refused int64) {
	a := newArena(t, noon.AddDate(1, 0, 0))
	const suppliers, each = 16, 10
	ready := a.fresh(t, suppliers*each)
	deadline, here := soon(t, a.s, lead)
	a.moveTo(t, deadline)
	var accepted sync.Map
	var in, out, overdue atomic.Int64
	a.service = bids.NewService(slow(a.s, 50, func(after time.Time) {
		if !after.Before(deadline) {
			overdue.Add(1)
		}
	}), a.s, emptyVault{}, deafSealer{})
	var all sync.WaitGroup
	for i := range suppliers {
		all.Go(func() {
			time.Sleep(time.Until(here) - lead/4)
			for _, b := range ready[i*each : (i+1)*each] {
				switch f := fault.Of(a.submit(context.Background(), b)); {
				case f == nil:
					accepted.Store(b.ID, true)
					in.Add(1)
				case f.Code == "deadline-passed" || f.Code == "lot-not-open": // the latter once it is opened
					out.Add(1)
				default:
					t.Error(f, f.Err)
				}
			}
		})
	}
	for range 4 {
		bell := jobs.New(bids.NewService(Acts[bids.Tx](a.s), a.s, emptyVault{}, deafSealer{}), a.s.Now, slog.New(slog.DiscardHandler))
		all.Go(func() {
			for time.Now().Before(here.Add(300 * time.Millisecond)) {
				bell.Ring(context.Background())
				time.Sleep(2 * time.Millisecond)
			}
			bell.Ring(context.Background()) // however long the last ring took
		})
	}
	all.Wait()
	frozen, err := a.s.Openings(t.Context(), a.tender.ID)
	if err != nil || len(frozen) != 1 {
		t.Fatal(len(frozen), err)
	}
	late, lost := 0, int(in.Load())-len(frozen[0].Bids)
	for _, b := range frozen[0].Bids {
		if !b.ReceivedAt.Before(deadline) {
			late++
		}
		if _, ok := accepted.Load(b.Bid); !ok {
			t.Errorf("%s is in and was never answered", b.Bid)
		}
	}
	if n := overdue.Load(); n != 0 {
		t.Errorf("%d committed after the deadline", n)
	}
	if late != 0 || lost != 0 || count(t, a.s, "submission") != in.Load() {
		t.Fatalf("%d in, %d late, %d lost, %d rows", in.Load(), late, lost, count(t, a.s, "submission"))
	}
	return in.Load(), out.Load()
}

// moveTo gives the arena's tender another deadline, and opens it then.
func (a *arena) moveTo(t testing.TB, deadline time.Time) {
	err := within(a.s, func(tx *Tx) error {
		d, err := tx.Tender(a.tender.ID)
		if err != nil {
			return err
		}
		d.Timetable.Deadline, d.Timetable.OpensAt = deadline, deadline
		a.tender = d
		return tx.SaveTender(d)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAT021AT050KilledReplicasOpenEveryLotOnce: many lots are due at the same
// instant; four replicas with connections of their own ring, are cancelled at
// random points, and the server cuts their connections. Every lot is closed,
// opened and unsealed once, none before its time.
func TestAT021AT050KilledReplicasOpenEveryLotOnce(t *testing.T) {
	const lots = 20
	a := newArena(t, noon.AddDate(1, 0, 0))
	var due []*arena
	for i := range lots {
		one := a.another(t, fmt.Sprint("t", i))
		if err := one.submit(t.Context(), one.fresh(t, 1)[0]); err != nil {
			t.Fatal(err)
		}
		due = append(due, one)
	}
	opens, here := soon(t, a.s, 1500*time.Millisecond)
	for _, one := range due {
		one.moveTo(t, opens)
	}
	calm := here.Add(1500 * time.Millisecond)
	var killed atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		replica, err := Open(a.dsn, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer replica.Close()
		replica.Wear(a.s.veil)
		bell := jobs.New(bids.NewService(slow(replica, 20, func(time.Time) {}), replica, emptyVault{}, deafSealer{}), replica.Now, slog.New(slog.DiscardHandler))
		all.Go(func() {
			time.Sleep(time.Until(here) - 100*time.Millisecond)
			for time.Now().Before(calm) {
				ctx, stop := context.WithTimeout(context.Background(), time.Duration(1+rand.IntN(60))*time.Millisecond)
				bell.Ring(ctx)
				stop()
			}
			bell.Ring(context.Background()) // connections that were cut are found out here
			bell.Ring(context.Background())
		})
	}
	all.Go(func() {
		time.Sleep(time.Until(here))
		for time.Now().Before(calm) {
			var n int64
			err := a.s.db.Raw(`SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' ORDER BY state DESC, random() LIMIT 1) x`).Scan(&n).Error
			if err != nil {
				t.Error(err)
			}
			killed.Add(n)
			time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		}
	})
	all.Wait()
	n := actions(t, a.s)
	for i := range lots {
		for _, action := range []string{"close-lot", "open-administrative", "unseal-envelopes"} {
			if got := n[fmt.Sprintf("%s lot-t%d", action, i)]; got != 1 {
				t.Errorf("lot %d: %s %d times", i, action, got)
			}
		}
		all, err := a.s.Openings(t.Context(), fmt.Sprint("t", i))
		if err != nil || len(all) != 1 || !all[0].Unsealed || len(all[0].Bids) != 1 {
			t.Fatalf("lot %d: %d openings, %v", i, len(all), err)
		}
		if all[0].OpenedAt.Before(opens) {
			t.Errorf("lot %d was opened at %s, before %s", i, all[0].OpenedAt, opens)
		}
	}
	t.Logf("%d connections cut", killed.Load())
}

// TestTwoClicksAreOneSubmission: the same request twice at once is one
// submission, and both are given the same answer.
func TestTwoClicksAreOneSubmission(t *testing.T) {
	a := newArena(t, noon.AddDate(1, 0, 0))
	for _, b := range a.fresh(t, 20) {
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if err := a.submit(t.Context(), b); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	if n := count(t, a.s, "submission"); n != 20 {
		t.Fatal(n)
	}
}
