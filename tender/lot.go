package tender

import (
	"time"

	"sigillo/internal/money"
)

// Lot is what is awarded by itself. Publication is per tender, everything
// after it is per lot (DR-60).
type Lot struct {
	ID          string    `json:"id"`
	Number      int       `json:"number"`
	Title       string    `json:"title"`
	Description string    `json:"description,omitempty"`
	CIG         string    `json:"cig,omitempty"` // codice identificativo gara, ten characters (DR-36)
	CPV         string    `json:"cpv"`           // common procurement vocabulary, eight digits and optionally the check digit
	NUTS        string    `json:"nuts"`          // place of performance, NUTS 2021 code
	Amounts     Amounts   `json:"amounts"`
	Criterion   Criterion `json:"criterion"`
	// Envelopes in the order they are opened.
	Envelopes []EnvelopeSpec `json:"envelopes"`
	// MinimumBids below which the lot is deserted at the deadline; at least 1.
	MinimumBids int `json:"minimum_bids"`
	// LabourIntensive contracts may not go to the lowest price and cap the
	// economic points (art. 108 c. 2 and 4).
	LabourIntensive bool `json:"labour_intensive,omitempty"`

	State State `json:"state"`
	// ClosedAt is the legal instant of closing: the deadline, however late the
	// clock was served.
	ClosedAt *time.Time `json:"closed_at,omitempty"`
	// KeysDestroyedAt is when the platform's keys of a revoked lot were
	// destroyed: its bids can never be opened.
	KeysDestroyedAt *time.Time `json:"keys_destroyed_at,omitempty"`
	// StandstillUntil is the first instant at which the contract may be made.
	StandstillUntil *time.Time `json:"standstill_until,omitempty"`
	EndReason       string     `json:"end_reason,omitempty"`
}

// Amounts are euro net of VAT, split as the law splits them (art. 14, 41 c. 14).
type Amounts struct {
	// Base is what the discount applies to.
	Base money.Amount `json:"base"`
	// Labour is the cost of labour, shown apart (art. 41 c. 14).
	Labour money.Amount `json:"labour"`
	// Safety is the cost of interference risks, never subject to discount.
	Safety money.Amount `json:"safety"`
	// Options and renewals count for the value (art. 14 c. 4), not for the bid.
	Options money.Amount `json:"options"`
}

// Value is the estimated value of the lot (art. 14 c. 4).
func (a Amounts) Value() money.Amount { return money.Sum(a.Base, a.Labour, a.Safety, a.Options) }

// Method of award (art. 108).
type Method string

// The methods of award.
const (
	LowestPrice  Method = "lowest-price"  // minor prezzo
	PriceQuality Method = "price-quality" // offerta economicamente più vantaggiosa
)

// Criterion is how a lot is awarded.
type Criterion struct {
	Method Method `json:"method"`
	// TechnicalPoints and EconomicPoints sum to 100 (DR-92); both zero for the
	// lowest price.
	TechnicalPoints int `json:"technical_points"`
	EconomicPoints  int `json:"economic_points"`
	// Technical criteria, whose points sum to TechnicalPoints.
	Technical []TechnicalCriterion `json:"technical,omitempty"`
	// MinimumTechnical: below it a bid is excluded and C stays sealed
	// (soglia di sbarramento, DR-95); on raw scores, the limit itself passes.
	MinimumTechnical int `json:"minimum_technical,omitempty"`
	// Formula for the economic points; "linear" is LIN of DR-92.
	Formula string `json:"formula,omitempty"`
	// DiscountDecimals a discount is stated with (DR-93); more are refused.
	DiscountDecimals int `json:"discount_decimals"`
	// Rounding of the points, as published (DR-93).
	Rounding money.Rounding `json:"rounding"`
	// Anomaly rules, draws and further formulas come as data of their own.
}

// TechnicalCriterion is one line of the technical score.
type TechnicalCriterion struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Points int    `json:"points"`
}

// LinearFormula is the only economic formula of a price-quality award so far:
// points = EconomicPoints x discount / best discount.
const LinearFormula = "linear"

// Envelope names one of the three envelopes of a bid (DR-42).
type Envelope string

// The envelopes.
const (
	Administrative Envelope = "A"
	Technical      Envelope = "B"
	Economic       Envelope = "C"
)

// EnvelopeSpec is what one envelope must contain.
type EnvelopeSpec struct {
	Envelope Envelope           `json:"envelope"`
	Required []RequiredDocument `json:"required"`
}

// RequiredDocument is one document a bidder must put into an envelope.
type RequiredDocument struct {
	Kind   string `json:"kind"` // a kind of package docs
	Title  string `json:"title"`
	Signed bool   `json:"signed,omitempty"`
	// Optional documents are listed for the bidder's sake.
	Optional bool `json:"optional,omitempty"`
}

// Has tells whether bids for the lot have the envelope.
func (l *Lot) Has(e Envelope) bool {
	_, ok := l.Spec(e)
	return ok
}

// Spec returns what the envelope must contain.
func (l *Lot) Spec(e Envelope) (EnvelopeSpec, bool) {
	for _, s := range l.Envelopes {
		if s.Envelope == e {
			return s, true
		}
	}
	return EnvelopeSpec{}, false
}
