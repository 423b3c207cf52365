package main

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/internal/anchor"
	"sigillo/internal/fault"
	"sigillo/internal/store"
	"sigillo/internal/timestamp"
	"sigillo/internal/timestamp/tsatest"
)

type stampList struct{ Items []anchor.Stamp }

// TestCheckpointsAreStampedWithinTheHourAndAfterWhatMatters: and not again when
// nothing happened, nor twice by two replicas; a stamp is an entry.
func TestCheckpointsAreStampedWithinTheHourAndAfterWhatMatters(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		tsa := tsatest.New(t, s.clock.Now)
		authority, err := timestamp.Configure(tsa.URL, tsa.Anchors(), s.clock.Now)
		s.ok(err)
		replica := func() *anchor.Service {
			return anchor.NewService(store.Acts[anchor.Tx](s.p.store), s.p.store, authority, s.p.store.Now)
		}
		one, two := replica(), replica()
		stamped := func(want int) {
			t.Helper()
			s.tellAll()
			n, err := one.Stamp(t.Context())
			if f := fault.Of(err); f != nil && f.Kind != fault.Unavailable {
				t.Fatal(err)
			}
			if n != want {
				t.Fatalf("%d stamps, want %d", n, want)
			}
		}
		s.published()
		stamped(1) // the first
		stamped(0) // its own entry is no reason for another
		s.must("rup", "POST", s.tenderPath("/extend"), map[string]string{"deadline": local(s.reload().Timetable.Deadline.Add(time.Hour)), "reason": "x"}, nil)
		stamped(0)
		s.to(s.clock.Now().Add(time.Hour))
		stamped(1)
		s.to(s.clock.Now().Add(2 * time.Hour))
		stamped(0) // hours in which nothing happened
		s.bid("supplier-legno", 2, "5", "x")
		stamped(1)
		s.reload()
		s.to(s.deadline())
		s.to(s.deadline().Add(time.Second))
		tsa.Play(tsatest.Unwell)
		stamped(0)
		asked := tsa.Asked()
		stamped(0) // and the authority is left alone for a while
		if tsa.Asked() != asked {
			t.Error("asked again at once")
		}
		tsa.Play(tsatest.Honest)
		s.to(s.clock.Now().Add(time.Minute))
		stamped(1) // the closing, though the hour is not over
		// Two at once.
		s.to(s.clock.Now().Add(2 * time.Hour))
		s.must("auditor", "GET", s.audit("entries"), nil, nil)
		s.tellAll()
		done := make(chan int)
		for _, r := range []*anchor.Service{one, two} {
			go func() { n, _ := r.Stamp(t.Context()); done <- n }()
		}
		<-done
		<-done
		var all stampList
		s.ok(s.api.Do(t.Context(), "GET", "/v1/stamps", nil, &all))
		if entries := column(t, s.dsn, "SELECT count(*) FROM audit_state WHERE type = 'stamp'")[0]; len(all.Items) != 5 || entries != "5" {
			t.Fatalf("%d stamps, %s entries", len(all.Items), entries)
		}
		for i, x := range all.Items {
			sum := sha256.Sum256([]byte(x.Note))
			c, err := audit.OpenCheckpoint(x.Note, note.VerifierList(s.verifier()))
			if err != nil || c.Size != x.Size || fmt.Sprintf("%x", sum) != fmt.Sprintf("%x", x.Digest) || i > 0 && x.Size <= all.Items[i-1].Size {
				t.Error(i, err, x.Size)
			}
		}
		last := all.Items[4]
		when, err := timestamp.Verify(last.Token, sha256.Sum256([]byte(last.Note)), tsa.Anchors(), s.clock.Now())
		if err != nil || when.At.Sub(last.At).Abs() > 10*time.Second {
			t.Error(err, when, last.At)
		}
	})
}
