package signature

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

var offer = []byte("Offerta economica: ribasso del 12,5 %.\n")

func TestGoodCAdES_DR50(t *testing.T) {
	ca := newAuthority(t, "Certificatore")
	maria := ca.holder(t, nil)
	with := func(key crypto.Signer) *holder { return &holder{issue(t, ca, key, nil), key} }
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long := bytes.Repeat(offer, 5000)
	der := maria.container(t, offer, recipe{})
	for name, c := range map[string]struct {
		file []byte
		want []byte
		code string // a finding about the file
	}{
		"DER":                    {der, offer, ""},
		"RSA":                    {with(rsaKey()).container(t, offer, recipe{}), offer, ""},
		"RSA, SHA-512":           {with(rsaKey()).container(t, offer, recipe{hash: crypto.SHA512}), offer, ""},
		"RSA-PSS":                {with(rsaKey()).container(t, offer, recipe{pss: true}), offer, ""},
		"P-384, SHA-384":         {with(newECDSA(t, elliptic.P384())).container(t, offer, recipe{hash: crypto.SHA384}), offer, ""},
		"P-521, SHA-512":         {with(newECDSA(t, elliptic.P521())).container(t, offer, recipe{hash: crypto.SHA512}), offer, ""},
		"Ed25519":                {with(edwards).container(t, offer, recipe{hash: crypto.SHA512}), offer, ""},
		"signing-certificate v1": {maria.container(t, offer, recipe{v1CertAttr: true}), offer, ""},
		"attributes in disorder": {maria.container(t, offer, recipe{unsorted: true}), offer, ""},
		"named by key":           {maria.container(t, offer, recipe{keyID: true}), offer, ""},
		"empty document":         {maria.container(t, nil, recipe{}), nil, ""},
		"BER in pieces":          {maria.streamed(t, long, 1000, recipe{}), long, ""},
		"BER in single bytes":    {maria.streamed(t, offer, 1, recipe{}), offer, ""},
		"BER, empty":             {maria.streamed(t, nil, 1, recipe{}), nil, ""},
		"PEM":                    {pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: der}), offer, "signed-as-text"},
		"PEM, long":              {pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: maria.container(t, long, recipe{})}), long, "signed-as-text"},
		"Base64, one line":       {[]byte(base64.StdEncoding.EncodeToString(der)), offer, "signed-as-text"},
		"Base64, no padding":     {[]byte(base64.RawStdEncoding.EncodeToString(der)), offer, "signed-as-text"},
		"nested":                 {maria.container(t, maria.streamed(t, long, 700, recipe{}), recipe{}), long, "nested"},
		"nested as text": {maria.streamed(t, pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: maria.container(t, long, recipe{})}), 333, recipe{}),
			long, "nested"},
	} {
		t.Run(name, func(t *testing.T) {
			r := examine(t, "offerta.pdf.P7M", c.file, ca.trust())
			if r.Format != CAdES || len(r.Signers) == 0 {
				t.Fatalf("%+v", r)
			}
			for _, s := range r.Signers {
				if !s.Sound || !s.Trusted || !slices.Equal(codes(s.Findings), []string{"time-not-proven"}) {
					t.Errorf("sound %v, trusted %v, %v", s.Sound, s.Trusted, codes(s.Findings))
				}
				if s.Name != "Maria Rossi" || s.TaxCode != "RSSMRA80A41H501T" || s.Organization != "Ponti S.r.l." || s.Issuer != "Certificatore" {
					t.Errorf("%+v", s)
				}
				if s.ClaimedAt == nil || !s.ClaimedAt.Equal(now.Add(-time.Hour)) || s.StampedAt != nil {
					t.Errorf("times %v, %v", s.ClaimedAt, s.StampedAt)
				}
			}
			if got := content(t, r.Inner); !bytes.Equal(got, c.want) {
				t.Errorf("inside: %d bytes, want %d", len(got), len(c.want))
			}
			if c.code == "" && len(r.Findings) > 0 || c.code != "" && !slices.Contains(codes(r.Findings), c.code) {
				t.Errorf("findings %v", codes(r.Findings))
			}
		})
	}
	if r := examine(t, "offerta.pdf.P7M", der, nil); r.Inner.Name != "offerta.pdf" {
		t.Errorf("inner name %q", r.Inner.Name)
	}
}

func TestDoubtfulCAdES_DR50(t *testing.T) {
	ca, stranger := newAuthority(t, "Certificatore"), newAuthority(t, "Certificatore")
	maria := ca.holder(t, nil)
	luca := ca.holder(t, nil)
	at := func(when time.Time) *time.Time { return &when }
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	old := func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, -1, 0) }
	good := maria.container(t, offer, recipe{})
	for name, c := range map[string]struct {
		file           []byte
		sound, trusted bool
		want           string // one of the signer's findings
	}{
		"content changed":             {bytes.Replace(good, []byte("12,5"), []byte("13,5"), 1), false, true, "tampered"},
		"digest of other content":     {maria.container(t, offer, recipe{sum: make([]byte, 32)}), false, true, "tampered"},
		"attribute changed":           {bytes.Replace(good, []byte("261120110000Z"), []byte("261120100000Z"), 1), false, true, "bad-signature"},
		"another's key":               {(&holder{maria.cert, luca.key}).container(t, offer, recipe{}), false, true, "bad-signature"},
		"names another certificate":   {maria.container(t, offer, recipe{nameCert: luca.cert}), false, true, "other-certificate"},
		"no signing-certificate":      {maria.container(t, offer, recipe{noCertAttr: true}), false, true, "not-cades-bes"},
		"certificate not enclosed":    {maria.container(t, offer, recipe{enclose: []*x509.Certificate{luca.cert}}), false, false, "certificate-missing"},
		"SHA-1":                       {maria.container(t, offer, recipe{hash: crypto.SHA1}), false, true, "weak-algorithm"},
		"RSA of 1024 bits":            {(&holder{issue(t, ca, weak, nil), weak}).container(t, offer, recipe{}), false, true, "weak-algorithm"},
		"another content type":        {bytes.Replace(good, rawID(oidData), objectID(1, 2, 840, 113549, 1, 7, 5), 1), false, true, "malformed-signature"},
		"detached":                    {maria.detachedOf(t, offer, recipe{}), false, true, "detached"},
		"foreign certificate":         {stranger.holder(t, nil).container(t, offer, recipe{}), true, false, "untrusted"},
		"signs for itself":            {(&holder{issue(t, nil, luca.key, nil), luca.key}).container(t, offer, recipe{}), true, false, "untrusted"},
		"expired":                     {ca.holder(t, old).container(t, offer, recipe{}), true, false, "expired"},
		"expired, claims to be older": {ca.holder(t, old).container(t, offer, recipe{claim: at(now.AddDate(0, -2, 0))}), true, false, "expired"},
		"not yet valid": {ca.holder(t, func(c *x509.Certificate) { c.NotBefore = now.AddDate(0, 0, 1) }).container(t, offer, recipe{}),
			true, false, "not-yet-valid"},
		"claims to be older than the certificate": {maria.container(t, offer, recipe{claim: at(now.AddDate(-3, 0, 0))}), true, false, "not-yet-valid"},
		"claims the future":                       {maria.container(t, offer, recipe{claim: at(now.AddDate(0, 0, 3))}), true, true, "time-in-future"},
		"countersigned": {maria.container(t, offer, recipe{extra: [][]byte{tlv(idSequence, rawID(oidCountersignature), tlv(idSet, null))}}),
			true, true, "countersigned"},
		"not qualified":  {ca.holder(t, func(c *x509.Certificate) { c.ExtraExtensions = nil }).container(t, offer, recipe{}), true, true, "not-qualified"},
		"for logging in": {ca.holder(t, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }).container(t, offer, recipe{}), true, true, "not-for-signing"},
	} {
		t.Run(name, func(t *testing.T) {
			r := examine(t, "offerta.pdf.p7m", c.file, ca.trust())
			if r.Format != CAdES || len(r.Signers) != 1 {
				t.Fatalf("%+v", r)
			}
			s := r.Signers[0]
			if s.Sound != c.sound || s.Trusted != c.trusted || !slices.Contains(codes(s.Findings), c.want) {
				t.Errorf("sound %v, trusted %v, %v", s.Sound, s.Trusted, codes(s.Findings))
			}
		})
	}
	t.Run("no trust list", func(t *testing.T) {
		s := examine(t, "", good, nil).Signers[0]
		if !s.Sound || s.Trusted || !slices.Contains(codes(s.Findings), "no-trust-list") {
			t.Errorf("%+v", s)
		}
	})
}

func TestTimeStamps_DR50(t *testing.T) {
	ca, rogue := newAuthority(t, "Certificatore"), newAuthority(t, "Certificatore")
	maria := ca.holder(t, nil)
	past := ca.holder(t, func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, -1, 0) })
	then := now.AddDate(0, -2, 0)
	for name, c := range map[string]struct {
		file    []byte
		stamped *time.Time
		trusted bool
		code    string
	}{
		"good": {maria.container(t, offer, recipe{stampBy: ca.stamper(t), stampAt: then}), &then, true, ""},
		"proves that an expired certificate was valid": {past.container(t, offer, recipe{stampBy: ca.stamper(t), stampAt: then}), &then, true, ""},
		"rogue authority":            {past.container(t, offer, recipe{stampBy: rogue.stamper(t), stampAt: then}), nil, false, "untrusted-time-stamp"},
		"made by a signer":           {past.container(t, offer, recipe{stampBy: maria, stampAt: then}), nil, false, "untrusted-time-stamp"},
		"of another signature":       {past.container(t, offer, recipe{stampBy: ca.stamper(t), stampAt: then, stampOver: offer}), nil, false, "bad-time-stamp"},
		"from the future":            {maria.container(t, offer, recipe{stampBy: ca.stamper(t), stampAt: now.AddDate(0, 0, 1)}), nil, true, "bad-time-stamp"},
		"with somebody else's key":   {past.container(t, offer, recipe{stampBy: &holder{ca.stamper(t).cert, maria.key}}), nil, false, "bad-time-stamp"},
		"before the certificate was": {maria.container(t, offer, recipe{stampBy: ca.stamper(t), stampAt: now.AddDate(0, -11, -29)}), ptr(now.AddDate(0, -11, -29)), true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := examine(t, "", c.file, ca.trust()).Signers[0]
			if !s.Sound || s.Trusted != c.trusted {
				t.Errorf("sound %v, trusted %v, %v", s.Sound, s.Trusted, codes(s.Findings))
			}
			if (s.StampedAt == nil) != (c.stamped == nil) || c.stamped != nil && !s.StampedAt.Equal(*c.stamped) {
				t.Errorf("stamped at %v, want %v (%v)", s.StampedAt, c.stamped, codes(s.Findings))
			}
			if c.code != "" && !slices.Contains(codes(s.Findings), c.code) {
				t.Errorf("findings %v, want %s", codes(s.Findings), c.code)
			}
		})
	}
}

func ptr(t time.Time) *time.Time { return &t }

func TestSeveralSigners_DR50(t *testing.T) {
	ca := newAuthority(t, "Certificatore")
	maria := ca.holder(t, nil)
	luca := ca.holder(t, func(c *x509.Certificate) {
		c.Subject.CommonName, c.Subject.SerialNumber = "Luca Bianchi", "IT:BNCLCU75A01F205X"
	})
	r := examine(t, "x.p7m", wrap(t, offer, recipe{}, maria, luca), ca.trust())
	if len(r.Signers) != 2 || !r.Signers[0].Sound || !r.Signers[1].Sound || r.Signers[1].TaxCode != "BNCLCU75A01F205X" {
		t.Fatalf("%+v", r)
	}
}

func TestNestingIsBounded(t *testing.T) {
	maria := newAuthority(t, "Certificatore").holder(t, nil)
	file := offer
	for range maxLevels {
		file = maria.container(t, file, recipe{})
	}
	if r := examine(t, "", file, nil); len(r.Signers) != maxLevels || !bytes.Equal(content(t, r.Inner), offer) {
		t.Errorf("%d signers", len(r.Signers))
	}
	file = maria.container(t, file, recipe{})
	r := examine(t, "", file, nil)
	if len(r.Signers) != maxLevels || !slices.Contains(codes(r.Findings), "nested-too-deep") {
		t.Errorf("%d signers, %v", len(r.Signers), codes(r.Findings))
	}
}

func TestTruncatedAtEveryLength(t *testing.T) {
	ca := newAuthority(t, "Certificatore")
	maria := ca.holder(t, nil)
	der := maria.container(t, offer, recipe{stampBy: ca.stamper(t)})
	for name, file := range map[string][]byte{
		"DER": der, "BER": maria.streamed(t, offer, 7, recipe{}), "text": []byte(base64.RawStdEncoding.EncodeToString(der)),
		"PEM": bytes.TrimSpace(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: der})),
	} {
		if !examine(t, "", file, ca.trust()).Signers[0].Sound {
			t.Fatalf("%s: not sound when whole", name)
		}
		for n := range len(file) {
			if name == "PEM" && n >= len(file)-len("END PKCS7-----") {
				continue // the closing line has begun: the signature is whole
			}
			for _, s := range examine(t, "x.p7m", file[:n], ca.trust()).Signers {
				if s.Sound {
					t.Fatalf("%s: sound when cut after %d of %d bytes", name, n, len(file))
				}
			}
		}
	}
}

// No bit of a signed file can be turned so that the same person signed something else.
func TestNoBitCanBeTurned(t *testing.T) {
	ca := newAuthority(t, "Certificatore")
	maria := ca.holder(t, nil)
	short := []byte("ribasso 12,5 %")
	for name, c := range map[string]struct {
		file []byte
		step int // every bit of the one, one of each byte of the other: it takes long
	}{"DER": {maria.container(t, short, recipe{}), 1}, "BER": {maria.streamed(t, short, 5, recipe{}), 7}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turned := bytes.Clone(c.file)
			for bit := 0; bit < len(turned)*8; bit += c.step {
				turned[bit/8] ^= 1 << (bit % 8)
				r := examine(t, "x.p7m", turned, nil)
				for _, s := range r.Signers {
					if s.Sound && s.Name == "Maria Rossi" && !bytes.Equal(content(t, r.Inner), short) {
						t.Fatalf("bit %d turned and still sound", bit)
					}
				}
				turned[bit/8] ^= 1 << (bit % 8)
			}
		})
	}
}

func TestTrailingBytesAreTold(t *testing.T) {
	ca := newAuthority(t, "Certificatore")
	r := examine(t, "", append(ca.holder(t, nil).container(t, offer, recipe{}), "more"...), ca.trust())
	if !r.Signers[0].Sound || !slices.Contains(codes(r.Findings), "trailing-bytes") {
		t.Errorf("%+v", r)
	}
}

func TestWhatIsNoSignature(t *testing.T) {
	for name, file := range map[string][]byte{
		"empty": nil, "text": offer, "zip": []byte("PK\x03\x04 and so on"), "DER of something else": tlv(idSequence, []byte{2, 1, 1}, make([]byte, 40)),
		"Base64 of something else": []byte(base64.StdEncoding.EncodeToString(bytes.Repeat(offer, 3))),
	} {
		r := examine(t, "offerta.p7m", file, nil)
		if r.Format != None || len(r.Signers) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
		if !slices.Contains(codes(r.Findings), "not-signed-as-named") && len(file) > 0 {
			t.Errorf("%s: %v", name, codes(r.Findings))
		}
	}
	enveloped := tlv(idSequence, objectID(1, 2, 840, 113549, 1, 7, 3), tlv(idContext0, make([]byte, 40)))
	if r := examine(t, "x.p7m", enveloped, nil); !slices.Contains(codes(r.Findings), "not-a-signature") {
		t.Errorf("enveloped: %v", codes(r.Findings))
	}
}

type failing struct{ after int64 }

var errDisk = errors.New("disk on fire")

func (f failing) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > f.after {
		return 0, errDisk
	}
	clear(p)
	return len(p), nil
}

func TestTheErrorIsTheReadersOwn(t *testing.T) {
	if _, err := Examine("", 10, failing{}, nil, now); !errors.Is(err, errDisk) {
		t.Errorf("got %v", err)
	}
	if _, err := Examine("", 1000, strings.NewReader("short"), nil, now); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

// loose rewrites DER with indefinite lengths and strings in pieces.
func loose(der []byte) []byte {
	h, err := readHeader(der)
	if err != nil {
		return der
	}
	contents := der[h.size:]
	switch {
	case h.id == idOctets && len(contents) > 3:
		return slices.Concat([]byte{idSegments, 0x80}, tlv(idOctets, contents[:2]), tlv(idSegments, tlv(idOctets, contents[2:])), []byte{0, 0})
	case h.id&idConstructed == 0:
		return der
	}
	out := []byte{h.id, 0x80}
	if err := children(der, func(child []byte) error {
		out = append(out, loose(child)...)
		return nil
	}); err != nil {
		return der
	}
	return append(out, 0, 0)
}

func TestBERIsReadAsDER(t *testing.T) {
	ca := newAuthority(t, "Certificatore")
	der := ca.holder(t, nil).container(t, offer, recipe{stampBy: ca.stamper(t)})
	ber := loose(der)
	back, rest, err := definite(ber, 0)
	if err != nil || len(rest) > 0 || !bytes.Equal(back, der) {
		t.Fatalf("not the same again: %v", err)
	}
	r := examine(t, "", ber, ca.trust())
	if s := r.Signers[0]; !s.Sound || !s.Trusted || s.StampedAt == nil || !bytes.Equal(content(t, r.Inner), offer) {
		t.Errorf("%+v", r)
	}
}

func TestLimitsOfAContainer(t *testing.T) {
	maria := newAuthority(t, "Certificatore").holder(t, nil)
	for name, file := range map[string][]byte{
		"signers":      wrap(t, offer, recipe{}, slices.Repeat([]*holder{maria}, maxSigners+1)...),
		"certificates": maria.container(t, offer, recipe{enclose: slices.Repeat([]*x509.Certificate{maria.cert}, maxCertificates+1)}),
		"bytes":        maria.container(t, offer, recipe{extra: [][]byte{tlv(idSequence, objectID(1, 2, 3), tlv(idSet, tlv(idOctets, make([]byte, maxTail))))}}),
	} {
		if r := examine(t, "", file, nil); len(r.Signers) > 0 || !slices.Contains(codes(r.Findings), "beyond-limits") {
			t.Errorf("%s: %d signers, %v", name, len(r.Signers), codes(r.Findings))
		}
	}
	if r := examine(t, "", wrap(t, offer, recipe{}), nil); !slices.Contains(codes(r.Findings), "no-signers") {
		t.Errorf("nobody: %v", codes(r.Findings))
	}
}
