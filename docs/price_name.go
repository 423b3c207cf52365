package docs

import (
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// extensions that say nothing of what a file is about.
var extensions = map[string]bool{
	".pdf": true, ".p7m": true, ".tsd": true, ".zip": true, ".asics": true, ".asice": true, ".doc": true, ".docx": true, ".odt": true, ".rtf": true,
	".xls": true, ".xlsx": true, ".ods": true, ".xml": true, ".csv": true, ".txt": true, ".jpg": true, ".jpeg": true, ".png": true,
}

// spoken writes a file's name as words: OffertaEconomica_lotto2.pdf.p7m is
// "offerta economica lotto2".
func spoken(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	for extensions[strings.ToLower(path.Ext(name))] {
		name = strings.TrimSuffix(name, path.Ext(name))
	}
	var b strings.Builder
	var last rune
	for _, r := range name {
		if unicode.IsUpper(r) && unicode.IsLower(last) {
			b.WriteByte(' ')
		}
		if strings.ContainsRune("_-.+()[],;", r) {
			r = ' '
		}
		b.WriteRune(r)
		last = r
	}
	return strings.TrimSpace(normal(b.String()))
}

var (
	// saysOffer: names by which economic offers go.
	saysOffer = regexp.MustCompile(`\boff(?:erta)? ?econ(?:omica|om)?\b|\bofferte? economiche\b|\bofferta (?:di |del )?(?:prezz[oi]|canone|importo)\b|\bribass[oi]\b|` +
		`\bbusta (?:c|economica)\b|\bcomputo metrico estimativo\b|\bdettaglio (?:economico|(?:dei )?prezzi)\b|\bdichiarazione (?:di )?(?:prezz[oi])\b|` +
		`\b(?:economic|financial|price|commercial) (?:offer|bid|proposal|schedule|tender)\b|\bprice (?:list|breakdown)\b|\bwirtschaftliches angebot\b|\bpreisangebot\b`)
	// hintsOffer: names that smell of a price.
	hintsOffer = regexp.MustCompile(`\bprezz[oi]\b|\bcomputo\b|\bscont[oi]\b|\bpreventivo\b|\blistino\b|\bquadro economico\b|\bpric(?:e|es|ing)\b|\bdiscounts?\b|\bpreise?\b|\brialzo\b`)
	// harmless: what has no prices by its own word.
	harmless = regexp.MustCompile(`\bnon estimativo\b|\b(?:senza|privo di|esclusi) (?:i )?prezzi\b|\bwithout prices\b`)
	// about: papers that speak of an offer and are not one.
	about = regexp.MustCompile(`\bgaranzia\b|\bcauzione\b|\bfideiuss\w*|\bpolizza\b|\bprocura\b|\bmandato\b|\bavvaliment\w*|\bimpegno\b|\bistruzion[ei]\b|\bricevut[ae]\b|\bdgue\b|` +
		`\bdisciplinare\b|\bcapitolato\b|\blettera d'? ?invito\b|\bbando\b|\bschema di contratto\b|\bverbale\b|\bpassoe\b|\bremunerativ\w*|\bguarantee\b|\bbond\b|\binstructions?\b`)
)

// priceInName judges a file's name: "" when it says nothing of a price.
func priceInName(name string) Severity {
	s := spoken(name)
	switch {
	case harmless.MatchString(s):
		return ""
	case saysOffer.MatchString(s) && !about.MatchString(s):
		return Blocking
	case saysOffer.MatchString(s), hintsOffer.MatchString(s):
		return Warning
	}
	return ""
}

// lotInName finds a lot, and the second one of "lotto 1 e 2".
var lotInName = regexp.MustCompile(`\b(?:lotto|lot|los) ?(?:(?:n|nr|no|num|numero|number) ?)?0*(\d{1,3})\b(?: (?:e|ed|and|und|&) (\d))?`)

// LotHint returns the lot that a file's name speaks of, from 1 on; not ok when
// it names none, or more than one. A hint is a reason to ask, not to refuse.
func LotHint(name string) (lot int, ok bool) {
	for _, m := range lotInName.FindAllStringSubmatch(strings.ReplaceAll(spoken(name), "°", " "), -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil || n == 0 || m[2] != "" || ok && n != lot {
			return 0, false
		}
		lot, ok = n, true
	}
	return lot, ok
}
