package docs

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// letters are written the plain way before anything is looked for.
var plain = strings.NewReplacer(
	"à", "a", "á", "a", "è", "e", "é", "e", "ì", "i", "í", "i", "ò", "o", "ó", "o", "ù", "u", "ú", "u",
	"’", "'", "‘", "'", "`", "'", "´", "'", "–", "-", "—", "-", "_", " ", "…", " ", "\u00ad", "",
	"ﬀ", "ff", "ﬁ", "fi", "ﬂ", "fl", "ﬃ", "ffi", "ﬄ", "ffl", "-\n", "",
)

// filling are the dots of a form, to write upon.
var filling = regexp.MustCompile(`\.{2,}`)

// normal writes text in small plain letters and single blanks.
func normal(s string) string {
	var b strings.Builder
	apart := false
	for _, r := range filling.ReplaceAllLiteralString(plain.Replace(strings.ToLower(s)), " ") {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			apart = b.Len() > 0
			continue
		}
		if apart {
			b.WriteByte(' ')
			apart = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// figure is a number as people write it: 12.345,67, 12345.67, 12 345, 12'345.
const figure = `\d{1,3}(?:[.,' ]?\d{3})*(?:[.,]\d{1,5})?`

var (
	// money: "Euro 6" is a class of engines, "€ 6" is an amount.
	money = regexp.MustCompile(`€ ?(?:/ ?[a-z]{1,6} ?)?` + figure + `|\beur(?:os?)? ?` + `\d[\d.,']*\d|` + figure + ` ?(?:mila|milioni|mln)? ?(?:di )?(?:€|eur(?:os?)?\b)`)
	// bare numbers are amounts only where the words before them say so.
	bare    = regexp.MustCompile(`\b\d{1,3}(?:[.' ]\d{3})+(?:,\d{1,5})?\b|\b\d{3,}[.,]\d{2,5}\b`)
	percent = regexp.MustCompile(`\d{1,3}(?:[.,]\d{1,6})? ?(?:%|per ?cento\b)`)

	// offered: the words of an offer, before its amount.
	offered = regexp.MustCompile(`\b(?:prezz[oi]|import[oi]|corrispettivo|canone|valore|totale|compenso|somma|tariffa)(?: [a-z']+){0,4} (?:offert[oi]|propost[oi])\b` +
		`|\bprezz[oi] (?:complessiv[oi]|total[ei]|unitari[oi]?|final[ei]|nett[oi]|a corpo)\b|\bofferta economica\b|\bofferta (?:complessiva|totale)\b|\bofferta (?:di|pari a)` +
		`|\b(?:offr[eo]|offriamo|offrono|propon[eo]|proponiamo|quotiamo)\b.{0,50}\b(?:prezz[oi]|import[oi]|corrispettivo|canone|somma)\b` +
		`|\boffr(?:e|o|iamo)[ :]{0,3}$` +
		`|\b(?:offered|proposed|quoted) (?:price|amount|sum)\b|\b(?:bid|tender|offer|total|unit) price\b|\b(?:price|amount|sum)(?: [a-z]+){0,2} offered\b|\bwe (?:offer|propose|quote)\b`)
	// labour: the bidder's own costs, which belong with the price (art. 108 c. 9).
	labour = regexp.MustCompile(`\bcost[oi] (?:complessiv[oi] )?(?:della |di |per la )?(?:propria )?manodopera\b|\b(?:oneri|costi) (?:aziendali|interni|propri)(?: [a-z']+){0,5} sicurezza\b|\blabou?r costs?\b`)
	// estimated: what the authority reckoned is in the papers for everyone to read.
	estimated = regexp.MustCompile(`\bstimat[oiae]\b|\bstazione appaltante\b|\bbase (?:di |d')?(?:gara|asta)\b|\bnon soggett[oi]\b|\bestimated\b`)
	// lawful: amounts that an administrative envelope holds.
	lawful = regexp.MustCompile(`\b(?:corredo|garanzia|cauzione|bollo|contributo) (?:dell'|sull'|all'|per l'|della |alla )(?:presente )?offerta(?: economica)?\b|\bfatturat[oi]\b|\bgaranzi[ae]\b|\bcauzion[ei]\b|\bfideiuss|\bpolizza\b|\bmassimal[ei]\b|\bcontributo\b|\bbollo\b|\bcapitale\b|\bbase (?:di |d')?(?:gara|asta)\b` +
		`|\bcorredo\b|\bsanzion[ei]\b|\bbilanci[oi]?\b|\bvolume d'affari\b|\bturnover\b|\bguarantee\b|\bshare capital\b|\bstamp duty\b`)
	discount = regexp.MustCompile(`\b(?:ribass[oi]|scont[oi]|discounts?|rebate)\b`)
	offering = regexp.MustCompile(`\b(?:offr[eo]|offriamo|offrono|offert[oi]|offerta economica|propon[eo]|propost[oi]|proponiamo|applica(?:re|to)?|praticato|offers?|offered|proposed)\b`)
	// lowered: a discount that is stated is offered.
	lowered = regexp.MustCompile(`\bribasso(?: [a-z']+){0,4}[ :=(]*$`)
	// onTime: a discount on the time of performance is a technical offer.
	onTime = regexp.MustCompile(`\b(?:temp[oi]|temporale|giorni|durata|days)\b`)
	// onRules: the arithmetic of awarding, in the tender's own papers.
	onRules = regexp.MustCompile(`\banomal|\bsoglia\b|\bsuperior[ei] al?l?\b|\becced|\bin caso di\b|\bqualora\b`)

	stampDuty = regexp.MustCompile(`\bbollo\b|\bstamp duty\b`)
	stamps    = regexp.MustCompile(`\b(?:16|2)(?:[.,]00)?\b`)
)

// priceFinder looks for what belongs into envelope C (INC-18). It is made to
// err on the side of a warning: turnover, guarantees and stamp duties are
// amounts too, and lawful ones.
type priceFinder struct {
	worst Severity // "" while nothing was found
	page  int      // of the worst, from 1 on; 0 when not known
	named bool     // the name or the title says it
	// capped: a paper that speaks of offers and is not one, such as a guarantee
	// or the signed tender documents.
	capped bool
	begun  bool
	judged int // amounts
}

// maxAmounts bounds the amounts that are judged in one file.
const maxAmounts = 20_000

// spent tells whether amounts were left unjudged.
func (f *priceFinder) spent() bool { return f.judged >= maxAmounts }

// name begins a file, and judges what it is called.
func (f *priceFinder) name(name string) {
	f.begun = false
	f.capped = about.MatchString(spoken(name))
	if s := priceInName(name); s != "" {
		f.found(s, 0, true)
	}
}

func (f *priceFinder) found(s Severity, page int, named bool) {
	if f.worst == Blocking || f.worst == s {
		return
	}
	f.worst, f.page, f.named = s, page, named
}

// text judges the words of one page; 0 where pages are not known. The first
// text of a file has its title.
func (f *priceFinder) text(page int, text string) {
	if !f.begun && strings.TrimSpace(text) != "" {
		f.begun = true
		switch title(text) {
		case titleOffer:
			f.found(Blocking, page, true)
		case titleAbout:
			f.capped = true
		}
	}
	if f.worst == Blocking {
		return
	}
	if s := f.amounts(normal(text)); s != "" {
		if f.capped {
			s = Warning
		}
		f.found(s, page, false)
	}
}

// amounts judges normal text: an amount is worth what stands beside it.
func (f *priceFinder) amounts(s string) Severity {
	all := func(r *regexp.Regexp) [][]int {
		found := r.FindAllStringIndex(s, max(0, maxAmounts-f.judged))
		f.judged += len(found)
		return found
	}
	var worst Severity
	for _, m := range all(money) {
		before, after := around(s, m, 100, 60)
		if stamps.MatchString(s[m[0]:m[1]]) && stampDuty.MatchString(before+" "+after) {
			continue
		}
		if strong(before, after) {
			return Blocking
		}
		worst = Warning
	}
	for _, m := range all(bare) {
		if before, after := around(s, m, 60, 0); strong(before, after) {
			return Blocking
		}
	}
	for _, m := range all(percent) {
		before, after := around(s, m, 90, 40)
		context := before + " " + after
		if !discount.MatchString(context) || onTime.MatchString(context) {
			continue
		}
		if (lowered.MatchString(before) || offering.MatchString(context)) && !onRules.MatchString(context) {
			return Blocking
		}
		worst = Warning
	}
	return worst
}

// strong tells whether the words around an amount make it an offer: of two
// words before it, the nearer counts.
func strong(before, after string) bool {
	if m := lastIndex(labour, before); m >= 0 && m >= lastIndex(lawful, before) {
		return !estimated.MatchString(before + " " + after)
	}
	m := lastIndex(offered, before)
	return m >= 0 && m > lastIndex(lawful, before)
}

func lastIndex(r *regexp.Regexp, s string) int {
	all := r.FindAllStringIndex(s, -1)
	if len(all) == 0 {
		return -1
	}
	return all[len(all)-1][1]
}

// around returns up to so many bytes before and after a match.
func around(s string, m []int, back, on int) (before, after string) {
	from, to := max(0, m[0]-back), min(len(s), m[1]+on)
	for from > 0 && !utf8.RuneStart(s[from]) {
		from--
	}
	for to < len(s) && !utf8.RuneStart(s[to]) {
		to++
	}
	return s[from:m[0]], s[m[1]:to]
}

// What the title of a file makes it.
const (
	titleOffer = iota + 1
	titleAbout
)

var (
	titleSays = regexp.MustCompile(`^(?:offerta economica\b|offerta (?:di )?(?:prezz[oi]|ribasso)\b|ribasso offerto\b|prezzi offerti\b|computo metrico estimativo\b|lista delle (?:categorie|lavorazioni)\b` +
		`|dettaglio (?:dei )?prezzi\b|(?:economic|financial|price|commercial) (?:offer|bid|proposal|schedule)\b|price breakdown\b)`)
	// titleOf are the papers that precede an offer or list its envelopes.
	titleOf = regexp.MustCompile(`\bbusta [ab]\b|\bofferta tecnica\b|\bdocumentazione amministrativa\b|\bcorredo\b|\bremunerativ`)
	// fillers come before the name of a paper in its title.
	fillers = regexp.MustCompile(`^(?:(?:allegat[oi]|all|modell[oi]|mod|modulo|schema|scheda|fac|simile|facsimile|tipo|busta|economica|lettera|dichiarazione|documento|di|della?|dell'|per|la|l'|lotto|form|annex|[a-z]|[a-z]?\d+[a-z]?)(?:[ .:,()/"'-]+))*`)
)

// title looks for a file's title in its first lines.
func title(text string) int {
	lines := 0
	verdict := 0
	for line := range strings.Lines(text[:min(len(text), 2000)]) {
		line = strings.Trim(normal(line), `"'«»-.:,;()[]*#= `)
		if line == "" {
			continue
		}
		if lines++; lines > 10 {
			break
		}
		if titleOf.MatchString(line) {
			return 0
		}
		if len(line) > 120 || verdict != 0 {
			continue
		}
		head := fillers.ReplaceAllLiteralString(line, "")
		switch {
		case titleSays.MatchString(head), spaced(line) && strings.HasPrefix(strings.ReplaceAll(line, " ", ""), "offertaeconomica"):
			verdict = titleOffer
		case begins(about, head), begins(about, line):
			verdict = titleAbout
		}
	}
	return verdict
}

func begins(r *regexp.Regexp, s string) bool {
	m := r.FindStringIndex(s)
	return m != nil && m[0] == 0
}

// spaced tells whether a line is w r i t t e n like this.
func spaced(line string) bool { return utf8.RuneCountInString(line) < 3*len(strings.Fields(line)) }

// finding says what was found, and never the amount: a finding may end in a log.
func (f *priceFinder) finding() Finding {
	it, en := "", ""
	if f.page > 0 {
		it, en = " (pagina "+strconv.Itoa(f.page)+")", " (page "+strconv.Itoa(f.page)+")"
	}
	switch {
	case f.worst == Blocking && f.named:
		return finding("price-in-envelope", Blocking, "Dal nome o dal titolo"+it+" questo file è l'offerta economica: qui fa perdere la segretezza dell'offerta. Sposti il file nella busta C.",
			"By its name or title"+en+" this file is the economic offer: here it breaks the secrecy of the bid. Move the file to envelope C.")
	case f.worst == Blocking:
		return finding("price-in-envelope", Blocking, "Questo file contiene un prezzo o un ribasso offerto"+it+": qui fa perdere la segretezza dell'offerta. Sposti il file nella busta C.",
			"This file holds an offered price or discount"+en+": here it breaks the secrecy of the bid. Move the file to envelope C.")
	case f.named:
		return finding("price-in-envelope", Warning, "Il nome o il titolo del file fa pensare a un prezzo. Se contiene prezzi offerti, sposti il file nella busta C.",
			"The file's name or title makes one think of a price. If it holds offered prices, move the file to envelope C.")
	}
	return finding("price-in-envelope", Warning, "Nel file c'è un importo o un ribasso"+it+": va bene per fatturato, garanzie, bollo o importi di gara. Se è un prezzo offerto, sposti il file nella busta C.",
		"There is an amount or a discount in the file"+en+": fine for turnover, guarantees, stamp duty or the tender's own amounts. If it is an offered price, move the file to envelope C.")
}
