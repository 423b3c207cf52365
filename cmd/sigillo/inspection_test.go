package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
)

type searched struct {
	Items []struct {
		Index, Seq uint64
		Entry      struct {
			Action string
			Actor  struct{ ID string }
			At     time.Time
			Object struct{ ID, Type string }
			Data   map[string]string
		}
	}
	Next  string
	Whole bool
}

func (s *site) audit(more string) string { return "/v1/authorities/" + s.authority + "/audit/" + more }

// search reads all pages, three entries at a time.
func (s *site) search(query string) searched {
	s.t.Helper()
	s.publishLog()
	var all searched
	for after := ""; ; after = all.Next {
		var page searched
		s.must("auditor", "GET", s.audit("entries?limit=3&after="+after+"&"+query), nil, &page)
		all.Items, all.Next, all.Whole = append(all.Items, page.Items...), page.Next, page.Whole
		if len(page.Items) < 3 && page.Whole {
			return all
		}
	}
}

type stateAt struct {
	Object   struct{ Version int }
	State    string
	Snapshot json.RawMessage
	Salt     []byte
	Evidence *audit.Evidence
}

// TestAT092TheStateAtAnyInstantIsTheSnapshot: after every act the tender is
// noted as the database has it; what the register gives for every one of these
// instants later is the same.
func TestAT092TheStateAtAnyInstantIsTheSnapshot(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		type was struct {
			at  time.Time
			doc string
		}
		var history []was
		note := func() {
			doc, err := audit.Canonical(json.RawMessage(column(t, s.dsn, "SELECT doc FROM tender WHERE id = '"+s.tender.ID+"'")[0]))
			s.ok(err)
			history = append(history, was{s.clock.Now(), string(doc)})
			s.to(s.clock.Now().Add(time.Minute))
		}
		note()
		for i, act := range []string{"suspend", "resume", "extend"} {
			body := map[string]string{"reason": fmt.Sprint("motivo ", i)}
			if act != "suspend" {
				body["deadline"] = local(s.deadline().Add(time.Duration(24*(i+1)) * time.Hour))
			}
			s.must("rup", "POST", s.tenderPath("/"+act), body, nil)
			note()
		}
		s.reload()
		seen := map[int]bool{}
		for i, h := range history {
			var x stateAt
			s.must("auditor", "GET", s.audit("objects/tender/"+s.tender.ID+"?at="+url.QueryEscape(h.at.Add(time.Second).Format(time.RFC3339Nano))), nil, &x)
			if string(x.Snapshot) != h.doc {
				t.Fatalf("at %s:\n%s\nnot\n%s", h.at, x.Snapshot, h.doc)
			}
			if seen[x.Object.Version] {
				t.Errorf("%d: version %d twice", i, x.Object.Version)
			}
			seen[x.Object.Version] = true
			entry, _, _, err := x.Evidence.Check(s.verifier(), nil)
			s.ok(err)
			if hash := (audit.Snapshot{Salt: [32]byte(x.Salt), Doc: x.Snapshot}).Hash(); entry.After.Hash != hash || entry.Object.ID != s.tender.ID {
				t.Errorf("the entry says %s, the snapshot is %s", entry.After.Hash, hash)
			}
		}
		s.no("not-found", "auditor", "GET", s.audit("objects/tender/"+s.tender.ID+"?at=2001-01-01T00:00:00Z"), nil)
		s.no("not-found", "auditor", "GET", s.audit("objects/tender/nessuna"), nil)
		s.no("bad-query", "auditor", "GET", s.audit("objects/tender/"+s.tender.ID+"?at=ieri"), nil)
		for _, who := range []string{"rup", "supplier-legno", "administrator"} {
			s.no("not-permitted", who, "GET", s.audit("objects/tender/"+s.tender.ID), nil)
			s.no("not-permitted", who, "GET", s.audit("entries"), nil)
		}

		// What the extension changed, place by place.
		found := s.search("action=extend-deadline")
		if len(found.Items) != 1 || !found.Whole {
			t.Fatalf("%+v", found)
		}
		var look struct {
			Changes []struct {
				Before, After string
				Differences   []audit.Difference
			}
			Evidence *audit.Evidence
		}
		s.must("auditor", "GET", s.audit(fmt.Sprintf("entries/%d", found.Items[0].Index)), nil, &look)
		changed := map[string]audit.Difference{}
		for _, d := range look.Changes[0].Differences {
			changed[d.Pointer] = d
		}
		var before, after time.Time
		s.ok(json.Unmarshal(changed["/timetable/deadline"].Before, &before))
		s.ok(json.Unmarshal(changed["/timetable/deadline"].After, &after))
		if !after.Equal(s.deadline()) || !before.Before(after) || string(changed["/version"].After) != fmt.Sprint(len(history)+versionOf(t, history[0].doc)-1) {
			t.Fatalf("%+v", look.Changes)
		}
		if _, _, at, err := look.Evidence.Check(s.verifier(), nil); err != nil || at != found.Items[0].Index {
			t.Fatal(at, err)
		}
		s.no("not-found", "auditor", "GET", s.audit("entries/999999"), nil)

		// Looking is an act.
		looks := map[string]int{}
		for _, x := range s.search("actor=" + s.persons["auditor"]).Items {
			looks[x.Entry.Action]++
		}
		if looks["view-state"] != len(history)+2 || looks["view-entry"] != 2 || looks["search-audit"] == 0 {
			t.Fatal(looks)
		}
	})
}

func (s *site) verifier() note.Verifier {
	s.t.Helper()
	v, err := note.NewVerifier(s.publicKey())
	s.ok(err)
	return v
}

func versionOf(t *testing.T, doc string) int {
	var x struct{ Version int }
	if err := json.Unmarshal([]byte(doc), &x); err != nil {
		t.Fatal(err)
	}
	return x.Version
}

// TestAuditorsLearnOfBiddersOnlyOnceTheTenderIsOpen, and then who read what.
func TestAuditorsLearnOfBiddersOnlyOnceTheTenderIsOpen(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		b := s.bid("supplier-legno", 1, "10", "uno")
		s.bid("supplier-arredi", 1, "11", "due")
		by := func(query string) int { return len(s.search(query).Items) }
		if n := by("object=" + b.ID); n != 0 {
			t.Fatal(n, "entries of a sealed bid")
		}
		s.no("not-found", "auditor", "GET", s.audit("objects/bid/"+b.ID), nil)
		for _, x := range s.search("tender=" + s.tender.ID).Items {
			if strings.Contains("draft-bid begin-upload submit-bid", x.Entry.Action) {
				t.Fatal(x.Entry.Action)
			}
		}
		s.opened()
		if n := by("type=bid&object=" + b.ID); n < 3 {
			t.Fatal(n, "entries of an opened bid")
		}
		all := s.search("tender=" + s.tender.ID)
		for i, x := range all.Items {
			if x.Seq != uint64(i+1) {
				t.Fatalf("number %d of the tender is %d", i+1, x.Seq)
			}
		}
		var x stateAt
		s.must("auditor", "GET", s.audit("objects/bid/"+b.ID), nil, &x)
		if x.State != "submitted" || !strings.Contains(string(x.Snapshot), `"supplier":"`+s.suppliers["supplier-legno"]) {
			t.Fatalf("%+v", x)
		}
	})
}
