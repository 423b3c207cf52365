package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"filippo.io/age"

	"sigillo/internal/fault"
	"sigillo/internal/seal"
)

type benchSealCommand struct {
	Size   int64 `default:"64" help:"Size of the document, in MiB."`
	Rounds int   `default:"10" help:"How often each is done, by turns."`
	JSON   bool  `name:"json" help:"Write the report as JSON."`
}

// sealReport holds speeds in MiB a second; the ratios are ours to age's, 1 is
// as fast.
type sealReport struct {
	Size      int64   `json:"mib"`
	Seal      float64 `json:"seal"`
	Encrypt   float64 `json:"age_encrypt"`
	SealRatio float64 `json:"seal_of_age"`
	Open      float64 `json:"open"`
	Decrypt   float64 `json:"age_decrypt_sha256"`
	OpenRatio float64 `json:"open_of_age"`
}

// Run seals and opens by turns with age alone doing the same work: sealing
// against plain encryption, opening against decryption and one SHA-256.
func (c *benchSealCommand) Run(w *world) error {
	b, err := newSealBench(c.Size << 20)
	if err != nil {
		return err
	}
	var encrypt, sealing, decrypt, opening time.Duration
	for range c.Rounds {
		for _, x := range []struct {
			f    func() error
			into *time.Duration
		}{{b.encrypt, &encrypt}, {b.seal, &sealing}, {b.decrypt, &decrypt}, {b.open, &opening}} {
			began := time.Now()
			if err := x.f(); err != nil {
				return err
			}
			*x.into += time.Since(began)
		}
	}
	speed := func(d time.Duration) float64 { return float64(c.Size*int64(c.Rounds)) / d.Seconds() }
	r := sealReport{c.Size, speed(sealing), speed(encrypt), encrypt.Seconds() / sealing.Seconds(), speed(opening), speed(decrypt), decrypt.Seconds() / opening.Seconds()}
	if c.JSON {
		return json.NewEncoder(w.out).Encode(r)
	}
	fmt.Fprintln(w.out, fault.T("sigillare  %.0f MiB/s, age da solo %.0f: %.2f", "sealing  %.0f MiB/s, age alone %.0f: %.2f", r.Seal, r.Encrypt, r.SealRatio).In(w.lang))
	fmt.Fprintln(w.out, fault.T("aprire     %.0f MiB/s, age e SHA-256 %.0f: %.2f", "opening  %.0f MiB/s, age and SHA-256 %.0f: %.2f", r.Open, r.Decrypt, r.OpenRatio).In(w.lang))
	return nil
}

// sealBench is one document, its envelope and the key that opens it.
type sealBench struct {
	body, sealed []byte
	id           *age.HybridIdentity
	contents     seal.Contents
	source       seal.Source
	key          []byte
}

func newSealBench(size int64) (*sealBench, error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, err
	}
	b := &sealBench{body: make([]byte, size), id: id}
	b.contents.Label = seal.Label{Authority: "a", Tender: "t", Lot: "l", Envelope: "B", Supplier: "s"}
	_, digest, check, err := seal.Measure(bytes.NewReader(b.body))
	if err != nil {
		return nil, err
	}
	b.contents.Items = []seal.Item{{Name: "b.pdf", Kind: "technical-offer", MediaType: "application/pdf", Size: size, SHA256: digest}}
	b.source = seal.Source{Check: check, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.body)), nil }}
	var out bytes.Buffer
	if _, err := seal.Seal(&out, b.policy(), b.contents, []seal.Source{b.source}); err != nil {
		return nil, err
	}
	b.sealed = out.Bytes()
	header, err := seal.Header(bytes.NewReader(b.sealed))
	if err != nil {
		return nil, err
	}
	pieces, err := seal.Parts(header, b.contents.Label, id)
	if err != nil {
		return nil, err
	}
	b.key, _, err = seal.Combine(header, b.contents.Label, pieces)
	return b, err
}

func (b *sealBench) policy() seal.Policy {
	to := b.id.Recipient().String()
	return seal.Policy{Platform: to, Custodians: []string{to}, Threshold: 1}
}

func (b *sealBench) encrypt() error {
	w, err := age.Encrypt(io.Discard, b.id.Recipient())
	if err != nil {
		return err
	}
	if _, err := w.Write(b.body); err != nil {
		return err
	}
	return w.Close()
}

func (b *sealBench) seal() error {
	_, err := seal.Seal(io.Discard, b.policy(), b.contents, []seal.Source{b.source})
	return err
}

func (b *sealBench) decrypt() error {
	r, err := age.Decrypt(bytes.NewReader(b.sealed), age.NewInjectedFileKeyIdentity(b.key))
	if err != nil {
		return err
	}
	_, err = io.Copy(sha256.New(), r)
	return err
}

func (b *sealBench) open() error {
	o, err := seal.Open(bytes.NewReader(b.sealed), b.key, b.contents.Label)
	for err == nil {
		_, _, err = o.Next()
	}
	if err == io.EOF {
		return nil
	}
	return err
}
