package docs

import (
	"strings"

	"sigillo/internal/fault"
	"sigillo/internal/signature"
	"sigillo/internal/writing"
)

// quiet are the findings about signatures that ask for no remedy.
var quiet = map[string]bool{"nested": true, "countersigned": true, "time-not-proven": true, "no-qualified-device": true}

// signers tells who signed, and what is wrong with it. Without a trust list
// nobody can be trusted: that is said once of the file, not of every signer.
func signers(report signature.Report, listed bool) []Finding {
	var all []Finding
	tell := func(fs []signature.Finding) {
		for _, f := range fs {
			severity := Warning
			if quiet[f.Code] {
				severity = Info
			}
			if listed || f.Code != "no-trust-list" {
				all = append(all, Finding{f.Code, severity, f.Text})
			}
		}
	}
	tell(report.Findings)
	for _, s := range report.Signers {
		all = append(all, signedBy(s))
		switch {
		case !s.Sound:
			all = append(all, finding("signature-not-sound", Warning, "Una firma non è valida, o qui non si può verificare: apra il file con un programma di firma e, se serve, firmi di nuovo.",
				"A signature is not valid, or cannot be verified here: open the file with a signature program and, if need be, sign again."))
		case listed && !s.Trusted:
			all = append(all, finding("signer-not-trusted", Warning, "Il certificato di firma non risulta nell'elenco dei certificatori, o non era valido alla firma: controlli che sia una firma qualificata.",
				"The signing certificate does not chain to the trust list, or was not valid when signing: check that it is a qualified signature."))
		}
		tell(s.Findings)
	}
	return all
}

func signedBy(s signature.Signer) Finding {
	it, en := "Firmato da "+shown(s.Name), "Signed by "+shown(s.Name)
	if s.TaxCode != "" {
		it += " (codice fiscale " + shown(s.TaxCode) + ")"
		en += " (tax code " + shown(s.TaxCode) + ")"
	}
	if !s.NotAfter.IsZero() {
		it += ", certificato valido fino al " + s.NotAfter.Format("02/01/2006")
		en += ", certificate valid until " + s.NotAfter.Format("2006-01-02")
	}
	return Finding{"signed-by", Info, fault.Text{IT: it + ".", EN: en + "."}}
}

// shown is text of a certificate, which may be anybody's, made fit to be shown.
func shown(s string) string {
	kept := []rune(strings.Map(func(r rune) rune {
		if !writing.Line(string(r)) {
			return -1
		}
		return r
	}, s))
	return strings.TrimSpace(string(kept[:min(len(kept), 100)]))
}
