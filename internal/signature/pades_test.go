package signature

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
	"time"
)

const page = "%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n2 0 obj\n<< (ribasso 12,5) >>\nendobj\n"

// hole is room for a signature, in hexadecimal digits.
const hole = 8000

// signPDF adds a revision with a signature; the contents come from a function of
// what is signed.
func signPDF(before []byte, filter string, sign func(signed []byte) []byte) []byte {
	out := fmt.Appendf(bytes.Clone(before), "9 0 obj\n<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /%s /M (D:20261120120000+01'00') /ByteRange [0 %010d %010d %010d] /Contents ", filter, 0, 0, 0)
	start := len(out)
	out = append(out, '<')
	out = append(out, bytes.Repeat([]byte("0"), hole)...)
	out = append(out, "> >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"...)
	end := start + hole + 2
	i := bytes.LastIndex(out, byteRange)
	copy(out[i:], fmt.Sprintf("/ByteRange [0 %010d %010d %010d]", start, end, len(out)-end))
	hex.Encode(out[start+1:], sign(slices.Concat(out[:start], out[end:])))
	return out
}

func (h *holder) pdf(t testing.TB, before []byte, filter string, r recipe) []byte {
	return signPDF(before, filter, func(signed []byte) []byte { return h.detachedOf(t, signed, r) })
}

func TestPAdES_DR50(t *testing.T) {
	ca, rogue := newAuthority(t, "Certificatore"), newAuthority(t, "Certificatore")
	maria := ca.holder(t, nil)
	past := ca.holder(t, func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, -1, 0) })
	const cades, adobe = "ETSI.CAdES.detached", "adbe.pkcs7.detached"
	good := maria.pdf(t, []byte(page), cades, recipe{noTime: true})
	twice := maria.pdf(t, good, cades, recipe{})
	then := now.AddDate(0, -2, 0)
	stamped := func(by *holder) []byte {
		return signPDF(past.pdf(t, []byte(page), cades, recipe{}), "ETSI.RFC3161", func(signed []byte) []byte { return by.token(t, signed, then) })
	}
	replace := func(old, with string) []byte { return bytes.Replace(good, []byte(old), []byte(with), 1) }
	numbers := rangeForm.FindSubmatch(good[bytes.Index(good, byteRange):])
	for name, c := range map[string]struct {
		file           []byte
		signers        int
		sound, trusted bool
		of, ofFile     string // findings
	}{
		"good":                             {good, 1, true, true, "", ""},
		"two signatures":                   {twice, 2, true, true, "earlier-revision", ""},
		"plain, of Adobe":                  {maria.pdf(t, []byte(page), adobe, recipe{noCertAttr: true}), 1, true, true, "not-pades-baseline", ""},
		"not naming its certificate":       {maria.pdf(t, []byte(page), cades, recipe{noCertAttr: true}), 1, false, true, "not-cades-bes", ""},
		"another filter":                   {maria.pdf(t, []byte(page), "adbe.x509.rsa_sha1", recipe{}), 1, false, false, "unsupported-pdf-signature", ""},
		"changed":                          {replace("12,5", "13,5"), 1, false, true, "tampered", ""},
		"added to":                         {append(bytes.Clone(good), "3 0 obj\n<<>>\nendobj\n%%EOF\n"...), 1, true, true, "earlier-revision", "added-after-signing"},
		"stamped as a whole":               {stamped(ca.stamper(t)), 1, true, true, "earlier-revision", ""},
		"stamped by a rogue":               {stamped(rogue.stamper(t)), 1, true, false, "expired", "untrusted-time-stamp"},
		"a range beyond the file":          {good[:len(good)-1], 0, false, false, "", "bad-byte-range"},
		"a range that does not begin at 0": {replace("[0 ", "[1 "), 0, false, false, "", "bad-byte-range"},
		"a hole that is too wide":          {replace(string(numbers[2]), fmt.Sprintf("%010d", 20)), 0, false, false, "", "bad-byte-range"},
		"a range of words":                 {[]byte(page + "/ByteRange [0 a b c]"), 0, false, false, "", "bad-byte-range"},
		"something else in the hole":       {replace("00> >>", "0(> >>"), 0, false, false, "", "damaged-container"},
		"no signature in the hole":         {signPDF([]byte(page), cades, func([]byte) []byte { return nil }), 0, false, false, "", "damaged-container"},
	} {
		t.Run(name, func(t *testing.T) {
			r := examine(t, "offerta.pdf", c.file, ca.trust())
			if r.Format != PAdES || len(r.Signers) != c.signers || r.Inner != nil {
				t.Fatalf("%+v", r)
			}
			if got := codes(r.Findings); c.ofFile == "" && len(got) > 0 || c.ofFile != "" && !slices.Contains(got, c.ofFile) {
				t.Errorf("findings %v", got)
			}
			if c.signers == 0 {
				return
			}
			s := r.Signers[0]
			if s.Sound != c.sound || s.Trusted != c.trusted || c.of != "" && !slices.Contains(codes(s.Findings), c.of) {
				t.Errorf("sound %v, trusted %v, %v", s.Sound, s.Trusted, codes(s.Findings))
			}
		})
	}
	if s := examine(t, "", good, nil).Signers[0]; s.ClaimedAt == nil || !s.ClaimedAt.Equal(time.Date(2026, 11, 20, 11, 0, 0, 0, time.UTC)) {
		t.Errorf("claimed at %v", s.ClaimedAt)
	}
	if r := examine(t, "", twice, ca.trust()); !r.Signers[1].Sound || slices.Contains(codes(r.Signers[1].Findings), "earlier-revision") {
		t.Errorf("the last signature: %+v", r.Signers[1])
	}
	if s := examine(t, "", stamped(ca.stamper(t)), ca.trust()).Signers[0]; s.StampedAt == nil || !s.StampedAt.Equal(then) {
		t.Errorf("stamped at %v", s.StampedAt)
	}
	if r := examine(t, "", []byte(page), nil); r.Format != None {
		t.Errorf("a PDF without signature is %v", r.Format)
	}
}

// What a signature covers may not be moved: the second part of a signed file
// elsewhere, and something new between.
func TestNothingIsSlippedBesideAPDFSignature(t *testing.T) {
	ca := newAuthority(t, "Certificatore")
	good := ca.holder(t, nil).pdf(t, []byte(page), "ETSI.CAdES.detached", recipe{})
	numbers := rangeForm.FindSubmatch(good[bytes.Index(good, byteRange):])
	var start, end, rest int
	if _, err := fmt.Sscanf(string(bytes.Join(numbers[2:], []byte(" "))), "%d %d %d", &start, &end, &rest); err != nil {
		t.Fatal(err)
	}
	added := []byte("\n2 0 obj\n<< (ribasso 99) >>\nendobj\n")
	moved := slices.Concat(good[:end], added, good[end:])
	i := bytes.Index(moved, byteRange)
	copy(moved[i:], fmt.Sprintf("/ByteRange [0 %010d %010d %010d]", start, end+len(added), rest))
	for _, s := range examine(t, "", moved, ca.trust()).Signers {
		if s.Sound {
			t.Error("sound")
		}
	}
}
