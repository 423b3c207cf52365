package tsatest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"time"
)

type imprint struct {
	Algorithm pkix.AlgorithmIdentifier
	Digest    []byte
}

// info is a TSTInfo (RFC 3161, 2.4.2).
type info struct {
	Version    int
	Policy     asn1.ObjectIdentifier
	Imprint    imprint
	Serial     *big.Int
	At         time.Time `asn1:"generalized"`
	Accuracy   accuracy
	Nonce      *big.Int         `asn1:"optional"`
	Extensions []pkix.Extension `asn1:"optional,omitempty,tag:1"`
}

type accuracy struct {
	Seconds int
	Millis  int `asn1:"tag:0"`
}

var (
	idSignedData  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	idInfo        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	idContentType = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	idDigest      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	idCertificate = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	idSHA256      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	idSHA3        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 8}
	idECDSA       = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2} // with SHA-256
	policy        = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 1}
)

// Token is a stamp over a digest, as the authority makes it at the moment, with
// no request and no nonce.
func (a *TSA) Token(digest [32]byte) []byte {
	return a.token(Mode(a.mode.Load()), digest, nil)
}

func (a *TSA) token(mode Mode, digest [32]byte, nonce *big.Int) []byte {
	sha := pkix.AlgorithmIdentifier{Algorithm: idSHA256, Parameters: asn1.NullRawValue}
	i := info{
		Version: 1, Policy: policy, Imprint: imprint{sha, digest[:]}, Serial: big.NewInt(a.serial.Add(1)),
		At: a.now().UTC().Truncate(time.Second), Accuracy: accuracy{1, 500}, Nonce: nonce,
	}
	switch mode {
	case WrongImprint:
		i.Imprint.Digest = append(digest[:31:31], digest[31]^1)
	case OtherHash:
		i.Imprint.Algorithm.Algorithm = idSHA3
	case WrongNonce:
		i.Nonce = big.NewInt(1)
	case NoNonce:
		i.Nonce = nil
	case Ahead:
		i.At = i.At.Add(time.Hour)
	case Behind:
		i.At = i.At.Add(-time.Hour)
	case Critical:
		i.Extensions = []pkix.Extension{{Id: policy, Critical: true, Value: []byte{5, 0}}}
	}
	by := a.by[mode]
	if by == nil {
		by = a.by[Honest]
	}
	content := a.der(i)
	attributes := a.attributes(mode, by, content)
	whole := sha256.Sum256(a.der(asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: attributes}))
	signature, err := by.key.Sign(rand.Reader, whole[:], crypto.SHA256)
	if err != nil {
		a.t.Error(err)
	}
	if mode == Tampered {
		i.At = i.At.Add(-time.Minute)
		content = a.der(i)
	}
	return a.container(mode, by, content, attributes, signature)
}

// attributes are the contents of the signed attributes.
func (a *TSA) attributes(mode Mode, by *holder, content []byte) []byte {
	one := func(id asn1.ObjectIdentifier, value []byte) []byte {
		return a.der(struct {
			ID     asn1.ObjectIdentifier
			Values asn1.RawValue
		}{id, asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: value}})
	}
	sum, named := sha256.Sum256(content), sha256.Sum256(by.cert.Raw)
	if mode == OtherNamed {
		named = sha256.Sum256(a.ca.cert.Raw)
	}
	type certificate struct{ Hash []byte }
	type certificates struct{ List []certificate } // RFC 5035: SHA-256 unless said otherwise
	all := [][]byte{one(idContentType, a.der(idInfo)), one(idDigest, a.der(sum[:]))}
	if mode != NotNamed {
		all = append(all, one(idCertificate, a.der(certificates{[]certificate{{named[:]}}})))
	}
	slices.SortFunc(all, bytes.Compare) // a SET OF in DER
	return bytes.Join(all, nil)
}

// container is the SignedData (RFC 5652, 5.1) in its ContentInfo.
func (a *TSA) container(mode Mode, by *holder, content, attributes, signature []byte) []byte {
	sha := pkix.AlgorithmIdentifier{Algorithm: idSHA256, Parameters: asn1.NullRawValue}
	context := func(tag int, contents []byte) asn1.RawValue {
		return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: contents}
	}
	type encapsulated struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}
	type issuerAndSerial struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	type signer struct {
		Version    int
		ID         issuerAndSerial
		Digest     pkix.AlgorithmIdentifier
		Attributes asn1.RawValue
		Algorithm  pkix.AlgorithmIdentifier
		Signature  []byte
	}
	signed := a.der(struct {
		Version      int
		Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
		Content      encapsulated
		Certificates asn1.RawValue
		Signers      []signer `asn1:"set"`
	}{
		3, []pkix.AlgorithmIdentifier{sha}, encapsulated{idInfo, context(0, a.der(content))}, context(0, by.cert.Raw),
		[]signer{{1, issuerAndSerial{asn1.RawValue{FullBytes: by.cert.RawIssuer}, by.cert.SerialNumber}, sha, context(0, attributes),
			pkix.AlgorithmIdentifier{Algorithm: idECDSA}, signature}},
	})
	if mode == Indefinite {
		return slices.Concat([]byte{0x30, 0x80}, a.der(idSignedData), a.der(context(0, signed)), []byte{0, 0})
	}
	return a.der(encapsulated{idSignedData, context(0, signed)})
}
