package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// The expected forms are those of libxml2 2.9.14.
func TestCanonicalForms(t *testing.T) {
	const inherited = `<r xmlns:p="urn:1" xmlns="urn:0" xml:lang="it"><p:s Id="x" b="2" a='q"q' p:c=" &#9;` + "\n" + `"><!-- no --><q xmlns="" xmlns:z="urn:z"/><![CDATA[<&>]]>` + "\r\n" + `&#13;</p:s></r>`
	for name, c := range map[string]struct {
		how  canon
		want string
	}{
		"inclusive": {canon{}, `<p:s xmlns="urn:0" xmlns:p="urn:1" Id="x" a="q&quot;q" b="2" xml:lang="it" p:c=" &#x9; "><q xmlns="" xmlns:z="urn:z"></q>&lt;&amp;&gt;` + "\n" + `&#xD;</p:s>`},
		"exclusive": {canon{exclusive: true}, `<p:s xmlns:p="urn:1" Id="x" a="q&quot;q" b="2" p:c=" &#x9; "><q></q>&lt;&amp;&gt;` + "\n" + `&#xD;</p:s>`},
		"exclusive with prefixes and comments": {canon{exclusive: true, comments: true, prefixes: []string{"", "z"}},
			`<p:s xmlns="urn:0" xmlns:p="urn:1" Id="x" a="q&quot;q" b="2" p:c=" &#x9; "><!-- no --><q xmlns="" xmlns:z="urn:z"></q>&lt;&amp;&gt;` + "\n" + `&#xD;</p:s>`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := canonicalText(t, inherited, "x", c.how); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
	const beside = "<?xml version=\"1.0\"?>\n<?before  this?>\n<!-- a -->\n<r xmlns=\"\"><s/></r>\n<!-- b -->\n<?after?>\n"
	if got, want := canonicalText(t, beside, "", canon{}), "<?before this?>\n<r><s></s></r>\n<?after?>"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func canonicalText(t testing.TB, text, id string, how canon) string {
	t.Helper()
	work := int64(maxWork)
	d, err := readDocument([]byte(text), &work)
	if err != nil {
		t.Fatal(err)
	}
	e := d.all()
	if id != "" {
		if e, err = d.named(id); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := d.canonical(&out, e, how, nil); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const (
	exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	invoice   = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<p:Fattura xmlns:p="urn:f" Id="all"><Importo Id="part">1000.00</Importo><Note a="x` + "\n" + `y">è &amp; così</Note>%s</p:Fattura>`
)

// xmlRecipe says how a test's XML signature is made; the zero value is a good
// enveloped XAdES over the whole document.
type xmlRecipe struct {
	uri        string
	transforms string // instead of the enveloped one
	object     string // an enveloped object's content
	noProps    bool
	pss        bool
	noRef      bool // to the properties
	named      *holder
	sum        []byte // of the data, when not of what the URI says
	method     string
	stampBy    *holder
	external   map[string][]byte // documents outside, by URI
}

const enveloped = `<ds:Transform Algorithm="` + nsDSig + `enveloped-signature"/>`

// signXML puts a signature where the form says %s.
func (h *holder) signXML(t testing.TB, form string, r xmlRecipe) []byte {
	t.Helper()
	b64 := base64.StdEncoding.EncodeToString
	if r.transforms == "" && len(r.external) == 0 {
		r.transforms = enveloped
	}
	named := h
	if r.named != nil {
		named = r.named
	}
	props := ""
	if !r.noProps {
		props = fmt.Sprintf(`<ds:Object><xades:QualifyingProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" Target="#S"><xades:SignedProperties Id="P"><xades:SignedSignatureProperties>`+
			`<xades:SigningTime>2026-11-20T12:00:00+01:00</xades:SigningTime><xades:SigningCertificateV2><xades:Cert><xades:CertDigest><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>`+
			`<ds:DigestValue>%s</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties></xades:SignedProperties>@STAMP@</xades:QualifyingProperties></ds:Object>`,
			b64(sumOf(crypto.SHA256, named.cert.Raw)))
	}
	if r.object != "" {
		props += `<ds:Object Id="O">` + r.object + `</ds:Object>`
	}
	reference := func(uri, kind, transforms, sum string) string {
		if transforms != "" {
			transforms = "<ds:Transforms>" + transforms + "</ds:Transforms>"
		}
		return fmt.Sprintf(`<ds:Reference URI="%s"%s>%s<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>%s</ds:DigestValue></ds:Reference>`, uri, kind, transforms, sum)
	}
	method := more + "ecdsa-sha256"
	if _, isRSA := h.key.(*rsa.PrivateKey); isRSA {
		method = more + "rsa-sha256"
	}
	if r.pss {
		method = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
	}
	if r.method != "" {
		method = r.method
	}
	build := func(data, propsSum, value, stamp string) string {
		refs := ""
		for _, uri := range slices.Sorted(maps.Keys(r.external)) {
			refs += reference(uri, "", "", b64(sumOf(crypto.SHA256, r.external[uri])))
		}
		if len(r.external) == 0 {
			refs = reference(r.uri, "", r.transforms, data)
		}
		if !r.noRef && !r.noProps {
			refs += reference("#P", ` Type="http://uri.etsi.org/01903#SignedProperties"`, `<ds:Transform Algorithm="`+exclusive+`"/>`, propsSum)
		}
		return fmt.Sprintf(form, `<ds:Signature xmlns:ds="`+nsDSig+`" Id="S"><ds:SignedInfo Id="I"><ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/><ds:SignatureMethod Algorithm="`+method+`"/>`+
			refs+`</ds:SignedInfo><ds:SignatureValue Id="V">`+value+`</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>`+b64(h.cert.Raw)+
			`</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`+strings.Replace(props, "@STAMP@", stamp, 1)+`</ds:Signature>`)
	}
	draft := build("", "", "", "")
	propsSum, data := "", b64(r.sum)
	if !r.noProps {
		propsSum = b64(sumOf(crypto.SHA256, []byte(canonicalText(t, draft, "P", canon{exclusive: true}))))
	}
	if r.sum == nil && len(r.external) == 0 {
		work := int64(maxWork)
		d, err := readDocument([]byte(draft), &work)
		if err != nil {
			t.Fatal(err)
		}
		e := d.all()
		var without []int
		for _, s := range d.signatures {
			if s.start != d.root.start {
				without = append(without, s.start)
			}
		}
		if r.uri != "" {
			if e, err = d.named(r.uri[1:]); err != nil {
				t.Fatal(err)
			}
		}
		var out bytes.Buffer
		if err := d.canonical(&out, e, canon{}, without); err != nil {
			t.Fatal(err)
		}
		data = b64(sumOf(crypto.SHA256, out.Bytes()))
	}
	info := canonicalText(t, build(data, propsSum, "", ""), "I", canon{})
	signature, _ := h.sign(t, []byte(info), recipe{hash: crypto.SHA256, pss: r.pss})
	if k, ok := h.key.(*ecdsa.PrivateKey); ok {
		var pair struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(signature, &pair); err != nil {
			t.Fatal(err)
		}
		n := (k.Params().BitSize + 7) / 8
		signature = append(pair.R.FillBytes(make([]byte, n)), pair.S.FillBytes(make([]byte, n))...)
	}
	stamp := ""
	if r.stampBy != nil {
		value := canonicalText(t, build(data, propsSum, b64(signature), ""), "V", canon{})
		stamp = `<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:SignatureTimeStamp><xades:EncapsulatedTimeStamp>` +
			b64(r.stampBy.token(t, []byte(value), now.Add(-time.Minute))) + `</xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp></xades:UnsignedSignatureProperties></xades:UnsignedProperties>`
	}
	return []byte(build(data, propsSum, b64(signature), stamp))
}

func TestXAdES_DR50(t *testing.T) {
	ca := newAuthority(t, "Certificatore")
	maria, luca := ca.holder(t, nil), ca.holder(t, nil)
	stranger := newAuthority(t, "Altro").holder(t, nil)
	withRSA := &holder{issue(t, ca, rsaKey(), nil), rsaKey()}
	good := maria.signXML(t, invoice, xmlRecipe{})
	filter := func(expression, attributes string) string {
		return `<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"><f:XPath xmlns:f="http://www.w3.org/2002/06/xmldsig-filter2"` + attributes + `>` + expression + `</f:XPath></ds:Transform>`
	}
	replace := func(old, with string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("%q is not there", old)
		}
		return bytes.Replace(good, []byte(old), []byte(with), 1)
	}
	object := base64.StdEncoding.EncodeToString(offer)
	for name, c := range map[string]struct {
		file           []byte
		sound, trusted bool
		want           string
	}{
		"enveloped":             {good, true, true, "time-not-proven"},
		"RSA":                   {withRSA.signXML(t, invoice, xmlRecipe{}), true, true, "time-not-proven"},
		"of the root by Id":     {maria.signXML(t, invoice, xmlRecipe{uri: "#all"}), true, true, ""},
		"leaves out signatures": {maria.signXML(t, invoice, xmlRecipe{transforms: filter(" /descendant::ds:Signature ", ` Filter="subtract"`)}), true, true, ""},
		"enveloping":            {maria.signXML(t, "%s", xmlRecipe{uri: "#O", object: "<x>1000</x>", transforms: `<ds:Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>`}), true, true, ""},
		"enveloping Base64": {maria.signXML(t, "%s", xmlRecipe{uri: "#O", object: object, sum: sumOf(crypto.SHA256, offer),
			transforms: `<ds:Transform Algorithm="` + nsDSig + `base64"/>`}), true, true, ""},
		"stranger":                 {stranger.signXML(t, invoice, xmlRecipe{}), true, false, "untrusted"},
		"changed":                  {replace("1000.00", "9000.00"), false, true, "tampered"},
		"attribute changed":        {replace("2026-11-20T12", "2026-11-20T11"), false, true, "tampered"},
		"value of another":         {(&holder{maria.cert, luca.key}).signXML(t, invoice, xmlRecipe{}), false, true, "bad-signature"},
		"names another":            {maria.signXML(t, invoice, xmlRecipe{named: luca}), false, true, "other-certificate"},
		"not XAdES":                {maria.signXML(t, invoice, xmlRecipe{noProps: true}), false, true, "not-xades-bes"},
		"properties unsigned":      {maria.signXML(t, invoice, xmlRecipe{noRef: true}), false, true, "not-xades-bes"},
		"of a part":                {maria.signXML(t, invoice, xmlRecipe{uri: "#part", transforms: `<ds:Transform Algorithm="` + exclusive + `"/>`, sum: sumOf(crypto.SHA256, []byte(`<Importo Id="part">1000.00</Importo>`))}), false, true, "partly-signed"},
		"exclusive, with prefixes": {maria.signXML(t, invoice, xmlRecipe{transforms: enveloped + `<ds:Transform Algorithm="` + exclusive + `"><ec:InclusiveNamespaces xmlns:ec="` + exclusive + `" PrefixList="#default p"/></ds:Transform>`}), true, true, ""},
		"RSA-PSS":                  {withRSA.signXML(t, invoice, xmlRecipe{pss: true}), true, true, ""},
		"another filter":           {maria.signXML(t, invoice, xmlRecipe{transforms: filter("/descendant::Importo", ` Filter="subtract"`)}), false, true, "unsupported-transform"},
		"the text alone":           {maria.signXML(t, invoice, xmlRecipe{transforms: `<ds:Transform Algorithm="` + nsDSig + `base64"/>`}), false, true, "unsupported-transform"},
		"an Id twice":              {bytes.Replace(maria.signXML(t, invoice, xmlRecipe{uri: "#all"}), []byte("<Note "), []byte(`<Note Id="all" `), 1), false, true, "missing-reference"},
		"SHA-1":                    {maria.signXML(t, invoice, xmlRecipe{method: nsDSig + "rsa-sha1"}), false, true, "weak-algorithm"},
		"another algorithm":        {maria.signXML(t, invoice, xmlRecipe{method: "urn:rot13"}), false, true, "unsupported-algorithm"},
	} {
		t.Run(name, func(t *testing.T) {
			r := examine(t, "fattura.xml", c.file, ca.trust())
			if r.Format != XAdES || len(r.Signers) != 1 || len(r.Findings) > 0 {
				t.Fatalf("%+v", r)
			}
			s := r.Signers[0]
			if s.Sound != c.sound || s.Trusted != c.trusted || c.want != "" && !slices.Contains(codes(s.Findings), c.want) {
				t.Errorf("sound %v, trusted %v, %v", s.Sound, s.Trusted, codes(s.Findings))
			}
		})
	}
	if s := examine(t, "", good, nil).Signers[0]; s.TaxCode != "RSSMRA80A41H501T" || !s.ClaimedAt.Equal(now.Add(-time.Hour)) {
		t.Errorf("%+v", s)
	}
	if s := examine(t, "", maria.signXML(t, invoice, xmlRecipe{stampBy: ca.stamper(t)}), ca.trust()).Signers[0]; s.StampedAt == nil {
		t.Errorf("not stamped: %v", codes(s.Findings))
	}
	if s := examine(t, "", maria.signXML(t, invoice, xmlRecipe{stampBy: stranger}), ca.trust()).Signers[0]; s.StampedAt != nil {
		t.Error("stamped by a stranger")
	}
}

func TestXMLThatIsNotExamined(t *testing.T) {
	mark := ` xmlns:ds="` + nsDSig + `"`
	for name, c := range map[string]struct {
		file   string
		format Format
		code   string
	}{
		"unsigned":           {"<a/>", None, ""},
		"mentions it only":   {"<a" + mark + "/>", None, ""},
		"HTML":               {"<!DOCTYPE html><p>", None, ""},
		"cut":                {"<a" + mark + "><b>", XAdES, "damaged-xml"},
		"with a DTD":         {`<!DOCTYPE a [<!ENTITY x "y">]><a` + mark + "/>", XAdES, "damaged-xml"},
		"too deep":           {"<a" + mark + ">" + strings.Repeat("<b>", 300) + strings.Repeat("</b>", 300) + "</a>", XAdES, "damaged-xml"},
		"two roots":          {"<a" + mark + "/><b/>", XAdES, "damaged-xml"},
		"attribute twice":    {"<a" + mark + ` x="1" x="2"/>`, XAdES, "damaged-xml"},
		"undeclared":         {"<a" + mark + "><q:b/></a>", XAdES, "damaged-xml"},
		"empty signature":    {"<a" + mark + "><ds:Signature/></a>", XAdES, ""},
		"larger than 32 MiB": {"<a" + mark + ">" + strings.Repeat(" ", maxXML) + "</a>", XAdES, "xml-too-large"},
	} {
		r := examine(t, "x.xml", []byte(c.file), nil)
		if r.Format != c.format || c.code != "" && !slices.Contains(codes(r.Findings), c.code) {
			t.Errorf("%s: %v, %v", name, r.Format, codes(r.Findings))
		}
		for _, s := range r.Signers {
			if s.Sound {
				t.Errorf("%s: sound", name)
			}
		}
	}
}
