package signature

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"slices"
	"strings"
	"time"
)

// The identifiers of TS 119 612, 5.5.1 and 5.5.4.
const (
	serviceCA    = "http://uri.etsi.org/TrstSvc/Svctype/CA/QC"
	serviceTSA   = "http://uri.etsi.org/TrstSvc/Svctype/TSA/QTST"
	granted      = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted"
	onlyWebsites = "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/ForWebSiteAuthentication"
	forPrefix    = "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/For"
)

// serviceEntry is a ServiceInformation or a ServiceHistoryInstance.
type serviceEntry struct {
	Type         string    `xml:"ServiceTypeIdentifier"`
	Status       string    `xml:"ServiceStatus"`
	From         time.Time `xml:"StatusStartingTime"`
	Certificates []string  `xml:"ServiceDigitalIdentity>DigitalId>X509Certificate"`
	Extra        []string  `xml:"ServiceInformationExtensions>Extension>AdditionalServiceInformation>URI"`
}

type service struct {
	Now     serviceEntry   `xml:"ServiceInformation"`
	History []serviceEntry `xml:"ServiceHistory>ServiceHistoryInstance"`
}

// purpose is what an entry grants. One for websites only grants nothing here.
func (e serviceEntry) purpose() purpose {
	if strings.TrimSpace(e.Status) != granted {
		return 0
	}
	only := false
	for _, uri := range e.Extra {
		if uri = strings.TrimSpace(uri); uri == onlyWebsites {
			only = true
		} else if strings.HasPrefix(uri, forPrefix) {
			only = false
			break
		}
	}
	switch strings.TrimSpace(e.Type) {
	case serviceCA:
		if !only {
			return signatures
		}
	case serviceTSA:
		return stamps
	}
	return 0
}

// ParseTrustedList reads a national trusted list (TS 119 612). Services that
// issue qualified certificates (CA/QC) are trusted for signatures, those that
// issue qualified time stamps (TSA/QTST) for stamps, each while its status was
// "granted": what counts is the status at the time of the signature. The list's
// own signature is not verified here; Examine does it, against the certificates
// that the list of lists publishes. The error is a fault of kind Invalid.
func ParseTrustedList(list []byte) (*Trust, error) {
	var parsed struct {
		XMLName  xml.Name  `xml:"http://uri.etsi.org/02231/v2# TrustServiceStatusList"`
		Services []service `xml:"TrustServiceProviderList>TrustServiceProvider>TSPServices>TSPService"`
	}
	if err := xml.Unmarshal(list, &parsed); err != nil {
		return nil, badTrust.Because(err)
	}
	t := &Trust{}
	for _, s := range parsed.Services {
		past := s.statuses()
		if len(past) == 0 {
			continue
		}
		for _, text := range s.Now.Certificates {
			der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
			if err != nil {
				return nil, badTrust.Because(err)
			}
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				continue // of a kind that crypto/x509 does not read: nobody can chain to it here
			}
			t.anchors = append(t.anchors, anchor{cert: cert, past: past})
		}
	}
	if len(t.anchors) == 0 {
		return nil, badTrust.Because(errors.New("no service of type CA/QC or TSA/QTST"))
	}
	return t, nil
}

// statuses turns a service's history into spans, each until the next begins.
func (s service) statuses() []status {
	entries := append([]serviceEntry{s.Now}, s.History...)
	slices.SortStableFunc(entries, func(a, b serviceEntry) int { return b.From.Compare(a.From) }) // latest first
	var out []status
	var until time.Time
	for _, e := range entries {
		if p := e.purpose(); p != 0 {
			out = append(out, status{e.From, until, p})
		}
		until = e.From
	}
	return out
}
