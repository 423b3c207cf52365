package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"

	"filippo.io/age"
)

// The stanzas of the header (format, section 5).
const (
	sealStanza  = "sigillo-seal"
	shareStanza = "sigillo-share"
	version     = "2"
)

var text64 = base64.RawStdEncoding.Strict()

// scope is what an envelope is for, without the supplier.
func (l Label) scope() []byte {
	return fmt.Appendf(nil, "%s%s\n%s\n%s\n%s\n", magic, l.Authority, l.Tender, l.Lot, l.Envelope)
}

func (l Label) context() []byte { return fmt.Appendf(l.scope(), "%s\n", l.Supplier) }

// dealt is all that follows from a file key and a context. Share 0 is the
// platform part.
type dealt struct {
	shares      []part
	commitments []part
}

// deal computes the parts of a file key. It is deterministic, so that once an
// envelope is open a false share can be told from a true one.
func deal(key part, context []byte, k, n int) dealt {
	salt := sha256.Sum256(context)
	derive := func(info string) part {
		out, err := hkdf.Key(sha256.New, key[:], salt[:], info, len(key))
		if err != nil {
			panic(err) // only for lengths HKDF cannot give
		}
		return part(out)
	}
	platform := derive("platform part")
	secret := xor(xor(key, platform), binding(context))
	var coefficients []part
	for j := 1; j < k; j++ {
		coefficients = append(coefficients, derive("coefficient "+strconv.Itoa(j)))
	}
	d := dealt{shares: []part{platform}}
	for i := 1; i <= n; i++ {
		d.shares = append(d.shares, shareOf(secret, coefficients, byte(i)))
	}
	for i, s := range d.shares {
		d.commitments = append(d.commitments, commitment(s, i, context))
	}
	return d
}

func binding(context []byte) part {
	sum := sha256.Sum256(append([]byte("binding\n"), context...))
	return part(sum[:16])
}

func commitment(share part, index int, context []byte) part {
	mac := hmac.New(sha256.New, share[:])
	fmt.Fprintf(mac, "share %d\n%s", index, context)
	return part(mac.Sum(nil)[:16])
}

// dealer wraps a file key as the format says. It is the one recipient of an
// envelope.
type dealer struct {
	to        []age.Recipient // the platform's first
	threshold int
	label     Label
}

func (d dealer) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	n := len(d.to) - 1
	scope := sha256.Sum256(d.label.scope())
	all := []*age.Stanza{{
		Type: sealStanza,
		Args: []string{version, strconv.Itoa(d.threshold), strconv.Itoa(n), text64.EncodeToString(scope[:])},
	}}
	shares := deal(part(fileKey), d.label.context(), d.threshold, n)
	for i, r := range d.to {
		inner, err := r.Wrap(shares.shares[i][:])
		if err != nil {
			return nil, err
		}
		if len(inner) != 1 {
			return nil, fmt.Errorf("recipient %d wraps to %d stanzas", i, len(inner))
		}
		args := append([]string{strconv.Itoa(i), text64.EncodeToString(shares.commitments[i][:]), inner[0].Type}, inner[0].Args...)
		all = append(all, &age.Stanza{Type: shareStanza, Args: args, Body: inner[0].Body})
	}
	return all, nil
}

// share is one sigillo-share stanza, read.
type share struct {
	commitment part
	inner      *age.Stanza
}

// shape is a header of this format, read.
type shape struct {
	threshold int
	scope     [sha256.Size]byte
	shares    []share // the platform's first
}

// reader is an identity that only looks at the stanzas.
type reader struct{ stanzas []*age.Stanza }

func (r *reader) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	r.stanzas = stanzas
	return nil, age.ErrIncorrectIdentity
}

// read takes a header apart. It is strict: one spelling, one order, no stanza
// of another kind.
func read(header []byte) (shape, bool) {
	var r reader
	age.DecryptHeader(header, &r) // fails always: what it showed is what counts
	if len(r.stanzas) < 3 || len(r.stanzas) > 2+MaxCustodians {
		return shape{}, false
	}
	first, n := r.stanzas[0], len(r.stanzas)-2
	if first.Type != sealStanza || len(first.Args) != 4 || first.Args[0] != version || len(first.Body) != 0 || first.Args[2] != strconv.Itoa(n) {
		return shape{}, false
	}
	k, err := strconv.Atoi(first.Args[1])
	if err != nil || k < 1 || k > n || strconv.Itoa(k) != first.Args[1] {
		return shape{}, false
	}
	s := shape{threshold: k}
	if !decode64(s.scope[:], first.Args[3]) {
		return shape{}, false
	}
	for i, stanza := range r.stanzas[1:] {
		if stanza.Type != shareStanza || len(stanza.Args) < 3 || stanza.Args[0] != strconv.Itoa(i) || !accepted[stanza.Args[2]] {
			return shape{}, false
		}
		var c part
		if !decode64(c[:], stanza.Args[1]) {
			return shape{}, false
		}
		s.shares = append(s.shares, share{c, &age.Stanza{Type: stanza.Args[2], Args: stanza.Args[3:], Body: stanza.Body}})
	}
	return s, true
}

func decode64(to []byte, text string) bool {
	b, err := text64.DecodeString(text)
	return err == nil && copy(to, b) == len(to) && len(b) == len(to)
}

func (s shape) of(l Label) bool {
	scope := sha256.Sum256(l.scope())
	return bytes.Equal(scope[:], s.scope[:])
}

func same(a, b part) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }
