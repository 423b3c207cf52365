package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// TestAT092WhoSawAConfidentialDocumentStandsInTheRegister: every time, by whom
// and when, and a bidder's look only once the tender is open; of public documents
// nobody notes who reads them.
func TestAT092WhoSawAConfidentialDocumentStandsInTheRegister(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		terms := s.fullTerms()
		papers := terms["papers"].([]map[string]any)
		papers[1]["confidential"], papers[1]["reason"] = true, "planimetrie di sicurezza"
		s.create(terms)
		s.must("signatory", "POST", s.tenderPath("/publish"), nil, nil)
		s.reload()
		get := func(who string, i int) error {
			c := s.api
			if who != "" {
				var err error
				c, err = s.as(t.Context(), who)
				s.ok(err)
			}
			var b bytes.Buffer
			return c.Get(t.Context(), fmt.Sprintf("/v1/tenders/%s/documents/%s", s.tender.ID, papers[i]["sha256"]), &b)
		}
		s.ok(get("", 0))
		if f := fault.Of(get("", 1)); f == nil || s.count(act.FetchDocument) != 0 {
			t.Fatal("a stranger reads what is confidential", f)
		}
		s.ok(get("rup", 1))
		s.ok(get("rup", 1))
		s.ok(get("supplier-legno", 1))
		s.ok(get("supplier-legno", 0))
		if n := s.count(act.FetchDocument); n != 2 {
			t.Fatalf("%d looks before the opening", n)
		}
		s.bid("supplier-legno", 1, "5", "x")
		s.bid("supplier-legno", 2, "5", "x")
		s.opened()
		var who []string
		for _, e := range s.entries() {
			if e["action"] == string(act.FetchDocument) {
				who = append(who, fmt.Sprint(e["actor"].(map[string]any)["id"]))
				if id := e["object"].(map[string]any)["id"]; id != papers[1]["sha256"] {
					t.Error("of another document", id)
				}
			}
		}
		if len(who) != 3 || who[0] != s.persons["rup"] || who[2] != s.persons["supplier-legno"] {
			t.Error(strings.Join(who, " "))
		}
	})
}
