package money

import (
	"math/big"
	"regexp"

	"sigillo/internal/fault"
)

// Ratio is an exact rational number, immutable. The zero value is 0.
type Ratio struct{ r *big.Rat }

var fraction = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,400})(/[1-9][0-9]{0,400})?$`)

// FromRat copies a big.Rat.
func FromRat(r *big.Rat) Ratio { return Ratio{new(big.Rat).Set(r)} }

// FromInt is a whole number.
func FromInt(n int64) Ratio { return Ratio{big.NewRat(n, 1)} }

// ParseDecimal reads a non-negative decimal such as "17.25" with at most six
// decimals, as scores are given.
func ParseDecimal(s string) (Ratio, error) {
	d, err := parse(s, 6)
	if err != nil {
		return Ratio{}, err
	}
	return Ratio{rat(d.String())}, nil
}

// Rat is a copy of the value.
func (a Ratio) Rat() *big.Rat {
	if a.r == nil {
		return new(big.Rat)
	}
	return new(big.Rat).Set(a.r)
}

// Add returns a + b.
func (a Ratio) Add(b Ratio) Ratio { return Ratio{new(big.Rat).Add(a.Rat(), b.Rat())} }

// Sub returns a - b.
func (a Ratio) Sub(b Ratio) Ratio { return Ratio{new(big.Rat).Sub(a.Rat(), b.Rat())} }

// Mul returns a x b.
func (a Ratio) Mul(b Ratio) Ratio { return Ratio{new(big.Rat).Mul(a.Rat(), b.Rat())} }

// Quo returns a / b; dividing by zero is the fault division-by-zero.
func (a Ratio) Quo(b Ratio) (Ratio, error) {
	if b.Sign() == 0 {
		return Ratio{}, fault.New(fault.Internal, "division-by-zero", "Divisione per zero.", "Division by zero.")
	}
	return Ratio{new(big.Rat).Quo(a.Rat(), b.Rat())}, nil
}

// Cmp compares: -1, 0, 1.
func (a Ratio) Cmp(b Ratio) int { return a.Rat().Cmp(b.Rat()) }

// Sign is -1, 0 or 1.
func (a Ratio) Sign() int { return a.Rat().Sign() }

// String is the canonical fraction, "3/4", or the whole number, "2".
func (a Ratio) String() string { return a.Rat().RatString() }

// MarshalText makes JSON write the canonical fraction as a string.
func (a Ratio) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText takes a fraction or a whole number.
func (a *Ratio) UnmarshalText(text []byte) error {
	if !fraction.Match(text) {
		return bad("bad-number", "Scriva una frazione come 3/4.", "Write a fraction such as 3/4.")
	}
	a.r = rat(string(text))
	return nil
}

// Mode is a named way to round.
type Mode string

// The modes a tender may publish (DR-93).
const (
	HalfUp   Mode = "half-up"  // to the nearest, ties away from zero
	Truncate Mode = "truncate" // towards zero
)

// Rounding is the policy a tender publishes: how, and to how many decimals.
type Rounding struct {
	Mode     Mode `json:"mode"`
	Decimals int  `json:"decimals"`
}

// Check refuses a mode that is not known and decimals outside 0 to 10.
func (p Rounding) Check() error {
	if p.Mode != HalfUp && p.Mode != Truncate || p.Decimals < 0 || p.Decimals > 10 {
		return bad("bad-rounding", "Arrotondamento non valido.", "Invalid rounding.")
	}
	return nil
}

// Round applies the policy. The zero policy rounds nothing: it is exact.
func (p Rounding) Round(a Ratio) Ratio {
	if p == (Rounding{}) {
		return a
	}
	return Ratio{rat(p.Text(a))}
}

// Text writes the rounded number with exactly the policy's decimals.
func (p Rounding) Text(a Ratio) string {
	r := a.Rat()
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(p.Decimals)), nil)
	num := new(big.Int).Mul(new(big.Int).Abs(r.Num()), scale)
	q, rest := new(big.Int).QuoRem(num, r.Denom(), new(big.Int))
	if p.Mode == HalfUp && new(big.Int).Lsh(rest, 1).Cmp(r.Denom()) >= 0 {
		q.Add(q, big.NewInt(1))
	}
	if r.Sign() < 0 {
		q.Neg(q)
	}
	return new(big.Rat).SetFrac(q, scale).FloatString(p.Decimals)
}
