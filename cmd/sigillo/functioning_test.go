package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sigillo/internal/api"
	"sigillo/internal/health"
)

// worked has the platform probe itself between two instants, every ten seconds.
func (s *site) worked(from, to time.Time) {
	s.t.Helper()
	for at := from; at.Before(to); at = at.Add(health.Every) {
		s.ok(s.p.store.SaveProbe(s.t.Context(), health.Probe{At: at, Replica: "r", Database: 400, Objects: 900, Clock: "synchronised"}))
	}
}

// TestINC14 stops the platform for 37 minutes, two hours before the deadline.
func TestINC09INC14AnOutageIsCertified(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		start, end := s.deadline().Add(-150*time.Minute), s.deadline()
		s.worked(start, end.Add(-2*time.Hour))
		s.worked(end.Add(-2*time.Hour+37*time.Minute), end)
		s.to(end.Add(time.Minute))
		path := s.tenderPath("/functioning?from=" + start.Format(time.RFC3339))
		st := s.statement("supplier-legno", path)
		verifier, err := note.NewVerifier(s.publicKey())
		s.ok(err)
		s.ok(st.Verify(note.VerifierList(verifier)))
		var f api.Functioning
		s.ok(json.Unmarshal(st.Body, &f))
		if len(f.Interruptions) != 1 || f.Interruptions[0].Length() < 37*time.Minute || f.Interruptions[0].Length() > 38*time.Minute || f.Extension != "1h45m0s" {
			t.Fatalf("%s", st.Body)
		}
		st.Body = json.RawMessage(strings.Replace(string(st.Body), `"1h45m0s"`, `"15m0s"`, 1))
		if st.Verify(note.VerifierList(verifier)) == nil {
			t.Fatal("a shorter extension goes unseen")
		}
		for _, query := range []string{"from=yesterday", "from=2027-01-02T00:00:00Z&to=2027-01-01T00:00:00Z", "from=2001-01-01T00:00:00Z"} {
			s.no("bad-window", "rup", "GET", s.tenderPath("/functioning?"+query), nil)
		}
	})
}

func TestProbesSayWhatDoesNotWorkAndNotWhoIsAtWork(t *testing.T) {
	s := newSiteHere(t)
	s.published()
	b := s.bid("supplier-legno", 2, "5", "x")
	s.ok(s.p.prober.Probe(t.Context()))
	s.clock.mu.Lock()
	s.clock.base = s.clock.base.Add(health.Every)
	s.clock.mu.Unlock()
	s.ok(os.Rename(s.objects, s.objects+".away"))
	s.ok(os.WriteFile(s.objects, nil, 0o600)) // in its place something that is no folder
	s.ok(s.p.prober.Probe(t.Context()))
	all, err := s.p.store.Probes(t.Context(), start, s.clock.Now().Add(time.Minute))
	s.ok(err)
	if len(all) != 2 || !all[0].Good() || all[0].Slowest == 0 {
		t.Fatalf("%+v", all)
	}
	s.ok(os.Remove(s.objects))
	s.ok(os.Rename(s.objects+".away", s.objects))
	text, err := json.Marshal(all)
	s.ok(err)
	for _, secret := range []string{b.ID, s.suppliers["supplier-legno"], "count", "requests"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("a probe tells of a bidder: %s", secret)
		}
	}
	var d api.DossierBody
	s.ok(json.Unmarshal(s.statement("supplier-legno", "/v1/bids/"+b.ID+"/dossier").Body, &d))
	if d.Functioning == nil || d.Bid != b.ID || len(d.Sent) != 1 {
		t.Fatalf("%+v", d)
	}
}
