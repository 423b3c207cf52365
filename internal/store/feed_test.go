package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sigillo/audit"
	"sigillo/feed"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/store/storetest"
	"sigillo/tender"
)

// seedTenders keeps three tenders: one for all, one for those invited, a draft.
func seedTenders(t testing.TB, s *Store) {
	t.Helper()
	if err := within(s, func(tx *Tx) error { return tx.SaveAuthority(authority(1)) }); err != nil {
		t.Fatal(err)
	}
	for id, of := range map[string]struct {
		procedure tender.ProcedureCode
		published *time.Time
	}{"open": {tender.Open, &noon}, "invited": {tender.NegotiatedBelow, &noon}, "draft": {tender.Open, nil}} {
		d := &tender.Tender{ID: id, Buyer: tender.Buyer{ID: "city1"}, PublishedAt: of.published}
		d.Procedure, d.Title = of.procedure, "Scuola "+id
		d.Terms.Lots = []tender.Lot{{ID: id + "-lot", Number: 1, State: tender.Draft}}
		if of.published != nil {
			d.Terms.Lots[0].State = tender.Published
		}
		if err := within(s, func(tx *Tx) error { return tx.SaveTender(d) }); err != nil {
			t.Fatal(err)
		}
	}
}

// acted is the entry of an act on a tender.
func acted(action act.Action, on, lot string) audit.Entry {
	e := entryOf(on, string(action))
	e.Tender, e.Lot, e.Object.Type = on, lot, "tender"
	e.Actor = audit.Actor{Kind: "person", ID: "rup", For: "city", Powers: []string{string(act.RUP)}}
	return e
}

func record(t testing.TB, s *Store, e audit.Entry) audit.Entry {
	t.Helper()
	if err := s.Within(t.Context(), func(tx *Tx) error { return tx.Record(e, nil) }); err != nil {
		t.Fatal(err)
	}
	return e
}

func deriveAll(t testing.TB, s *Store, limit int) {
	t.Helper()
	signer, _ := logKeys(t)
	integrateAll(t, s, signer, Batch)
	for {
		if n, err := s.DeriveChanges(t.Context(), limit); err != nil {
			t.Fatal(err)
		} else if n == 0 {
			return
		}
	}
}

func changes(t testing.TB, s *Store, tender, after string, limit int) []feed.Change {
	t.Helper()
	all, err := s.Changes(t.Context(), tender, after, limit)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestOnlyPublicFactsAreToldInTheOrderOfTheLog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		seedTenders(t, s)
		var want []string
		told := func(e audit.Entry) { want = append(want, record(t, s, e).ID) }
		told(acted(act.PublishTender, "open", ""))
		record(t, s, acted(act.PublishTender, "invited", ""))
		record(t, s, acted(act.EditTender, "draft", ""))
		record(t, s, acted(act.PublishTender, "draft", "")) // no such act, and still nothing is told of a draft
		bid := acted(act.SubmitBid, "open", "open-lot")
		bid.Object.Type, bid.Actor.Powers = "bid", []string{string(act.Supplier)}
		record(t, s, bid)
		forged := acted(act.AmendTender, "open", "") // a public action, by a bidder
		forged.Actor.Powers = []string{string(act.Supplier)}
		record(t, s, forged)
		answer := acted(act.AnswerQuestion, "open", "")
		answer.Object = audit.Object{Type: "question", ID: "q1", Version: 2}
		told(answer)
		deadline := noon.Add(-time.Minute)
		closed := acted(act.CloseLot, "open", "open-lot")
		closed.Effective = &deadline
		told(closed)
		record(t, s, acted(act.DecideAdmission, "open", "open-lot"))

		deriveAll(t, s, 2)
		got := changes(t, s, "", "", 100)
		var ids []string
		for _, c := range got {
			ids = append(ids, c.ID)
		}
		if !slices.Equal(ids, want) {
			t.Fatalf("told %v\nwant %v", got, want)
		}
		first, second, third := got[0], got[1], got[2]
		if first.Kind != "tender.published" || first.Title != "Scuola open" || first.Link != "/v1/tenders/open" || !first.At.Equal(noon) || first.Effective != nil || first.Authority != "city1" {
			t.Error(first)
		}
		if second.Question != "q1" || second.Link != "/v1/tenders/open/questions/q1" {
			t.Error(second)
		}
		if third.LotNumber != 1 || third.Lot != "open-lot" || !third.Effective.Equal(deadline) || third.Headline().IT != "Termine scaduto: Scuola open, lotto 1" {
			t.Error(third, third.Headline())
		}
		if rest := changes(t, s, "", want[0], 1); len(rest) != 1 || rest[0].ID != want[1] {
			t.Error(rest)
		}
		if of := changes(t, s, "invited", "", 10); len(of) != 0 {
			t.Error(of)
		}
		if newest, err := s.Latest(t.Context(), "open", 2); err != nil || len(newest) != 2 || newest[0].ID != want[2] || newest[1].ID != want[1] {
			t.Error(newest, err)
		}
		if _, err := s.Changes(t.Context(), "", bid.ID, 10); !errors.Is(err, feed.ErrCursor) {
			t.Error("the id of a bidder's entry is known:", err)
		}
		// The numbers count public facts and nothing else.
		var last, rows int64
		if err := s.db.Raw("SELECT max(n), count(*) FROM feed_change").Row().Scan(&last, &rows); err != nil || last != 3 || rows != 3 {
			t.Error(last, rows, err)
		}
		for _, sql := range []string{"UPDATE feed_change SET n = n + 10", "DELETE FROM feed_change"} {
			if err := s.db.Exec(sql).Error; err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Error(sql, err)
			}
		}
	})
}

// TestAConsumerUnderLongAndShortWritersMissesNothing: what commits late has an
// earlier number in the register than what was read before it. A feed by that
// number would pass it over.
func TestAConsumerUnderLongAndShortWritersMissesNothing(t *testing.T) {
	s := open(t, storetest.Postgres(t), func() time.Time { return noon })
	seedTenders(t, s)
	signer, _ := logKeys(t)
	const writers, each = 16, 40
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var work, platform sync.WaitGroup
	var written sync.Map
	var public atomic.Int64
	for w := range writers {
		work.Go(func() {
			for i := range each {
				action := act.AmendTender
				if i%3 == 2 {
					action = act.EditTender // public to nobody
				}
				e := acted(action, "open", "")
				err := s.Within(ctx, func(tx *Tx) error {
					if err := errors.Join(tx.Record(e, nil), tx.flush()); err != nil {
						return err
					}
					if w%2 == 0 { // the number is drawn, the commit comes later
						time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
				if action == act.AmendTender {
					written.Store(e.ID, true)
					public.Add(1)
				}
			}
		})
	}
	for range 2 { // two replicas
		platform.Go(func() {
			for ctx.Err() == nil {
				if _, err := s.Integrate(ctx, signer, Batch); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
				if _, err := s.DeriveChanges(ctx, 7); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan bool)
	go func() { work.Wait(); close(done) }()
	var naive, last int64 // how many entries a cursor by the register's number sees
	seen, order, after, during := map[string]bool{}, []string{}, "", 0
	for finished, end := false, time.Now().Add(2*time.Minute); ; {
		select {
		case <-done:
			finished = true
		default:
		}
		var more []int64
		if err := s.db.Raw("SELECT id FROM audit_entry WHERE id > ? AND tender = 'open' ORDER BY id", last).Scan(&more).Error; err != nil {
			t.Fatal(err)
		}
		if naive += int64(len(more)); len(more) > 0 {
			last = more[len(more)-1]
		}
		page := changes(t, s, "", after, 5)
		for _, c := range page {
			if seen[c.ID] {
				t.Fatal("told twice:", c.ID)
			}
			seen[c.ID], after, order = true, c.ID, append(order, c.ID)
		}
		if !finished {
			during = len(order)
		}
		if finished && int64(len(order)) >= public.Load() {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("told %d of %d", len(order), public.Load())
		}
		time.Sleep(2 * time.Millisecond)
	}
	stop()
	platform.Wait()
	written.Range(func(id, _ any) bool {
		if !seen[id.(string)] {
			t.Error("missed:", id)
		}
		return true
	})
	var log []string
	if err := s.db.Raw("SELECT convert_from(e.body, 'UTF8')::json->>'id' FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry WHERE convert_from(e.body, 'UTF8')::json->>'action' = 'amend-tender' ORDER BY l.idx").
		Scan(&log).Error; err != nil || !slices.Equal(log, order) {
		t.Error("not the order of the log", err)
	}
	if naive >= writers*each {
		t.Error("no writer was overtaken: the test has no teeth")
	}
	if during == 0 {
		t.Error("all was told after the writers had ended")
	}
	t.Logf("%d told, %d of them while writers ran; of %d entries a cursor by id saw %d", len(order), during, writers*each, naive)
}

func TestACursorOfNothingIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, nil)
		if _, err := s.Changes(t.Context(), "", "17", 10); fault.Of(err) == nil || fault.Of(err).Code != "unknown-cursor" {
			t.Fatal(err)
		}
		if got := changes(t, s, "", "", 10); len(got) != 0 {
			t.Fatal(fmt.Sprint(got))
		}
	})
}
