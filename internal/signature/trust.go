package signature

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"time"

	"sigillo/internal/fault"
)

// Trust is a list of certificates that signers may chain to. It does not change
// once parsed and may be shared.
type Trust struct{ anchors []anchor }

// purpose is what an authority is trusted for.
type purpose int

const (
	signatures purpose = 1 << iota
	stamps
)

// anchor is one authority and when it was trusted for what.
type anchor struct {
	cert *x509.Certificate
	ever purpose // without a history
	past []status
}

// status is what an authority was trusted for from an instant until another;
// a zero end means until further notice.
type status struct {
	from, until time.Time
	purpose     purpose
}

func (a anchor) granted(at time.Time, p purpose) bool {
	if a.ever&p != 0 {
		return true
	}
	for _, s := range a.past {
		if s.purpose&p != 0 && !at.Before(s.from) && (s.until.IsZero() || at.Before(s.until)) {
			return true
		}
	}
	return false
}

// Len is the number of authorities in the list.
func (t *Trust) Len() int {
	if t == nil {
		return 0
	}
	return len(t.anchors)
}

var badTrust = fault.New(fault.Invalid, "bad-trust-list",
	"L'elenco dei certificatori non si legge o non ne contiene: ne scarichi una copia nuova dal sito ufficiale.",
	"The trust list cannot be read or lists nobody: download a new copy from the official site.")

// ParseTrust reads certificates in PEM. They are trusted for signatures and for
// time stamps, at all times. The error is a fault of kind Invalid when one does
// not parse or there is none.
func ParseTrust(bundle []byte) (*Trust, error) {
	t := &Trust{}
	for rest := bundle; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if len(t.anchors) == 0 || bytes.Contains(rest, begin) {
				return nil, badTrust
			}
			return t, nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, badTrust.Because(err)
		}
		t.anchors = append(t.anchors, anchor{cert: cert, ever: signatures | stamps})
	}
}

var errNoTrust = errors.New("no trust list")

// vouch tells whether a certificate chains, at an instant, to an authority that
// was trusted for the purpose at that instant. The others serve to build the chain.
func (t *Trust) vouch(leaf *x509.Certificate, others []*x509.Certificate, at time.Time, p purpose) error {
	return t.chain(leaf, others, at, p, func(a anchor) bool { return a.granted(at, p) })
}

// knows tells whether a certificate was issued under an authority in the list,
// whatever its standing and its time.
func (t *Trust) knows(leaf *x509.Certificate, others []*x509.Certificate, at time.Time) bool {
	err := t.chain(leaf, others, at, signatures, func(anchor) bool { return true })
	var why x509.CertificateInvalidError
	return err == nil || errors.As(err, &why) && why.Reason == x509.Expired
}

func (t *Trust) chain(leaf *x509.Certificate, others []*x509.Certificate, at time.Time, p purpose, choose func(anchor) bool) error {
	if t.Len() == 0 {
		return errNoTrust
	}
	use := x509.ExtKeyUsageAny
	if p == stamps {
		use = x509.ExtKeyUsageTimeStamping
		if !stampsOnly(leaf) {
			return errors.New("not a certificate for time stamps alone")
		}
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, a := range t.anchors {
		if choose(a) {
			roots.AddCert(a.cert)
		}
	}
	for _, c := range others {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{use},
	})
	return err
}
