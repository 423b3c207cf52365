package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha1" // to name what is weak, not to accept it
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/asn1"
	"errors"
	"io"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

var digestAlgorithms = map[string]crypto.Hash{
	oid(1, 3, 14, 3, 2, 26):             crypto.SHA1,
	oid(2, 16, 840, 1, 101, 3, 4, 2, 1): crypto.SHA256,
	oid(2, 16, 840, 1, 101, 3, 4, 2, 2): crypto.SHA384,
	oid(2, 16, 840, 1, 101, 3, 4, 2, 3): crypto.SHA512,
}

// scheme is a way of signing. A zero hash means the one the content is hashed with.
type scheme struct {
	kind kind
	hash crypto.Hash
	salt int // RSA-PSS only, in bytes; 0 is any, to crypto/rsa
}

type kind int

const (
	pkcs1 kind = iota
	pss
	ecdsaDER
	ecdsaRaw // two numbers side by side, as XML has them
	edwards
)

var signatureAlgorithms = map[string]scheme{
	oid(1, 2, 840, 113549, 1, 1, 1):  {kind: pkcs1},
	oid(1, 2, 840, 113549, 1, 1, 5):  {kind: pkcs1, hash: crypto.SHA1},
	oid(1, 2, 840, 113549, 1, 1, 11): {kind: pkcs1, hash: crypto.SHA256},
	oid(1, 2, 840, 113549, 1, 1, 12): {kind: pkcs1, hash: crypto.SHA384},
	oid(1, 2, 840, 113549, 1, 1, 13): {kind: pkcs1, hash: crypto.SHA512},
	oid(1, 2, 840, 113549, 1, 1, 10): {kind: pss},
	oid(1, 2, 840, 10045, 2, 1):      {kind: ecdsaDER},
	oid(1, 2, 840, 10045, 4, 1):      {kind: ecdsaDER, hash: crypto.SHA1},
	oid(1, 2, 840, 10045, 4, 3, 2):   {kind: ecdsaDER, hash: crypto.SHA256},
	oid(1, 2, 840, 10045, 4, 3, 3):   {kind: ecdsaDER, hash: crypto.SHA384},
	oid(1, 2, 840, 10045, 4, 3, 4):   {kind: ecdsaDER, hash: crypto.SHA512},
	oid(1, 3, 101, 112):              {kind: edwards},
}

// algorithm reads an AlgorithmIdentifier: its identifier and the parameters' DER.
func algorithm(s *cryptobyte.String) (id string, parameters cryptobyte.String, ok bool) {
	var body, o cryptobyte.String
	ok = s.ReadASN1(&body, tags.SEQUENCE) && body.ReadASN1(&o, tags.OBJECT_IDENTIFIER)
	return string(o), body, ok
}

// digestOf reads the identifier of a digest; zero when it is unknown.
func digestOf(s *cryptobyte.String) (crypto.Hash, bool) {
	id, _, ok := algorithm(s)
	return digestAlgorithms[id], ok
}

// schemeOf reads how a signature was made over a content hashed with h.
func schemeOf(s *cryptobyte.String, h crypto.Hash) (scheme, error) {
	id, parameters, ok := algorithm(s)
	if !ok {
		return scheme{}, errShape
	}
	found, ok := signatureAlgorithms[id]
	if !ok {
		return scheme{}, errUnsupported
	}
	if found.kind == pss {
		return pssScheme(parameters)
	}
	if found.hash == 0 {
		found.hash = h
	}
	return found, nil
}

var errUnsupported = errors.New("algorithm not supported")

// pssScheme reads RSASSA-PSS-params (RFC 4055); absent fields mean SHA-1.
func pssScheme(parameters cryptobyte.String) (scheme, error) {
	out := scheme{kind: pss, hash: crypto.SHA1, salt: 20}
	mask := crypto.SHA1
	var body, field cryptobyte.String
	var has bool
	if !parameters.ReadASN1(&body, tags.SEQUENCE) {
		return out, errShape
	}
	context := func(n uint8) tags.Tag { return tags.Tag(n).Constructed().ContextSpecific() }
	if !body.ReadOptionalASN1(&field, &has, context(0)) {
		return out, errShape
	}
	if has {
		if out.hash, has = digestOf(&field); !has {
			return out, errShape
		}
	}
	if !body.ReadOptionalASN1(&field, &has, context(1)) {
		return out, errShape
	}
	if has {
		_, of, ok := algorithm(&field)
		if mask, has = digestOf(&of); !ok || !has {
			return out, errShape
		}
	}
	if !body.ReadOptionalASN1(&field, &has, context(2)) || has && !field.ReadASN1Integer(&out.salt) {
		return out, errShape
	}
	if mask != out.hash || out.hash == 0 || out.salt < 0 || out.salt > 512 {
		return out, errUnsupported
	}
	return out, nil
}

// Bounds on an RSA key, in bits: below it is weak, above it costs too much.
const (
	shortestRSA = 2048
	longestRSA  = 8192
)

// check verifies a signature over a message. The errors are errUnsupported,
// errWeak or errBad.
func (s scheme) check(key crypto.PublicKey, message, signature []byte) error {
	if s.kind == edwards {
		k, ok := key.(ed25519.PublicKey)
		if !ok {
			return errBad
		}
		if !ed25519.Verify(k, message, signature) {
			return errBad
		}
		return nil
	}
	if s.hash == crypto.SHA1 {
		return errWeak
	}
	if s.hash == 0 || !s.hash.Available() {
		return errUnsupported
	}
	h := s.hash.New()
	h.Write(message)
	sum := h.Sum(nil)
	switch k := key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits > longestRSA {
			return errUnsupported
		} else if bits < shortestRSA {
			return errWeak
		}
		switch {
		case s.kind == pkcs1 && rsa.VerifyPKCS1v15(k, s.hash, sum, signature) == nil:
			return nil
		case s.kind == pss && rsa.VerifyPSS(k, s.hash, sum, signature, &rsa.PSSOptions{SaltLength: s.salt}) == nil:
			return nil
		}
	case *ecdsa.PublicKey:
		if s.kind == ecdsaRaw {
			signature = sideBySide(signature)
		} else if s.kind != ecdsaDER {
			return errBad
		}
		if k.Params().BitSize < 256 {
			return errWeak
		}
		if ecdsa.VerifyASN1(k, sum, signature) {
			return nil
		}
	default:
		return errUnsupported
	}
	return errBad
}

var (
	errWeak = errors.New("digest or key too weak")
	errBad  = errors.New("signature does not verify")
)

// sideBySide turns r and s of equal length into the DER that crypto/ecdsa reads.
func sideBySide(raw []byte) []byte {
	if len(raw) == 0 || len(raw)%2 != 0 {
		return nil
	}
	number := func(b []byte) []byte {
		for len(b) > 1 && b[0] == 0 {
			b = b[1:]
		}
		if b[0]&0x80 != 0 {
			b = append([]byte{0}, b...)
		}
		return append(lengthen(idInteger, len(b)), b...)
	}
	body := append(number(raw[:len(raw)/2]), number(raw[len(raw)/2:])...)
	return append(lengthen(idSequence, len(body)), body...)
}

// body is what a signature lies over. It is hashed in a stream, once for all
// the digests that are known to be wanted.
type body struct {
	write func(io.Writer) error
	sums  map[crypto.Hash][]byte
}

func bodyOf(write func(io.Writer) error) *body {
	return &body{write: write, sums: map[crypto.Hash][]byte{}}
}

// sectionBody hashes a section from its beginning to its end.
func sectionBody(s *io.SectionReader) *body {
	return bodyOf(func(w io.Writer) error {
		n, err := io.CopyBuffer(w, io.NewSectionReader(s, 0, s.Size()), make([]byte, min(2*window, s.Size()+1)))
		if err == nil && n < s.Size() {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
}

// prepare hashes the body with those of the digests that it lacks.
func (b *body) prepare(wanted ...crypto.Hash) error {
	var writers []io.Writer
	fresh := map[crypto.Hash]interface{ Sum([]byte) []byte }{}
	for _, h := range wanted {
		if _, have := b.sums[h]; have || fresh[h] != nil || h == 0 || !h.Available() {
			continue
		}
		d := h.New()
		fresh[h] = d
		writers = append(writers, d)
	}
	if len(writers) == 0 {
		return nil
	}
	w := writers[0]
	if len(writers) > 1 {
		w = io.MultiWriter(writers...)
	}
	if err := b.write(w); err != nil {
		return err
	}
	for h, d := range fresh {
		b.sums[h] = d.Sum(nil)
	}
	return nil
}

// sum is the body's digest; nil when the algorithm is not known.
func (b *body) sum(h crypto.Hash) ([]byte, error) {
	err := b.prepare(h)
	return b.sums[h], err
}

// dotted writes an identifier as people know it.
func dotted(id string) string {
	var o asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(append(lengthen(idOID, len(id)), id...), &o); err != nil {
		return "?"
	}
	return o.String()
}
