package tender

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sigillo/internal/act"
	"sigillo/internal/fault"
)

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func lotsIn(states ...State) *Tender {
	t := &Tender{ID: "t", PublishedAt: &monday}
	t.Procedure = Open
	t.Timetable = Timetable{Deadline: monday.AddDate(0, 0, 40), OpensAt: monday.AddDate(0, 0, 41)}
	rules, _ := RulesOn(DayOf(monday))
	t.Rules = &rules
	for i, s := range states {
		t.Terms.Lots = append(t.Terms.Lots, Lot{ID: string(rune('a' + i)), Number: i + 1, State: s, MinimumBids: 1})
	}
	return t
}

func TestTheChartIsTheTable(t *testing.T) {
	const golden = "testdata/states.mmd"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(Chart()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != Chart() {
		t.Fatalf("the chart is not %s (%v); if the change is meant, run with UPDATE_GOLDEN=1 and review it", golden, err)
	}
	// Independently of the drawing:
	if n := strings.Count(Chart(), "-->"); n != len(edges)+1+2 {
		t.Fatalf("%d arrows", n)
	}
}

func TestINC30EveryPairOfStatesIsAllowedOrRefusedByTheTable(t *testing.T) {
	for _, from := range States() {
		for _, to := range States() {
			for _, action := range act.Actions() {
				inTable := slices.ContainsFunc(edges, func(e edge) bool { return e.from == from && e.action == action && e.to == to })
				l := &Lot{State: from}
				err := l.Move(action, to)
				if (err == nil) != inTable || err == nil && l.State != to || err != nil && l.State != from {
					t.Errorf("%s --%s--> %s: %v, now %s", from, action, to, err, l.State)
				}
			}
		}
	}
}

// What must hold of the table whatever it says.
func TestTheTableHasNoShortCuts(t *testing.T) {
	reach := func(from State, without State) map[State]bool {
		seen := map[State]bool{from: true}
		for again := true; again; {
			again = false
			for _, e := range edges {
				if seen[e.from] && e.from != without && !seen[e.to] {
					seen[e.to], again = true, true
				}
			}
		}
		return seen
	}
	for _, s := range States() {
		if !reach(Draft, "")[s] {
			t.Errorf("%s cannot be reached", s)
		}
	}
	for _, must := range []State{Published, Closed, AdministrativeOpened, Admitted, EconomicOpened, Ranked, Proposed, Verified, Awarded} {
		if reach(Draft, must)[Standstill] {
			t.Errorf("a lot can be awarded without passing %s", must)
		}
	}
	if reach(TechnicalOpened, ScoresLocked)[EconomicOpened] {
		t.Error("AT-048: prices can be opened before the scores are locked")
	}
	for _, s := range []State{AdministrativeOpened, Admitted, TechnicalOpened, ScoresLocked, EconomicOpened, Ranked} {
		if reach(s, "")[Published] {
			t.Errorf("bids can be received again after %s", s)
		}
	}
}

func TestDueIsAFunctionOfTheDataAlone(t *testing.T) {
	d := lotsIn(Published, Suspended, Closed, Ranked, Deserted, Revoked)
	rapid.Check(t, func(t *rapid.T) {
		now := monday.Add(time.Duration(rapid.Int64Range(0, int64(60*24*time.Hour)).Draw(t, "now")))
		due := d.Due(now)
		if !slices.Equal(due, d.Due(now)) {
			t.Fatal("asked twice, answered differently")
		}
		want := 1 // the keys of the revoked lot, at once
		if !now.Before(d.Timetable.Deadline) {
			want++
		}
		if !now.Before(d.Timetable.OpensAt) {
			want++
		}
		if len(due) != want {
			t.Fatalf("%d things due at %s", len(due), now)
		}
		for _, x := range due {
			if x.At.After(now) {
				t.Fatal("something is due before its instant")
			}
		}
	})
}

func TestHeadlineState(t *testing.T) {
	for _, c := range []struct {
		lots []State
		want State
	}{
		{nil, Draft}, {[]State{Draft, Draft}, Draft}, {[]State{Closed, Deserted}, Closed}, {[]State{Deserted, Standstill}, Standstill},
		{[]State{Ranked, Admitted}, Admitted}, {[]State{Deserted, Deserted}, Deserted}, {[]State{Revoked, Revoked}, Revoked}, {[]State{Revoked, NotAwarded}, NotAwarded},
	} {
		if got := lotsIn(c.lots...).State(); got != c.want {
			t.Errorf("%v: got %s, want %s", c.lots, got, c.want)
		}
	}
}

func TestRulesAreChosenByTheDayAndFrozenByHash(t *testing.T) {
	for day, want := range map[Day]string{{2025, 12, 31}: "it-2024-12-31", {2026, 1, 1}: "it-2026-01-01", {2030, 6, 1}: "it-2026-01-01", {2024, 12, 30}: ""} {
		r, ok := RulesOn(day)
		if r.ID != want || ok != (want != "") {
			t.Errorf("%s: got %q", day, r.ID)
		}
	}
	a, _ := RulesOn(Day{2025, 6, 1})
	b, _ := RulesOn(Day{2026, 6, 1})
	x, err := a.Hash()
	if err != nil {
		t.Fatal(err)
	}
	y, _ := b.Hash()
	text, _ := json.Marshal(a)
	var again RuleSet
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	z, _ := again.Hash()
	if x == y || x != z {
		t.Fatal("a hash must name one rule set")
	}
	// DR-30, checked against the figures of the regulation.
	if b.Threshold(Works, false, false).String() != "5404000.00" || b.Threshold(Supplies, false, false).String() != "216000.00" ||
		b.Threshold(Services, false, true).String() != "140000.00" || b.Threshold(Services, true, false).String() != "432000.00" {
		t.Fatal("thresholds 2026-2027 are off")
	}
}

func TestDR062TheCommissionIsNamedAfterTheDeadline(t *testing.T) {
	d := lotsIn(Published)
	code := func(members []string, at time.Time) string {
		if f := fault.Of(d.Appoint(nil, members, at)); f != nil {
			return f.Code
		}
		return ""
	}
	if got := code([]string{"a", "b", "c"}, d.Timetable.Deadline); got != "commission-too-early" {
		t.Fatalf("a lot is still published: %q", got)
	}
	d.Lots[0].State = Closed
	for _, c := range []struct {
		members []string
		want    string
	}{{[]string{"a", "b"}, "bad-panel"}, {[]string{"a", "b", "c", "d", "e", "f", "g"}, "bad-panel"}, {[]string{"a", "a", "b"}, "bad-panel"}, {[]string{"a", "b", "c"}, ""}} {
		if got := code(c.members, d.Timetable.Deadline); got != c.want {
			t.Errorf("%v: got %q, want %q", c.members, got, c.want)
		}
	}
	d.Lots[0].State = TechnicalOpened
	if got := code([]string{"x", "y", "z"}, d.Timetable.Deadline); got != "commission-at-work" {
		t.Fatalf("got %q", got)
	}
}

func TestCIGCheckDigitsAgainstTheAuthoritysVectors(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", "anac", "derived", "cig-vectors.tsv"))
	if err != nil {
		t.Skip("SKIPPED: the authority's vectors are not beside the project")
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) < 2 || f[0] == "cig" || strings.ContainsAny(f[0][:1], "XYZ") {
			continue
		}
		n++
		if ValidCIG(f[0]) != (f[1] == "Y") {
			t.Errorf("%s: the vector says %s", f[0], f[1])
		}
	}
	if n < 10 {
		t.Fatalf("only %d vectors", n)
	}
}

func FuzzForm(f *testing.F) {
	f.Add("title", "45233140-2", "ITI14", "U000001227")
	f.Fuzz(func(t *testing.T, title, cpv, nuts, cig string) {
		terms := Terms{Title: title, Procedure: Open, Nature: Works, Lots: []Lot{{Title: title, CPV: cpv, NUTS: nuts, CIG: cig, Criterion: Criterion{Method: LowestPrice}}}}
		d, err := New("t", Buyer{ID: "b"}, terms, monday)
		if err != nil {
			if fault.Of(err).Kind != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		d.Check(monday)
	})
}
