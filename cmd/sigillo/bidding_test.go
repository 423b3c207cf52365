package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sigillo/docs"
	"sigillo/internal/client"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
	"sigillo/tender"
)

func TestAT014TheDeadlineIsHalfOpen(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		l, err := s.tender.lot(2)
		s.ok(err)
		for _, c := range []struct {
			who string
			at  time.Duration
			in  bool
		}{{"supplier-arredi", -time.Millisecond, true}, {"supplier-legno", 0, false}, {"supplier-gruppo", time.Millisecond, false}} {
			_, b := s.bidder(c.who, 2)
			for _, spec := range l.Envelopes {
				path := s.seal(c.who, c.who, 2, spec, "5", "x")
				body, err := os.ReadFile(path)
				s.ok(err)
				s.ok(s.put(c.who, b.ID, string(spec.Envelope), body, sumOf(body), int64(len(body))))
			}
		}
		for _, c := range []struct {
			who string
			at  time.Duration
			in  bool
		}{{"supplier-arredi", -time.Millisecond, true}, {"supplier-legno", 0, false}, {"supplier-gruppo", time.Millisecond, false}} {
			s.clock.base = s.deadline().Add(c.at) // the bell does not ring: the instant alone decides
			_, b := s.bidder(c.who, 2)
			var manifest []claim
			for _, u := range b.Uploads {
				manifest = append(manifest, claim{string(u.Envelope), u.SHA256.String()})
			}
			err := s.call(c.who, "POST", "/v1/bids/"+b.ID+"/submit", map[string]any{"manifest": manifest}, nil)
			if f := fault.Of(err); c.in && f != nil || !c.in && (f == nil || f.Code != "deadline-passed") {
				t.Errorf("%s %v from the deadline: %v", c.who, c.at, err)
			}
		}
		var view struct {
			BidRule string `json:"bid_rule"`
		}
		s.must("supplier-legno", "GET", s.tenderPath(""), nil, &view)
		if !strings.Contains(view.BidRule, "at that very instant") {
			t.Error("the rule is not printed in the tender")
		}
	})
}

func TestAT022AT050LateAndRepeatedTicksChangeNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		s.bid("supplier-legno", 2, "10", "x")
		s.to(s.tender.Timetable.OpensAt.Add(3 * time.Hour)) // the clock was not served for hours
		for range 3 {
			s.p.bell.Ring(t.Context())
		}
		done := make(chan bool)
		for range 4 { // as many replicas
			go func() { s.p.bell.Ring(context.WithoutCancel(t.Context())); done <- true }()
		}
		for range 4 {
			<-done
		}
		count := map[string]int{}
		for _, e := range s.entries() {
			action, _ := e["action"].(string)
			lot, _ := e["lot"].(string)
			count[action+" "+lot]++
			want := map[string]time.Time{"close-lot": s.deadline(), "open-administrative": s.tender.Timetable.OpensAt}
			if at, ok := want[action]; ok {
				if got, _ := e["effective"].(string); got != at.UTC().Format("2006-01-02T15:04:05.000000Z") {
					t.Errorf("%s: effective %s, want %s", action, got, at)
				}
				if e["at"] == e["effective"] {
					t.Errorf("%s: the instant of the act must be told too", action)
				}
			}
		}
		l1, l2 := s.tender.Lots[0].ID, s.tender.Lots[1].ID
		if count["close-lot "+l1] != 1 || count["close-lot "+l2] != 1 || count["open-administrative "+l2] != 1 || count["open-administrative "+l1] != 0 {
			t.Fatalf("%v", count)
		}
		// AT-055: nobody bid for lot 1.
		if s.reload(); s.tender.Lots[0].State != tender.Deserted || s.tender.Lots[1].State != tender.AdministrativeOpened {
			t.Fatal(s.tender.Lots[0].State, s.tender.Lots[1].State)
		}
	})
}

func TestAT059MinimumBidsDecideWhetherALotIsDeserted(t *testing.T) {
	for _, c := range []struct {
		minimum int
		bids    []string
		want    tender.State
	}{
		{1, nil, tender.Deserted}, {1, []string{"supplier-legno"}, tender.Closed}, {2, []string{"supplier-legno"}, tender.Deserted},
		{2, []string{"supplier-legno", "supplier-arredi"}, tender.Closed}, {2, []string{"supplier-legno", "supplier-arredi", "supplier-gruppo"}, tender.Closed},
	} {
		t.Run(fmt.Sprint(c.minimum, len(c.bids)), func(t *testing.T) {
			s := newSiteHere(t)
			terms := s.fullTerms()
			terms["lots"].([]any)[1].(map[string]any)["minimum_bids"] = c.minimum
			s.create(terms)
			s.must("signatory", "POST", s.tenderPath("/publish"), nil, s.tender)
			for _, who := range c.bids {
				s.bid(who, 2, "4", "x")
			}
			s.to(s.deadline())
			if got := s.reload().Lots[1].State; got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestAT027AnIncompleteBidIsNotSubmitted(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		l, err := s.tender.lot(1)
		s.ok(err)
		_, b := s.bidder("supplier-legno", 1)
		submit := "/v1/bids/" + b.ID + "/submit"
		if f := s.no("incomplete-bid", "supplier-legno", "POST", submit, map[string]any{"manifest": []claim{}}); len(f.Fields) != 3 {
			t.Fatal(pointers(f))
		}
		spec, _ := l.Spec(tender.Administrative)
		body, err := os.ReadFile(s.seal("supplier-legno", "x", 1, spec, "", "x"))
		s.ok(err)
		s.ok(s.put("supplier-legno", b.ID, "A", body, sumOf(body), int64(len(body))))
		f := s.no("incomplete-bid", "supplier-legno", "POST", submit, map[string]any{"manifest": []claim{{"A", strings.Repeat("00", 32)}}})
		if got := pointers(f); got != "/manifest missing-envelope, /manifest missing-envelope, /manifest/0 not-uploaded" {
			t.Fatal(got)
		}
		var view bidState
		s.must("supplier-legno", "GET", "/v1/bids/"+b.ID, nil, &view)
		if view.State != "draft" || len(view.Uploads) != 1 {
			t.Fatalf("something was lost: %+v", view)
		}
	})
}

func TestUploadsThatAreNotAsDeclaredAreRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		l, err := s.tender.lot(2)
		s.ok(err)
		_, b := s.bidder("supplier-legno", 2)
		spec, _ := l.Spec(tender.Economic)
		body, err := os.ReadFile(s.seal("supplier-legno", "x", 2, spec, "5", "x"))
		s.ok(err)
		code := func(e string, body []byte, sum [32]byte, size int64) string {
			if f := fault.Of(s.put("supplier-legno", b.ID, e, body, sum, size)); f != nil {
				return f.Code
			}
			return ""
		}
		pdf := []byte("%PDF-1.7 in clear")
		for _, c := range []struct{ what, got, want string }{
			{"another digest", code("C", body, sumOf(pdf), int64(len(body))), "wrong-digest"},
			{"in clear", code("C", pdf, sumOf(pdf), int64(len(pdf))), "not-sealed"},
			{"empty", code("C", nil, sumOf(nil), 0), "empty-file"},
			{"no such envelope", code("B", body, sumOf(body), int64(len(body))), "no-such-envelope"},
			{"nonsense envelope", code("Z", body, sumOf(body), int64(len(body))), "no-such-envelope"},
			{"another's bid", fault.Of(s.put("supplier-arredi", b.ID, "C", body, sumOf(body), int64(len(body)))).Code, "not-found"},
		} {
			if c.got != c.want {
				t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
			}
		}
		// Cut off in the middle: the declared length never comes.
		c, err := s.as(t.Context(), "supplier-legno")
		s.ok(err)
		ctx, cancel := context.WithCancel(t.Context())
		half := &dying{body[:len(body)/2], cancel}
		if c.Put(ctx, "/v1/bids/"+b.ID+"/envelopes/C", sumOf(body), int64(len(body)), half, nil) == nil {
			t.Error("half an upload is taken")
		}
		var view bidState
		s.must("supplier-legno", "GET", "/v1/bids/"+b.ID, nil, &view)
		if len(view.Uploads) != 0 {
			t.Errorf("a refused upload was noted: %+v", view.Uploads)
		}
		if got := code("C", body, sumOf(body), int64(len(body))); got != "" {
			t.Errorf("the right one afterwards: %s", got)
		}
		r, err := http.NewRequest("PUT", s.server.URL+"/v1/bids/"+b.ID+"/envelopes/C", strings.NewReader("x"))
		s.ok(err)
		r.Header.Set("Authorization", "Bearer "+c.Token)
		resp, err := http.DefaultClient.Do(r)
		s.ok(err)
		resp.Body.Close()
		if resp.StatusCode != 422 {
			t.Errorf("without a digest: %d", resp.StatusCode)
		}
	})
}

// dying reads half of what was promised and then breaks the line.
type dying struct {
	left   []byte
	cancel func()
}

func (d *dying) Read(p []byte) (int, error) {
	if len(d.left) == 0 {
		d.cancel()
		return 0, context.Canceled
	}
	n := copy(p, d.left)
	d.left = d.left[n:]
	return n, nil
}

func TestAT033OnlyTheLastSubmissionCounts(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		for i := range 4 {
			s.bid("supplier-legno", 2, fmt.Sprint(i+1), fmt.Sprint("version ", i+1))
		}
		id := s.bidOf["2supplier-legno"]
		s.must("supplier-legno", "POST", "/v1/bids/"+id+"/withdraw", nil, nil)
		s.no("nothing-to-withdraw", "supplier-legno", "POST", "/v1/bids/"+id+"/withdraw", nil)
		last := s.bid("supplier-legno", 2, "7", "version 5")
		if last.State != "submitted" || len(last.Sent) != 5 {
			t.Fatalf("%+v", last)
		}
		s.opened()
		s.admitted()
		var o struct {
			Bids []struct {
				Offer map[string]string
				Fault string
			}
		}
		s.must("seggio", "POST", s.lotPath(1, "open-economic"), nil, &o)
		if len(o.Bids) != 1 || o.Bids[0].Offer["discount"] != "7" || o.Bids[0].Fault != "" {
			t.Fatalf("%+v", o)
		}
		n := map[string]int{}
		for _, e := range s.entries() {
			n[e["action"].(string)]++
		}
		if n["submit-bid"] != 5 || n["withdraw-bid"] != 1 {
			t.Fatalf("%v", n)
		}
		kept := 0
		s.ok(s.p.vault.List(t.Context(), docs.AreaSealed, func(docs.Object) error { kept++; return nil }))
		if kept != 10 {
			t.Fatalf("%d ciphertexts kept, want 10", kept)
		}
	})
}

func TestASubmissionRepeatedAfterALostAnswerIsOne(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		l, err := s.tender.lot(2)
		s.ok(err)
		files := map[string]string{}
		for _, spec := range l.Envelopes {
			files[string(spec.Envelope)] = s.seal("supplier-legno", "x", 2, spec, "5", "x")
		}
		first := s.send("supplier-legno", 2, files)
		again := s.send("supplier-legno", 2, files)
		if len(again.Sent) != 1 || again.Sent[0].ManifestHash != first.Sent[0].ManifestHash || !again.Sent[0].ReceivedAt.Equal(first.Sent[0].ReceivedAt) {
			t.Fatalf("%+v", again)
		}
		s.no("one-bid", "supplier-legno", "POST", s.lotPath(1, "bids"), bidRequest{Form: "single"})
	})
}

func TestAT036SuspensionStopsBidsAndGivesTheTimeBack(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		s.bid("supplier-legno", 2, "5", "x")
		s.to(s.deadline().Add(-time.Hour))
		s.must("rup", "POST", s.tenderPath("/suspend"), map[string]string{"reason": "malfunzionamento (art. 25 c. 2)"}, nil)
		s.no("tender-suspended", "supplier-legno", "POST", "/v1/bids/"+s.bidOf["2supplier-legno"]+"/withdraw", nil)
		s.no("tender-suspended", "supplier-arredi", "POST", s.lotPath(1, "bids"), bidRequest{Form: "single"})
		s.to(s.deadline().Add(5 * time.Hour)) // the deadline passes: nothing closes
		if got := s.reload().Lots[1].State; got != tender.Suspended {
			t.Fatalf("state %s", got)
		}
		s.no("extension-too-short", "rup", "POST", s.tenderPath("/resume"), map[string]string{"deadline": local(s.clock.Now().Add(30 * time.Minute)), "reason": "ripristino"})
		s.must("rup", "POST", s.tenderPath("/resume"), map[string]string{"deadline": local(s.clock.Now().Add(2 * time.Hour)), "reason": "ripristino"}, s.tender)
		s.bid("supplier-arredi", 2, "6", "x")
		s.opened()
		if s.tender.Lots[1].State != tender.AdministrativeOpened {
			t.Fatal(s.tender.Lots[1].State)
		}
	})
}

func TestExtensionAfterTheDeadlineKeepsBidsSealedAndReplaceable(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		s.bid("supplier-legno", 2, "5", "x")
		s.to(s.deadline())
		if s.reload(); s.tender.Lots[0].State != tender.Deserted || s.tender.Lots[1].State != tender.Closed {
			t.Fatal("not closed")
		}
		s.no("bad-extension", "rup", "POST", s.tenderPath("/extend"), map[string]string{"deadline": local(s.deadline()), "reason": "x"})
		s.must("rup", "POST", s.tenderPath("/extend"), map[string]string{"deadline": local(s.deadline().Add(48 * time.Hour)), "reason": "malfunzionamento"}, nil)
		for _, l := range s.reload().Lots {
			if l.State != tender.Published || l.ClosedAt != nil {
				t.Fatalf("lot %d: %s", l.Number, l.State)
			}
		}
		s.bid("supplier-legno", 2, "6", "y")
		s.bid("supplier-arredi", 1, "6", "y")
		s.opened()
		s.no("already-open", "rup", "POST", s.tenderPath("/extend"), map[string]string{"deadline": local(s.clock.Now().Add(48 * time.Hour)), "reason": "x"})
	})
}

func TestAT032TheSameOperatorTwiceOnALotIsFlagged(t *testing.T) {
	s := newSiteHere(t)
	s.published()
	c, err := s.as(t.Context(), "supplier-gruppo")
	s.ok(err)
	members := func(shares ...string) []map[string]string {
		return []map[string]string{{"supplier": s.suppliers["supplier-gruppo"], "share": shares[0], "part": "a"}, {"supplier": s.suppliers["supplier-legno"], "share": shares[1], "part": "b"}}
	}
	for _, c := range []struct {
		body any
		want string
	}{
		{map[string]any{"form": "group", "members": members("70", "20")}, "/members shares-not-100"},
		{map[string]any{"form": "group", "members": members("NaN", "20")}, "/members/0/share bad-number"},
		{map[string]any{"form": "group"}, "/members group-size"},
		{map[string]any{"form": "single", "members": members("70", "30")}, "/members not-a-group"},
	} {
		if f := s.no("bad-bid", "supplier-gruppo", "POST", s.lotPath(1, "bids"), c.body); !contains(pointers(f), c.want) {
			t.Errorf("got %s, want %s", pointers(f), c.want)
		}
	}
	var b bidState
	s.ok(c.Do(t.Context(), "POST", s.lotPath(1, "bids"), map[string]any{"form": "group", "members": members("70", "30")}, &b))
	s.bid("supplier-gruppo", 2, "5", "x")
	s.bid("supplier-legno", 2, "6", "x")
	s.opened()
	var all struct {
		Items []struct {
			Bids []struct {
				Bid    string
				Shared []string
			}
		}
	}
	s.must("rup", "GET", s.tenderPath("/openings"), nil, &all)
	for _, o := range all.Items[0].Bids {
		if len(o.Shared) != 1 {
			t.Errorf("%s is not flagged", o.Bid)
		}
	}
}

// TestAT034AT037ACanaryInASealedEnvelopeIsNowhere plants a canary in every
// envelope and searches everything the platform holds before the opening:
// database, objects, logs, and every answer to everybody.
func TestAT034AT037ACanaryInASealedEnvelopeIsNowhere(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		const canary = "CANARY-7f3a9c51"
		s.published()
		b := s.bid("supplier-legno", 1, "73.941", canary)
		s.bid("supplier-arredi", 2, "81.977", canary)
		// A bidder who sends it in clear by mistake.
		plain := []byte("%PDF " + canary)
		if fault.Of(s.put("supplier-legno", b.ID, "C", plain, sumOf(plain), int64(len(plain)))).Code != "not-sealed" {
			t.Fatal("plaintext was taken")
		}
		s.to(s.deadline()) // closed, not yet open
		var held bytes.Buffer
		held.WriteString(s.log.String())
		s.dump(&held)
		var answers bytes.Buffer
		paths := []string{s.tenderPath(""), s.tenderPath("/questions"), s.tenderPath("/openings"), s.lotPath(0, "bids"), s.lotPath(0, "evaluation"),
			"/v1/bids/" + b.ID, "/v1/bids", "/v1/tenders", "/status", "/v1/authorities/" + s.authority + "/audit", "/openapi.json"}
		for _, who := range castOrder {
			if who == "supplier-legno" {
				continue
			}
			c, err := s.as(t.Context(), who)
			s.ok(err)
			for _, path := range paths {
				if err := c.Get(t.Context(), path, &answers); err != nil {
					answers.WriteString(client.Tell(err, "en"))
				}
			}
		}
		for where, text := range map[string]string{"what is held": held.String(), "an answer": answers.String()} {
			for _, secret := range []string{canary, "73.941", "81.977"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s holds %s", where, secret)
				}
			}
		}
		// Not even who has bid: the log holds no trace that can be counted.
		for _, secret := range []string{b.ID, s.suppliers["supplier-legno"], s.persons["supplier-legno"], "submit", "/envelopes"} {
			if strings.Contains(s.log.String(), secret) {
				t.Errorf("the log tells of the bidder: %s", secret)
			}
		}
		for _, secret := range []string{b.ID, s.suppliers["supplier-legno"], s.persons["supplier-legno"]} {
			if strings.Contains(answers.String(), secret) {
				t.Errorf("an answer tells of the bidder: %s", secret)
			}
		}
		// Afterwards the same words are found: the search could find them.
		s.to(s.tender.Timetable.OpensAt)
		s.reload()
		var all struct{ Items []struct{ ID string } }
		s.must("rup", "GET", s.tenderPath("/openings"), nil, &all)
		c, err := s.as(t.Context(), "rup")
		s.ok(err)
		found := false
		for _, o := range all.Items {
			var body bytes.Buffer
			if c.Get(t.Context(), "/v1/openings/"+o.ID+"/bids/"+b.ID+"/documents/0", &body) == nil {
				found = found || strings.Contains(body.String(), canary)
			}
		}
		if !found {
			t.Fatal("the canary is not found after the opening either")
		}
	})
}

// dump writes all that database and object store hold.
func (s *site) dump(w *bytes.Buffer) {
	s.t.Helper()
	for _, a := range []docs.Area{docs.Papers, docs.AreaSealed} {
		s.ok(s.p.vault.List(s.t.Context(), a, func(o docs.Object) error {
			r, _, err := s.p.vault.Open(s.t.Context(), a, o.Hash)
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = w.ReadFrom(r)
			return err
		}))
	}
	if path, ok := strings.CutPrefix(s.dsn, "sqlite:"); ok {
		s.ok(filepath.WalkDir(filepath.Dir(path), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			w.Write(text)
			return err
		}))
		return
	}
	c, err := pgx.Connect(s.t.Context(), s.dsn)
	s.ok(err)
	defer c.Close(s.t.Context())
	rows, err := c.Query(s.t.Context(), "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
	s.ok(err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	s.ok(err)
	if len(tables) < 10 {
		s.t.Fatal("the tables are not seen")
	}
	for _, table := range tables {
		_, err := c.PgConn().CopyTo(s.t.Context(), w, "COPY "+table+" TO STDOUT")
		s.ok(err)
	}
}

func TestAT048TheEconomicEnvelopeWaitsForTheLockedScores(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		for _, who := range []string{"supplier-legno", "supplier-arredi"} {
			s.bid(who, 1, "5", "x")
		}
		s.opened()
		s.no("wrong-state", "signatory", "POST", s.lotPath(0, "award"), map[string]string{"reason": "x"})
		s.admitted()
		open := func(who string) string {
			if f := fault.Of(s.call(who, "POST", s.lotPath(0, "open-economic"), nil, nil)); f != nil {
				return f.Code
			}
			return ""
		}
		if got := open("commissioner-1"); got != "wrong-state" {
			t.Fatalf("before B is open: %q", got)
		}
		s.must("commissioner-1", "POST", s.lotPath(0, "open-technical"), nil, nil)
		if got := open("commissioner-1"); got != "wrong-state" {
			t.Fatalf("before the scores: %q", got)
		}
		s.no("scores-missing", "commissioner-1", "POST", s.lotPath(0, "lock-scores"), nil)
		for i, who := range []string{"supplier-legno", "supplier-arredi"} {
			s.score(who, []string{[]string{"40", "20"}[i], "10", "10"})
		}
		s.must("commissioner-1", "POST", s.lotPath(0, "lock-scores"), nil, nil)
		s.no("wrong-state", "commissioner-1", "POST", s.lotPath(0, "scores/"+s.bidOf["1supplier-legno"]), map[string]any{"scores": []any{}})
		s.no("not-permitted", "signatory", "POST", s.lotPath(0, "open-economic"), nil)
		var o struct{ Bids []struct{ Bid string } }
		s.must("commissioner-1", "POST", s.lotPath(0, "open-economic"), nil, &o)
		// DR-095: 60 of 70 passes the threshold of 40, and so does exactly 40.
		if len(o.Bids) != 2 {
			t.Fatalf("%+v", o)
		}
	})
}

func (s *site) score(who string, points []string) {
	s.t.Helper()
	var scores []map[string]string
	for i, c := range s.tender.Lots[0].Criterion.Technical {
		scores = append(scores, map[string]string{"criterion": c.ID, "points": points[i], "reason": "campioni"})
	}
	s.must("commissioner-2", "POST", s.lotPath(0, "scores/"+s.bidOf["1"+who]), map[string]any{"scores": scores}, nil)
}

func TestAT052DR095TheExcludedAndTheInsufficientStaySealed(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		for _, who := range []string{"supplier-legno", "supplier-arredi", "supplier-gruppo"} {
			s.bid(who, 1, "5", "x")
		}
		s.opened()
		out := s.bidOf["1supplier-gruppo"]
		s.admitted(out)
		var b, c struct{ Bids []struct{ Bid string } }
		s.must("commissioner-1", "POST", s.lotPath(0, "open-technical"), nil, &b)
		if text := fmt.Sprint(b.Bids); len(b.Bids) != 2 || strings.Contains(text, out) {
			t.Fatalf("B of the excluded was opened: %s", text)
		}
		s.no("bid-excluded", "commissioner-2", "POST", s.lotPath(0, "scores/"+out), map[string]any{"scores": []any{}})
		s.score("supplier-legno", []string{"20", "10", "9.99"}) // 39.99: below the threshold of 40
		s.score("supplier-arredi", []string{"20", "10", "10"})  // 40: passes
		s.must("commissioner-1", "POST", s.lotPath(0, "lock-scores"), nil, nil)
		s.must("commissioner-1", "POST", s.lotPath(0, "open-economic"), nil, &c)
		if len(c.Bids) != 1 || c.Bids[0].Bid != s.bidOf["1supplier-arredi"] {
			t.Fatalf("%+v", c)
		}
		s.must("commissioner-1", "POST", s.lotPath(0, "rank"), nil, nil)
	})
}

func TestAT038AT051ABadEnvelopeDoesNotStopTheOthers(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		l, err := s.tender.lot(2)
		s.ok(err)
		// arredi sends legno's envelopes as its own: sealed, but for another.
		foreign := map[string]string{}
		for _, spec := range l.Envelopes {
			foreign[string(spec.Envelope)] = s.seal("supplier-legno", "x", 2, spec, "5", "x")
		}
		s.send("supplier-arredi", 2, foreign)
		// gruppo seals to a key of its own: nobody will ever open it.
		wrong := map[string]string{}
		keys := s.tender.Keys
		s.tender.Keys = []tender.Key{}
		for _, k := range keys {
			k.Recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
			s.tender.Keys = append(s.tender.Keys, k)
		}
		for _, spec := range l.Envelopes {
			wrong[string(spec.Envelope)] = s.seal("supplier-gruppo", "x", 2, spec, "5", "x")
		}
		s.send("supplier-gruppo", 2, wrong)
		s.tender.Keys = keys
		s.bid("supplier-legno", 2, "5", "good")
		s.opened()
		var all struct {
			Items []struct {
				Unsealed bool
				Bids     []struct {
					Supplier, Fault string
					Documents       []seal.Item
				}
			}
		}
		s.must("rup", "GET", s.tenderPath("/openings"), nil, &all)
		got := map[string]string{}
		for _, b := range all.Items[0].Bids {
			got[b.Supplier] = b.Fault
			if (b.Fault == "") != (len(b.Documents) == 2) {
				t.Errorf("%+v", b)
			}
		}
		if !all.Items[0].Unsealed || got[s.suppliers["supplier-legno"]] != "" || got[s.suppliers["supplier-arredi"]] != "foreign-envelope" ||
			got[s.suppliers["supplier-gruppo"]] != "cannot-unseal" {
			t.Fatalf("%+v", got)
		}
	})
}

func TestAT045AT057ARevokedLotsBidsStaySealed(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		s.bid("supplier-legno", 1, "5", "x")
		s.bid("supplier-legno", 2, "5", "x")
		s.no("not-permitted", "rup", "POST", s.lotPath(0, "revoke"), map[string]string{"reason": "x"})
		s.no("missing-reason", "signatory", "POST", s.lotPath(0, "revoke"), map[string]string{"reason": ""})
		for i := range s.tender.Lots {
			s.must("signatory", "POST", s.lotPath(i, "revoke"), map[string]string{"reason": "L. 241/1990 art. 21-quinquies"}, s.tender)
		}
		s.opened()
		var view struct{ State tender.State }
		s.must("rup", "GET", s.tenderPath(""), nil, &view)
		if view.State != tender.Revoked {
			t.Fatalf("the tender is %s", view.State)
		}
		s.no("not-found", "rup", "GET", "/v1/bids/"+s.bidOf["1supplier-legno"], nil)
		s.no("wrong-state", "signatory", "POST", s.lotPath(0, "revoke"), map[string]string{"reason": "again"})
		var openings, bids struct{ Items []json.RawMessage }
		s.must("rup", "GET", s.tenderPath("/openings"), nil, &openings)
		s.must("rup", "GET", s.lotPath(0, "bids"), nil, &bids)
		if len(openings.Items)+len(bids.Items) != 0 {
			t.Fatal("a revoked lot shows its bids")
		}
	})
}

func TestReadingAnOpenedBidIsAnAct(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		b := s.bid("supplier-legno", 2, "5", "my words")
		s.opened()
		var all struct{ Items []struct{ ID string } }
		s.must("rup", "GET", s.tenderPath("/openings"), nil, &all)
		path := "/v1/openings/" + all.Items[0].ID + "/bids/" + b.ID + "/documents/"
		c, err := s.as(t.Context(), "rup")
		s.ok(err)
		var body strings.Builder
		s.ok(c.Get(t.Context(), path+"1", &body))
		if body.String() != "my words supplier-legno" {
			t.Fatal(body.String())
		}
		s.no("not-found", "rup", "GET", path+"2", nil)
		s.no("not-found", "rup", "GET", path+"-1", nil)
		for _, who := range []string{"commissioner-1", "signatory", "supplier-arredi", "administrator", "auditor"} {
			if f := fault.Of(s.call(who, "GET", path+"0", nil, nil)); f == nil || f.Code != "not-found" && f.Code != "not-permitted" {
				t.Errorf("%s reads it: %v", who, f)
			}
		}
		n := 0
		for _, e := range s.entries() {
			if e["action"] == "read-envelope" {
				n++
				if e["actor"].(map[string]any)["id"] != s.persons["rup"] || e["data"].(map[string]any)["bid"] != b.ID {
					t.Errorf("%v", e)
				}
			}
		}
		if n != 1 {
			t.Fatalf("%d entries of reading", n)
		}
	})
}
