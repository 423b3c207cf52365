package timestamp

import (
	"bytes"
	"encoding/asn1"
	"math/big"
	"regexp"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// info is a TSTInfo (RFC 3161, 2.4.2).
type info struct {
	policy   asn1.ObjectIdentifier
	sha256   bool // the imprint is a SHA-256 digest
	imprint  []byte
	serial   *big.Int
	at       time.Time
	accuracy time.Duration
	nonce    *big.Int // nil when there is none
}

var idSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}

var (
	context0 = tags.Tag(0).ContextSpecific()
	context1 = tags.Tag(1).ContextSpecific()
)

// readInfo parses a TSTInfo in DER.
func readInfo(der []byte) (info, bool) {
	out := info{serial: new(big.Int)}
	if !isDER(der) {
		return out, false
	}
	s := cryptobyte.String(der)
	var body, imprint, generated, accuracy, extensions cryptobyte.String
	var version int64
	var precise, extended, ok bool
	if !s.ReadASN1(&body, tags.SEQUENCE) || !body.ReadASN1Integer(&version) || version != 1 ||
		!body.ReadASN1ObjectIdentifier(&out.policy) ||
		!body.ReadASN1(&imprint, tags.SEQUENCE) || !out.readImprint(imprint) ||
		!body.ReadASN1Integer(out.serial) ||
		!body.ReadASN1(&generated, tags.GeneralizedTime) {
		return out, false
	}
	if out.at, ok = instant(generated); !ok {
		return out, false
	}
	if !body.ReadOptionalASN1(&accuracy, &precise, tags.SEQUENCE) {
		return out, false
	}
	if precise {
		if out.accuracy, ok = readAccuracy(accuracy); !ok {
			return out, false
		}
	}
	var ordering bool
	if body.PeekASN1Tag(tags.BOOLEAN) && !body.ReadASN1Boolean(&ordering) {
		return out, false
	}
	if body.PeekASN1Tag(tags.INTEGER) {
		out.nonce = new(big.Int)
		if !body.ReadASN1Integer(out.nonce) {
			return out, false
		}
	}
	// The name given here says nothing: the certificate says who stamped.
	return out, body.SkipOptionalASN1(context0.Constructed()) &&
		body.ReadOptionalASN1(&extensions, &extended, context1.Constructed()) &&
		nothingCritical(extensions) && body.Empty()
}

// readImprint parses the contents of a MessageImprint.
func (i *info) readImprint(s cryptobyte.String) bool {
	var algorithm, parameters, digest cryptobyte.String
	var id asn1.ObjectIdentifier
	if !s.ReadASN1(&algorithm, tags.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&id) ||
		!algorithm.ReadOptionalASN1(&parameters, nil, tags.NULL) || !parameters.Empty() || !algorithm.Empty() ||
		!s.ReadASN1(&digest, tags.OCTET_STRING) || !s.Empty() {
		return false
	}
	i.sha256, i.imprint = id.Equal(idSHA256), digest
	return true
}

// written is a GeneralizedTime as RFC 3161, 2.4.2 wants it: UTC, and a fraction
// that does not end with zeros.
var written = regexp.MustCompile(`^[0-9]{14}(\.[0-9]{0,8}[1-9])?Z$`)

func instant(b []byte) (time.Time, bool) {
	if !written.Match(b) {
		return time.Time{}, false
	}
	t, err := time.Parse("20060102150405", string(bytes.TrimSuffix(b, []byte("Z")))) // takes a fraction too
	return t, err == nil
}

// readAccuracy parses the contents of an Accuracy. One of more than a day would
// prove nothing.
func readAccuracy(s cryptobyte.String) (time.Duration, bool) {
	const day = 24 * 60 * 60
	var seconds, millis, micros int64
	if s.PeekASN1Tag(tags.INTEGER) && !s.ReadASN1Integer(&seconds) ||
		s.PeekASN1Tag(context0) && !s.ReadASN1Int64WithTag(&millis, context0) ||
		s.PeekASN1Tag(context1) && !s.ReadASN1Int64WithTag(&micros, context1) ||
		!s.Empty() || seconds < 0 || seconds > day || millis < 0 || millis > 999 || micros < 0 || micros > 999 {
		return 0, false
	}
	return time.Duration(seconds)*time.Second + time.Duration(millis)*time.Millisecond + time.Duration(micros)*time.Microsecond, true
}

// nothingCritical reads extensions and refuses the critical ones: none is known
// here, and whoever marks one so does not want the rest taken without it.
func nothingCritical(s cryptobyte.String) bool {
	for !s.Empty() {
		var extension, value cryptobyte.String
		var id asn1.ObjectIdentifier
		var critical bool
		if !s.ReadASN1(&extension, tags.SEQUENCE) || !extension.ReadASN1ObjectIdentifier(&id) ||
			extension.PeekASN1Tag(tags.BOOLEAN) && !extension.ReadASN1Boolean(&critical) || critical ||
			!extension.ReadASN1(&value, tags.OCTET_STRING) || !extension.Empty() {
			return false
		}
	}
	return true
}
