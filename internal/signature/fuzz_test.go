package signature

import (
	"bytes"
	"encoding/base64"
	"io"
	"testing"
)

// FuzzExamine looks for bytes that make Examine panic, hang, or say something
// that cannot be.
func FuzzExamine(f *testing.F) {
	ca := newAuthority(f, "Certificatore")
	maria := ca.holder(f, nil)
	der := maria.container(f, offer, recipe{stampBy: ca.stamper(f)})
	for _, seed := range [][]byte{
		der, maria.streamed(f, offer, 7, recipe{}), []byte(base64.StdEncoding.EncodeToString(der)), maria.container(f, der, recipe{}),
		maria.detachedOf(f, offer, recipe{}), maria.pdf(f, []byte(page), "ETSI.CAdES.detached", recipe{}),
		maria.signXML(f, invoice, xmlRecipe{}), maria.signXML(f, "%s", xmlRecipe{uri: "#O", object: "<x/>"}),
		container(f, entry{"mimetype", []byte(mimeSimple), false}, entry{"a", offer, true}, entry{"META-INF/signature.p7s", maria.detachedOf(f, offer, recipe{}), true}),
		nil, []byte("%PDF-/ByteRange[0 1 4 9]"),
	} {
		f.Add(seed)
	}
	trust := ca.trust()
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Examine("x.p7m", int64(len(b)), bytes.NewReader(b), trust, now)
		if err != nil {
			t.Fatalf("the reader does not fail: %v", err)
		}
		if r.Format == None && (len(r.Signers) > 0 || r.Inner != nil) {
			t.Errorf("%+v", r)
		}
		for _, s := range r.Signers {
			if s.Trusted && s.Issuer == "" || s.Sound && s.Serial == "" {
				t.Errorf("%+v", s)
			}
			if !s.Sound && len(s.Findings) == 0 {
				t.Error("not sound, and nobody is told why")
			}
		}
		if r.Inner != nil && r.Inner.Size < 1<<20 {
			if _, err := io.ReadAll(io.NewSectionReader(r.Inner, 0, r.Inner.Size)); err != nil && r.Format == CAdES {
				t.Errorf("inside: %v", err)
			}
		}
	})
}

// What is signed cannot be changed by a bit, nor the file cut, and stay sound.
func TestOtherFormatsCannotBeAltered(t *testing.T) {
	ca := newAuthority(t, "Certificatore")
	maria := ca.holder(t, nil)
	pdf := maria.pdf(t, []byte(page), "ETSI.CAdES.detached", recipe{})
	text := maria.signXML(t, invoice, xmlRecipe{})
	zipped := container(t, entry{"mimetype", []byte(mimeSimple), false}, entry{"a.txt", offer, false},
		entry{"META-INF/signature.p7s", maria.detachedOf(t, offer, recipe{}), false})
	for name, c := range map[string]struct {
		file        []byte
		first, past []byte // of what is signed
	}{
		"PDF":          {pdf, []byte("%PDF"), []byte("<30")},
		"PDF, the end": {pdf, []byte("> >>\nendobj\ntrailer"), []byte("\n\n")},
		"XML":          {text, []byte("<p:Fattura"), []byte("<ds:Signature ")},
		"SignedInfo":   {text, []byte("<ds:SignedInfo"), []byte("<ds:SignatureValue")},
		"properties":   {text, []byte("<xades:SignedProperties"), []byte("</xades:QualifyingProperties")},
		"ASiC":         {zipped, offer, []byte("PK")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sound := func(b []byte) bool {
				for _, s := range examine(t, "", b, nil).Signers {
					if s.Sound {
						return true
					}
				}
				return false
			}
			if !sound(c.file) {
				t.Fatal("not sound as it is")
			}
			from := bytes.Index(c.file, c.first)
			to := bytes.Index(c.file[from:], c.past)
			if to < 0 {
				to = len(c.file) - from
			}
			for bit := from * 8; bit < (from+to)*8; bit++ {
				turned := bytes.Clone(c.file)
				turned[bit/8] ^= 1 << (bit % 8)
				if sound(turned) {
					t.Errorf("sound with bit %d of byte %d turned: %q", bit%8, bit/8, turned[max(0, bit/8-10):min(len(turned), bit/8+10)])
				}
			}
			for n := from; n < len(c.file); n += 3 {
				if sound(c.file[:n]) {
					t.Errorf("sound when cut to %d bytes", n)
				}
			}
		})
	}
}
