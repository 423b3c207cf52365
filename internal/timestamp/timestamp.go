// Package timestamp obtains and verifies time stamps (RFC 3161): signed proof,
// by somebody who is not the operator, that a SHA-256 digest existed at a time.
//
// It promises that a stamp is taken for good only when its imprint is the
// digest, its nonce the one sent, its signature sound, its certificate for time
// stamps alone and chained to the given anchors at the time of the stamp; and
// that this can be told later from token, digest and anchors, without network.
// It does not know what is stamped nor when that is due, does not ask for the
// revocation of certificates, and does not repeat a request: its caller does.
//
// Sources: RFC 3161, RFC 5816 (signing-certificate-v2), ETSI EN 319 421 and 422.
package timestamp

import (
	"context"
	"net/url"
	"time"

	"sigillo/internal/fault"
	"sigillo/internal/signature"
)

// Authority makes time stamps.
type Authority interface {
	// Stamp returns a token (DER) over a SHA-256 digest, verified. The error is a
	// fault: of kind Unavailable when there is no stamp now, otherwise what Verify
	// holds against the one that came.
	Stamp(ctx context.Context, digest [32]byte) (der []byte, err error)
}

// Configure is the authority at an address, nil when there is no address. The
// address may hold a name and a password. Without anchors no stamp could be
// trusted, so they are required: the fault is of kind Invalid. now is the clock
// that stamps are compared with.
func Configure(address string, anchors *signature.Trust, now func() time.Time) (Authority, error) {
	if address == "" {
		return nil, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		// The address may hold a password: nothing is said of it.
		return nil, fault.New(fault.Invalid, "bad-tsa-address",
			"L'indirizzo dell'autorità di marcatura non è valido: deve iniziare con https:// o http://.",
			"The address of the time-stamping authority is not valid: it must begin with https:// or http://.")
	}
	if anchors.Len() == 0 {
		return nil, fault.New(fault.Invalid, "no-tsa-anchors",
			"Mancano i certificati a cui le marche temporali devono risalire: li indichi insieme all'indirizzo dell'autorità.",
			"The certificates that time stamps must chain to are missing: name them together with the authority's address.")
	}
	return &Client{Address: address, Anchors: anchors, Now: now}, nil
}
