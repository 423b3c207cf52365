package award

import (
	"encoding/json"
	"fmt"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sigillo/internal/fault"
	"sigillo/internal/money"
	"sigillo/tender"
)

var monday = time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC)

func lot(method tender.Method, state tender.State) *tender.Lot {
	return &tender.Lot{ID: "lot", Number: 1, State: state,
		Amounts: tender.Amounts{Base: money.MustAmount("100000"), Labour: money.MustAmount("5000"), Safety: money.MustAmount("1000")},
		Criterion: tender.Criterion{Method: method, TechnicalPoints: 70, EconomicPoints: 30, Formula: tender.LinearFormula, DiscountDecimals: 3,
			Technical: []tender.TechnicalCriterion{{ID: "a", Title: "A", Points: 40}, {ID: "b", Title: "B", Points: 30}}}}
}

func evaluation(l *tender.Lot, bids ...string) *Evaluation {
	t := &tender.Tender{ID: "t", PublishedAt: &monday}
	t.Nature = tender.Supplies
	rules, _ := tender.RulesOn(tender.DayOf(monday))
	t.Rules = &rules
	t.Terms.Lots = []tender.Lot{*l}
	var in []Entrant
	for _, b := range bids {
		in = append(in, Entrant{b, "s-" + b})
	}
	return Start(t, "lot", in)
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

// TestDR092LinearVector is the vector of the domain rules: P = 30, discounts
// 10, 18, 25, 30.
func TestDR092LinearVector(t *testing.T) {
	var offers []Offer
	for i, d := range []string{"10", "18", "25", "30"} {
		offers = append(offers, Offer{Bid: fmt.Sprint("O", i+1), Discount: money.MustPercent(d)})
	}
	rows := Rank(lot(tender.PriceQuality, tender.EconomicOpened), offers, func(string) money.Ratio { return money.Ratio{} })
	four := money.Rounding{Mode: money.HalfUp, Decimals: 4}
	for i, want := range []string{"30.0000", "25.0000", "18.0000", "10.0000"} {
		if got := four.Text(rows[i].Economic); got != want || rows[i].Rank != i+1 {
			t.Errorf("%s: got %s at %d, want %s", rows[i].Bid, got, rows[i].Rank, want)
		}
	}
	// 100,000 less 25 %, plus 5,000 of labour and 1,000 of safety.
	if got := rows[1].Price.String(); got != "81000.00" {
		t.Errorf("price %s", got)
	}
}

func TestDR093ThePublishedRoundingDecides(t *testing.T) {
	offers := []Offer{{Bid: "x", Discount: money.MustPercent("30")}, {Bid: "y", Discount: money.MustPercent("20")}}
	points := func(string) money.Ratio { return money.FromRat(big.NewRat(12345, 1000)) }
	for _, c := range []struct {
		p    money.Rounding
		want string
	}{{money.Rounding{}, "2469/200"}, {money.Rounding{Mode: money.HalfUp, Decimals: 2}, "247/20"}, {money.Rounding{Mode: money.Truncate, Decimals: 2}, "617/50"}} {
		l := lot(tender.PriceQuality, tender.EconomicOpened)
		l.Criterion.Rounding = c.p
		if got := Rank(l, offers, points)[0].Technical.String(); got != c.want {
			t.Errorf("%v: got %s, want %s", c.p, got, c.want)
		}
	}
}

func TestDR098EqualBidsShareARankAndWaitForADraw(t *testing.T) {
	l := lot(tender.LowestPrice, tender.EconomicOpened)
	offers := []Offer{{Bid: "a", Discount: money.MustPercent("10.000")}, {Bid: "b", Discount: money.MustPercent("10")}, {Bid: "c", Discount: money.MustPercent("9.999")}}
	rows := Rank(l, offers, nil)
	if rows[0].Rank != 1 || rows[1].Rank != 1 || !rows[0].Tied || !rows[1].Tied || rows[2].Rank != 3 || rows[2].Tied {
		t.Fatalf("%+v", rows)
	}
	// Price-quality: the higher technical score goes first.
	l = lot(tender.PriceQuality, tender.EconomicOpened)
	rows = Rank(l, []Offer{{Bid: "cheap", Discount: money.MustPercent("30")}, {Bid: "good", Discount: money.MustPercent("20")}},
		func(bid string) money.Ratio {
			return map[string]money.Ratio{"cheap": money.FromInt(40), "good": money.FromInt(50)}[bid]
		})
	if rows[0].Bid != "good" || rows[0].Tied || rows[0].Rank != 1 || rows[1].Rank != 2 || rows[0].Total.Cmp(rows[1].Total) != 0 {
		t.Fatalf("%+v", rows)
	}
	// Nobody offers a discount: nobody gets economic points, nothing divides by zero.
	if rows := Rank(l, []Offer{{Bid: "a"}, {Bid: "b"}}, func(string) money.Ratio { return money.Ratio{} }); rows[0].Economic.Sign() != 0 || !rows[0].Tied {
		t.Fatalf("%+v", rows)
	}
}

func TestTheOrderOfArrivalDoesNotMatterAndSumsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		technical := map[string]money.Ratio{}
		var offers []Offer
		best := new(big.Rat)
		for i := range n {
			d := rapid.Int64Range(0, 100_000).Draw(t, "discount")
			o := Offer{Bid: fmt.Sprintf("b%02d", i), Discount: money.MustPercent(big.NewRat(d, 1000).FloatString(3))}
			offers = append(offers, o)
			technical[o.Bid] = money.FromRat(big.NewRat(rapid.Int64Range(0, 7000).Draw(t, "points"), 100))
			if r := o.Discount.Rat(); r.Cmp(best) > 0 {
				best = r
			}
		}
		l := lot(tender.PriceQuality, tender.EconomicOpened)
		points := func(bid string) money.Ratio { return technical[bid] }
		rows := Rank(l, offers, points)
		shuffled := rapid.Permutation(offers).Draw(t, "order")
		a, _ := json.Marshal(rows)
		b, _ := json.Marshal(Rank(l, shuffled, points))
		if string(a) != string(b) {
			t.Fatalf("the order changes the ranking:\n%s\n%s", a, b)
		}
		for i, r := range rows {
			want := technical[r.Bid].Rat()
			if best.Sign() > 0 {
				want.Add(want, new(big.Rat).Mul(big.NewRat(30, 1), new(big.Rat).Quo(r.Discount.Rat(), best)))
			}
			if r.Total.Rat().Cmp(want) != 0 {
				t.Fatalf("%s: total %s, want %s", r.Bid, r.Total, want.RatString())
			}
			if i > 0 && rows[i-1].Total.Cmp(r.Total) < 0 {
				t.Fatal("not in order")
			}
		}
	})
}

func TestAT029OffersAreReadStrictly(t *testing.T) {
	c := tender.Criterion{DiscountDecimals: 2}
	good := map[string]string{"discount": "10.25", "labour_cost": "100.00", "safety_cost": "5"}
	if _, err := ReadOffer("b", good, c); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ key, value, want string }{
		{"discount", "NaN", "bad-number"}, {"discount", "1e309", "bad-number"}, {"discount", "10.255", "too-many-decimals"}, {"discount", "100.01", "percent-out-of-range"},
		{"discount", "-1", "bad-number"}, {"discount", "10,25", "bad-number"}, {"discount", "", "bad-number"}, {"labour_cost", "", "bad-number"}, {"safety_cost", "nulla", "bad-number"},
	} {
		answers := map[string]string{"discount": good["discount"], "labour_cost": good["labour_cost"], "safety_cost": good["safety_cost"]}
		answers[x.key] = x.value
		if _, err := ReadOffer("b", answers, c); code(err) != x.want {
			t.Errorf("%s=%q: got %q, want %q", x.key, x.value, code(err), x.want)
		}
	}
}

func TestAnUnreadableOfferIsLeftToPeople(t *testing.T) {
	e := evaluation(lot(tender.LowestPrice, tender.EconomicOpened), "a", "b", "c")
	for i := range e.Admissions {
		e.Admissions[i].Verdict = Admitted
	}
	good := map[string]string{"discount": "10", "labour_cost": "1", "safety_cost": "1"}
	if err := e.Rank(map[string]map[string]string{"a": good, "b": {"discount": "NaN"}}, monday); err != nil {
		t.Fatal(err)
	}
	if len(e.Ranking.Rows) != 1 || fmt.Sprint(e.Ranking.Left) != "[{b bad-number} {c not-opened}]" {
		t.Fatalf("%+v", e.Ranking)
	}
	e = evaluation(lot(tender.LowestPrice, tender.EconomicOpened), "a")
	e.Admissions[0].Verdict = Admitted
	if got := code(e.Rank(nil, monday)); got != "nothing-to-rank" || e.Lot().State != tender.EconomicOpened {
		t.Fatal(got)
	}
	if err := e.Decline("nessuna offerta leggibile", monday); err != nil || e.Lot().State != tender.NotAwarded {
		t.Fatal(err)
	}
}

func TestAdmissionsAreDecidedByPeopleAndWhole(t *testing.T) {
	e := evaluation(lot(tender.LowestPrice, tender.AdministrativeOpened), "a", "b")
	for _, c := range []struct {
		bid    string
		v      Verdict
		reason string
		want   string
	}{{"zz", Admitted, "", "not-found"}, {"a", Excluded, "", "bad-decision"}, {"a", "maybe", "", "bad-decision"}, {"a", Excluded, "art. 94", ""}} {
		if got := code(e.Decide(c.bid, c.v, c.reason, "p", monday)); got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
	if got := code(e.Conclude()); got != "admissions-pending" {
		t.Fatal(got)
	}
	if err := e.Decide("b", Excluded, "art. 95", "p", monday); err != nil {
		t.Fatal(err)
	}
	if err := e.Conclude(); err != nil || e.Lot().State != tender.NotAwarded {
		t.Fatal("nobody admitted: the lot is not awarded", err)
	}
	if got := code(e.Decide("b", Admitted, "", "p", monday)); got != "wrong-state" {
		t.Fatal(got)
	}
}

func TestScoresAreWholeReasonedAndLocked(t *testing.T) {
	e := evaluation(lot(tender.PriceQuality, tender.TechnicalOpened), "a", "b")
	for i := range e.Admissions {
		e.Admissions[i].Verdict = Admitted
	}
	score := func(a, b int64) []TechnicalScore {
		return []TechnicalScore{{Criterion: "a", Points: money.FromInt(a), Reason: "x"}, {Criterion: "b", Points: money.FromInt(b), Reason: "x"}}
	}
	for what, s := range map[string][]TechnicalScore{"too many points": score(41, 1), "negative": score(-1, 1), "one missing": score(1, 1)[:1],
		"twice": append(score(1, 1), score(1, 1)[0]), "no reason": {{Criterion: "a"}, {Criterion: "b"}}, "unknown": append(score(1, 1), TechnicalScore{Criterion: "z"})} {
		if got := code(e.Score("a", s)); got != "bad-scores" {
			t.Errorf("%s: got %q", what, got)
		}
	}
	if err := e.Score("a", score(30, 20)); err != nil {
		t.Fatal(err)
	}
	if err := e.Score("a", score(31, 20)); err != nil || e.Technical("a").Cmp(money.FromInt(51)) != 0 {
		t.Fatal("scores are replaced until they are locked", err)
	}
	if got := code(e.Lock(monday)); got != "scores-missing" {
		t.Fatal(got)
	}
	if err := e.Score("b", score(40, 30)); err != nil {
		t.Fatal(err)
	}
	if err := e.Lock(monday); err != nil || len(e.ScoresHash) != 64 || e.Lot().State != tender.ScoresLocked {
		t.Fatal(err)
	}
	if got := code(e.Score("b", score(1, 1))); got != "wrong-state" {
		t.Fatal(got)
	}
}

func TestAT065AwardTakesEveryStep(t *testing.T) {
	e := evaluation(lot(tender.LowestPrice, tender.EconomicOpened), "a", "b", "c")
	for i := range e.Admissions {
		e.Admissions[i].Verdict = Admitted
	}
	offer := func(d string) map[string]string {
		return map[string]string{"discount": d, "labour_cost": "1", "safety_cost": "1"}
	}
	for _, step := range []error{e.Propose("a", "", monday), e.Verify(true, "x", monday), e.Adopt("x", monday), e.Notify(monday)} {
		if code(step) != "wrong-state" {
			t.Fatal(step)
		}
	}
	if err := e.Rank(map[string]map[string]string{"a": offer("9"), "b": offer("12"), "c": offer("12")}, monday); err != nil {
		t.Fatal(err)
	}
	if got := code(e.Propose("b", "", monday)); got != "reason-needed" {
		t.Fatalf("tied: the draw must be recorded: %q", got)
	}
	if err := e.Propose("b", "sorteggio pubblico del 1-2-2027", monday); err != nil {
		t.Fatal(err)
	}
	if err := e.Verify(false, "DURC irregolare", monday); err != nil || e.Lot().State != tender.Proposed {
		t.Fatal("failed checks do not move the lot", err)
	}
	if got := code(e.Adopt("x", monday)); got != "wrong-state" {
		t.Fatal(got)
	}
	if err := e.Verify(true, "DURC regolarizzato", monday); err != nil {
		t.Fatal(err)
	}
	if err := e.Adopt("si approva", monday); err != nil {
		t.Fatal(err)
	}
	if err := e.Notify(monday); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, n := range e.Notices {
		kinds[n.Kind]++
	}
	if kinds["winner"] != 1 || kinds["participant"] != 2 || e.Lot().State != tender.Standstill {
		t.Fatal(kinds)
	}
}

func TestStandstillIs32WholeDaysFromTheThresholdUp(t *testing.T) {
	for _, c := range []struct {
		base string
		bids []string
		want string
	}{
		{"216000", []string{"a", "b"}, "2027-03-05T23:00:00Z"}, // 1 February + 32 days = 5 March, a Friday
		{"215999.99", []string{"a", "b"}, "2027-02-01T09:00:00Z"},
		{"216000", []string{"a"}, "2027-02-01T09:00:00Z"},
	} {
		l := lot(tender.LowestPrice, tender.Awarded)
		l.Amounts = tender.Amounts{Base: money.MustAmount(c.base)}
		e := evaluation(l, c.bids...)
		e.Decision = &Decision{Awarded: true, Bid: "a"}
		if err := e.Notify(monday); err != nil {
			t.Fatal(err)
		}
		if got := e.Lot().StandstillUntil.Format(time.RFC3339); got != c.want {
			t.Errorf("%s, %d bids: got %s, want %s", c.base, len(c.bids), got, c.want)
		}
	}
}

func BenchmarkRank(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var offers []Offer
			for i := range n {
				offers = append(offers, Offer{Bid: fmt.Sprint(i), Discount: money.MustPercent(big.NewRat(int64(i%100_000), 1000).FloatString(3))})
			}
			l := lot(tender.PriceQuality, tender.EconomicOpened)
			for b.Loop() {
				Rank(l, offers, func(string) money.Ratio { return money.FromInt(50) })
			}
		})
	}
}
