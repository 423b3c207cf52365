package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"

	"sigillo/internal/fault"
)

var label = Label{"authority", "tender", "lot", "C", "supplier"}

func item(name string, body []byte) Item {
	sum := sha256.Sum256(body)
	return Item{Name: name, Kind: "economicOffer", MediaType: "application/pdf", Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:])}
}

func identity(t testing.TB) *age.X25519Identity {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func seal(t testing.TB, id *age.X25519Identity, offer map[string]string, bodies ...[]byte) []byte {
	c := Contents{Label: label, Offer: offer}
	for i, b := range bodies {
		c.Items = append(c.Items, item(strings.Repeat("x", i+1)+".pdf", b))
	}
	var out bytes.Buffer
	s, err := Seal(&out, Policy{id.Recipient().String()}, c, func(i int) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(bodies[i])), nil })
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(out.Bytes())
	if s.Size != int64(out.Len()) || s.SHA256 != hex.EncodeToString(sum[:]) {
		t.Fatal("the description does not fit the file")
	}
	return out.Bytes()
}

// unseal opens everything and returns the documents.
func unseal(file []byte, id age.Identity, want Label) (Contents, [][]byte, error) {
	header, err := Header(bytes.NewReader(file))
	if err != nil {
		return Contents{}, nil, err
	}
	key, err := FileKey(header, id)
	if err != nil {
		return Contents{}, nil, err
	}
	o, err := Open(bytes.NewReader(file), key, want)
	if err != nil {
		return Contents{}, nil, err
	}
	var bodies [][]byte
	for {
		_, r, err := o.Next()
		if err == io.EOF {
			return o.Contents, bodies, nil
		}
		if err != nil {
			return Contents{}, nil, err
		}
		body, err := io.ReadAll(r)
		if err != nil {
			return Contents{}, nil, err
		}
		bodies = append(bodies, body)
	}
}

func TestRoundTrip(t *testing.T) {
	id := identity(t)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 4).Draw(rt, "documents")
		var bodies [][]byte
		for range n {
			bodies = append(bodies, rapid.SliceOfN(rapid.Byte(), 1, 70_000).Draw(rt, "body"))
		}
		file := seal(t, id, map[string]string{"discount": "12.5"}, bodies...)
		c, got, err := unseal(file, id, label)
		if err != nil || c.Offer["discount"] != "12.5" || len(got) != n {
			rt.Fatal(err)
		}
		for i := range got {
			if !bytes.Equal(got[i], bodies[i]) {
				rt.Fatal("a document changed")
			}
		}
	})
}

func TestEveryChangedOrMissingByteIsFound(t *testing.T) {
	id := identity(t)
	file := seal(t, id, map[string]string{"discount": "1"}, []byte("CANARY-7f3a"))
	if bytes.Contains(file, []byte("CANARY")) {
		t.Fatal("the contents are readable")
	}
	for i := range file {
		bent := bytes.Clone(file)
		bent[i] ^= 1
		if _, _, err := unseal(bent, id, label); err == nil {
			t.Fatalf("a change at byte %d goes unseen", i)
		} else if strings.Contains(err.Error(), "CANARY") {
			t.Fatal("an error tells the contents")
		}
		if _, _, err := unseal(file[:i], id, label); err == nil {
			t.Fatalf("a cut at byte %d goes unseen", i)
		}
	}
}

func TestAT038AForeignEnvelopeIsRefused(t *testing.T) {
	id := identity(t)
	file := seal(t, id, nil, []byte("x"))
	for _, change := range []func(*Label){
		func(l *Label) { l.Authority = "demo" }, func(l *Label) { l.Tender = "other" }, func(l *Label) { l.Lot = "2" },
		func(l *Label) { l.Envelope = "B" }, func(l *Label) { l.Supplier = "rival" },
	} {
		want := label
		change(&want)
		if _, _, err := unseal(file, id, want); fault.Of(err) == nil || fault.Of(err).Code != "foreign-envelope" {
			t.Errorf("%+v: got %v", want, err)
		}
	}
	if _, _, err := unseal(file, identity(t), label); fault.Of(err) == nil || fault.Of(err).Code != "cannot-unseal" {
		t.Errorf("another key: got %v", err)
	}
}

func TestINC22PlaintextIsRefusedByInspect(t *testing.T) {
	for _, s := range []string{"", "%PDF-1.7 my price is 100", "PK\x03\x04", "age-encryption.org/v1\n-> X25519", strings.Repeat("a", 1<<20)} {
		if f := fault.Of(Inspect(strings.NewReader(s))); f == nil || f.Code != "not-sealed" {
			t.Errorf("%.20q: got %v", s, f)
		}
	}
	if err := Inspect(bytes.NewReader(seal(t, identity(t), nil, []byte("x")))); err != nil {
		t.Error(err)
	}
}

func TestAFileThatChangesWhileSealedIsFound(t *testing.T) {
	c := Contents{Label: label, Items: []Item{item("a.pdf", []byte("before"))}}
	for _, now := range []string{"after!", "before, and more", "bef"} {
		_, err := Seal(io.Discard, Policy{identity(t).Recipient().String()}, c, func(int) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(now)), nil
		})
		if f := fault.Of(err); f == nil || f.Code != "file-changed" {
			t.Errorf("%q: got %v", now, err)
		}
	}
}

func TestPadmeHidesTheSizeCheaply(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<40).Draw(t, "n")
		p := Padme(n)
		if p < n || (p-n)*100 > n*12 || Padme(p) != p {
			t.Fatalf("Padme(%d) = %d", n, p)
		}
	})
	for n, want := range map[int64]int64{0: 0, 1: 1, 9: 10, 100: 104, 1000: 1024, 1 << 20: 1 << 20} {
		if Padme(n) != want {
			t.Errorf("Padme(%d) = %d, want %d", n, Padme(n), want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	id := identity(f)
	f.Add(seal(f, id, nil, []byte("x")))
	f.Add([]byte("age-encryption.org/v1\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		Inspect(bytes.NewReader(file))
		unseal(file, id, label)
		if o, err := Open(bytes.NewReader(file), make([]byte, 16), label); err == nil {
			o.Next()
		}
	})
}

// FuzzPlaintext seals arbitrary bytes by the book and opens them: what a
// hostile bidder controls once the encryption is off.
func FuzzPlaintext(f *testing.F) {
	id := identity(f)
	f.Add([]byte(magic + "\x00\x00\x00\x02{}"))
	f.Fuzz(func(t *testing.T, plain []byte) {
		var file bytes.Buffer
		w, err := age.Encrypt(&file, id.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		w.Write(plain)
		w.Close()
		if _, _, err := unseal(file.Bytes(), id, label); err != nil && fault.Of(err).Kind == fault.Internal {
			t.Fatalf("an internal fault: %v", err)
		}
	})
}

func BenchmarkSealAgainstAge(b *testing.B) {
	id := identity(b)
	body := make([]byte, 32<<20)
	c := Contents{Label: label, Items: []Item{item("a.pdf", body)}}
	b.Run("age", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			w, _ := age.Encrypt(io.Discard, id.Recipient())
			w.Write(body)
			w.Close()
		}
	})
	b.Run("seal", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			Seal(io.Discard, Policy{id.Recipient().String()}, c, func(int) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil })
		}
	})
}
