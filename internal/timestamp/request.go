package timestamp

import (
	"encoding/asn1"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// request is a TimeStampReq (RFC 3161, 2.4.1) in DER, for any policy. It asks
// for the certificate, so that the token can be verified by itself.
func request(digest [32]byte, nonce *big.Int) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1) // version
		b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(idSHA256)
				b.AddASN1NULL()
			})
			b.AddASN1OctetString(digest[:])
		})
		b.AddASN1BigInt(nonce)
		b.AddASN1Boolean(true) // certReq
	})
	return b.Bytes()
}

// reply is a TimeStampResp (RFC 3161, 2.4.2).
type reply struct {
	granted bool
	failure string   // name of the reason, when there is one
	says    []string // in the authority's own words
	token   []byte   // DER; empty when there is none
}

// failures names the bits of PKIFailureInfo that a time-stamping authority may set.
var failures = map[int]string{
	0: "badAlg", 2: "badRequest", 5: "badDataFormat", 14: "timeNotAvailable", 15: "unacceptedPolicy",
	16: "unacceptedExtension", 17: "addInfoNotAvailable", 25: "systemFailure",
}

// readReply parses a TimeStampResp in DER.
func readReply(der []byte) (reply, bool) {
	var out reply
	if !isDER(der) {
		return out, false
	}
	s := cryptobyte.String(der)
	var body, info, text, line, token cryptobyte.String
	var status int64
	var spoken bool
	if !s.ReadASN1(&body, tags.SEQUENCE) || !body.ReadASN1(&info, tags.SEQUENCE) || !info.ReadASN1Integer(&status) ||
		!info.ReadOptionalASN1(&text, &spoken, tags.SEQUENCE) {
		return out, false
	}
	for !text.Empty() {
		if !text.ReadASN1(&line, tags.UTF8String) {
			return out, false
		}
		out.says = append(out.says, string(line))
	}
	if info.PeekASN1Tag(tags.BIT_STRING) {
		var bits asn1.BitString
		if !info.ReadASN1BitString(&bits) {
			return out, false
		}
		for bit := range bits.BitLength {
			if bits.At(bit) == 1 && out.failure == "" {
				out.failure = failures[bit]
			}
		}
	}
	if !body.Empty() && !body.ReadASN1Element(&token, tags.SEQUENCE) || !info.Empty() || !body.Empty() {
		return out, false
	}
	const granted, withChanges = 0, 1
	out.granted, out.token = status == granted || status == withChanges, token
	return out, out.granted == (len(token) > 0)
}
