package store

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"sigillo/audit"
	"sigillo/inspection"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/store/storetest"
	"sigillo/parties"
)

// TestAReaderMissesNothingWhileOthersWrite: sixteen writers with transactions of
// up to 20 ms, the integrator, and an auditor who reads page after page.
func TestAReaderMissesNothingWhileOthersWrite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		signer, _ := logKeys(t)
		const writers, each = 16, 25
		var written sync.Map
		var writing sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for i := range each {
					e := entryOf(fmt.Sprint("o", w), "test")
					err := s.Within(context.Background(), func(tx *Tx) error {
						if err := tx.Record(e, nil); err != nil {
							return err
						}
						if err := tx.flush(); err != nil { // the id is drawn now, the commit comes later
							return err
						}
						if s.postgres {
							hold(20)
						}
						if i%10 == 9 {
							return fault.Missing("nothing")
						}
						return nil
					})
					if err == nil {
						written.Store(e.ID, true)
					} else if fault.Of(err).Kind != fault.NotFound {
						t.Error(err)
					}
				}
			})
		}
		seen := map[string]int{}
		var next uint64
		read := func() error {
			p, err := s.Entries(context.Background(), "city", inspection.Query{After: next, Limit: 7, Action: "test"})
			next = p.Next
			for _, l := range p.Lines {
				seen[l.Entry.ID]++
			}
			return err
		}
		integrate := func() error {
			time.Sleep(3 * time.Millisecond)
			_, err := s.Integrate(context.Background(), signer, 50)
			return err
		}
		while(writing.Wait, func(err error) { t.Error(err) }, read, integrate)
		integrateAll(t, s, signer, Batch)
		for last := uint64(1 << 62); last != next; {
			last = next
			if err := read(); err != nil {
				t.Fatal(err)
			}
		}
		n := 0
		written.Range(func(id, _ any) bool {
			n++
			if seen[id.(string)] != 1 {
				t.Errorf("%s seen %d times", id, seen[id.(string)])
			}
			return true
		})
		if n != writers*(each-each/10) || len(seen) != n {
			t.Fatalf("%d written, %d seen", n, len(seen))
		}
	})
}

// TestAlteredStatesAreNotShown: what somebody wrote beside the register, past
// the triggers, does not pass for what an act left.
func TestAlteredStatesAreNotShown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		private, public, err := audit.GenerateKey("sigillo.example/log")
		if err != nil {
			t.Fatal(err)
		}
		log, err := NewLog(s, private, public)
		if err != nil {
			t.Fatal(err)
		}
		admin := act.By(act.Actor{Kind: act.KindPerson, ID: "admin", Powers: []act.Power{{Role: act.Administrator}}})
		city, err := parties.NewService(Acts[parties.Tx](s), s).RegisterAuthority(t.Context(), admin, parties.Authority{Name: "Comune", FiscalCode: "00514490010", NUTS: "ITC11"})
		if err != nil {
			t.Fatal(err)
		}
		desk := inspection.NewService(Acts[inspection.Tx](s), s, log, nil)
		auditor := act.By(act.Actor{Kind: act.KindPerson, ID: "auditor", Powers: []act.Power{{Role: act.Auditor, Authority: city.ID}}})
		look := func() (*inspection.State, error) {
			return desk.StateAt(t.Context(), auditor, city.ID, "authority", city.ID, noon)
		}
		if x, err := look(); err != nil || x.Name != "registered" || x.Evidence == nil {
			t.Fatal(x, err)
		}
		off, column := "DROP TRIGGER audit_state_no_change", "CAST(replace(CAST(doc AS TEXT), 'Comune', 'Compare') AS BLOB)"
		if s.postgres {
			off, column = "ALTER TABLE audit_state DISABLE TRIGGER ALL", "convert_to(replace(convert_from(doc, 'UTF8'), 'Comune', 'Compare'), 'UTF8')"
		}
		for _, sql := range []string{off, "UPDATE audit_state SET doc = " + column} {
			if err := s.db.Exec(sql).Error; err != nil {
				t.Fatal(err)
			}
		}
		if _, err := look(); fault.Of(err) == nil || fault.Of(err).Code != "altered-state" {
			t.Fatal(err)
		}
		if err := s.db.Exec("UPDATE audit_state SET doc = NULL, salt = NULL").Error; err != nil {
			t.Fatal(err)
		}
		if k, err := s.StateAt(t.Context(), city.ID, "authority", city.ID, noon); err != nil || !k.Erased {
			t.Fatal(k, err)
		}
		kept, err := s.Entries(t.Context(), city.ID, inspection.Query{Limit: 100, Action: "register-authority"})
		if err != nil || len(kept.Lines) != 1 {
			t.Fatal(kept, err)
		}
		entry, err := desk.Entry(t.Context(), auditor, city.ID, kept.Lines[0].Index)
		if err != nil || len(entry.Changes) != 1 || !entry.Changes[0].Erased {
			t.Fatal(entry, err)
		}
	})
}
