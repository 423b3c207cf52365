package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"sigillo/bids"
	"sigillo/internal/act"
	"sigillo/internal/client"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
	"sigillo/tender"
)

// custodians makes people who keep keys, and a custody in which any k of them
// open; one more is the guarantor where asked for.
func (s *site) custodians(k, n int, guarantor bool) map[string]any {
	s.t.Helper()
	s.keys = map[string]heldKey{}
	var all []any
	add := func(key, kind string) {
		s.ok(s.person(s.t.Context(), key, "Custode "+key, key+"@custodi.example", act.Custodian))
		held, err := newKey()
		s.ok(err)
		s.keys[key] = held
		all = append(all, map[string]any{"kind": kind, "name": "Custode " + key, "person": s.persons[key], "recipient": held.recipient})
	}
	for i := range n {
		add(fmt.Sprintf("custodian-%d", i+1), "custodian")
	}
	custody := map[string]any{"mode": "commission", "threshold": k}
	if guarantor {
		add("guarantor", "guarantor")
		custody["delay"] = 48
	}
	custody["custodians"] = all
	return custody
}

// underCustody publishes a tender whose keys have all been tried.
func (s *site) underCustody(custody map[string]any) {
	s.t.Helper()
	terms := s.fullTerms()
	terms["custody"] = custody
	s.tender = s.create(terms)
	for who, key := range s.keys {
		if who == "recovery" {
			who = "rup"
		}
		c, err := s.as(s.t.Context(), who)
		s.ok(err)
		s.ok(testKey(s.t.Context(), c, s.tender.ID, key.identity, key.recipient))
	}
	s.must("signatory", "POST", s.tenderPath("/publish"), nil, s.tender)
}

func (s *site) openingOf(lot int, e tender.Envelope) released {
	s.t.Helper()
	var all struct{ Items []released }
	s.must("auditor", "GET", s.tenderPath("/openings"), nil, &all)
	i := slices.IndexFunc(all.Items, func(o released) bool { return o.Lot == s.tender.Lots[lot].ID && o.Envelope == e })
	if i < 0 {
		s.t.Fatalf("no opening of %s", e)
	}
	return all.Items[i]
}

// releases has a custodian release, and tells what was answered.
func (s *site) releases(who, opening string) (*released, error) {
	s.t.Helper()
	signed := who
	if who == "recovery" {
		signed = "rup"
	}
	c, err := s.as(s.t.Context(), signed)
	s.ok(err)
	return releaseShares(s.t.Context(), c, opening, s.keys[who].identity, s.keys[who].recipient)
}

func TestKeysAreTriedBeforeThePublication(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.rehearsal = false
		custody, err := s.custody()
		s.ok(err)
		terms := s.fullTerms()
		terms["custody"] = custody
		s.tender = s.create(terms)
		f := s.no("not-publishable", "signatory", "POST", s.tenderPath("/publish"), nil)
		if got := pointers(f); got != "/custody/custodians/0 untested-key, /custody/custodians/1 untested-key" {
			t.Fatalf("got %s", got)
		}
		c, err := s.as(t.Context(), "drafter")
		s.ok(err)
		if err := testKey(t.Context(), c, s.tender.ID, s.keys["rup"].identity, s.keys["rup"].recipient); fault.Of(err) == nil || fault.Of(err).Code != "not-your-key" {
			t.Fatalf("the RUP's key was tried by somebody else: %v", err)
		}
		s.no("key-test-failed", "rup", "POST", s.tenderPath("/custodians/0/test"), map[string]string{"answer": "guess"})
		s.ok(s.tryKeys(t.Context()))
		// A key that is replaced has to be tried anew.
		other, err := newKey()
		s.ok(err)
		custody["custodians"].([]any)[1].(map[string]any)["recipient"] = other.recipient
		s.must("drafter", "PUT", s.tenderPath(""), terms, s.tender, client.IfVersion(s.tender.Version))
		if got := pointers(s.no("not-publishable", "signatory", "POST", s.tenderPath("/publish"), nil)); got != "/custody/custodians/1 untested-key" {
			t.Fatalf("got %s", got)
		}
		s.keys["recovery"] = other
		s.ok(s.tryKeys(t.Context()))
		s.must("signatory", "POST", s.tenderPath("/publish"), nil, s.tender)
		if len(s.tender.Custody.Custodians) != 2 || s.tender.Custody.Custodians[0].Fingerprint != seal.Fingerprint(s.keys["rup"].recipient) {
			t.Fatal("the notice does not show the fingerprints")
		}
		s.no("already-published", "rup", "POST", s.tenderPath("/custodians/0/challenge"), nil)
	})
}

func TestStandardCustodyNeedsTheAuthority(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.rehearsal = false
		s.published()
		s.bid("supplier-legno", 1, "5", "CANARY")
		s.bid("supplier-arredi", 2, "7", "CANARY")
		s.opened()
		s.p.bell.Ring(t.Context())
		o := s.openingOf(0, tender.Administrative)
		if o.Unsealed || o.Missing != 1 {
			t.Fatalf("the platform opened alone: %+v", o)
		}
		s.no("not-found", "seggio", "GET", "/v1/openings/"+o.ID+"/shares", nil) // not yet appointed
		if done, err := s.releases("rup", o.ID); err != nil || !done.Unsealed {
			t.Fatal(done, err)
		}
		if _, err := s.releases("rup", o.ID); fault.Of(err) == nil || fault.Of(err).Code != "already-released" {
			t.Fatalf("released twice: %v", err)
		}
		// The RUP's key is lost: the recovery key opens the other lot.
		second := s.openingOf(1, tender.Administrative)
		if done, err := s.releases("recovery", second.ID); err != nil || !done.Unsealed {
			t.Fatal(done, err)
		}
		s.admitted()
		s.must("seggio", "POST", s.lotPath(1, "open-economic"), nil, nil)
		c := s.openingOf(1, tender.Economic)
		if c.Unsealed {
			t.Fatal("shares of A opened C")
		}
		s.no("not-unsealed", "seggio", "POST", s.lotPath(1, "rank"), nil)
		if done, err := s.releases("rup", c.ID); err != nil || !done.Unsealed {
			t.Fatal(done, err)
		}
		s.must("seggio", "POST", s.lotPath(1, "rank"), nil, nil)
		// AT-048: the prices of lot 1 before the technical scores are locked.
		s.no("wrong-state", "commissioner-1", "POST", s.lotPath(0, "open-economic"), nil)
	})
}

// TestAT041 has one custodian of three send garbage: it is named, and the two
// others open.
func TestAT041AGarbageShareIsNamedAndAQuorumOpens(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.underCustody(s.custodians(2, 3, false))
		b := s.bid("supplier-legno", 2, "5", "x")
		s.opened()
		o := s.openingOf(1, tender.Administrative)
		if o.Missing != 2 {
			t.Fatalf("%+v", o)
		}
		var wanted struct {
			Recipient string
			Envelopes []struct {
				Label  seal.Label
				Header []byte
			}
		}
		s.must("custodian-1", "GET", "/v1/openings/"+o.ID+"/shares", nil, &wanted)
		pieces, err := seal.Parts(wanted.Envelopes[0].Header, wanted.Envelopes[0].Label, s.keys["custodian-1"].identity)
		s.ok(err)
		pieces[0].Share[3] ^= 0x40
		text, err := json.Marshal(bids.SharesMessage{Lot: o.Lot, Envelope: "A", Pieces: map[string][]seal.Part{s.suppliers["supplier-legno"]: pieces}})
		s.ok(err)
		message, err := seal.Message(wanted.Recipient, text)
		s.ok(err)
		body := map[string]any{"custodian": 0, "message": message}
		s.no("not-your-key", "custodian-2", "POST", "/v1/openings/"+o.ID+"/shares", body)
		s.no("foreign-share", "custodian-2", "POST", "/v1/openings/"+o.ID+"/shares", map[string]any{"custodian": 1, "message": message})
		s.no("wrong-message", "custodian-1", "POST", "/v1/openings/"+o.ID+"/shares", map[string]any{"custodian": 0, "message": []byte("CANARY")})
		var after struct {
			Missing  int
			Releases []struct {
				Custodian int
				Unfit     []string
			}
		}
		s.must("custodian-1", "POST", "/v1/openings/"+o.ID+"/shares", body, &after)
		if after.Missing != 1 || len(after.Releases) != 1 || !slices.Equal(after.Releases[0].Unfit, []string{b.ID}) {
			t.Fatalf("the bad share is not named: %+v", after)
		}
		if _, err := s.releases("custodian-2", o.ID); err != nil {
			t.Fatal(err)
		}
		type outcome struct {
			Unsealed bool
			Bids     []struct {
				Fault   string
				Falsity *seal.Falsity
			}
		}
		var first, second outcome
		s.must("auditor", "GET", "/v1/openings/"+o.ID, nil, &first)
		if !first.Unsealed || first.Bids[0].Fault != "cannot-unseal" {
			t.Fatalf("a false quorum: %+v", first)
		}
		if _, err := s.releases("custodian-3", o.ID); err != nil {
			t.Fatal(err)
		}
		s.must("auditor", "GET", "/v1/openings/"+o.ID, nil, &second)
		if f := second.Bids[0]; f.Fault != "" || f.Falsity == nil || !slices.Equal(f.Falsity.Released, []int{1}) {
			t.Fatalf("two true shares do not open, or the liar is not named: %+v", second.Bids[0])
		}
	})
}

func TestBreakGlassWaitsAndIsRecorded(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.underCustody(s.custodians(2, 3, true))
		s.bid("supplier-legno", 2, "5", "x")
		s.opened()
		o := s.openingOf(1, tender.Administrative)
		refused := func(code string) {
			t.Helper()
			if _, err := s.releases("guarantor", o.ID); fault.Of(err) == nil || fault.Of(err).Code != code {
				t.Fatalf("got %v, want %s", err, code)
			}
		}
		refused("glass-unbroken")
		s.no("not-permitted", "rup", "POST", "/v1/openings/"+o.ID+"/break-glass", map[string]string{"reason": "x"})
		s.no("bad-reason", "signatory", "POST", "/v1/openings/"+o.ID+"/break-glass", map[string]string{"reason": " "})
		s.must("signatory", "POST", "/v1/openings/"+o.ID+"/break-glass", map[string]string{"reason": "Due custodi non trovano la chiave."}, nil)
		refused("guarantor-waits")
		s.to(s.clock.Now().Add(48*time.Hour - time.Second))
		refused("guarantor-waits")
		s.to(s.clock.Now().Add(2 * time.Second))
		done, err := s.releases("guarantor", o.ID)
		if err != nil || !done.Unsealed {
			t.Fatal(done, err)
		}
		for _, action := range []act.Action{act.BreakGlass, act.ReleaseShares} {
			if n := s.count(action); n != 1 {
				t.Errorf("%d entries of %s", n, action)
			}
		}
	})
}

func TestAT045ARevokedLotsKeysAreDestroyed(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		s.bid("supplier-legno", 2, "5", "x")
		s.must("signatory", "POST", s.lotPath(1, "revoke"), map[string]string{"reason": "Venuto meno l'interesse."}, nil)
		before, err := s.p.store.WrappedKey(t.Context(), s.tender.Lots[1].ID, tender.Economic)
		if err != nil || len(before) == 0 {
			t.Fatal(err)
		}
		s.p.bell.Ring(t.Context())
		s.p.bell.Ring(t.Context())
		for _, e := range []tender.Envelope{tender.Administrative, tender.Economic} {
			if left, err := s.p.store.WrappedKey(t.Context(), s.tender.Lots[1].ID, e); err != nil || len(left) > 0 {
				t.Fatalf("the key of %s is still there (%v)", e, err)
			}
		}
		if other, err := s.p.store.WrappedKey(t.Context(), s.tender.Lots[0].ID, tender.Economic); err != nil || len(other) == 0 {
			t.Fatal("the other lot's key is gone", err)
		}
		if s.reload(); s.tender.Lots[1].KeysDestroyedAt == nil {
			t.Fatal("the tender does not say so")
		}
		if n := s.count(act.DestroyKeys); n != 1 {
			t.Fatalf("%d entries", n)
		}
	})
}

func TestRehearsalsOnlyWhereAllowed(t *testing.T) {
	s := newSiteHere(t)
	s.ok(s.draft(t.Context()))
	c, err := s.as(t.Context(), "signatory")
	s.ok(err)
	settings := Settings{Database: s.dsn, Objects: s.objects, SealerKey: s.folder + "/keys/sealer.key", LogKey: s.folder + "/keys/log.key", MaxUpload: 1 << 20}
	strict, err := assemble(t.Context(), settings, s.clock.Now, false, slog.New(slog.DiscardHandler))
	s.ok(err)
	defer strict.store.Close()
	server := httptest.NewServer(strict.api)
	defer server.Close()
	c.Base = server.URL
	if err := c.Do(t.Context(), "POST", s.tenderPath("/publish"), nil, nil); fault.Of(err) == nil || fault.Of(err).Code != "no-rehearsals" {
		t.Fatalf("got %v", err)
	}
}

// count tells how many entries of an action the register holds.
func (s *site) count(action act.Action) int {
	s.t.Helper()
	n := 0
	for _, e := range s.entries() {
		if e["action"] == string(action) {
			n++
		}
	}
	return n
}
