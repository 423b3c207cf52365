package signature

import (
	"archive/zip"
	"bytes"
	"crypto"
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
)

// entry is one file of a container.
type entry struct {
	name   string
	data   []byte
	packed bool
}

func container(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range entries {
		method := zip.Store
		if e.packed {
			method = zip.Deflate
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: e.name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestASiC_DR50(t *testing.T) {
	ca := newAuthority(t, "Certificatore")
	maria := ca.holder(t, nil)
	simple := entry{"mimetype", []byte(mimeSimple), false}
	extended := entry{"mimetype", []byte(mimeExtended), false}
	long := bytes.Repeat(offer, 3000)
	p7s := maria.detachedOf(t, long, recipe{})
	manifest := []byte(fmt.Sprintf(`<a:ASiCManifest xmlns:a="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="%s"><a:SigReference URI="META-INF/signature001.p7s"/><a:DataObjectReference URI="offerta%%20uno.txt"><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>%s</ds:DigestValue></a:DataObjectReference></a:ASiCManifest>`,
		nsDSig, base64.StdEncoding.EncodeToString(sumOf(crypto.SHA256, offer))))
	ofManifest := maria.detachedOf(t, manifest, recipe{})
	root := `<asic:XAdESSignatures xmlns:asic="http://uri.etsi.org/02918/v1.2.1#">%s</asic:XAdESSignatures>`
	ofOffer := maria.signXML(t, root, xmlRecipe{external: map[string][]byte{"offerta.txt": offer}})
	for name, c := range map[string]struct {
		file   []byte
		format Format
		sound  bool
		of     string // the signer's
		ofFile string
		inner  []byte
	}{
		"S, CAdES":            {container(t, simple, entry{"offerta.txt", long, false}, entry{"META-INF/signature.p7s", p7s, true}), ASiCS, true, "", "", long},
		"S, packed":           {container(t, simple, entry{"offerta.txt", long, true}, entry{"META-INF/signature.p7s", p7s, false}), ASiCS, true, "", "", long},
		"S, changed":          {container(t, simple, entry{"offerta.txt", long[1:], true}, entry{"META-INF/signature.p7s", p7s, false}), ASiCS, false, "tampered", "", long[1:]},
		"S, XAdES":            {container(t, simple, entry{"offerta.txt", offer, true}, entry{"META-INF/signatures.xml", ofOffer, true}), ASiCS, true, "", "", offer},
		"S, not detached":     {container(t, simple, entry{"offerta.txt", offer, true}, entry{"META-INF/signature.p7s", maria.container(t, offer, recipe{}), true}), ASiCS, false, "detached", "", offer},
		"S, two documents":    {container(t, simple, entry{"a", offer, true}, entry{"b", offer, true}, entry{"META-INF/signature.p7s", p7s, true}), ASiCS, false, "detached", "damaged-archive", nil},
		"S, no type":          {container(t, entry{"offerta.txt", long, true}, entry{"META-INF/signature.p7s", p7s, false}), ASiCS, true, "", "", long},
		"E, CAdES":            {container(t, extended, entry{"offerta uno.txt", offer, true}, entry{"META-INF/ASiCManifest001.xml", manifest, true}, entry{"META-INF/signature001.p7s", ofManifest, true}), ASiCE, true, "", "", nil},
		"E, document changed": {container(t, extended, entry{"offerta uno.txt", long, true}, entry{"META-INF/ASiCManifest001.xml", manifest, true}, entry{"META-INF/signature001.p7s", ofManifest, true}), ASiCE, false, "tampered", "", nil},
		"E, manifest changed": {container(t, extended, entry{"offerta uno.txt", offer, true}, entry{"META-INF/ASiCManifest001.xml", append(manifest, ' '), true}, entry{"META-INF/signature001.p7s", ofManifest, true}), ASiCE, false, "tampered", "", nil},
		"E, no manifest":      {container(t, extended, entry{"offerta uno.txt", offer, true}, entry{"META-INF/signature001.p7s", ofManifest, true}), ASiCE, false, "detached", "unsigned-documents", nil},
		"E, one left out": {container(t, extended, entry{"offerta uno.txt", offer, true}, entry{"altro.txt", offer, true}, entry{"META-INF/ASiCManifest001.xml", manifest, true}, entry{"META-INF/signature001.p7s", ofManifest, true}),
			ASiCE, true, "", "unsigned-documents", nil},
		"E, XAdES":            {container(t, extended, entry{"offerta.txt", offer, true}, entry{"META-INF/signatures001.xml", ofOffer, true}), ASiCE, true, "", "", nil},
		"E, XAdES, changed":   {container(t, extended, entry{"offerta.txt", long, true}, entry{"META-INF/signatures001.xml", ofOffer, true}), ASiCE, false, "tampered", "", nil},
		"E, XAdES, missing":   {container(t, extended, entry{"META-INF/signatures001.xml", ofOffer, true}), ASiCE, false, "missing-reference", "", nil},
		"E, XAdES of nothing": {container(t, extended, entry{"META-INF/signatures001.xml", maria.signXML(t, root, xmlRecipe{uri: "#S", sum: []byte{1}}), true}), ASiCE, false, "partly-signed", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := examine(t, "offerta.asice", c.file, ca.trust())
			if r.Format != c.format || len(r.Signers) != 1 {
				t.Fatalf("%+v", r)
			}
			s := r.Signers[0]
			if s.Sound != c.sound || !s.Trusted || c.of != "" && !slices.Contains(codes(s.Findings), c.of) {
				t.Errorf("sound %v, trusted %v, %v", s.Sound, s.Trusted, codes(s.Findings))
			}
			if got := codes(r.Findings); c.ofFile == "" && len(got) > 0 || c.ofFile != "" && !slices.Contains(got, c.ofFile) {
				t.Errorf("findings %v", got)
			}
			if (c.inner == nil) != (r.Inner == nil) {
				t.Fatalf("inner %v", r.Inner)
			}
			if c.inner != nil && (!bytes.Equal(content(t, r.Inner), c.inner) || r.Inner.Name != "offerta.txt") {
				t.Error("not the document that is inside")
			}
			if c.inner != nil { // backwards too
				b := make([]byte, 10)
				if _, err := r.Inner.ReadAt(b, 5); err != nil || !bytes.Equal(b, c.inner[5:15]) {
					t.Errorf("read again: %q, %v", b, err)
				}
			}
		})
	}
	for name, c := range map[string]struct {
		file   []byte
		format Format
		code   string
	}{
		"a plain zip":          {container(t, entry{"a.txt", offer, true}), None, ""},
		"OpenDocument":         {container(t, entry{"mimetype", []byte("application/vnd.oasis.opendocument.text"), false}), None, ""},
		"OpenDocument, signed": {container(t, entry{"mimetype", []byte("application/vnd.oasis.opendocument.text"), false}, entry{"META-INF/signatures.xml", ofOffer, true}), None, ""},
		"claims many entries":  {bytes.Replace(container(t, extended, entry{"a", offer, true}), []byte("PK\x05\x06\x00\x00\x00\x00\x02\x00\x02\x00"), []byte("PK\x05\x06\x00\x00\x00\x00\xFF\xFF\xFF\xFF"), 1), ASiCE, "archive-bomb"},
		"nothing signed":       {container(t, extended, entry{"a", offer, true}), ASiCE, "no-signers"},
		"a name twice":         {container(t, extended, entry{"a", offer, true}, entry{"a", long, true}), ASiCE, "damaged-archive"},
		"cut":                  {container(t, extended, entry{"a", offer, true})[:200], ASiCE, "damaged-archive"},
		"unpacks too far":      {container(t, simple, entry{"a", make([]byte, 64<<20), true}, entry{"META-INF/signature.p7s", p7s, true}), ASiCS, "archive-bomb"},
		"not a signature":      {container(t, simple, entry{"a", offer, true}, entry{"META-INF/signature.p7s", offer, true}), ASiCS, "damaged-container"},
	} {
		r := examine(t, "x.asics", c.file, ca.trust())
		if r.Format != c.format || len(r.Signers) > 0 || c.code != "" && !slices.Contains(codes(r.Findings), c.code) {
			t.Errorf("%s: %v, %d signers, %v", name, r.Format, len(r.Signers), codes(r.Findings))
		}
	}
}
