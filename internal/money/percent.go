package money

import (
	"math/big"

	"github.com/govalues/decimal"
)

// Percent is an exact percentage from 0 to 100, written with as many decimals
// as it was given.
type Percent struct{ d decimal.Decimal }

var hundred = decimal.MustNew(100, 0)

// ParsePercent reads a percentage with at most the given decimals: more are
// refused, never cut (DR-93). Faults: bad-number, too-many-decimals,
// percent-out-of-range.
func ParsePercent(s string, decimals int) (Percent, error) {
	d, err := parse(s, decimals)
	if err != nil {
		return Percent{}, err
	}
	if d.Cmp(hundred) > 0 {
		return Percent{}, bad("percent-out-of-range", "La percentuale va da 0 a 100.", "A percentage goes from 0 to 100.")
	}
	return Percent{d}, nil
}

// MustPercent is ParsePercent for constants; it panics on bad text.
func MustPercent(s string) Percent {
	p, err := ParsePercent(s, 10)
	if err != nil {
		panic(err)
	}
	return p
}

// String gives the percentage as it was written.
func (p Percent) String() string { return p.d.String() }

// Cmp compares: -1, 0, 1.
func (p Percent) Cmp(q Percent) int { return p.d.Cmp(q.d) }

// Rat is the exact value, 12.5 for twelve and a half per cent.
func (p Percent) Rat() *big.Rat { return rat(p.d.String()) }

// MarshalText makes JSON write a string.
func (p Percent) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText takes up to ten decimals.
func (p *Percent) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePercent(string(text), 10)
	return err
}
