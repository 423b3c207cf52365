package main

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sigillo/feed"
)

// tellAll publishes what there is in the log now and finds what is public in it.
func (s *site) tellAll() {
	s.t.Helper()
	s.publishLog()
	_, err := s.p.feeds.Derive(s.t.Context())
	s.ok(err)
}

// changesAfter follows the feed to its end, as the public, in pages of two.
func (s *site) changesAfter(after string) (all []feed.Change, next string) {
	s.t.Helper()
	for {
		var page struct {
			Items []feed.Change
			Next  string
		}
		s.ok(s.api.Do(s.t.Context(), "GET", "/v1/changes?limit=2&after="+after, nil, &page))
		if len(page.Items) == 0 {
			if page.Next != after {
				s.t.Fatal("at the end the cursor becomes", page.Next)
			}
			return all, after
		}
		all, after = append(all, page.Items...), page.Next
	}
}

func kindsOf(all []feed.Change) string {
	var kinds []string
	for _, c := range all {
		kinds = append(kinds, string(c.Kind))
	}
	return strings.Join(kinds, " ")
}

// TestTheFeedTellsWhatIsPublicAndNothingOfBiddersOrDrafts plants canaries in a
// draft, in a question and in bids.
func TestTheFeedTellsWhatIsPublicAndNothingOfBiddersOrDrafts(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		x := stranger{t, s.server.URL}
		if all, next := s.changesAfter(""); len(all) != 0 || next != "" {
			t.Fatal(all, next)
		}
		if r, text := x.get("/v1/changes.atom"); r.StatusCode != http.StatusOK || len(readAtom(t, text).Entries) != 0 {
			t.Fatal(r.Status, string(text))
		}
		s.published()
		out := s.tender
		s.tellAll()
		all, next := s.changesAfter("")
		if kindsOf(all) != "tender.published" || all[0].Tender != out.ID || all[0].Link != "/v1/tenders/"+out.ID || all[0].Title == "" {
			t.Fatal(all)
		}

		// What nobody is told: a draft, a question, bids.
		const canary = "CANARY-4b81d2"
		custody, err := s.custody()
		s.ok(err)
		terms := s.terms(out.Timetable.Deadline, nil, custody)
		terms["title"] = canary
		var draft published
		s.must("drafter", "POST", "/v1/authorities/"+s.authority+"/tenders", terms, &draft)
		hidden := draft.ID
		var q struct{ ID string }
		s.must("supplier-legno", "POST", s.tenderPath("/questions"), map[string]string{"text": canary + "?"}, &q)
		b := s.bid("supplier-legno", 2, "5", canary)
		s.bid("supplier-arredi", 2, "6", canary)
		s.tellAll()
		if more, same := s.changesAfter(next); len(more) != 0 || same != next {
			t.Fatal("bids and drafts are told:", more)
		}

		s.must("rup", "POST", s.tenderPath("/questions/"+q.ID+"/answer"), map[string]string{"answer": "Yes."}, nil)
		s.must("rup", "POST", s.tenderPath("/extend"), map[string]string{"deadline": local(out.Timetable.Deadline.Add(24 * time.Hour)), "reason": "x"}, nil)
		s.reload()
		s.opened()
		s.tellAll()
		more, end := s.changesAfter(next)
		if got := kindsOf(more); !strings.HasPrefix(got, "tender.answered tender.extended lot.closed") || strings.Count(got, "lot.closed") != len(out.Lots) || strings.Count(got, "lot.administrative_opened") != 1 {
			t.Fatal(got)
		}
		if c := more[0]; c.Question != q.ID || c.Link != s.tenderPath("/questions/"+q.ID) {
			t.Error(c)
		}
		for _, c := range more {
			s.ok(s.api.Do(t.Context(), "GET", c.Link, nil, nil)) // anybody may read it there
		}
		text, err := json.Marshal(append(all, more...))
		s.ok(err)
		_, atom := x.get("/v1/changes.atom")
		for where, text := range map[string]string{"the feed": string(text), "Atom": string(atom)} {
			for _, secret := range []string{canary, hidden, b.ID, s.suppliers["supplier-legno"], s.persons["supplier-legno"], s.persons["rup"], "bid", "submit"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s holds %s", where, secret)
				}
			}
			if !strings.Contains(text, out.ID) {
				t.Errorf("%s holds nothing", where)
			}
		}
		// By a cursor nobody counts what lies between: it is an id, of a public fact.
		s.no("unknown-cursor", "rup", "GET", "/v1/changes?after="+b.ID, nil)
		s.no("unknown-cursor", "rup", "GET", "/v1/changes?after=3", nil)
		if more, _ := s.changesAfter(end); len(more) != 0 {
			t.Error(more)
		}
		var one struct{ Items []feed.Change }
		s.ok(s.api.Do(t.Context(), "GET", "/v1/changes?tender="+hidden, nil, &one))
		if len(one.Items) != 0 {
			t.Error(one.Items)
		}
		s.checkAtom(x, append(all, more...))
	})
}

// atomRead is RFC 4287 as a reader of news sees it.
type atomRead struct {
	XMLName xml.Name  `xml:"http://www.w3.org/2005/Atom feed"`
	Lang    string    `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	ID      string    `xml:"http://www.w3.org/2005/Atom id"`
	Title   string    `xml:"http://www.w3.org/2005/Atom title"`
	Updated time.Time `xml:"http://www.w3.org/2005/Atom updated"`
	Author  struct {
		Name string `xml:"http://www.w3.org/2005/Atom name"`
	} `xml:"http://www.w3.org/2005/Atom author"`
	Links []struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	} `xml:"http://www.w3.org/2005/Atom link"`
	Entries []atomReadEntry `xml:"http://www.w3.org/2005/Atom entry"`
}

type atomReadEntry struct {
	ID      string    `xml:"http://www.w3.org/2005/Atom id"`
	Title   string    `xml:"http://www.w3.org/2005/Atom title"`
	Updated time.Time `xml:"http://www.w3.org/2005/Atom updated"`
	Link    struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	} `xml:"http://www.w3.org/2005/Atom link"`
}

func readAtom(t *testing.T, text []byte) atomRead {
	t.Helper()
	var a atomRead
	if err := xml.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(a.ID, "urn:uuid:") || a.Title == "" || a.Updated.IsZero() || a.Author.Name == "" || len(a.Links) != 2 || a.Links[0].Rel != "self" {
		t.Fatalf("not what RFC 4287 demands: %+v", a)
	}
	return a
}

// checkAtom compares the Atom feed, in both languages and of one tender, with
// what the JSON feed has told.
func (s *site) checkAtom(x stranger, told []feed.Change) {
	t := s.t
	t.Helper()
	r, text := x.get("/v1/changes.atom")
	a := readAtom(t, text)
	if r.Header.Get("Content-Type") != "application/atom+xml; charset=utf-8" || a.Lang != "it" || len(a.Entries) != len(told) {
		t.Fatal(r.Header, a)
	}
	seen := map[string]bool{}
	for i, e := range a.Entries {
		c := told[len(told)-1-i]
		if e.ID != "urn:uuid:"+c.ID || seen[e.ID] || !e.Updated.Equal(c.At) || e.Link.Rel != "alternate" || e.Link.Href != c.Link || !strings.Contains(e.Title, c.Title) {
			t.Errorf("%+v is not %+v", e, c)
		}
		seen[e.ID] = true
	}
	if last := a.Entries[len(a.Entries)-1].Title; !strings.HasPrefix(last, "Gara pubblicata: ") || !a.Updated.Equal(a.Entries[0].Updated) {
		t.Error(last, a.Updated)
	}
	_, text = x.get("/v1/changes.atom?tender=" + told[0].Tender)
	if one := readAtom(t, text); len(one.Entries) != len(told) || one.ID == a.ID || one.Title != told[0].Title {
		t.Error(one)
	}
	for _, bad := range []string{"?tender=a&tender=b", "?after=x", "?tender=" + strings.Repeat("x", 101)} {
		if r, _ := x.get("/v1/changes.atom" + bad); r.StatusCode != http.StatusUnprocessableEntity {
			t.Error(bad, r.Status)
		}
	}
	request, err := http.NewRequest("GET", s.server.URL+"/v1/changes.atom", nil)
	s.ok(err)
	request.Header.Set("Accept-Language", "en")
	response, err := http.DefaultClient.Do(request)
	s.ok(err)
	defer response.Body.Close()
	var english atomRead
	s.ok(xml.NewDecoder(response.Body).Decode(&english))
	if english.Lang != "en" || !slices.ContainsFunc(english.Entries, func(e atomReadEntry) bool { return strings.HasPrefix(e.Title, "Tender published: ") }) {
		t.Error(english)
	}
}
