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

// to is a policy by which one key is the platform's and the only custodian's.
func to(recipient string) Policy { return Policy{recipient, []string{recipient}, 1} }

func seal(t testing.TB, id *age.X25519Identity, offer map[string]string, bodies ...[]byte) []byte {
	return sealTo(t, to(id.Recipient().String()), offer, bodies...)
}

// from makes a source of bytes.
func from(body []byte) Source {
	_, _, check, _ := Measure(bytes.NewReader(body))
	return Source{func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }, check}
}

func sealTo(t testing.TB, p Policy, offer map[string]string, bodies ...[]byte) []byte {
	c := Contents{Label: label, Offer: offer}
	var sources []Source
	for i, b := range bodies {
		c.Items = append(c.Items, item(strings.Repeat("x", i+1)+".pdf", b))
		sources = append(sources, from(b))
	}
	var out bytes.Buffer
	n, err := Seal(&out, p, c, sources)
	if err != nil {
		t.Fatal(err)
	}
	if n != int64(out.Len()) {
		t.Fatal("the size is not that of the file")
	}
	return out.Bytes()
}

// fileKey puts the key together from what the identities open.
func fileKey(header []byte, want Label, ids ...age.Identity) ([]byte, error) {
	var all []Part
	for _, id := range ids {
		mine, err := Parts(header, want, id)
		if err != nil {
			return nil, err
		}
		all = append(all, mine...)
	}
	key, _, err := Combine(header, want, all)
	return key, err
}

// unseal opens everything and returns the documents.
func unseal(file []byte, id age.Identity, want Label) (Contents, [][]byte, error) {
	header, err := Header(bytes.NewReader(file))
	if err != nil {
		return Contents{}, nil, err
	}
	key, err := fileKey(header, want, id)
	if err != nil {
		return Contents{}, nil, err
	}
	return readAll(file, key, want)
}

func readAll(file, key []byte, want Label) (Contents, [][]byte, error) {
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

// TestEveryChangedOrMissingByteIsFound flips every bit and cuts at every
// length. The post-quantum file is longer and slower: one bit in 61 is changed
// there, and it is cut at one length in 7.
func TestEveryChangedOrMissingByteIsFound(t *testing.T) {
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	classic := identity(t)
	for _, kind := range []struct {
		name      string
		recipient string
		id        age.Identity
		step      int // bits
		cut       int // bytes
	}{{"X25519", classic.Recipient().String(), classic, 1, 1}, {"post-quantum", hybrid.Recipient().String(), hybrid, 61, 7}} {
		t.Run(kind.name, func(t *testing.T) {
			file := sealTo(t, to(kind.recipient), map[string]string{"discount": "1"}, []byte("CANARY-7f3a"))
			if bytes.Contains(file, []byte("CANARY")) {
				t.Fatal("the contents are readable")
			}
			refused := func(what string, at int, file []byte) {
				_, _, err := unseal(file, kind.id, label)
				if err == nil {
					t.Fatalf("%s %d goes unseen", what, at)
				}
				code := fault.Of(err).Code
				if code != "not-sealed" && code != "damaged-envelope" && code != "cannot-unseal" && code != "not-enough-shares" {
					t.Fatalf("%s %d: got %v", what, at, err)
				}
				if strings.Contains(err.Error(), "CANARY") {
					t.Fatal("an error tells the contents")
				}
			}
			for i := 0; i < len(file); i += kind.cut {
				refused("a cut at byte", i, file[:i])
			}
			for i := 0; i < 8*len(file); i += kind.step {
				bent := bytes.Clone(file)
				bent[i/8] ^= 1 << (i % 8)
				refused("a change at bit", i, bent)
			}
			refused("a byte more than", len(file), append(bytes.Clone(file), 0))
		})
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

func TestAFileThatChangesWhileSealedIsFound(t *testing.T) {
	c := Contents{Label: label, Items: []Item{item("a.pdf", []byte("before"))}}
	for _, now := range []string{"after!", "before, and more", "bef"} {
		source := from([]byte("before"))
		source.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(now)), nil }
		_, err := Seal(io.Discard, to(identity(t).Recipient().String()), c, []Source{source})
		if f := fault.Of(err); f == nil || f.Code != "file-changed" {
			t.Errorf("%q: got %v", now, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	id := identity(f)
	f.Add(seal(f, id, nil, []byte("x")))
	f.Add([]byte("age-encryption.org/v1\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		Inspect(bytes.NewReader(file), label, 1, 1)
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
		w, err := age.Encrypt(&file, dealer{[]age.Recipient{id.Recipient(), id.Recipient()}, 1, label})
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
