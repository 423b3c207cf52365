package signature

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
)

const (
	maxReferences    = 64
	maxXMLSignatures = 32
)

var xmlDigests = map[string]crypto.Hash{
	nsDSig + "sha1": crypto.SHA1,
	"http://www.w3.org/2001/04/xmlenc#sha256":       crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384,
	"http://www.w3.org/2001/04/xmlenc#sha512":       crypto.SHA512,
}

const more = "http://www.w3.org/2001/04/xmldsig-more#"

var xmlSchemes = map[string]scheme{
	nsDSig + "rsa-sha1": {kind: pkcs1, hash: crypto.SHA1},
	more + "rsa-sha256": {kind: pkcs1, hash: crypto.SHA256},
	more + "rsa-sha384": {kind: pkcs1, hash: crypto.SHA384},
	more + "rsa-sha512": {kind: pkcs1, hash: crypto.SHA512},
	"http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1": {kind: pss, hash: crypto.SHA256, salt: 32},
	"http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1": {kind: pss, hash: crypto.SHA384, salt: 48},
	"http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1": {kind: pss, hash: crypto.SHA512, salt: 64},
	more + "ecdsa-sha256": {kind: ecdsaRaw, hash: crypto.SHA256},
	more + "ecdsa-sha384": {kind: ecdsaRaw, hash: crypto.SHA384},
	more + "ecdsa-sha512": {kind: ecdsaRaw, hash: crypto.SHA512},
}

// xml reads the signatures of an XML file.
func (x *examination) xml(s *io.SectionReader) {
	if s.Size() > maxXML {
		if err := find(s, []byte(nsDSig), func(int64) bool {
			x.report.Format = XAdES
			x.say(xmlTooLarge)
			return false
		}); err != nil {
			x.say(damaged)
		}
		return
	}
	b, err := head(s, maxXML)
	if err != nil || !bytes.Contains(b, []byte(nsDSig)) {
		return
	}
	work := int64(maxWork)
	d, err := readDocument(b, &work)
	if err != nil {
		x.report.Format = XAdES
		x.say(documentFault(err))
		return
	}
	if len(d.signatures) == 0 {
		return
	}
	x.report.Format = XAdES
	x.xmlSignatures(d, nil, true)
}

func documentFault(err error) Finding {
	if errors.Is(err, errTooMuch) {
		return tooMuch
	}
	return xmlDamaged
}

// others gives the bytes of what a signature refers to outside its document,
// as ASiC has it; nil when there is no such thing.
type others func(uri string) *body

// xmlSignatures adds a document's signatures to the report. With selfish they
// must cover that document; what else they cover is returned, for each.
func (x *examination) xmlSignatures(d *document, beside others, selfish bool) [][]string {
	all := d.signatures
	if len(all) > maxXMLSignatures {
		x.say(tooMuch)
		all = all[:maxXMLSignatures]
	}
	var covered [][]string
	for _, e := range all {
		n, err := d.tree(e)
		if err != nil {
			x.say(documentFault(err))
			continue
		}
		s := xmlSignature{d: d, node: n, beside: beside}
		v, err := s.check(selfish)
		if err == nil {
			err = x.xmlStamps(&v, s)
		}
		if err != nil {
			x.say(documentFault(err))
			continue
		}
		covered = append(covered, s.covers)
		x.report.Signers = append(x.report.Signers, x.judge(v))
	}
	return covered
}

// xmlSignature is one ds:Signature.
type xmlSignature struct {
	d      *document
	node   *node
	beside others
	covers []string // URIs of what it signs outside the document
}

// binary is the Base64 text of a node.
func (n *node) binary() []byte {
	if n == nil {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(n.text), nil)))
	if err != nil {
		return nil
	}
	return b
}

// properties is the QualifyingProperties inside the signature.
func (s *xmlSignature) properties() *node {
	for _, o := range s.node.all("Object") {
		if q := o.child("QualifyingProperties"); q != nil {
			return q
		}
	}
	return nil
}

// certificates are those enclosed with the signature.
func (s *xmlSignature) certificates() []*x509.Certificate {
	var nodes []*node
	for _, data := range s.node.child("KeyInfo").all("X509Data") {
		nodes = append(nodes, data.all("X509Certificate")...)
	}
	nodes = append(nodes, s.properties().child("UnsignedProperties", "UnsignedSignatureProperties", "CertificateValues").
		all("EncapsulatedX509Certificate")...)
	var out []*x509.Certificate
	for _, n := range nodes[:min(len(nodes), maxCertificates)] {
		if c, err := x509.ParseCertificate(n.binary()); err == nil {
			out = append(out, c)
		}
	}
	return out
}

// signer is the certificate that the signature names; an error when it names
// none that is enclosed. Without a name the first one is only shown.
func (s *xmlSignature) signer(all []*x509.Certificate) (*x509.Certificate, *Finding) {
	if len(all) == 0 {
		f := certificateMissing(false)
		return nil, &f
	}
	signed := s.properties().child("SignedProperties", "SignedSignatureProperties")
	name := signed.child("SigningCertificateV2", "Cert", "CertDigest")
	if name == nil {
		name = signed.child("SigningCertificate", "Cert", "CertDigest")
	}
	if name == nil {
		return all[0], &notXAdES
	}
	h, known := xmlDigests[name.child("DigestMethod").get("Algorithm")]
	if !known {
		return all[0], &unsupportedAlgorithm
	}
	sum := name.child("DigestValue").binary()
	for _, c := range all {
		if bytes.Equal(sumOf(h, c.Raw), sum) {
			return c, nil
		}
	}
	return all[0], &otherCertificate
}

// check verifies the signature. The error is only that there is too much to do.
func (s *xmlSignature) check(selfish bool) (verdict, error) {
	v := verdict{sound: true, others: s.certificates(), signature: s.node.child("SignatureValue").binary()}
	cert, why := s.signer(v.others)
	v.cert = cert
	v.claimed = xmlTime(s.properties().child("SignedProperties", "SignedSignatureProperties", "SigningTime").words())
	if why != nil {
		v.fail(*why)
	}
	if cert == nil {
		return v, nil
	}
	if len(s.properties().child("UnsignedProperties", "UnsignedSignatureProperties").all("CounterSignature")) > 0 {
		v.say(countersigned)
	}
	info := s.node.child("SignedInfo")
	how, ok := canonOf(info.child("CanonicalizationMethod"))
	scheme, known := xmlSchemes[info.child("SignatureMethod").get("Algorithm")]
	if info == nil || !ok || !known {
		v.fail(unsupportedAlgorithm)
		return v, nil
	}
	var message bytes.Buffer
	if err := s.d.canonical(&message, info.element, how, nil); err != nil {
		return v, err
	}
	if err := scheme.check(cert.PublicKey, message.Bytes(), v.signature); err != nil {
		v.fail(algorithmFault(err))
	}
	return v, s.references(&v, info, selfish)
}

// references verifies what the signature says it covers, and that this is its
// own properties and the whole document.
func (s *xmlSignature) references(v *verdict, info *node, selfish bool) error {
	all := info.all("Reference")
	if len(all) == 0 || len(all) > maxReferences {
		v.fail(malformedSignature)
		return nil
	}
	properties := s.properties().child("SignedProperties")
	var named, whole bool
	objects := map[int]bool{}
	for _, r := range all {
		target, over, why := s.target(r)
		if why == nil {
			if target == nil {
				s.covers = append(s.covers, r.get("URI"))
			}
			why = s.digest(r, over)
		}
		switch {
		case errors.Is(why, errTooMuch), errors.Is(why, errXML):
			return why
		case why != nil:
			v.fail(referenceFault(why))
			continue
		}
		switch {
		case target == nil: // noted above
		case properties != nil && target.start == properties.start:
			named = true
		case target.whole, target.start == s.d.root.start && target.start != s.node.start:
			whole = true
		default:
			objects[target.start] = true
		}
	}
	if properties == nil || !named {
		v.fail(notXAdES)
	}
	if selfish && !whole && !s.enveloping(objects) || !selfish && len(s.covers) == 0 {
		v.fail(partial)
	}
	return nil
}

// enveloping tells whether the file is the signature, and all documents inside
// it are covered.
func (s *xmlSignature) enveloping(covered map[int]bool) bool {
	if s.node.start != s.d.root.start {
		return false
	}
	documents := 0
	for _, o := range s.node.all("Object") {
		if o.child("QualifyingProperties") != nil {
			continue
		}
		if documents++; !covered[o.start] {
			return false
		}
	}
	return documents > 0
}

var errOtherDigest = errors.New("digest differs")

func referenceFault(err error) Finding {
	switch {
	case errors.Is(err, errOtherDigest):
		return tampered
	case errors.Is(err, errNoReference):
		return noReference
	case errors.Is(err, errUnsupported):
		return unsupportedXML
	}
	return algorithmFault(err)
}

// target finds what a reference is to, and how its bytes come about. The element
// is nil for what lies outside the document.
func (s *xmlSignature) target(r *node) (*element, *body, error) {
	var e element
	switch uri := r.get("URI"); {
	case uri == "" && !slices.ContainsFunc(r.attr, func(a xml.Attr) bool { return a.Name == xml.Name{Local: "URI"} }):
		return nil, nil, errUnsupported
	case uri == "" || uri == "#xpointer(/)":
		e = s.d.all()
	case uri[0] == '#':
		id := uri[1:]
		if inner, ok := strings.CutPrefix(id, "xpointer(id("); ok {
			id = strings.Trim(strings.TrimSuffix(inner, "))"), `'"`)
		}
		var err error
		if e, err = s.d.named(id); err != nil {
			return nil, nil, err
		}
	default:
		if s.beside == nil || len(r.child("Transforms").all("Transform")) > 0 {
			return nil, nil, errNoReference
		}
		over := s.beside(uri)
		if over == nil {
			return nil, nil, errNoReference
		}
		return nil, over, nil
	}
	how := canon{}
	var without []int
	decoded := false
	for _, t := range r.child("Transforms").all("Transform") {
		switch algorithm := t.get("Algorithm"); algorithm {
		case nsDSig + "enveloped-signature":
			without = append(without, s.node.start)
		case nsDSig + "base64":
			decoded = true
		case "http://www.w3.org/TR/1999/REC-xpath-19991116", "http://www.w3.org/2002/06/xmldsig-filter2":
			if !leavesOutSignatures(t) {
				return nil, nil, errUnsupported
			}
			for _, other := range s.d.signatures {
				without = append(without, other.start)
			}
		default:
			var ok bool
			if how, ok = canonOf(t); !ok {
				return nil, nil, errUnsupported
			}
		}
	}
	how.comments = false // a reference by URI has none (XMLDSig 4.4.3.3)
	if decoded {
		if e.whole || e.start == s.d.root.start { // the text alone, without the marks: not the document
			return nil, nil, errUnsupported
		}
		return &e, bodyOf(func(w io.Writer) error { return s.d.decode(w, e) }), nil
	}
	return &e, bodyOf(func(w io.Writer) error { return s.d.canonical(w, e, how, without) }), nil
}

// leavesOutSignatures tells whether a filter is one of the two that Italian
// programs write, which leave out all signatures.
func leavesOutSignatures(transform *node) bool {
	if len(transform.children) != 1 {
		return false
	}
	path := transform.children[0]
	expression := strings.Join(strings.Fields(path.words()), "")
	prefix := "ds"
	if name, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(expression, "not(ancestor-or-self::"), "/descendant::"), ":"); ok {
		prefix = name
	}
	if path.inner().lookup(prefix) != nsDSig {
		return false
	}
	return expression == "not(ancestor-or-self::"+prefix+":Signature)" ||
		expression == "/descendant::"+prefix+":Signature" && path.get("Filter") == "subtract"
}

// decode writes what an element holds as Base64.
func (d *document) decode(w io.Writer, e element) error {
	var text []byte
	if err := d.tokens(e, func(t xml.Token, _ *scope, _, _, _ int) error {
		if c, ok := t.(xml.CharData); ok {
			text = append(text, c...)
		}
		return nil
	}); err != nil {
		return err
	}
	n := &node{text: text}
	_, err := w.Write(n.binary())
	return err
}

// digest compares a reference's digest with that of what it is to.
func (s *xmlSignature) digest(r *node, over *body) error {
	h, ok := xmlDigests[r.child("DigestMethod").get("Algorithm")]
	if !ok {
		return errUnsupported
	}
	if h == crypto.SHA1 {
		return errWeak
	}
	sum, err := over.sum(h)
	if err != nil {
		return err
	}
	if !bytes.Equal(sum, r.child("DigestValue").binary()) {
		return errOtherDigest
	}
	return nil
}

// canonOf reads a method of canonicalisation.
func canonOf(n *node) (canon, bool) {
	how, ok := canons[n.get("Algorithm")]
	if n != nil && how.exclusive {
		for _, c := range n.children {
			if c.name.Local != "InclusiveNamespaces" {
				continue
			}
			for _, p := range strings.Fields(c.get("PrefixList")) {
				if p == "#default" {
					p = ""
				}
				how.prefixes = append(how.prefixes, p)
			}
		}
	}
	return how, ok && len(how.prefixes) <= maxScope
}

// xmlTime reads an xsd:dateTime; without a zone it is taken as UTC.
func xmlTime(s string) *time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			t = t.UTC()
			return &t
		}
	}
	return nil
}

// xmlStamps verifies the time stamps over the signature's value.
func (x *examination) xmlStamps(v *verdict, s xmlSignature) error {
	value := s.node.child("SignatureValue")
	for _, stamp := range s.properties().child("UnsignedProperties", "UnsignedSignatureProperties").all("SignatureTimeStamp") {
		how := canon{}
		if method := stamp.child("CanonicalizationMethod"); method != nil {
			var ok bool
			if how, ok = canonOf(method); !ok {
				v.say(badStamp)
				continue
			}
		}
		v.tokens = nil
		for _, token := range stamp.all("EncapsulatedTimeStamp") {
			v.tokens = append(v.tokens, token.binary())
		}
		over := bodyOf(func(w io.Writer) error { return s.d.canonical(w, value.element, how, nil) })
		if err := x.stampsOf(v, over); err != nil {
			return err
		}
	}
	return nil
}
