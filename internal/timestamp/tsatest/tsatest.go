// Package tsatest is a time-stamping authority (RFC 3161) for tests: an HTTP
// server in the same process with a certificate authority of its own.
//
// It promises good stamps, which openssl verifies too, and on demand bad ones,
// each wrong in one way. It writes its own DER, so that it shares no mistake
// with what it tests, and knows nothing of what is stamped.
package tsatest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"sigillo/internal/signature"
)

// Mode is how the authority behaves.
type Mode int

// Honest is the zero value; the others are wrong in one way each.
const (
	Honest           Mode = iota
	WrongImprint          // stamps another digest
	OtherHash             // says the digest is of SHA3-256, which has the same length
	WrongNonce            // answers another request
	NoNonce               // leaves the nonce out
	NoUsage               // the certificate is for nothing in particular
	UsageNotCritical      // the certificate is for time stamps, but not critically
	MoreUsages            // the certificate is for signing programs too
	Expired               // the certificate had ended at the time of the stamp
	Foreign               // signs itself, under the honest one's name
	NotNamed              // does not say which certificate signed
	OtherNamed            // names the certificate of its issuer
	Tampered              // the time was changed after signing
	OtherKey              // signed with a key that is not the certificate's
	Ahead                 // its clock is an hour ahead
	Behind                // its clock is an hour behind
	Critical              // holds a critical extension
	Indefinite            // BER of indefinite length
	Refused               // answers that it will not
	Empty                 // answers "granted" without a stamp
	Page                  // an HTML page, with status 200
	Mislabelled           // a good stamp, called something else
	Unwell                // HTTP 503
	Elsewhere             // sends on to another address, which is honest
	Slow                  // answers when nobody waits any more
	Truncated             // half an answer
	Endless               // a megabyte
	Modes                 // how many there are
)

// TSA is a running authority.
type TSA struct {
	URL    string
	t      testing.TB
	now    func() time.Time
	mode   atomic.Int64
	asked  atomic.Int64
	serial atomic.Int64
	ca     *holder
	by     map[Mode]*holder // who signs; the honest one where none is named
}

// holder is somebody with a certificate and its key.
type holder struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// New starts an authority that goes by a clock. It stops with the test.
func New(t testing.TB, now func() time.Time) *TSA {
	t.Helper()
	a := &TSA{t: t, now: now, by: map[Mode]*holder{}}
	a.ca = a.issue(nil, "Autorità di prova", func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	})
	stamps, programs := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 3}
	for mode, c := range map[Mode]struct {
		by       *holder
		critical bool
		usages   []asn1.ObjectIdentifier
	}{
		Honest:           {a.ca, true, []asn1.ObjectIdentifier{stamps}},
		NoUsage:          {a.ca, false, nil},
		UsageNotCritical: {a.ca, false, []asn1.ObjectIdentifier{stamps}},
		MoreUsages:       {a.ca, true, []asn1.ObjectIdentifier{stamps, programs}},
		Expired:          {a.ca, true, []asn1.ObjectIdentifier{stamps}},
		Foreign:          {nil, true, []asn1.ObjectIdentifier{stamps}},
	} {
		a.by[mode] = a.issue(c.by, "Marca di prova", func(x *x509.Certificate) {
			x.KeyUsage = x509.KeyUsageDigitalSignature
			if c.usages != nil {
				x.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: c.critical, Value: a.der(c.usages)}}
			}
			if mode == Expired {
				x.NotAfter = now().Add(-time.Hour)
			}
		})
	}
	a.by[OtherKey] = &holder{a.by[Honest].cert, a.ca.key}
	server := httptest.NewServer(http.HandlerFunc(a.answer))
	t.Cleanup(server.Close)
	a.URL = server.URL
	return a
}

// issue makes a certificate for two years around now; a nil issuer signs itself.
func (a *TSA) issue(by *holder, name string, change func(*x509.Certificate)) *holder {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial.Add(1)), Subject: pkix.Name{CommonName: name, Country: []string{"IT"}},
		NotBefore: a.now().AddDate(-1, 0, 0), NotAfter: a.now().AddDate(1, 0, 0),
	}
	change(c)
	if by == nil {
		by = &holder{c, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by.cert, key.Public(), by.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return &holder{cert, key}
}

// Play makes the authority behave so from now on.
func (a *TSA) Play(m Mode) { a.mode.Store(int64(m)) }

// Asked is how many requests have come.
func (a *TSA) Asked() int { return int(a.asked.Load()) }

// PEM is the certificate that honest stamps chain to.
func (a *TSA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.ca.cert.Raw})
}

// Anchors is that certificate as a trust list.
func (a *TSA) Anchors() *signature.Trust {
	a.t.Helper()
	trust, err := signature.ParseTrust(a.PEM())
	if err != nil {
		a.t.Fatal(err)
	}
	return trust
}

func (a *TSA) der(v any) []byte {
	b, err := asn1.Marshal(v)
	if err != nil {
		a.t.Error(err)
	}
	return b
}
