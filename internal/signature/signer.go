package signature

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidContentType        = oid(1, 2, 840, 113549, 1, 9, 3)
	oidMessageDigest      = oid(1, 2, 840, 113549, 1, 9, 4)
	oidSigningTime        = oid(1, 2, 840, 113549, 1, 9, 5)
	oidCountersignature   = oid(1, 2, 840, 113549, 1, 9, 6)
	oidSigningCertificate = oid(1, 2, 840, 113549, 1, 9, 16, 2, 12)
	oidStampToken         = oid(1, 2, 840, 113549, 1, 9, 16, 2, 14)
	oidSigningCertV2      = oid(1, 2, 840, 113549, 1, 9, 16, 2, 47)
)

// signerInfo is one signature of a container (RFC 5652, 5.3).
type signerInfo struct {
	broken     bool
	issuer     []byte // with serial, or else keyID
	serial     []byte
	keyID      []byte
	digest     crypto.Hash
	attributes []byte // contents of the signed attributes, as they are in the file; nil when there are none
	signed     map[string][]byte
	algorithm  cryptobyte.String
	signature  []byte
	unsigned   map[string][][]byte
}

// readSigner parses a SignerInfo in DER.
func readSigner(der []byte) signerInfo {
	out := signerInfo{broken: true}
	s := cryptobyte.String(der)
	var body, id, attributes, serial cryptobyte.String
	var version int64
	var has bool
	if !s.ReadASN1(&body, tags.SEQUENCE) || !body.ReadASN1Integer(&version) {
		return out
	}
	if body.PeekASN1Tag(tags.SEQUENCE) {
		var issuer cryptobyte.String
		if !body.ReadASN1(&id, tags.SEQUENCE) || !id.ReadASN1Element(&issuer, tags.SEQUENCE) ||
			!id.ReadASN1(&serial, tags.INTEGER) {
			return out
		}
		out.issuer, out.serial = issuer, serial
	} else {
		if !body.ReadASN1(&id, tags.Tag(0).ContextSpecific()) {
			return out
		}
		out.keyID = id
	}
	var ok bool
	if out.digest, ok = digestOf(&body); !ok {
		return out
	}
	if !body.ReadOptionalASN1(&attributes, &has, tags.Tag(0).Constructed().ContextSpecific()) {
		return out
	}
	if has {
		out.attributes = attributes
		values, ok := attributeValues(attributes)
		if !ok {
			return out
		}
		out.signed = map[string][]byte{}
		for id, v := range values {
			// RFC 5652, 11: these have one value each. Two would let a reader choose.
			if len(v) == 1 {
				out.signed[id] = v[0]
			}
		}
	}
	if !body.ReadASN1Element(&out.algorithm, tags.SEQUENCE) ||
		!body.ReadASN1Bytes(&out.signature, tags.OCTET_STRING) ||
		!body.ReadOptionalASN1(&attributes, &has, tags.Tag(1).Constructed().ContextSpecific()) {
		return out
	}
	if has {
		if out.unsigned, ok = attributeValues(attributes); !ok {
			return out
		}
	}
	out.broken = false
	return out
}

// attributeValues reads the contents of a SET OF Attribute: the values, in DER,
// by identifier.
func attributeValues(s cryptobyte.String) (map[string][][]byte, bool) {
	out := map[string][][]byte{}
	for !s.Empty() {
		var attribute, id, set cryptobyte.String
		if !s.ReadASN1(&attribute, tags.SEQUENCE) || !attribute.ReadASN1(&id, tags.OBJECT_IDENTIFIER) ||
			!attribute.ReadASN1(&set, tags.SET) {
			return nil, false
		}
		for !set.Empty() {
			var value cryptobyte.String
			if !set.ReadAnyASN1Element(&value, nil) {
				return nil, false
			}
			out[string(id)] = append(out[string(id)], value)
		}
	}
	return out, true
}

// signer finds the certificate that a signature names; nil when it is not there.
func (d *signedData) signer(s signerInfo) *x509.Certificate {
	for _, c := range d.certificates {
		if s.keyID != nil {
			if bytes.Equal(c.SubjectKeyId, s.keyID) {
				return c
			}
			continue
		}
		if !bytes.Equal(c.RawIssuer, s.issuer) {
			continue
		}
		var tbs, serial cryptobyte.String
		raw := cryptobyte.String(c.RawTBSCertificate)
		if raw.ReadASN1(&tbs, tags.SEQUENCE) && tbs.SkipOptionalASN1(tags.Tag(0).Constructed().ContextSpecific()) &&
			tbs.ReadASN1(&serial, tags.INTEGER) && bytes.Equal(serial, s.serial) {
			return c
		}
	}
	return nil
}

// verdict is what one signature says, before anybody asks whom to trust.
type verdict struct {
	cert      *x509.Certificate // nil when it cannot be told
	others    []*x509.Certificate
	claimed   *time.Time
	stamped   *time.Time
	signature []byte
	tokens    [][]byte // time stamps over the signature
	sound     bool
	findings  []Finding
}

// say adds a finding, once.
func (v *verdict) say(f Finding) { v.findings = withFinding(v.findings, f) }

// fail notes why a signature is not sound.
func (v *verdict) fail(f Finding) {
	v.sound = false
	v.say(f)
}

// check verifies one signature over a body. Strict means that the signature must
// name its certificate, as CAdES asks (EN 319 122-1, 5.2.2).
func (d *signedData) check(s signerInfo, b *body, strict bool) (verdict, error) {
	v := verdict{cert: d.signer(s), others: d.certificates, signature: s.signature, sound: true}
	if s.broken {
		v.fail(malformedSignature)
		return v, nil
	}
	if v.cert == nil {
		v.fail(certificateMissing(d.unreadable))
		return v, nil
	}
	v.claimed = timeOf(s.signed[oidSigningTime])
	v.tokens = s.unsigned[oidStampToken]
	if len(s.unsigned[oidCountersignature]) > 0 {
		v.say(countersigned)
	}
	if s.digest == 0 {
		v.fail(unsupportedAlgorithm)
		return v, nil
	}
	if s.digest == crypto.SHA1 {
		v.fail(weakAlgorithm)
		return v, nil
	}
	how, err := schemeOf(&s.algorithm, s.digest)
	if err != nil {
		v.fail(algorithmFault(err))
		return v, nil
	}
	if b == nil {
		v.fail(detached)
		return v, nil
	}
	sum, err := b.sum(s.digest)
	if err != nil {
		return v, err
	}
	if s.attributes == nil {
		// A bare signature could be one over attributes, passed off as a document.
		v.fail(notBaseline(strict))
		return v, nil
	}
	var stated cryptobyte.String
	digest := cryptobyte.String(s.signed[oidMessageDigest])
	if !digest.ReadASN1(&stated, tags.OCTET_STRING) || !digest.Empty() {
		v.fail(malformedSignature)
		return v, nil
	}
	if !bytes.Equal(stated, sum) {
		v.fail(tampered)
	}
	var kind cryptobyte.String
	contentType := cryptobyte.String(s.signed[oidContentType])
	if !contentType.ReadASN1(&kind, tags.OBJECT_IDENTIFIER) || string(kind) != d.contentType {
		v.fail(malformedSignature)
	}
	switch names, err := s.names(v.cert); {
	case errors.Is(err, errNoName) && !strict:
		v.say(notBaseline(false))
	case err != nil:
		v.fail(notBaseline(strict))
	case !names:
		v.fail(otherCertificate)
	}
	if err := checkAttributes(how, v.cert, s); err != nil {
		v.fail(algorithmFault(err))
	}
	return v, nil
}

// checkAttributes verifies the signature over the attributes. It lies over their
// DER, as a SET in order (RFC 5652, 5.4); some signers left them as they came.
func checkAttributes(how scheme, cert *x509.Certificate, s signerInfo) error {
	set := func(contents []byte) []byte {
		return append(lengthen(idSet, len(contents)), contents...)
	}
	err := how.check(cert.PublicKey, set(s.attributes), s.signature)
	if !errors.Is(err, errBad) {
		return err
	}
	var each [][]byte
	if err := children(set(s.attributes), func(child []byte) error {
		each = append(each, child)
		return nil
	}); err != nil {
		return errBad
	}
	slices.SortFunc(each, bytes.Compare)
	return how.check(cert.PublicKey, set(bytes.Join(each, nil)), s.signature)
}

var errNoName = errors.New("no signing-certificate attribute")

// names tells whether the signature names this certificate (RFC 5035).
func (s signerInfo) names(cert *x509.Certificate) (bool, error) {
	value, v2 := s.signed[oidSigningCertV2]
	if !v2 {
		var v1 bool
		if value, v1 = s.signed[oidSigningCertificate]; !v1 {
			return false, errNoName
		}
	}
	outer := cryptobyte.String(value)
	var attribute, list, id, sum cryptobyte.String
	if !outer.ReadASN1(&attribute, tags.SEQUENCE) || !attribute.ReadASN1(&list, tags.SEQUENCE) ||
		!list.ReadASN1(&id, tags.SEQUENCE) {
		return false, errShape
	}
	h := crypto.SHA1
	if v2 {
		h = crypto.SHA256
		if id.PeekASN1Tag(tags.SEQUENCE) {
			if h, _ = digestOf(&id); h == 0 || h == crypto.SHA1 {
				return false, errShape
			}
		}
	}
	if !id.ReadASN1(&sum, tags.OCTET_STRING) {
		return false, errShape
	}
	return bytes.Equal(sum, sumOf(h, cert.Raw)), nil
}

func sumOf(h crypto.Hash, b []byte) []byte {
	d := h.New()
	d.Write(b)
	return d.Sum(nil)
}

// timeOf reads a UTCTime or GeneralizedTime in DER; nil when it is none.
func timeOf(der []byte) *time.Time {
	h, err := readHeader(der)
	if err != nil || h.length != int64(len(der)-h.size) {
		return nil
	}
	layout := "060102150405Z0700"
	switch h.id {
	case 0x17:
	case 0x18:
		layout = "20" + layout
	default:
		return nil
	}
	t, err := time.Parse(layout, string(der[h.size:]))
	if err != nil {
		return nil
	}
	if h.id == 0x17 && t.Year() >= 2050 { // RFC 5280, 4.1.2.5.1; Go turns at 1969
		t = t.AddDate(-100, 0, 0)
	}
	t = t.UTC()
	return &t
}
