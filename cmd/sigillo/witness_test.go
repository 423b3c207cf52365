package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/internal/anchor"
	"sigillo/internal/fault"
	"sigillo/internal/objects/vaulttest"
	"sigillo/internal/store/storetest"
	"sigillo/internal/witness"
	"sigillo/tender"
)

// watchers are three witnesses of a log, some of which may be away.
type watchers struct {
	policy string // file
	away   [3]atomic.Bool
}

// watched is a site that demands two of three witnesses.
func watched(t *testing.T, dsn, objects string) (*site, *watchers) {
	x := &watchers{policy: filepath.Join(t.TempDir(), "policy")}
	s := newSiteWith(t, dsn, objects, start, func(settings *Settings) {
		if err := os.MkdirAll(filepath.Dir(settings.LogKey), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := makeLogKey(settings.LogKey); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(settings.LogKey)
		if err != nil {
			t.Fatal(err)
		}
		public, err := audit.PublicKey(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		log, err := note.NewVerifier(public)
		if err != nil {
			t.Fatal(err)
		}
		policy := "log " + public + "\n"
		for i := range x.away {
			c := witnessCommand{Data: t.TempDir(), Name: fmt.Sprintf("w.example/%d", i)}
			private, public, err := c.key()
			if err != nil {
				t.Fatal(err)
			}
			w, err := witness.New(c.Data, private, log)
			if err != nil {
				t.Fatal(err)
			}
			handler := w.Handler(func(err error) { t.Error(err) })
			server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if x.away[i].Load() {
					http.Error(rw, "away", http.StatusServiceUnavailable)
					return
				}
				handler.ServeHTTP(rw, r)
			}))
			t.Cleanup(server.Close)
			policy += fmt.Sprintf("witness w%d %s %s\n", i, public, server.URL)
		}
		if err := os.WriteFile(x.policy, []byte(policy+"group g 2 w0 w1 w2\nquorum g\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		settings.Witnesses = x.policy
	})
	return s, x
}

// TestNoKeyIsReleasedBeforeWitnessesHaveSeenTheOpening: with one witness of the
// two that are demanded everything stays sealed, also for a sealer that is asked
// directly; with two it opens, and everybody can check who signed.
func TestNoKeyIsReleasedBeforeWitnessesHaveSeenTheOpening(t *testing.T) {
	play := func(t *testing.T, dsn, objects string) {
		t.Parallel()
		s, x := watched(t, dsn, objects)
		x.away[0].Store(true)
		s.published()
		s.bid("supplier-legno", 2, "5", "x")
		s.publishLog()
		if n, err := s.p.cosigner.Cosign(t.Context()); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		x.away[1].Store(true)
		s.opened()
		s.publishLog()
		if _, err := s.p.cosigner.Cosign(t.Context()); fault.Of(err) == nil || fault.Of(err).Code != "not-witnessed" {
			t.Fatal(err)
		}
		s.p.bell.Ring(t.Context())
		if o := s.openingOf(1, tender.Administrative); o.Unsealed {
			t.Fatal("unsealed before the witnesses have seen it")
		}
		x.away[0].Store(false)
		if n, err := s.p.cosigner.Cosign(t.Context()); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		s.p.bell.Ring(t.Context())
		if o := s.openingOf(1, tender.Administrative); !o.Unsealed {
			t.Fatal("still sealed")
		}
		text, err := os.ReadFile(x.policy)
		s.ok(err)
		policy, err := audit.ParsePolicy(text)
		s.ok(err)
		_, shown := stranger{t, s.server.URL}.get("/log/witnessed")
		if c, err := policy.Check(string(shown)); err != nil || c.Size < 10 {
			t.Error(err, string(shown))
		}
		if n, err := s.p.cosigner.Cosign(t.Context()); n != 0 || err != nil {
			t.Error("asked again for the same", n, err)
		}
	}
	t.Run("sqlite+dir", func(t *testing.T) { play(t, storetest.SQLite(t), t.TempDir()) })
	t.Run("postgres+s3", func(t *testing.T) { play(t, storetest.Postgres(t), vaulttest.Service(t).String()) })
}

// ahead is a witness that has seen more.
type ahead struct{ size uint64 }

func (a ahead) Ask(context.Context, string, uint64, [][32]byte, string) (string, uint64, error) {
	return "", a.size, nil
}

// TestAT088ADatabaseSetBackIsToldByItsWitnesses: yesterday's backup is a shorter
// log than they have signed.
func TestAT088ADatabaseSetBackIsToldByItsWitnesses(t *testing.T) {
	s, x := watched(t, storetest.SQLite(t), t.TempDir())
	s.published()
	s.publishLog()
	text, err := os.ReadFile(x.policy)
	s.ok(err)
	policy, err := audit.ParsePolicy(text)
	s.ok(err)
	_, err = anchor.NewCosigner(s.p.store, policy, ahead{1 << 40}).Cosign(t.Context())
	if fault.Of(err) == nil || fault.Of(err).Code != "witness-ahead" {
		t.Fatal(err)
	}
}
