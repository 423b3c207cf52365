package signature

import (
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sigillo/internal/fault"
)

func inPEM(c ...*x509.Certificate) []byte {
	var out []byte
	for _, x := range c {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: x.Raw})...)
	}
	return out
}

func TestParseTrust(t *testing.T) {
	a, b := newAuthority(t, "A"), newAuthority(t, "B")
	trust, err := ParseTrust(append([]byte("# some words\n"), inPEM(a.cert, b.cert)...))
	if err != nil || trust.Len() != 2 {
		t.Fatalf("%d, %v", trust.Len(), err)
	}
	if s := examine(t, "", b.holder(t, nil).container(t, offer, recipe{}), trust).Signers[0]; !s.Trusted {
		t.Errorf("%v", codes(s.Findings))
	}
	for name, bundle := range map[string]string{
		"empty": "", "words": "no certificates", "cut": string(inPEM(a.cert, b.cert)[:900]),
		"not a certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		var f *fault.Fault
		if _, err := ParseTrust([]byte(bundle)); !errors.As(err, &f) || f.Kind != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// entryOf writes a ServiceInformation or a ServiceHistoryInstance.
func entryOf(tag, kind, status string, from time.Time, extra string, c *x509.Certificate) string {
	id := "<X509SubjectName>CN=somebody</X509SubjectName>"
	if c != nil {
		id = "<X509Certificate>\n" + base64.StdEncoding.EncodeToString(c.Raw) + "\n</X509Certificate>"
	}
	return fmt.Sprintf(`<%s><ServiceTypeIdentifier>http://uri.etsi.org/TrstSvc/Svctype/%s</ServiceTypeIdentifier><ServiceDigitalIdentity><DigitalId>%s</DigitalId></ServiceDigitalIdentity>`+
		`<ServiceStatus>http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/%s</ServiceStatus><StatusStartingTime>%s</StatusStartingTime><ServiceInformationExtensions>%s</ServiceInformationExtensions></%s>`,
		tag, kind, id, status, from.Format(time.RFC3339), extra, tag)
}

func listOf(services ...string) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?><TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#"><TrustServiceProviderList><TrustServiceProvider><TSPServices><TSPService>` +
		strings.Join(services, "</TSPService><TSPService>") + `</TSPService></TSPServices></TrustServiceProvider></TrustServiceProviderList></TrustServiceStatusList>`)
}

func TestTrustedListHistory_DR50(t *testing.T) {
	ca := newAuthority(t, "Certificatore")
	tsa := newAuthority(t, "Marca")
	maria := ca.holder(t, nil)
	year := func(n int) time.Time { return now.AddDate(n, 0, 0) }
	info := func(kind, status string, from time.Time) string {
		return entryOf("ServiceInformation", kind, status, from, "", ca.cert)
	}
	past := func(entries ...string) string {
		return "<ServiceHistory>" + strings.Join(entries, "") + "</ServiceHistory>"
	}
	before := func(kind, status string, from time.Time) string {
		return entryOf("ServiceHistoryInstance", kind, status, from, "", nil)
	}
	extra := func(uri ...string) string {
		out := ""
		for _, u := range uri {
			out += `<Extension Critical="true"><AdditionalServiceInformation><URI>http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/` + u + `</URI></AdditionalServiceInformation></Extension>`
		}
		return entryOf("ServiceInformation", "CA/QC", "granted", year(-5), out, ca.cert)
	}
	stampService := entryOf("ServiceInformation", "TSA/QTST", "granted", year(-5), "", tsa.cert)
	plain := maria.container(t, offer, recipe{})
	stamped := maria.container(t, offer, recipe{stampBy: tsa.stamper(t), stampAt: now.AddDate(0, -6, 0)})
	for name, c := range map[string]struct {
		list    []byte
		file    []byte
		trusted bool
		code    string
	}{
		"granted":                     {listOf(info("CA/QC", "granted", year(-5))), plain, true, ""},
		"granted, websites too":       {listOf(extra("ForWebSiteAuthentication", "ForeSignatures")), plain, true, ""},
		"for websites only":           {listOf(extra("ForWebSiteAuthentication"), stampService), plain, false, "untrusted"},
		"granted only later":          {listOf(info("CA/QC", "granted", year(1))), plain, false, "issuer-not-granted"},
		"withdrawn":                   {listOf(info("CA/QC", "withdrawn", year(-1)) + past(before("CA/QC", "granted", year(-5)))), plain, false, "issuer-not-granted"},
		"withdrawn after the stamp":   {listOf(info("CA/QC", "withdrawn", now.AddDate(0, -3, 0))+past(before("CA/QC", "granted", year(-5))), stampService), stamped, true, ""},
		"withdrawn before the stamp":  {listOf(info("CA/QC", "withdrawn", now.AddDate(0, -9, 0))+past(before("CA/QC", "granted", year(-5))), stampService), stamped, false, "issuer-not-granted"},
		"granted again":               {listOf(info("CA/QC", "granted", year(-1)) + past(before("CA/QC", "withdrawn", year(-2)), before("CA/QC", "granted", year(-5)))), plain, true, ""},
		"another kind of service":     {listOf(info("CA/PKC", "granted", year(-5)), stampService), plain, false, "untrusted"},
		"a stamp service cannot sign": {listOf(info("TSA/QTST", "granted", year(-5))), plain, false, "issuer-not-granted"},
		"an issuer cannot stamp":      {listOf(info("CA/QC", "granted", year(-5)), entryOf("ServiceInformation", "CA/QC", "granted", year(-5), "", tsa.cert)), stamped, true, "untrusted-time-stamp"},
	} {
		t.Run(name, func(t *testing.T) {
			trust, err := ParseTrustedList(c.list)
			if err != nil {
				t.Fatal(err)
			}
			s := examine(t, "", c.file, trust).Signers[0]
			if !s.Sound || s.Trusted != c.trusted || c.code != "" && !slices.Contains(codes(s.Findings), c.code) {
				t.Errorf("trusted %v, %v", s.Trusted, codes(s.Findings))
			}
		})
	}
	for name, list := range map[string]string{
		"empty": "", "other XML": "<a/>", "no service": string(listOf("")), "cut": string(listOf(info("CA/QC", "granted", year(-5)))[:900]),
	} {
		var f *fault.Fault
		if _, err := ParseTrustedList([]byte(list)); !errors.As(err, &f) || f.Kind != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChainThroughAnEnclosedCertificate(t *testing.T) {
	root := newAuthority(t, "Radice")
	key := newECDSA(t, elliptic.P384())
	sub := &authority{issue(t, root, key, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "Sotto"}
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	}), key}
	maria := sub.holder(t, nil)
	if s := examine(t, "", maria.container(t, offer, recipe{enclose: []*x509.Certificate{sub.cert, maria.cert}}), root.trust()).Signers[0]; !s.Trusted {
		t.Errorf("%v", codes(s.Findings))
	}
	if s := examine(t, "", maria.container(t, offer, recipe{}), root.trust()).Signers[0]; s.Trusted {
		t.Error("trusted without the link")
	}
}

func TestWhoSigned(t *testing.T) {
	for name, c := range map[string]struct {
		subject        pkix.Name
		who, tax, body string
	}{
		"person":         {pkix.Name{CommonName: "Maria Rossi", SerialNumber: "TINIT-RSSMRA80A41H501T"}, "Maria Rossi", "RSSMRA80A41H501T", ""},
		"company":        {pkix.Name{CommonName: "Ponti", SerialNumber: "VATIT-01234567890", Organization: []string{"Ponti S.r.l."}}, "Ponti", "01234567890", "Ponti S.r.l."},
		"older form":     {pkix.Name{CommonName: "Maria Rossi", SerialNumber: "IT:RSSMRA80A41H501T"}, "Maria Rossi", "RSSMRA80A41H501T", ""},
		"foreigner":      {pkix.Name{CommonName: "Hans", SerialNumber: "TINDE-12345678901"}, "Hans", "12345678901", ""},
		"card number":    {pkix.Name{CommonName: "Hans", SerialNumber: "IDCIT-CA12345AA"}, "Hans", "", ""},
		"seal":           {pkix.Name{CommonName: "Comune", ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidOrgID, Value: "VATIT-09876543210"}}}, "Comune", "09876543210", ""},
		"name in two":    {pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidGivenName, Value: "Maria"}, {Type: oidSurname, Value: "Rossi"}}}, "Maria Rossi", "", ""},
		"would not show": {pkix.Name{CommonName: " Maria\u202e\x00 Rossi\n" + strings.Repeat("x", 300)}, "Maria Rossi" + strings.Repeat("x", 189), "", ""},
	} {
		ca := newAuthority(t, "Certificatore")
		s := signerOf(ca.holder(t, func(x *x509.Certificate) { x.Subject = c.subject }).cert)
		if s.Name != c.who || s.TaxCode != c.tax || s.Organization != c.body || s.Serial == "" || s.Issuer != "Certificatore" {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestDottedNamesUnknownTypes(t *testing.T) {
	if got := (errOtherType(oidData)).Error(); !strings.Contains(got, "1.2.840.113549.1.7.1") {
		t.Error(got)
	}
	if got := dotted("\x80"); got != "?" {
		t.Error(got)
	}
}
