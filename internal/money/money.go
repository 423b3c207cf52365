// Package money holds exact amounts, percentages and ratios.
//
// It promises that nothing is rounded unless a named policy says so, and that
// no binary floating point is anywhere in the chain. It knows euro only, and
// nothing of what an amount is for.
package money

import (
	"math/big"
	"regexp"
	"strings"

	"github.com/govalues/decimal"

	"sigillo/internal/fault"
)

// Amount is a non-negative amount of euro with two decimals, below 10^15. The
// zero value is 0.00.
type Amount struct{ d decimal.Decimal }

var (
	plain   = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]+)?$`)
	ceiling = decimal.MustNew(1_000_000_000_000_000, 0)
)

// parse reads plain ASCII decimal text: digits, a point, digits. Signs,
// exponents, spaces, commas, leading zeros and every other writing are refused.
func parse(s string, decimals int) (decimal.Decimal, error) {
	if strings.Contains(s, ",") {
		return decimal.Decimal{}, bad("bad-number", "Usi il punto per i decimali e nessun separatore delle migliaia: 1234.50.",
			"Use a point for decimals and no thousands separator: 1234.50.")
	}
	if len(s) > 40 || !plain.MatchString(s) {
		return decimal.Decimal{}, bad("bad-number", "Scriva un numero come 1234.50: solo cifre e un punto.", "Write a number such as 1234.50: digits and a point only.")
	}
	if i := strings.IndexByte(s, '.'); i >= 0 && len(s)-i-1 > decimals {
		return decimal.Decimal{}, fault.New(fault.Invalid, "too-many-decimals",
			"Al massimo %d decimali: arrotondi lei, la piattaforma non lo fa.", "At most %d decimals: round it yourself, the platform does not.", decimals)
	}
	d, err := decimal.Parse(s)
	if err != nil {
		return decimal.Decimal{}, bad("bad-number", "Il numero è troppo grande.", "The number is too large.").Because(err)
	}
	return d, nil
}

func bad(code, it, en string) *fault.Fault {
	return &fault.Fault{Kind: fault.Invalid, Code: code, Text: fault.Text{IT: it, EN: en}}
}

// ParseAmount reads an amount of euro such as "1234.50". Faults: bad-number,
// too-many-decimals, amount-too-large.
func ParseAmount(s string) (Amount, error) {
	d, err := parse(s, 2)
	if err != nil {
		return Amount{}, err
	}
	if d.Cmp(ceiling) >= 0 {
		return Amount{}, bad("amount-too-large", "L'importo deve essere inferiore a mille miliardi di migliaia di euro.", "The amount must be below 10^15 euro.")
	}
	return Amount{d.Pad(2)}, nil
}

// MustAmount is ParseAmount for constants; it panics on bad text.
func MustAmount(s string) Amount {
	a, err := ParseAmount(s)
	if err != nil {
		panic(err)
	}
	return a
}

// AmountOf rounds a non-negative ratio of euro to the cent by a named policy.
func AmountOf(r Ratio, mode Mode) Amount {
	return MustAmount(Rounding{Mode: mode, Decimals: 2}.Text(r))
}

// String gives plain decimal text with two decimals.
func (a Amount) String() string { return a.d.Pad(2).String() }

// Cmp compares: -1, 0, 1.
func (a Amount) Cmp(b Amount) int { return a.d.Cmp(b.d) }

// IsZero tells whether the amount is 0.00.
func (a Amount) IsZero() bool { return a.d.IsZero() }

// Rat is the exact value.
func (a Amount) Rat() *big.Rat { return rat(a.d.String()) }

// Sum adds amounts. A sum beyond the range of the type, which needs thousands
// of amounts at the ceiling, panics.
func Sum(all ...Amount) Amount {
	var sum decimal.Decimal
	for _, a := range all {
		s, err := sum.Add(a.d)
		if err != nil {
			panic(err)
		}
		sum = s
	}
	return Amount{sum.Pad(2)}
}

// Italian writes the amount for Italian readers: 1.234,50 €.
func (a Amount) Italian() string { return group(a.String(), ".", ",") + " €" }

// English writes the amount for English readers: €1,234.50.
func (a Amount) English() string { return "€" + group(a.String(), ",", ".") }

func group(s, thousands, point string) string {
	whole, cents, _ := strings.Cut(s, ".")
	var b strings.Builder
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(thousands)
		}
		b.WriteRune(r)
	}
	return b.String() + point + cents
}

// MarshalText makes JSON write a string: JSON numbers are binary to many
// readers.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText takes what ParseAmount takes.
func (a *Amount) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAmount(string(text))
	return err
}

func rat(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		panic("money: not a decimal: " + s)
	}
	return r
}
