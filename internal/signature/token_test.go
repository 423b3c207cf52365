package signature

import (
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"slices"
	"testing"

	"sigillo/internal/fault"
)

func TestOpenStamp(t *testing.T) {
	ca := newAuthority(t, "Marca")
	good := ca.stamper(t)
	token := good.token(t, offer, now)
	info := []byte{0x30, 0}
	for name, c := range map[string]struct {
		token []byte
		kind  fault.Kind
		code  string
	}{
		"good":                          {token, 0, ""},
		"nothing":                       {nil, fault.Malformed, "not-a-time-stamp"},
		"cut":                           {token[:len(token)-1], fault.Malformed, "not-a-time-stamp"},
		"something after it":            {append(slices.Clip(token), 0), fault.Malformed, "not-a-time-stamp"},
		"a signed document":             {good.container(t, offer, recipe{}), fault.Malformed, "not-a-time-stamp"},
		"two signatures":                {wrap(t, info, recipe{kind: oidStampInfo}, good, ca.stamper(t)), fault.Malformed, "not-a-time-stamp"},
		"does not name its certificate": {good.container(t, info, recipe{kind: oidStampInfo, noCertAttr: true}), fault.Invalid, "unsound-time-stamp"},
		"names another certificate":     {good.container(t, info, recipe{kind: oidStampInfo, nameCert: ca.cert}), fault.Invalid, "unsound-time-stamp"},
		"digest of something else":      {good.container(t, info, recipe{kind: oidStampInfo, sum: make([]byte, 32)}), fault.Invalid, "unsound-time-stamp"},
		"without the certificate":       {good.container(t, info, recipe{kind: oidStampInfo, enclose: []*x509.Certificate{ca.cert}}), fault.Invalid, "unsound-time-stamp"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := OpenStamp(c.token)
			if c.code != "" {
				if f := fault.Of(err); f == nil || f.Kind != c.kind || f.Code != c.code || s != nil {
					t.Fatalf("%v, %v", s, err)
				}
				return
			}
			if err != nil || s.Name != "Marca 1" {
				t.Fatalf("%v, %v", s, err)
			}
		})
	}
}

func TestWhoMayStamp(t *testing.T) {
	ca, rogue := newAuthority(t, "Marca"), newAuthority(t, "Marca")
	with := func(usages ...pkix.Extension) *holder {
		return ca.holder(t, func(c *x509.Certificate) { c.ExtraExtensions = usages })
	}
	usage := func(critical bool, more ...[]byte) pkix.Extension {
		return pkix.Extension{Id: oidKeyUsages, Critical: critical, Value: tlv(idSequence, append(more, objectID(1, 3, 6, 1, 5, 5, 7, 3, 8))...)}
	}
	for name, c := range map[string]struct {
		by *holder
		ok bool
	}{
		"for time stamps, critically":     {with(usage(true)), true},
		"for time stamps, not critically": {with(usage(false)), false},
		"for more than time stamps":       {with(usage(true, objectID(1, 3, 6, 1, 5, 5, 7, 3, 4))), false},
		"for something unknown too":       {with(usage(true, objectID(1, 2, 3))), false},
		"for nothing in particular":       {with(), false},
		"by another of the same name":     {rogue.stamper(t), false},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := OpenStamp(c.by.token(t, offer, now))
			if err != nil {
				t.Fatal(err)
			}
			err = s.VouchedBy(ca.trust(), now)
			if f := fault.Of(err); c.ok != (err == nil) || !c.ok && (f.Kind != fault.Invalid || f.Code != "untrusted-time-stamp") {
				t.Fatal(err)
			}
			if s.VouchedBy(nil, now) == nil || s.VouchedBy(ca.trust(), now.AddDate(3, 0, 0)) == nil {
				t.Error("trusted without a list, or after the certificate ended")
			}
		})
	}
}

// Trusted lists name the stamping certificate itself or its issuer; others have
// an authority between, whose certificate comes with the token.
func TestWhereAStampersChainEnds(t *testing.T) {
	root := newAuthority(t, "Radice")
	key := newECDSA(t, elliptic.P256())
	between := &authority{issue(t, root, key, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "Marca"}
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.ExtraExtensions = true, true, x509.KeyUsageCertSign, nil
	}), key}
	by := between.stamper(t)
	open := func(enclosed ...*x509.Certificate) *Stamp {
		s, err := OpenStamp(by.container(t, []byte{0x30, 0}, recipe{kind: oidStampInfo, enclose: enclosed}))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	alone, accompanied := open(by.cert), open(by.cert, between.cert)
	for name, c := range map[string]struct {
		stamp  *Stamp
		anchor *x509.Certificate
		ok     bool
	}{
		"itself":                  {alone, by.cert, true},
		"its issuer":              {alone, between.cert, true},
		"the root":                {accompanied, root.cert, true},
		"the root, with a gap":    {alone, root.cert, false},
		"another's, all enclosed": {open(by.cert, between.cert, root.cert), newAuthority(t, "Radice").cert, false},
	} {
		if err := c.stamp.VouchedBy(&Trust{anchors: []anchor{{cert: c.anchor, ever: stamps}}}, now); c.ok != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if alone.VouchedBy(&Trust{anchors: []anchor{{cert: by.cert, ever: signatures}}}, now) == nil {
		t.Error("trusted for signatures only")
	}
}
