package signature

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"io"
	"strings"
	"time"
)

// maxLevels bounds how many containers lie one inside another.
const maxLevels = 5

// Examine reads the signatures of a file at an instant. A nil trust list
// trusts nobody. The error is only that of r; everything wrong with the file is
// in the report.
//
// What a file is, its bytes tell: the name only serves to name what is inside
// and to say when a file called .p7m is not signed.
//
// A certificate is judged at the time that a time stamp proves. Without one it
// must hold both at now, when the file surely exists, and at the time the signer
// claims: what is only claimed proves nothing (DPCM 22-2-2013, art. 62).
func Examine(name string, size int64, r io.ReaderAt, trust *Trust, now time.Time) (Report, error) {
	size = max(size, 0)
	src := &source{r: r, size: size}
	x := &examination{trust: trust, now: now, report: Report{Format: None}}
	x.file(name, io.NewSectionReader(src, 0, size))
	if src.err != nil {
		return Report{Format: None}, src.err
	}
	return x.report, nil
}

// examination is the work on one file.
type examination struct {
	trust  *Trust
	now    time.Time
	report Report
}

// say adds a finding about the whole file, once.
func (x *examination) say(f Finding) { x.report.Findings = withFinding(x.report.Findings, f) }

func (x *examination) file(name string, s *io.SectionReader) {
	b, err := head(s, 1024)
	if err != nil || len(b) == 0 {
		return
	}
	switch {
	case isCMS(b), isArmour(b):
		x.report.Format = CAdES
		x.containers(name, s)
	case bytes.Contains(b, []byte("%PDF-")):
		x.pdf(s)
	case isXML(b):
		x.xml(s)
	case bytes.HasPrefix(b, []byte("PK\x03\x04")):
		x.zip(s)
	}
	if lower := strings.ToLower(name); x.report.Format == None && (strings.HasSuffix(lower, ".p7m") || strings.HasSuffix(lower, ".p7s")) {
		x.say(notAsNamed)
	}
}

// containers reads a CAdES file and those inside it.
func (x *examination) containers(name string, s *io.SectionReader) {
	for level := 1; ; level++ {
		b, err := head(s, 1024)
		if err != nil {
			x.say(damaged)
			return
		}
		if !isCMS(b) && isArmour(b) {
			a, err := openArmour(s)
			if err != nil {
				x.say(damaged)
				return
			}
			x.say(asText)
			s = io.NewSectionReader(a, 0, a.size)
		}
		d, err := readSignedData(s)
		if err != nil {
			x.say(containerFault(err))
			return
		}
		if d.end < s.Size() {
			x.say(trailing)
		}
		if len(d.signers) == 0 {
			x.say(noSigners)
		}
		var lies *body
		if d.content != nil {
			lies = sectionBody(d.content)
		}
		if err := x.signers(d, lies, true); err != nil {
			x.say(damaged)
			return
		}
		if d.content == nil {
			x.say(detached)
			return
		}
		name = unwrapped(name)
		x.report.Inner = &Inner{ReaderAt: d.content, Size: d.content.Size(), Name: name}
		inner, err := head(d.content, 1024)
		if err != nil {
			x.say(damaged)
			return
		}
		if !isCMS(inner) && !isArmour(inner) {
			return
		}
		if level == maxLevels {
			x.say(nestedTooDeep)
			return
		}
		x.say(nested)
		s = d.content
	}
}

// unwrapped is a container's name without its ending; "" when it tells nothing.
func unwrapped(name string) string {
	const ending = ".p7m"
	if n := len(name) - len(ending); n > 0 && strings.EqualFold(name[n:], ending) {
		return name[:n]
	}
	return ""
}

func containerFault(err error) Finding {
	var other errOtherType
	switch {
	case errors.As(err, &other):
		return otherContainer
	case errors.Is(err, errTooMuch):
		return tooMuch
	}
	return damaged
}

// signers adds all signatures of a container to the report.
func (x *examination) signers(d *signedData, b *body, strict bool) error {
	if b != nil {
		var wanted []crypto.Hash
		for _, s := range d.signers {
			if s.digest != crypto.SHA1 {
				wanted = append(wanted, s.digest)
			}
		}
		if err := b.prepare(wanted...); err != nil {
			return err
		}
	}
	for _, s := range d.signers {
		v, err := d.check(s, b, strict)
		if err != nil {
			return err
		}
		if err := x.stampsOf(&v, bytesBody(v.signature)); err != nil {
			return err
		}
		x.report.Signers = append(x.report.Signers, x.judge(v))
	}
	return nil
}

// judge says who signed, when, and whether the certificate is to be trusted.
func (x *examination) judge(v verdict) Signer {
	if v.cert == nil {
		return Signer{ClaimedAt: v.claimed, Findings: v.findings}
	}
	s := signerOf(v.cert)
	s.ClaimedAt, s.StampedAt, s.Sound = v.claimed, v.stamped, v.sound
	moments := []time.Time{x.now}
	switch {
	case v.stamped != nil:
		moments = []time.Time{*v.stamped}
	case v.claimed != nil && v.claimed.After(x.now.Add(leeway)):
		v.say(inFuture)
	case v.claimed != nil:
		v.say(timeNotProven)
		if v.claimed.Before(x.now) {
			moments = append(moments, *v.claimed)
		}
	}
	s.Trusted = true
	for _, at := range moments {
		if f := x.doubt(v, at); f != nil {
			s.Trusted = false
			v.say(*f)
			break
		}
	}
	if compliant, device := qualified(v.cert); !compliant {
		v.say(notQualified)
	} else if !device {
		v.say(noDevice)
	}
	if v.cert.KeyUsage != 0 && v.cert.KeyUsage&x509.KeyUsageContentCommitment == 0 {
		v.say(notForSigning)
	}
	s.Findings = v.findings
	return s
}

// doubt is why a certificate is not to be trusted at an instant; nil when it is.
func (x *examination) doubt(v verdict, at time.Time) *Finding {
	var f Finding
	err := x.trust.vouch(v.cert, v.others, at, signatures)
	switch {
	case at.After(v.cert.NotAfter):
		f = expired(v.cert.NotAfter)
	case at.Before(v.cert.NotBefore):
		f = notYetValid(v.cert.NotBefore)
	case err == nil:
		return nil
	case errors.Is(err, errNoTrust):
		f = noTrustList
	case x.trust.knows(v.cert, v.others, at):
		f = notGranted
	default:
		f = untrusted
	}
	return &f
}
