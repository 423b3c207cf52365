package bids

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sigillo/docs"
	"sigillo/internal/fault"
	"sigillo/internal/money"
	"sigillo/tender"
)

var noon = time.Date(2027, 1, 15, 11, 0, 0, 0, time.UTC)

func tenderUntil(deadline time.Time) *tender.Tender {
	t := &tender.Tender{ID: "t", PublishedAt: &noon}
	t.Timetable = tender.Timetable{Deadline: deadline, OpensAt: deadline}
	t.Terms.Lots = []tender.Lot{{ID: "lot", Number: 1, State: tender.Published, MinimumBids: 1,
		Envelopes: []tender.EnvelopeSpec{{Envelope: "A"}, {Envelope: "C"}}}}
	return t
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

// TestAT033ABidFollowsItsModel plays random acts at random instants against a
// model of three facts: what is uploaded, what was sent, whether it stands.
func TestAT033ABidFollowsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		deadline := noon.Add(time.Hour)
		b, err := New("b", tenderUntil(deadline), "lot", "s", Single, nil, noon)
		if err != nil {
			t.Fatal(err)
		}
		uploaded, sent, standing := map[tender.Envelope]docs.Hash{}, 0, false
		now := noon
		for range rapid.IntRange(1, 30).Draw(t, "acts") {
			now = now.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "seconds")) * time.Second)
			inTime := now.Before(deadline)
			var err error
			ok := inTime
			switch rapid.SampledFrom([]string{"upload", "submit", "withdraw"}).Draw(t, "act") {
			case "upload":
				e := rapid.SampledFrom([]tender.Envelope{"A", "C"}).Draw(t, "envelope")
				h := docs.Hash{rapid.Byte().Draw(t, "content")}
				if err = b.Put(Upload{Envelope: e, SHA256: h, Size: 1, UploadedAt: now}); ok {
					uploaded[e] = h
				}
			case "submit":
				var manifest []Claim
				for e, h := range uploaded {
					manifest = append(manifest, Claim{e, h})
				}
				ok = inTime && len(uploaded) == 2
				if err = b.Submit(manifest, Pressed{}, now); ok {
					uploaded, sent, standing = map[tender.Envelope]docs.Hash{}, sent+1, true
				}
			case "withdraw":
				ok = inTime && standing
				if err = b.Withdraw(now); ok {
					standing = false
				}
			}
			if (err == nil) != ok {
				t.Fatalf("at %s: %v, want success %v", now, err, ok)
			}
			if len(b.Sent) != sent || (b.Current() != nil) != standing || len(b.Uploads) != len(uploaded) {
				t.Fatalf("%d sent, standing %v, %d uploads; want %d, %v, %d", len(b.Sent), b.Current() != nil, len(b.Uploads), sent, standing, len(uploaded))
			}
			if standing && b.Current().Number != sent {
				t.Fatal("not the last one counts")
			}
		}
	})
}

func TestTheManifestNamesExactlyWhatIsUploaded(t *testing.T) {
	b, err := New("b", tenderUntil(noon.Add(time.Hour)), "lot", "s", Single, nil, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []tender.Envelope{"C", "A"} {
		if err := b.Put(Upload{Envelope: e, SHA256: docs.Hash{e[0]}, UploadedAt: noon}); err != nil {
			t.Fatal(err)
		}
	}
	a, c := Claim{"A", docs.Hash{'A'}}, Claim{"C", docs.Hash{'C'}}
	for what, m := range map[string][]Claim{"nothing": nil, "one": {a}, "another digest": {a, {"C", docs.Hash{1}}}, "swapped": {{"A", docs.Hash{'C'}}, {"C", docs.Hash{'A'}}}, "one too many": {a, c, c}} {
		if got := code(b.Submit(m, Pressed{}, noon)); got != "incomplete-bid" || len(b.Sent) != 0 {
			t.Errorf("%s: got %q", what, got)
		}
	}
	if err := b.Submit([]Claim{c, a}, Pressed{}, noon); err != nil {
		t.Fatal(err)
	}
	if m := b.Sent[0].Manifest; len(m) != 2 || m[0].Envelope != "A" || len(b.Sent[0].ManifestHash) != 64 {
		t.Fatalf("%+v", b.Sent[0])
	}
}

func TestWhoMayKnowOfABid(t *testing.T) {
	d := tenderUntil(noon.Add(time.Hour))
	b, err := New("b", d, "lot", "s", Single, nil, noon)
	if err != nil {
		t.Fatal(err)
	}
	b.Sent = []Submission{{Number: 1}}
	for _, s := range tender.States() {
		d.Lots[0].State = s
		want := !strings.Contains("draft published suspended closed deserted revoked", string(s))
		if b.Subject().Opened != want || b.Subject().Public || b.Subject().Published {
			t.Errorf("%s: opened %v", s, b.Subject().Opened)
		}
	}
	b.Sent, d.Lots[0].State = nil, tender.Ranked
	if b.Subject().Opened {
		t.Error("a draft that was never sent is shown")
	}
}

func TestGroupsStateTheirSharesExactly(t *testing.T) {
	member := func(id, share string) Member { return Member{id, money.MustPercent(share), "a part"} }
	for _, c := range []struct {
		members []Member
		ok      bool
	}{
		{[]Member{member("s", "33.333333"), member("b", "33.333333"), member("c", "33.333334")}, true},
		{[]Member{member("s", "33.3"), member("b", "33.3"), member("c", "33.3")}, false},
		{[]Member{member("b", "50"), member("s", "50")}, false}, // the lead comes first
		{[]Member{member("s", "50"), member("s", "50")}, false},
		{[]Member{member("s", "100")}, false},
	} {
		_, err := New("b", tenderUntil(noon.Add(time.Hour)), "lot", "s", Group, c.members, noon)
		if (err == nil) != c.ok {
			t.Errorf("%v: %v", c.members, err)
		}
	}
}

func FuzzNew(f *testing.F) {
	f.Add("group", "s", "x", "a part")
	f.Fuzz(func(t *testing.T, form, lead, other, part string) {
		_, err := New("b", tenderUntil(noon.Add(time.Hour)), "lot", "s", Form(form),
			[]Member{{lead, money.MustPercent("50"), part}, {other, money.MustPercent("50"), part}}, noon)
		if err != nil && fault.Of(err).Kind != fault.Invalid {
			t.Fatal(err)
		}
	})
}
