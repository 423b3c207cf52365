package signature

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidSurname      = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidGivenName    = asn1.ObjectIdentifier{2, 5, 4, 42}
	oidOrganization = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidOrgID        = asn1.ObjectIdentifier{2, 5, 4, 97}
)

// longest is the most of a name that is kept, in characters.
const longest = 200

// attribute is the first value of a name's attribute, fit to be shown.
func attribute(n pkix.Name, id asn1.ObjectIdentifier) string {
	for _, a := range n.Names {
		if s, ok := a.Value.(string); ok && a.Type.Equal(id) {
			return shown(s)
		}
	}
	return ""
}

// shown drops what would not show, or would show something else than is there.
func shown(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, s)
	if r := []rune(strings.TrimSpace(s)); len(r) > longest {
		s = string(r[:longest])
	}
	return strings.TrimSpace(s)
}

// taxCode is the form of EN 319 412-1, 5.1.3 and 5.1.4, and the older Italian "IT:".
var taxCode = regexp.MustCompile(`^(?:(?:TIN|VAT)[A-Z]{2}-|IT:)([0-9A-Z]{5,20})$`)

func taxCodeOf(subject pkix.Name) string {
	for _, s := range []string{subject.SerialNumber, attribute(subject, oidOrgID)} {
		if m := taxCode.FindStringSubmatch(strings.ToUpper(strings.TrimSpace(s))); m != nil {
			return m[1]
		}
	}
	return ""
}

// signerOf is who a certificate says holds it.
func signerOf(c *x509.Certificate) Signer {
	s := Signer{
		Name:         attribute(c.Subject, oidCommonName),
		TaxCode:      taxCodeOf(c.Subject),
		Organization: attribute(c.Subject, oidOrganization),
		Issuer:       attribute(c.Issuer, oidCommonName),
		Serial:       fmt.Sprintf("%x", c.SerialNumber),
		NotBefore:    c.NotBefore, NotAfter: c.NotAfter,
	}
	if s.Name == "" {
		s.Name = strings.TrimSpace(attribute(c.Subject, oidGivenName) + " " + attribute(c.Subject, oidSurname))
	}
	if s.Issuer == "" {
		s.Issuer = attribute(c.Issuer, oidOrganization)
	}
	return s
}

var (
	oidQCStatements = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3}
	oidQCCompliance = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 1}
	oidQCDevice     = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 4}
)

// qualified tells what a certificate states of itself (EN 319 412-5): that it is
// qualified, and that its key is in a qualified device.
func qualified(c *x509.Certificate) (compliant, device bool) {
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidQCStatements) {
			continue
		}
		var statements []struct {
			ID   asn1.ObjectIdentifier
			Info asn1.RawValue `asn1:"optional"`
		}
		if _, err := asn1.Unmarshal(e.Value, &statements); err != nil {
			return false, false
		}
		for _, s := range statements {
			compliant = compliant || s.ID.Equal(oidQCCompliance)
			device = device || s.ID.Equal(oidQCDevice)
		}
	}
	return compliant, device
}
