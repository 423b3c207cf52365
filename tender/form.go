package tender

import (
	"fmt"
	"unicode/utf8"

	"sigillo/internal/fault"
	"sigillo/internal/money"
	"sigillo/internal/writing"
)

// Bounds on what one tender may hold; far above any real one.
const (
	maxLots    = 500
	maxPapers  = 500
	maxInvited = 1000
	maxText    = 20_000
	maxLine    = 500
)

// form checks what even a draft must respect: bounds, codes, well-formed text.
// What is merely missing is Check's business.
func (t *Tender) form() error {
	var fs fault.Fields
	line(&fs, "/reference", t.Reference, maxLine)
	line(&fs, "/title", t.Title, maxLine)
	line(&fs, "/description", t.Description, maxText)
	line(&fs, "/urgency", t.Urgency, maxText)
	line(&fs, "/no_lots_reason", t.NoLotsReason, maxText)
	if _, ok := t.Procedure.Find(); !ok {
		fs.Add("/procedure", "unknown-code", "Procedura sconosciuta.", "Unknown procedure.")
	}
	if t.Nature != Works && t.Nature != Services && t.Nature != Supplies {
		fs.Add("/nature", "unknown-code", "Scelga works, services o supplies.", "Choose works, services or supplies.")
	}
	bound(&fs, "/lots", len(t.Lots), maxLots)
	bound(&fs, "/papers", len(t.Papers), maxPapers)
	bound(&fs, "/invited", len(t.Invited), maxInvited)
	for i, d := range t.Papers {
		if f := fault.Of(d.Check()); f != nil {
			for _, field := range f.Fields {
				field.Pointer = fmt.Sprintf("/papers/%d%s", i, field.Pointer)
				fs = append(fs, field)
			}
		}
	}
	t.Custody.form(&fs)
	seen := map[string]bool{}
	for i := range t.Lots {
		t.Lots[i].form(&fs, fmt.Sprintf("/lots/%d", i), seen)
	}
	return fs.Err("malformed-tender", "La gara contiene dati non validi: corregga i campi indicati.",
		"The tender holds invalid data: correct the fields shown.")
}

func (l *Lot) form(fs *fault.Fields, at string, seen map[string]bool) {
	line(fs, at+"/title", l.Title, maxLine)
	line(fs, at+"/description", l.Description, maxText)
	if l.CPV != "" && !cpvForm.MatchString(l.CPV) {
		fs.Add(at+"/cpv", "bad-cpv", "Il CPV ha otto cifre, per esempio 45233140-2.", "A CPV code has eight digits, such as 45233140-2.")
	}
	if l.NUTS != "" && !nutsForm.MatchString(l.NUTS) {
		fs.Add(at+"/nuts", "bad-nuts", "Il codice NUTS italiano è come ITI14.", "An Italian NUTS code looks like ITI14.")
	}
	if l.CIG != "" {
		if !ValidCIG(l.CIG) {
			fs.Add(at+"/cig", "bad-cig", "Il CIG non supera il controllo di validità: lo ricopi.", "The CIG fails its check digits: copy it again.")
		} else if seen[l.CIG] {
			fs.Add(at+"/cig", "duplicate-cig", "Due lotti hanno lo stesso CIG.", "Two lots have the same CIG.")
		}
		seen[l.CIG] = true
	}
	if l.MinimumBids < 1 || l.MinimumBids > 100 {
		fs.Add(at+"/minimum_bids", "out-of-range", "Da 1 a 100 offerte.", "From 1 to 100 bids.")
	}
	l.Criterion.form(fs, at+"/criterion")
	envelopes := map[Envelope]bool{}
	for i, s := range l.Envelopes {
		p := fmt.Sprintf("%s/envelopes/%d", at, i)
		if s.Envelope != Administrative && s.Envelope != Technical && s.Envelope != Economic || envelopes[s.Envelope] {
			fs.Add(p+"/envelope", "unknown-code", "Le buste sono A, B e C, una volta ciascuna.", "The envelopes are A, B and C, once each.")
		}
		envelopes[s.Envelope] = true
		bound(fs, p+"/required", len(s.Required), 100)
		for j, r := range s.Required {
			line(fs, fmt.Sprintf("%s/required/%d/title", p, j), r.Title, maxLine)
			line(fs, fmt.Sprintf("%s/required/%d/kind", p, j), r.Kind, 60)
		}
	}
}

func (c Criterion) form(fs *fault.Fields, at string) {
	if c.Method != LowestPrice && c.Method != PriceQuality {
		fs.Add(at+"/method", "unknown-code", "Scelga lowest-price o price-quality.", "Choose lowest-price or price-quality.")
	}
	for name, n := range map[string]int{"technical_points": c.TechnicalPoints, "economic_points": c.EconomicPoints, "minimum_technical": c.MinimumTechnical} {
		if n < 0 || n > 100 {
			fs.Add(at+"/"+name, "out-of-range", "Da 0 a 100 punti.", "From 0 to 100 points.")
		}
	}
	if c.DiscountDecimals < 0 || c.DiscountDecimals > 6 {
		fs.Add(at+"/discount_decimals", "out-of-range", "Da 0 a 6 decimali.", "From 0 to 6 decimals.")
	}
	if c.Formula != "" && c.Formula != LinearFormula {
		fs.Add(at+"/formula", "unknown-code", "Formula non disponibile: usi linear.", "Formula not available: use linear.")
	}
	if c.Rounding != (money.Rounding{}) {
		if err := c.Rounding.Check(); err != nil {
			fs.Add(at+"/rounding", "bad-rounding", "Arrotondamento non valido: half-up o truncate, da 0 a 10 decimali.",
				"Invalid rounding: half-up or truncate, with 0 to 10 decimals.")
		}
	}
	bound(fs, at+"/technical", len(c.Technical), 100)
	for i, tc := range c.Technical {
		p := fmt.Sprintf("%s/technical/%d", at, i)
		line(fs, p+"/title", tc.Title, maxLine)
		if tc.Points < 1 || tc.Points > 100 {
			fs.Add(p+"/points", "out-of-range", "Da 1 a 100 punti.", "From 1 to 100 points.")
		}
	}
}

// line accepts any human writing, emoji and right-to-left letters included,
// but no control characters and no overrides of the writing direction, which
// make a text look like another.
func line(fs *fault.Fields, at, s string, most int) {
	switch {
	case !utf8.ValidString(s):
		fs.Add(at, "bad-text", "Il testo non è UTF-8 valido.", "The text is not valid UTF-8.")
	case utf8.RuneCountInString(s) > most:
		fs.Add(at, "too-long", "Al massimo %d caratteri.", "At most %d characters.", most)
	case !writing.Passage(s):
		fs.Add(at, "bad-text", "Il testo contiene caratteri di controllo o di direzione.", "The text holds control or direction characters.")
	}
}

func bound(fs *fault.Fields, at string, n, most int) {
	if n > most {
		fs.Add(at, "too-many", "Al massimo %d.", "At most %d.", most)
	}
}
