package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"
)

// now is the instant of all tests.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// authority issues certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// holder is somebody with a certificate and its key.
type holder struct {
	cert *x509.Certificate
	key  crypto.Signer
}

var serials = big.NewInt(1000)

// issue makes a certificate; change adjusts it first. A nil issuer signs itself.
func issue(t testing.TB, by *authority, key crypto.Signer, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	serials = new(big.Int).Add(serials, big.NewInt(1))
	c := &x509.Certificate{
		SerialNumber: serials,
		Subject:      pkix.Name{CommonName: "Maria Rossi", SerialNumber: "TINIT-RSSMRA80A41H501T", Organization: []string{"Ponti S.r.l."}},
		NotBefore:    now.AddDate(-1, 0, 0), NotAfter: now.AddDate(2, 0, 0),
		KeyUsage: x509.KeyUsageContentCommitment,
		ExtraExtensions: []pkix.Extension{{Id: oidQCStatements, Value: mustMarshal(t, []any{
			struct{ ID asn1.ObjectIdentifier }{oidQCCompliance}, struct{ ID asn1.ObjectIdentifier }{oidQCDevice},
		})}},
	}
	if change != nil {
		change(c)
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func mustMarshal(t testing.TB, v any) []byte {
	t.Helper()
	if list, ok := v.([]any); ok {
		var parts []byte
		for _, x := range list {
			parts = append(parts, mustMarshal(t, x)...)
		}
		return tlv(idSequence, parts)
	}
	b, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key := newECDSA(t, elliptic.P256())
	cert := issue(t, nil, key, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: name, Country: []string{"IT"}}
		c.IsCA, c.BasicConstraintsValid = true, true
		c.KeyUsage = x509.KeyUsageCertSign
		c.NotBefore, c.NotAfter = now.AddDate(-20, 0, 0), now.AddDate(20, 0, 0)
		c.ExtraExtensions = nil
	})
	return &authority{cert, key}
}

func newECDSA(t testing.TB, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// rsaKey is made once: it takes long.
var rsaKey = sync.OnceValue(func() crypto.Signer {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func (a *authority) holder(t testing.TB, change func(*x509.Certificate)) *holder {
	t.Helper()
	key := newECDSA(t, elliptic.P256())
	return &holder{issue(t, a, key, change), key}
}

func (a *authority) stamper(t testing.TB) *holder {
	t.Helper()
	return a.holder(t, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "Marca 1"}
		c.KeyUsage = x509.KeyUsageDigitalSignature
		c.ExtraExtensions = []pkix.Extension{{
			Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true,
			Value: tlv(idSequence, objectID(1, 3, 6, 1, 5, 5, 7, 3, 8)),
		}}
	})
}

func (a *authority) trust() *Trust {
	return &Trust{anchors: []anchor{{cert: a.cert, ever: signatures | stamps}}}
}

func tlv(id byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(lengthen(id, len(body)), body...)
}

func objectID(arcs ...int) []byte { return rawID(oid(arcs...)) }

func rawID(id string) []byte { return tlv(idOID, []byte(id)) }

var null = []byte{5, 0}

// recipe says how a test's signature is made; the zero value is a good CAdES.
type recipe struct {
	hash       crypto.Hash // SHA-256 when zero
	pss        bool
	noCertAttr bool
	v1CertAttr bool
	nameCert   *x509.Certificate // the one named, when not the signer's
	sum        []byte            // the messageDigest, when not the content's
	kind       string            // content type; data when empty
	claim      *time.Time
	noTime     bool
	extra      [][]byte // more unsigned attributes
	stampBy    *holder
	stampAt    time.Time
	stampOver  []byte // what is stamped, when not the signature
	keyID      bool
	enclose    []*x509.Certificate // instead of the signer's
	unsorted   bool
}

var hashID = func() map[crypto.Hash]string {
	out := map[crypto.Hash]string{}
	for id, h := range digestAlgorithms {
		out[h] = id
	}
	return out
}()

func algorithmID(id string) []byte { return tlv(idSequence, rawID(id), null) }

// signerInfoOf makes a SignerInfo over a content's digest.
func (h *holder) signerInfoOf(t testing.TB, r recipe, sum func(crypto.Hash) []byte) []byte {
	t.Helper()
	if r.hash == 0 {
		r.hash = crypto.SHA256
	}
	digest := r.sum
	if digest == nil {
		digest = sum(r.hash)
	}
	if r.kind == "" {
		r.kind = oidData
	}
	attribute := func(id string, value []byte) []byte { return tlv(idSequence, rawID(id), tlv(idSet, value)) }
	attributes := [][]byte{
		attribute(oidContentType, rawID(r.kind)),
		attribute(oidMessageDigest, tlv(idOctets, digest)),
	}
	if !r.noTime {
		claim := now.Add(-time.Hour)
		if r.claim != nil {
			claim = *r.claim
		}
		attributes = append(attributes, attribute(oidSigningTime, mustMarshal(t, claim.UTC())))
	}
	named := h.cert
	if r.nameCert != nil {
		named = r.nameCert
	}
	switch {
	case r.noCertAttr:
	case r.v1CertAttr:
		sum := sha1.Sum(named.Raw)
		attributes = append(attributes, attribute(oidSigningCertificate, tlv(idSequence, tlv(idSequence, tlv(idSequence, tlv(idOctets, sum[:]))))))
	default:
		attributes = append(attributes, attribute(oidSigningCertV2, tlv(idSequence, tlv(idSequence, tlv(idSequence, tlv(idOctets, sumOf(crypto.SHA256, named.Raw)))))))
	}
	slices.SortFunc(attributes, bytes.Compare)
	signed := bytes.Join(attributes, nil)
	signature, algorithm := h.sign(t, tlv(idSet, signed), r)
	if r.unsorted {
		slices.Reverse(attributes)
		signed = bytes.Join(attributes, nil)
	}
	id := tlv(idSequence, h.cert.RawIssuer, mustMarshal(t, h.cert.SerialNumber))
	if r.keyID {
		id = tlv(0x80, h.cert.SubjectKeyId)
	}
	unsigned := r.extra
	if r.stampBy != nil {
		over := signature
		if r.stampOver != nil {
			over = r.stampOver
		}
		at := now.Add(-30 * time.Minute)
		if !r.stampAt.IsZero() {
			at = r.stampAt
		}
		unsigned = append(unsigned, attribute(oidStampToken, r.stampBy.token(t, over, at)))
	}
	parts := [][]byte{{2, 1, 1}, id, algorithmID(hashID[r.hash]), tlv(idContext0, signed), algorithm, tlv(idOctets, signature)}
	if len(unsigned) > 0 {
		parts = append(parts, tlv(idContext1, unsigned...))
	}
	return tlv(idSequence, parts...)
}

// sign signs a message and names the algorithm.
func (h *holder) sign(t testing.TB, message []byte, r recipe) (signature, algorithm []byte) {
	t.Helper()
	var options crypto.SignerOpts = r.hash
	digest := sumOf(r.hash, message)
	switch h.key.(type) {
	case *rsa.PrivateKey:
		algorithm = algorithmID(oid(1, 2, 840, 113549, 1, 1, 1))
		if r.pss {
			options = &rsa.PSSOptions{SaltLength: 32, Hash: r.hash}
			inner := algorithmID(hashID[r.hash])
			algorithm = tlv(idSequence, objectID(1, 2, 840, 113549, 1, 1, 10), tlv(idSequence,
				tlv(0xA0, inner), tlv(0xA1, tlv(idSequence, objectID(1, 2, 840, 113549, 1, 1, 8), inner)), tlv(0xA2, []byte{2, 1, 32})))
		}
	case *ecdsa.PrivateKey:
		last := map[crypto.Hash]int{crypto.SHA256: 2, crypto.SHA384: 3, crypto.SHA512: 4, crypto.SHA1: 2}[r.hash]
		algorithm = tlv(idSequence, objectID(1, 2, 840, 10045, 4, 3, last))
	case ed25519.PrivateKey:
		algorithm = tlv(idSequence, objectID(1, 3, 101, 112))
		options, digest = crypto.Hash(0), message
	}
	signature, err := h.key.Sign(rand.Reader, digest, options)
	if err != nil {
		t.Fatal(err)
	}
	return signature, algorithm
}

// token is a time stamp over some bytes.
func (h *holder) token(t testing.TB, over []byte, at time.Time) []byte {
	t.Helper()
	info := tlv(idSequence, []byte{2, 1, 1}, objectID(1, 2, 3),
		tlv(idSequence, algorithmID(hashID[crypto.SHA256]), tlv(idOctets, sumOf(crypto.SHA256, over))),
		[]byte{2, 1, 7}, tlv(0x18, []byte(at.UTC().Format("20060102150405.000Z"))))
	return h.container(t, info, recipe{kind: oidStampInfo})
}

// container wraps a content in DER.
func (h *holder) container(t testing.TB, content []byte, r recipe) []byte {
	t.Helper()
	return wrap(t, content, r, h)
}

func wrap(t testing.TB, content []byte, r recipe, by ...*holder) []byte {
	t.Helper()
	before, after := around(t, int64(len(content)), r, func(h crypto.Hash) []byte { return sumOf(h, content) }, by...)
	return slices.Concat(before, content, after)
}

// around makes what lies before and after a content of so many bytes.
func around(t testing.TB, size int64, r recipe, sum func(crypto.Hash) []byte, by ...*holder) (before, after []byte) {
	t.Helper()
	tail := tailOf(t, r, sum, by...)
	if r.kind == "" {
		r.kind = oidData
	}
	n := int(size)
	octets := lengthen(idOctets, n)
	explicit := slices.Concat(lengthen(idContext0, len(octets)+n), octets)
	encapsulated := slices.Concat(rawID(r.kind), explicit)
	head := slices.Concat([]byte{2, 1, 1}, tlv(idSet, algorithmID(hashID[crypto.SHA256])),
		lengthen(idSequence, len(encapsulated)+n), encapsulated)
	head = slices.Concat(lengthen(idSequence, len(head)+n+len(tail)), head)
	head = slices.Concat(lengthen(idContext0, len(head)+n+len(tail)), head)
	head = slices.Concat(rawID(oidSignedData), head)
	return slices.Concat(lengthen(idSequence, len(head)+n+len(tail)), head), tail
}

func tailOf(t testing.TB, r recipe, sum func(crypto.Hash) []byte, by ...*holder) []byte {
	t.Helper()
	var certificates, infos [][]byte
	for _, h := range by {
		certificates = append(certificates, h.cert.Raw)
		infos = append(infos, h.signerInfoOf(t, r, sum))
	}
	if r.enclose != nil {
		certificates = nil
		for _, c := range r.enclose {
			certificates = append(certificates, c.Raw)
		}
	}
	return slices.Concat(tlv(idContext0, certificates...), tlv(idSet, infos...))
}

// detachedOf is a container without the content.
func (h *holder) detachedOf(t testing.TB, content []byte, r recipe) []byte {
	t.Helper()
	tail := tailOf(t, r, func(x crypto.Hash) []byte { return sumOf(x, content) }, h)
	return tlv(idSequence, rawID(oidSignedData), tlv(idContext0, tlv(idSequence, []byte{2, 1, 1},
		tlv(idSet, algorithmID(hashID[crypto.SHA256])), tlv(idSequence, rawID(oidData)), tail)))
}

// streamed wraps a content as streaming signers do: indefinite lengths, and the
// content in pieces of so many bytes.
func (h *holder) streamed(t testing.TB, content []byte, piece int, r recipe) []byte {
	t.Helper()
	end := []byte{0, 0}
	var pieces []byte
	for rest := content; len(rest) > 0; {
		n := min(piece, len(rest))
		pieces = append(pieces, tlv(idOctets, rest[:n])...)
		rest = rest[n:]
	}
	tail := tailOf(t, r, func(x crypto.Hash) []byte { return sumOf(x, content) }, h)
	return slices.Concat([]byte{0x30, 0x80}, rawID(oidSignedData), []byte{0xA0, 0x80, 0x30, 0x80, 2, 1, 1},
		tlv(idSet, algorithmID(hashID[crypto.SHA256])), []byte{0x30, 0x80}, rawID(oidData), []byte{0xA0, 0x80, 0x24, 0x80},
		pieces, end, end, end, tail, end, end, end)
}

func examine(t testing.TB, name string, b []byte, trust *Trust) Report {
	t.Helper()
	r, err := Examine(name, int64(len(b)), bytes.NewReader(b), trust, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func codes(f []Finding) []string {
	var out []string
	for _, x := range f {
		out = append(out, x.Code)
	}
	return out
}

func content(t testing.TB, i *Inner) []byte {
	t.Helper()
	if i == nil {
		t.Fatal("no document inside")
	}
	b, err := io.ReadAll(io.NewSectionReader(i, 0, i.Size))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
