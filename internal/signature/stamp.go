package signature

import (
	"bytes"
	"io"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// leeway is how far two clocks may disagree.
const leeway = 5 * time.Minute

// maxStampInfo bounds what a time stamp says, in bytes.
const maxStampInfo = 64 << 10

// stampInfo is the part of a TSTInfo (RFC 3161, 2.4.2) that matters here.
type stampInfo struct {
	imprint cryptobyte.String // MessageImprint
	at      time.Time
}

func readStampInfo(der []byte) (stampInfo, bool) {
	s := cryptobyte.String(der)
	var body, policy, serial, generated cryptobyte.String
	var version int64
	var out stampInfo
	if !s.ReadASN1(&body, tags.SEQUENCE) || !body.ReadASN1Integer(&version) || version != 1 ||
		!body.ReadASN1(&policy, tags.OBJECT_IDENTIFIER) || !body.ReadASN1(&out.imprint, tags.SEQUENCE) ||
		!body.ReadASN1(&serial, tags.INTEGER) || !body.ReadASN1Element(&generated, tags.GeneralizedTime) {
		return out, false
	}
	at := timeOf(generated)
	if at == nil {
		return out, false
	}
	out.at = *at
	return out, true
}

// stamp verifies a time-stamp token over a body and returns the time it proves,
// or why it proves none. Whoever issued it must chain to the trust list as a
// time-stamping authority: anybody can make a token that says anything.
func (x *examination) stamp(token []byte, over *body) (*time.Time, *Finding, error) {
	held, err := OpenStamp(token)
	if err != nil {
		return nil, &badStamp, nil
	}
	info, ok := readStampInfo(held.Info)
	if !ok {
		return nil, &badStamp, nil
	}
	h, ok := digestOf(&info.imprint)
	var stated cryptobyte.String
	if !ok || !info.imprint.ReadASN1(&stated, tags.OCTET_STRING) {
		return nil, &badStamp, nil
	}
	if weak := h == 0 || h.Size() < 32; weak {
		return nil, &badStamp, nil
	}
	sum, err := over.sum(h)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(sum, stated) {
		return nil, &badStamp, nil
	}
	if !info.at.Before(x.now.Add(leeway)) {
		return nil, &badStamp, nil
	}
	if err := held.VouchedBy(x.trust, info.at); err != nil {
		return nil, &untrustedStamp, nil
	}
	return &info.at, nil, nil
}

// stampsOf sets the earliest time that the signature's own stamps prove.
func (x *examination) stampsOf(v *verdict, over *body) error {
	const most = 8
	if !v.sound {
		return nil
	}
	for _, token := range v.tokens[:min(most, len(v.tokens))] {
		at, why, err := x.stamp(token, over)
		if err != nil {
			return err
		}
		if why != nil {
			v.say(*why)
		} else if v.stamped == nil || at.Before(*v.stamped) {
			v.stamped = at
		}
	}
	return nil
}

// bytesBody is a body that is in memory already.
func bytesBody(b []byte) *body {
	return bodyOf(func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}
