package signature

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"io"
	"strings"
	"time"

	"sigillo/internal/fault"
)

// Stamp is a time-stamp token (RFC 3161) that somebody signed soundly. Who that
// is nobody has vouched for yet: anybody can make a token that says anything.
type Stamp struct {
	Info   []byte // the TSTInfo that was signed (RFC 3161, 2.4.2)
	Name   string // of the holder of the certificate, fit to be shown
	cert   *x509.Certificate
	others []*x509.Certificate
}

var oidKeyUsages = asn1.ObjectIdentifier{2, 5, 29, 37}

// stampsOnly tells whether a certificate is for time stamps, for nothing else,
// and says so critically (RFC 3161, 2.3).
func stampsOnly(c *x509.Certificate) bool {
	if len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping || len(c.UnknownExtKeyUsage) > 0 {
		return false
	}
	for _, e := range c.Extensions {
		if e.Id.Equal(oidKeyUsages) {
			return e.Critical
		}
	}
	return false
}

// OpenStamp reads a token: one signature over a TSTInfo, that names its
// certificate. The error is a fault of kind Malformed when the bytes are not a
// token, Invalid when the signature does not hold.
func OpenStamp(token []byte) (*Stamp, error) {
	notOne := fault.New(fault.Malformed, "not-a-time-stamp",
		"Non è una marca temporale (RFC 3161), o è danneggiata: la scarichi di nuovo.",
		"This is not a time stamp (RFC 3161), or it is damaged: download it again.")
	s := io.NewSectionReader(bytes.NewReader(token), 0, int64(len(token)))
	d, err := readSignedData(s)
	if err != nil {
		return nil, notOne.Because(err)
	}
	if d.end != s.Size() || d.contentType != oidStampInfo || d.content == nil || d.content.Size() > maxStampInfo || len(d.signers) != 1 {
		return nil, notOne.Because(errors.New("not one signature over a TSTInfo"))
	}
	info, err := head(d.content, maxStampInfo)
	if err != nil {
		return nil, notOne.Because(err)
	}
	v, err := d.check(d.signers[0], bytesBody(info), true)
	if err != nil {
		return nil, notOne.Because(err)
	}
	if !v.sound {
		var why []string
		for _, f := range v.findings {
			why = append(why, f.Code)
		}
		return nil, fault.New(fault.Invalid, "unsound-time-stamp",
			"La firma della marca temporale non è valida: la marca è stata alterata, o non l'ha fatta chi dichiara.",
			"The signature of the time stamp is not valid: the stamp was altered, or was not made by whom it names.").
			Because(errors.New(strings.Join(why, ", ")))
	}
	name := attribute(v.cert.Subject, oidCommonName)
	if name == "" {
		name = attribute(v.cert.Subject, oidOrganization)
	}
	return &Stamp{info, name, v.cert, v.others}, nil
}

// VouchedBy tells whether the token's certificate is for time stamps alone and
// chains, at an instant, to an authority trusted for them at that instant. The
// error is a fault of kind Invalid.
func (s *Stamp) VouchedBy(t *Trust, at time.Time) error {
	err := t.vouch(s.cert, s.others, at, stamps)
	if err == nil {
		return nil
	}
	return &fault.Fault{Kind: fault.Invalid, Code: untrustedStamp.Code, Text: untrustedStamp.Text, Err: err}
}
