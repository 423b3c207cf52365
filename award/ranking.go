package award

import (
	"slices"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/money"
	"sigillo/tender"
)

// Offer is what an economic envelope states, read strictly.
type Offer struct {
	Bid string
	// Discount on the base, per cent.
	Discount money.Percent
	// Labour and Safety are the bidder's own costs, to be stated on pain of
	// exclusion (art. 108 c. 9, DR-43).
	Labour, Safety money.Amount
}

// ReadOffer reads the structured answers of an economic envelope: "discount"
// with at most the published decimals (DR-93), "labour_cost", "safety_cost".
// An offer that cannot be read is told, never guessed.
func ReadOffer(bid string, answers map[string]string, c tender.Criterion) (Offer, error) {
	o := Offer{Bid: bid}
	var err error
	if o.Discount, err = money.ParsePercent(answers["discount"], c.DiscountDecimals); err != nil {
		return o, err
	}
	if o.Labour, err = money.ParseAmount(answers["labour_cost"]); err != nil {
		return o, err
	}
	o.Safety, err = money.ParseAmount(answers["safety_cost"])
	return o, err
}

// Ranking is the computed order of the bids, with every figure it rests on.
type Ranking struct {
	At      time.Time `json:"at"`
	Formula string    `json:"formula"`
	Rows    []Row     `json:"rows"`
	// Left lists the bids that could not be ranked, and why: for a person to
	// decide.
	Left []Left `json:"left,omitempty"`
}

// Row is one bid in the ranking.
type Row struct {
	Rank      int           `json:"rank"`
	Tied      bool          `json:"tied,omitempty"` // equal to another at every step: a draw decides
	Bid       string        `json:"bid"`
	Supplier  string        `json:"supplier"`
	Discount  money.Percent `json:"discount"`
	Technical money.Ratio   `json:"technical"` // points
	Economic  money.Ratio   `json:"economic"`  // points
	Total     money.Ratio   `json:"total"`     // points; at the lowest price the discount itself
	Price     money.Amount  `json:"price"`     // contract price: discounted base plus labour and safety, half-up to the cent
}

// Left is a bid that is not ranked.
type Left struct {
	Bid  string `json:"bid"`
	Code string `json:"code"`
}

// Rank orders the offers of a lot. It is a pure function of its arguments and
// does not depend on their order. technical gives the technical points.
func Rank(l *tender.Lot, offers []Offer, technical func(bid string) money.Ratio) []Row {
	var best money.Ratio
	for _, o := range offers {
		if r := money.FromRat(o.Discount.Rat()); r.Cmp(best) > 0 {
			best = r
		}
	}
	rows := make([]Row, 0, len(offers))
	for _, o := range offers {
		row := Row{Bid: o.Bid, Discount: o.Discount, Price: price(l.Amounts, o.Discount)}
		discount := money.FromRat(o.Discount.Rat())
		if l.Criterion.Method == tender.LowestPrice {
			row.Total = discount
		} else {
			row.Technical = l.Criterion.Rounding.Round(technical(o.Bid))
			row.Economic = l.Criterion.Rounding.Round(linear(l.Criterion.EconomicPoints, discount, best))
			row.Total = row.Technical.Add(row.Economic)
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b Row) int {
		if c := order(a, b); c != 0 {
			return c
		}
		if a.Bid < b.Bid {
			return -1
		}
		return 1
	})
	for i := range rows {
		rows[i].Rank = i + 1
		if i > 0 && order(rows[i-1], rows[i]) == 0 {
			rows[i].Rank = rows[i-1].Rank
			rows[i].Tied, rows[i-1].Tied = true, true
		}
	}
	return rows
}

// order: the higher total first, then the higher technical score (DR-98).
// What is still equal is for a draw, not for the program.
func order(a, b Row) int {
	if c := b.Total.Cmp(a.Total); c != 0 {
		return c
	}
	return b.Technical.Cmp(a.Technical)
}

// linear is formula LIN of DR-92: points x discount / best discount; with no
// discount at all everybody gets nothing.
func linear(points int, discount, best money.Ratio) money.Ratio {
	if best.Sign() == 0 {
		return money.Ratio{}
	}
	share, err := discount.Quo(best)
	if err != nil { // best is not zero
		panic(err)
	}
	return share.Mul(money.FromInt(int64(points)))
}

// price is what would be contracted: the base less the discount, plus what is
// not discounted.
func price(a tender.Amounts, discount money.Percent) money.Amount {
	left := money.FromInt(100).Sub(money.FromRat(discount.Rat()))
	base, err := left.Mul(money.FromRat(a.Base.Rat())).Quo(money.FromInt(100))
	if err != nil {
		panic(err)
	}
	return money.Sum(money.AmountOf(base, money.HalfUp), a.Labour, a.Safety)
}

// Rank forms the ranking from the opened economic envelopes. Bids whose offer
// cannot be read are left out of it and listed.
func (e *Evaluation) Rank(answers map[string]map[string]string, at time.Time) error {
	if err := e.in(tender.EconomicOpened, act.RankBids); err != nil {
		return err
	}
	l := e.Lot()
	r := &Ranking{At: at, Formula: l.Criterion.Formula}
	if l.Criterion.Method == tender.LowestPrice {
		r.Formula = string(tender.LowestPrice)
	}
	var offers []Offer
	for _, bid := range e.Eligible() {
		given, ok := answers[bid]
		if !ok {
			r.Left = append(r.Left, Left{bid, "not-opened"})
			continue
		}
		o, err := ReadOffer(bid, given, l.Criterion)
		if err != nil {
			r.Left = append(r.Left, Left{bid, fault.Of(err).Code})
			continue
		}
		offers = append(offers, o)
	}
	if len(offers) == 0 {
		return fault.New(fault.Conflict, "nothing-to-rank", "Nessuna offerta economica è leggibile: decida se non aggiudicare.",
			"No economic offer can be read: decide whether to decline the award.")
	}
	r.Rows = Rank(l, offers, e.Technical)
	for i := range r.Rows {
		a, err := e.admission(r.Rows[i].Bid)
		if err != nil {
			return err
		}
		r.Rows[i].Supplier = a.Supplier
	}
	e.Ranking = r
	return l.Move(act.RankBids, tender.Ranked)
}
