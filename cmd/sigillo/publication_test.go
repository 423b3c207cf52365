package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sigillo/docs"
	"sigillo/internal/client"
	"sigillo/internal/fault"
	"sigillo/tender"
)

// fullTerms are publishable terms with stored papers.
func (s *site) fullTerms() map[string]any {
	s.t.Helper()
	var papers []map[string]any
	for _, d := range []struct {
		kind docs.Kind
		name string
	}{{docs.Notice, "bando.pdf"}, {docs.BiddingDocuments, "disciplinare.pdf"}, {docs.TechnicalSpecifications, "capitolato.pdf"}} {
		p, err := s.paper(s.t.Context(), d.kind, d.name, d.name)
		s.ok(err)
		papers = append(papers, p)
	}
	return s.terms(at(tender.EarliestDeadline(s.clock.Now(), 30), 5, 12), papers, map[string]any{"mode": "demo"})
}

func (s *site) create(terms map[string]any) *published {
	s.t.Helper()
	t := new(published)
	s.must("drafter", "POST", "/v1/authorities/"+s.authority+"/tenders", terms, t)
	s.tender = t
	return t
}

func TestAT001ACreationRepeatedIsOneDraft(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		terms := s.fullTerms()
		path := "/v1/authorities/" + s.authority + "/tenders"
		var first, second json.RawMessage
		s.must("drafter", "POST", path, terms, &first, client.Key("lost-answer"))
		s.must("drafter", "POST", path, terms, &second, client.Key("lost-answer"))
		if string(first) != string(second) {
			t.Fatalf("the second answer differs:\n%s\n%s", first, second)
		}
		var all struct{ Items []published }
		s.must("drafter", "GET", "/v1/tenders", nil, &all)
		if len(all.Items) != 1 {
			t.Fatalf("%d drafts", len(all.Items))
		}
		terms["title"] = "something else"
		s.no("idempotency-key-reused", "drafter", "POST", path, terms, client.Key("lost-answer"))
	})
}

func TestAT001RacingRepeatsAreOneDraft(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		terms := s.fullTerms()
		ids := make(chan string, 8)
		c, err := s.as(t.Context(), "drafter")
		s.ok(err)
		for range cap(ids) {
			go func() {
				var p published
				if err := c.Do(t.Context(), "POST", "/v1/authorities/"+s.authority+"/tenders", terms, &p, client.Key("race")); err != nil {
					ids <- err.Error()
					return
				}
				ids <- p.ID
			}()
		}
		first := <-ids
		for range cap(ids) - 1 {
			if id := <-ids; id != first {
				t.Errorf("got %s and %s", first, id)
			}
		}
	})
}

func TestAT002ADraftIsNobodyElses(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.ok(s.draft(t.Context()))
		for _, who := range []string{"supplier-arredi", "administrator"} {
			s.no("not-found", who, "GET", s.tenderPath(""), nil)
			var all struct{ Items []published }
			s.must(who, "GET", "/v1/tenders", nil, &all)
			if len(all.Items) != 0 {
				t.Errorf("%s sees a draft in the list", who)
			}
		}
		if err := s.api.Do(t.Context(), "GET", s.tenderPath(""), nil, nil); fault.Of(err).Code != "not-found" {
			t.Errorf("the public: %v", err)
		}
	})
}

func TestAT003AllMissingExclusionGroundsAreNamed(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		terms := s.fullTerms()
		terms["exclusion_grounds"] = []string{"corruption", "fraud", "tax-pay", "terr-offence", "crime-org", "finan-laund"}
		s.create(terms)
		f := s.no("not-publishable", "signatory", "POST", s.tenderPath("/publish"), nil)
		text := client.Tell(f, "en")
		if !contains(text, "human-traffic", "socsec-pay") || contains(text, "corruption") || len(f.Fields) != 2 {
			t.Fatal(text)
		}
		if s.reload().Keys != nil {
			t.Fatal("a refused publication left keys behind")
		}
	})
}

// TestCheckNamesEveryBreach publishes terms with one fault each.
func TestCheckNamesEveryBreach(t *testing.T) {
	s := newSiteHere(t)
	lot := func(m map[string]any, i int) map[string]any { return m["lots"].([]any)[i].(map[string]any) }
	for _, c := range []struct {
		code   string
		breach func(m map[string]any)
	}{
		{"missing-rup", func(m map[string]any) { delete(m, "rup") }},
		{"missing-cig", func(m map[string]any) { delete(lot(m, 0), "cig") }},
		{"missing-cpv", func(m map[string]any) { delete(lot(m, 0), "cpv") }},
		{"missing-nuts", func(m map[string]any) { delete(lot(m, 1), "nuts") }},
		{"missing-base", func(m map[string]any) { delete(lot(m, 1), "amounts") }},
		{"missing-no-lots-reason", func(m map[string]any) { m["lots"] = m["lots"].([]any)[:1] }},
		{"missing-lots", func(m map[string]any) { delete(m, "lots") }},
		{"missing-timetable", func(m map[string]any) { delete(m, "timetable") }},
		{"term-too-short", func(m map[string]any) {
			m["timetable"] = map[string]any{"deadline": local(at(start, 29, 12)), "opens_at": local(at(start, 30, 12)), "questions_until": local(at(start, 10, 12))}
		}},
		{"questions-term-too-late", func(m map[string]any) {
			m["timetable"] = map[string]any{"deadline": local(at(start, 40, 12)), "opens_at": local(at(start, 41, 12)), "questions_until": local(at(start, 39, 12))}
		}},
		{"opening-before-deadline", func(m map[string]any) {
			m["timetable"] = map[string]any{"deadline": local(at(start, 40, 12)), "opens_at": local(at(start, 39, 12)), "questions_until": local(at(start, 20, 12))}
		}},
		{"points-not-100", func(m map[string]any) { lot(m, 0)["criterion"].(map[string]any)["economic_points"] = 20 }},
		{"criteria-do-not-sum", func(m map[string]any) { delete(lot(m, 0)["criterion"].(map[string]any), "technical") }},
		{"missing-formula", func(m map[string]any) { delete(lot(m, 0)["criterion"].(map[string]any), "formula") }},
		{"missing-envelope-b", func(m map[string]any) { lot(m, 0)["envelopes"] = lot(m, 1)["envelopes"] }},
		{"technical-envelope-at-lowest-price", func(m map[string]any) { lot(m, 1)["envelopes"] = lot(m, 0)["envelopes"] }},
		{"lowest-price-labour-intensive", func(m map[string]any) { lot(m, 1)["labour_intensive"] = true }},
		{"missing-paper", func(m map[string]any) { delete(m, "papers") }},
		{"invitations-to-public", func(m map[string]any) { m["invited"] = []string{s.suppliers["supplier-legno"]} }},
		{"above-direct-award", func(m map[string]any) { m["procedure"] = "direct" }},
		{"above-threshold", func(m map[string]any) { m["procedure"] = "neg-below" }},
		{"procedure-in-two-stages", func(m map[string]any) { m["procedure"] = "restricted" }},
	} {
		t.Run(c.code, func(t *testing.T) {
			terms := s.fullTerms()
			c.breach(terms)
			s.create(terms)
			var report struct {
				Publishable bool
				Findings    []struct{ Severity, Code, Article, Pointer, Text string }
			}
			s.must("drafter", "GET", s.tenderPath("/check"), nil, &report)
			found := false
			for _, f := range report.Findings {
				found = found || f.Code == c.code && f.Severity == "blocking" && f.Article != "" && f.Text != ""
			}
			if !found || report.Publishable {
				t.Fatalf("got %+v", report)
			}
			if f := s.no("not-publishable", "signatory", "POST", s.tenderPath("/publish"), nil); !strings.Contains(pointers(f), c.code) {
				t.Fatal(pointers(f))
			}
		})
	}
}

func TestINC42AT098AReferenceToNothingIsRefusedWhole(t *testing.T) {
	s := newSiteHere(t)
	terms := s.fullTerms()
	terms["rup"] = s.persons["seggio"] // exists, but is no RUP
	terms["papers"].([]map[string]any)[1]["sha256"] = strings.Repeat("ab", 32)
	f := s.no("unknown-reference", "drafter", "POST", "/v1/authorities/"+s.authority+"/tenders", terms)
	if got := pointers(f); got != "/rup unknown-person, /papers/1/sha256 unknown-document" {
		t.Fatal(got)
	}
}

func TestAT005AT006AnAmendmentExtendsAndAsksForConfirmation(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		s.bid("supplier-legno", 2, "10", "x")
		s.bid("supplier-arredi", 2, "8", "x")
		s.to(s.deadline().Add(-6 * 24 * time.Hour))
		change := map[string]any{"reason": "requisito chiarito", "required": []any{map[string]any{
			"lot": s.tender.Lots[1].ID, "envelope": "A", "required": []any{map[string]any{"kind": "application", "title": "Domanda, nuovo modello"}}}}}
		f := s.no("extension-needed", "signatory", "POST", s.tenderPath("/amend"), change)
		if !strings.Contains(f.Text.EN, "at least 1 days") {
			t.Fatal(f.Text.EN)
		}
		change["deadline"] = local(s.deadline().Add(3 * 24 * time.Hour))
		before := s.deadline()
		s.must("signatory", "POST", s.tenderPath("/amend"), change, s.tender)
		if !s.deadline().Equal(before.Add(3*24*time.Hour)) || !s.tender.Timetable.OpensAt.After(s.deadline()) {
			t.Fatal("the term was not extended", s.tender.Timetable)
		}
		c, b := s.bidder("supplier-legno", 2)
		if b.State != "unconfirmed" {
			t.Fatalf("state %s", b.State)
		}
		s.ok(c.Do(t.Context(), "POST", "/v1/bids/"+b.ID+"/confirm", nil, b))
		if b.State != "submitted" || len(b.Sent) != 1 {
			t.Fatalf("%+v", b)
		}
		s.opened() // arredi did not confirm
		var all struct {
			Items []struct{ Bids []struct{ Bid string } }
		}
		s.must("rup", "GET", s.tenderPath("/openings"), nil, &all)
		if len(all.Items) != 1 || len(all.Items[0].Bids) != 1 || all.Items[0].Bids[0].Bid != b.ID {
			t.Fatalf("%+v", all)
		}
	})
}

func TestAT007PapersAreAddedNeverRemoved(t *testing.T) {
	s := newSiteHere(t)
	s.published()
	s.no("already-published", "drafter", "PUT", s.tenderPath(""), s.fullTerms(), client.IfVersion(s.tender.Version))
	s.no("already-published", "drafter", "DELETE", s.tenderPath(""), nil)
	p, err := s.paper(t.Context(), docs.TechnicalSpecifications, "capitolato-2.pdf", "Capitolato, seconda versione")
	s.ok(err)
	var view struct{ Papers []docs.Document }
	s.must("signatory", "POST", s.tenderPath("/amend"), map[string]any{"reason": "refuso", "papers": []any{p}}, &view)
	if len(view.Papers) != 4 || view.Papers[2].Name != "capitolato.pdf" || view.Papers[3].Name != "capitolato-2.pdf" {
		t.Fatalf("%+v", view.Papers)
	}
	var body strings.Builder
	s.ok(s.api.Get(t.Context(), s.tenderPath("/documents/"+view.Papers[2].Hash.String()), &body))
	if !strings.HasPrefix(body.String(), "%PDF") {
		t.Fatal("the old version is gone")
	}
}

func TestAChangeSaysWhichVersionItChanges(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		terms := s.fullTerms()
		d := s.create(terms)
		s.no("version-required", "drafter", "PUT", s.tenderPath(""), terms)
		s.must("drafter", "PUT", s.tenderPath(""), terms, s.tender, client.IfVersion(d.Version))
		s.no("stale-version", "drafter", "PUT", s.tenderPath(""), terms, client.IfVersion(1))
	})
}

func TestQuestionsAreAnonymousAndPublicOnceAnswered(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		path := s.tenderPath("/questions")
		var q struct{ ID string }
		s.must("supplier-legno", "POST", path, map[string]string{"text": "È ammesso il legno riciclato? 🌳 מה"}, &q)
		count := func(who string) int {
			var page struct{ Items []json.RawMessage }
			s.must(who, "GET", path, nil, &page)
			for _, item := range page.Items {
				if strings.Contains(string(item), s.suppliers["supplier-legno"]) || strings.Contains(string(item), s.persons["supplier-legno"]) {
					t.Errorf("%s is told who asked", who)
				}
			}
			return len(page.Items)
		}
		if count("supplier-arredi") != 0 || count("supplier-legno") != 1 || count("rup") != 1 {
			t.Fatal("before the answer: only the asker and the authority see it")
		}
		s.no("not-permitted", "supplier-arredi", "POST", path+"/"+q.ID+"/answer", map[string]string{"answer": "no"})
		s.must("rup", "POST", path+"/"+q.ID+"/answer", map[string]string{"answer": "Sì."}, nil)
		s.no("already-answered", "rup", "POST", path+"/"+q.ID+"/answer", map[string]string{"answer": "No."})
		if count("supplier-arredi") != 1 {
			t.Fatal("after the answer everybody sees it")
		}
	})
}

func TestDR020ALateAnswerNeedsAnExtension(t *testing.T) {
	s := newSiteHere(t)
	s.published()
	path := s.tenderPath("/questions")
	var q struct{ ID string }
	s.must("supplier-legno", "POST", path, map[string]string{"text": "?"}, &q)
	s.to(s.deadline().Add(-5 * 24 * time.Hour))
	s.no("questions-closed", "supplier-legno", "POST", path, map[string]string{"text": "?"})
	s.no("answer-late", "rup", "POST", path+"/"+q.ID+"/answer", map[string]string{"answer": "Sì."})
	s.must("rup", "POST", s.tenderPath("/extend"), map[string]string{"deadline": local(s.deadline().Add(48 * time.Hour)), "reason": "risposta tardiva"}, s.tender)
	s.must("rup", "POST", path+"/"+q.ID+"/answer", map[string]string{"answer": "Sì."}, nil)
}

func TestByInvitationOnlyThoseInvitedSeeAndAsk(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		terms := s.fullTerms()
		lots := terms["lots"].([]any)
		lots[0].(map[string]any)["amounts"] = map[string]any{"base": "90000.00"}
		terms["lots"], terms["no_lots_reason"] = lots[1:], "fornitura unitaria"
		terms["procedure"], terms["invited"] = "direct", []string{s.suppliers["supplier-legno"]}
		s.create(terms)
		s.must("signatory", "POST", s.tenderPath("/publish"), nil, s.tender)
		for _, who := range []string{"supplier-arredi", "administrator"} {
			s.no("not-found", who, "GET", s.tenderPath(""), nil)
			s.no("not-found", who, "GET", s.tenderPath("/questions"), nil)
		}
		// AT-013, AT-035: who may not take part may neither ask nor bid.
		s.no("not-found", "supplier-arredi", "POST", s.tenderPath("/questions"), map[string]string{"text": "?"})
		s.no("not-found", "supplier-arredi", "POST", s.lotPath(0, "bids"), bidRequest{Form: "single"})
		var view map[string]any
		s.must("supplier-legno", "GET", s.tenderPath(""), nil, &view)
		if view["invited"] != nil {
			t.Error("an invited supplier is told who else is")
		}
		s.bid("supplier-legno", 1, "3.5", "x")
		s.opened()
		s.admitted()
		s.must("seggio", "POST", s.lotPath(0, "open-economic"), nil, nil)
		s.must("seggio", "POST", s.lotPath(0, "rank"), nil, nil)
		s.must("seggio", "POST", s.lotPath(0, "propose-award"), map[string]string{"bid": s.bidOf["1supplier-legno"]}, nil)
		s.must("rup", "POST", s.lotPath(0, "verify-award"), map[string]any{"passed": true, "report": "ok"}, nil)
		s.must("signatory", "POST", s.lotPath(0, "award"), map[string]string{"reason": "ok"}, nil)
		var e struct {
			Standstill time.Time `json:"standstill_until"`
		}
		s.must("rup", "POST", s.lotPath(0, "notify-award"), nil, &e)
		if !e.Standstill.Equal(s.clock.Now()) {
			t.Fatalf("below the threshold there is no standstill (art. 55 c. 2): %s", e.Standstill)
		}
	})
}

func TestDR025NegotiatedInvitesAtLeastFive(t *testing.T) {
	s := newSiteHere(t)
	terms := s.fullTerms()
	lots := terms["lots"].([]any)
	lots[0].(map[string]any)["amounts"] = map[string]any{"base": "100000.00"}
	terms["procedure"], terms["invited"] = "neg-below", []string{s.suppliers["supplier-legno"], s.suppliers["supplier-arredi"]}
	s.create(terms)
	if f := s.no("not-publishable", "signatory", "POST", s.tenderPath("/publish"), nil); !contains(pointers(f), "few-invited") {
		t.Fatal(pointers(f))
	}
	invited := []string{s.suppliers["supplier-legno"], s.suppliers["supplier-arredi"], s.suppliers["supplier-gruppo"], s.suppliers["mandante"]}
	var r struct{ ID string }
	s.must("administrator", "POST", "/v1/suppliers", map[string]any{"name": "Quinta", "country": "FR", "tax_id": "FR12", "size": "large"}, &r)
	terms["invited"] = append(invited, r.ID)
	s.must("drafter", "PUT", s.tenderPath(""), terms, s.tender, client.IfVersion(s.tender.Version))
	s.must("signatory", "POST", s.tenderPath("/publish"), nil, s.tender)
}

func TestBadInputIsToldPreciselyAndChangesNothing(t *testing.T) {
	s := newSiteHere(t)
	entries := func() int { return len(s.entries()) }
	before := entries()
	terms := s.fullTerms()
	before += 3 // the papers
	set := func(change func(m map[string]any)) map[string]any {
		text, err := json.Marshal(terms)
		s.ok(err)
		var m map[string]any
		s.ok(json.Unmarshal(text, &m))
		change(m)
		return m
	}
	amounts := func(v any) map[string]any {
		return set(func(m map[string]any) {
			m["lots"].([]any)[0].(map[string]any)["amounts"].(map[string]any)["base"] = v
		})
	}
	when := func(v string) map[string]any {
		return set(func(m map[string]any) { m["timetable"].(map[string]any)["deadline"] = v })
	}
	for _, c := range []struct {
		what string
		body any
		code string
		at   string
	}{
		{"NaN", amounts("NaN"), "malformed-tender", "/lots/0/amounts/base bad-number"},
		{"1e309", amounts("1e309"), "malformed-tender", "/lots/0/amounts/base bad-number"},
		{"twenty decimals", amounts("1.12345678901234567890"), "malformed-tender", "/lots/0/amounts/base too-many-decimals"},
		{"a JSON number", amounts(182400.5), "invalid-request", "/lots/0/amounts/base schema"},
		{"negative", amounts("-5"), "malformed-tender", "/lots/0/amounts/base bad-number"},
		{"hour skipped by summer time", when("2027-03-28T02:30:00+01:00"), "malformed-tender", "/timetable/deadline time-does-not-exist"},
		{"hour that comes twice", when("2027-10-31T02:30:00+01:00"), "malformed-tender", "/timetable/deadline time-is-ambiguous"},
		{"30 February", when("2027-02-30T12:00:00+01:00"), "malformed-tender", "/timetable/deadline bad-instant"},
		{"unknown field", set(func(m map[string]any) { m["winner"] = "my cousin" }), "invalid-request", "/winner schema"},
		{"missing title", set(func(m map[string]any) { delete(m, "title") }), "invalid-request", " schema"},
		{"direction override", set(func(m map[string]any) { m["title"] = "abc\u202Efdp" }), "malformed-tender", "/title bad-text"},
		{"not JSON", json.RawMessage(`"just text"`), "invalid-request", " schema"},
		{"bad CIG", set(func(m map[string]any) { m["lots"].([]any)[0].(map[string]any)["cig"] = "U000001228" }), "malformed-tender", "/lots/0/cig bad-cig"},
		{"the same CIG twice", set(func(m map[string]any) { m["lots"].([]any)[1].(map[string]any)["cig"] = "U000001227" }), "malformed-tender", "/lots/1/cig duplicate-cig"},
	} {
		f := s.no(c.code, "drafter", "POST", "/v1/authorities/"+s.authority+"/tenders", c.body)
		if !strings.Contains(pointers(f), c.at) {
			t.Errorf("%s: got %s, want %s", c.what, pointers(f), c.at)
		}
		if strings.Contains(client.Tell(f, "en"), "cousin") {
			t.Errorf("%s: the problem repeats what was submitted", c.what)
		}
	}
	s.no("too-large", "drafter", "POST", "/v1/authorities/"+s.authority+"/tenders", map[string]string{"title": strings.Repeat("x", 5<<20)})
	s.must("drafter", "POST", "/v1/authorities/"+s.authority+"/tenders", set(func(m map[string]any) { m["title"] = "Ponte 🌉 על הנהר جسر" }), nil)
	if got := entries(); got != before+1 {
		t.Fatalf("%d entries instead of %d: a refused request left one, or an act none", got, before+1)
	}
}

func TestPapersAreWhatTheirNamesSay(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		c, err := s.as(t.Context(), "drafter")
		s.ok(err)
		zip := "PK\x03\x04 not a PDF at all"
		for _, x := range []struct{ name, body, want string }{
			{"bando.pdf", zip, "not-what-it-says"}, {"bando.pdf", "%PDF-1.7 cut", "truncated-pdf"}, {"..", zip, "bad-file-name"}, {"", zip, "bad-file-name"},
			{"a%2Fb.txt", "x", "bad-file-name"}, {"note%20%F0%9F%8C%89.txt", "ciao", ""},
		} {
			body := []byte(x.body)
			f := fault.Of(c.Put(t.Context(), "/v1/authorities/"+s.authority+"/documents?name="+x.name, sumOf(body), int64(len(body)), strings.NewReader(x.body), nil))
			if got := f; x.want == "" && got != nil || x.want != "" && (got == nil || got.Code != x.want) {
				t.Errorf("%q: got %v, want %q", x.name, f, x.want)
			}
		}
		// AT-097: what was refused cannot be listed by a tender, nor fetched.
		terms := s.fullTerms()
		sum := sumOf([]byte(zip))
		terms["papers"].([]map[string]any)[0]["sha256"] = fmt.Sprintf("%x", sum)
		s.no("unknown-reference", "drafter", "POST", "/v1/authorities/"+s.authority+"/tenders", terms)
	})
}

func TestProblemsSpeakItalianAndEnglish(t *testing.T) {
	s := newSiteHere(t)
	for lang, want := range map[string]string{"": "Accedi", "it-IT": "Acceda", "en-GB;q=0.8": "Sign in", "de, en": "Sign in"} {
		r, err := http.NewRequest("POST", s.server.URL+"/v1/authorities/"+s.authority+"/tenders", strings.NewReader(`{"title":"x","procedure":"open","nature":"works"}`))
		s.ok(err)
		r.Header.Set("Accept-Language", lang)
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		s.ok(err)
		var p struct {
			Type, Title, Code, Detail, Instance string
			Status                              int
		}
		s.ok(json.NewDecoder(resp.Body).Decode(&p))
		resp.Body.Close()
		want = strings.TrimSuffix(want, "i")
		if resp.StatusCode != 401 || p.Status != 401 || resp.Header.Get("Content-Type") != "application/problem+json" ||
			p.Code != "not-signed-in" || p.Type != "urn:problem:sigillo:not-signed-in" || !strings.Contains(p.Detail, want) || p.Instance == "" {
			t.Errorf("%q: %d %+v", lang, resp.StatusCode, p)
		}
	}
}

func TestPagesLoseNothing(t *testing.T) {
	s := newSiteHere(t)
	terms := s.fullTerms()
	want := map[string]bool{}
	for range 7 {
		want[s.create(terms).ID] = true
	}
	after, n := "", 0
	for {
		var page struct {
			Items []published
			Next  string
		}
		s.must("drafter", "GET", "/v1/tenders?limit=3&after="+after, nil, &page)
		for _, p := range page.Items {
			if !want[p.ID] {
				t.Fatal("an item came twice, or is unknown")
			}
			delete(want, p.ID)
			n++
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if n != 7 || len(want) != 0 {
		t.Fatal(n, want)
	}
	s.no("invalid-request", "drafter", "GET", "/v1/tenders?limit=1000", nil)
	s.no("invalid-request", "drafter", "GET", "/v1/tenders?limits=3", nil)
}

func newSiteHere(t *testing.T) *site {
	t.Helper()
	t.Parallel()
	return newSite(t, "sqlite:"+t.TempDir()+"/sigillo.db", t.TempDir())
}

// entries reads the whole register of the authority through the API.
func (s *site) entries() []map[string]any {
	s.t.Helper()
	c, err := s.as(s.t.Context(), "auditor")
	s.ok(err)
	var b strings.Builder
	s.ok(c.Get(s.t.Context(), "/v1/authorities/"+s.authority+"/audit", &b))
	var all []map[string]any
	for line := range strings.Lines(b.String()) {
		var l struct{ Entry map[string]any }
		s.ok(json.Unmarshal([]byte(line), &l))
		if l.Entry != nil && l.Entry["action"] != "export-audit" {
			all = append(all, l.Entry)
		}
	}
	return all
}
