package money

import (
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sigillo/internal/fault"
)

func TestAT029AbsurdAmountsAreRefused(t *testing.T) {
	for s, code := range map[string]string{
		"NaN": "bad-number", "1e309": "bad-number", "Inf": "bad-number", "": "bad-number", " 1": "bad-number", "+1": "bad-number",
		"-1": "bad-number", "1,50": "bad-number", "١٢٣": "bad-number", "007": "bad-number", "1.": "bad-number", ".5": "bad-number",
		"0x10": "bad-number", "1_000": "bad-number", "1.12345678901234567890": "too-many-decimals", "0.001": "too-many-decimals",
		"1000000000000000": "amount-too-large", strings.Repeat("9", 39): "bad-number", strings.Repeat("9", 5_000_000): "bad-number",
	} {
		if _, err := ParseAmount(s); err == nil || fault.Of(err).Code != code {
			t.Errorf("%.30q: got %v, want %s", s, err, code)
		}
	}
}

func TestAT029TenthsAreExact(t *testing.T) {
	if got := Sum(MustAmount("0.1"), MustAmount("0.2")); got != MustAmount("0.30") || got.String() != "0.30" {
		t.Fatalf("0.1 + 0.2 = %s", got)
	}
	if (Amount{}).String() != "0.00" {
		t.Fatal("the zero value must be 0.00")
	}
}

func TestAmountsTravelAsJSONStrings(t *testing.T) {
	var a Amount
	if err := json.Unmarshal([]byte(`12.5`), &a); err == nil {
		t.Fatal("a JSON number must be refused")
	}
	if err := json.Unmarshal([]byte(`"12.5"`), &a); err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(a); string(text) != `"12.50"` {
		t.Fatalf("got %s", text)
	}
}

func TestFormats(t *testing.T) {
	a := MustAmount("1234567.5")
	if a.Italian() != "1.234.567,50 €" || a.English() != "€1,234,567.50" {
		t.Fatal(a.Italian(), a.English())
	}
}

func TestDR093PercentRefusesMoreDecimals(t *testing.T) {
	if _, err := ParsePercent("12.3456", 3); fault.Of(err) == nil || fault.Of(err).Code != "too-many-decimals" {
		t.Fatalf("got %v", err)
	}
	if _, err := ParsePercent("100.001", 3); fault.Of(err) == nil || fault.Of(err).Code != "percent-out-of-range" {
		t.Fatalf("got %v", err)
	}
	p, err := ParsePercent("12.340", 3)
	if err != nil || p.String() != "12.340" {
		t.Fatal(p, err)
	}
}

func TestDR093Rounding(t *testing.T) {
	for _, c := range []struct {
		num, den int64
		p        Rounding
		want     string
	}{
		{1, 3, Rounding{HalfUp, 4}, "0.3333"}, {2, 3, Rounding{HalfUp, 4}, "0.6667"}, {2, 3, Rounding{Truncate, 4}, "0.6666"},
		{1, 2, Rounding{HalfUp, 0}, "1"}, {1, 2, Rounding{Truncate, 0}, "0"}, {-1, 2, Rounding{HalfUp, 0}, "-1"}, {1005, 1000, Rounding{HalfUp, 2}, "1.01"},
	} {
		if got := c.p.Text(Ratio{big.NewRat(c.num, c.den)}); got != c.want {
			t.Errorf("%d/%d by %v: got %s, want %s", c.num, c.den, c.p, got, c.want)
		}
	}
}

func TestSumIsExactAgainstBigRat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cents := rapid.SliceOfN(rapid.Int64Range(0, 99_999_999_999_999), 0, 50).Draw(t, "cents")
		want := new(big.Rat)
		var all []Amount
		for _, c := range cents {
			r := big.NewRat(c, 100)
			want.Add(want, r)
			all = append(all, MustAmount(r.FloatString(2)))
		}
		if Sum(all...).Rat().Cmp(want) != 0 {
			t.Fatalf("got %s, want %s", Sum(all...), want.FloatString(2))
		}
	})
}

func TestRoundingIsWithinHalfAUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := big.NewRat(rapid.Int64().Draw(t, "n"), rapid.Int64Range(1, 1<<40).Draw(t, "d"))
		d := rapid.IntRange(0, 10).Draw(t, "decimals")
		unit := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d)), nil))
		off := new(big.Rat).Sub(Rounding{HalfUp, d}.Round(FromRat(r)).Rat(), r)
		if off.Abs(off).Cmp(new(big.Rat).Mul(unit, big.NewRat(1, 2))) > 0 {
			t.Fatal("half-up is off by more than half a unit")
		}
	})
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{"0", "1.10", "NaN", "1e9", "999999999999999.99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAmount(s)
		if err != nil {
			return
		}
		if r, ok := new(big.Rat).SetString(s); !ok || a.Rat().Cmp(r) != 0 {
			t.Fatalf("%q became %s", s, a)
		}
	})
}

func TestNoBinaryFloatingPointInThisPackage(t *testing.T) {
	files, _ := filepath.Glob("*.go")
	forbidden := regexp.MustCompile(`\bfloat(32|64)\b|ParseFloat|\.Float64\(`)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") && forbidden.Match(text) {
			t.Errorf("%s uses binary floating point", name)
		}
	}
}

func BenchmarkSum(b *testing.B) {
	x, y := MustAmount("123456.78"), MustAmount("0.01")
	for b.Loop() {
		Sum(x, y)
	}
}
