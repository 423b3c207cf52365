package signature

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

// large is a file that is mostly one repeated page: it takes no memory.
type large struct {
	parts []part
	size  int64
}

type part struct {
	at, size int64
	page     []byte // repeated
}

func (l *large) add(page []byte, size int64) {
	l.parts = append(l.parts, part{l.size, size, page})
	l.size += size
}

func (l *large) ReadAt(p []byte, at int64) (int, error) {
	n := 0
	for _, x := range l.parts {
		for n < len(p) && at >= x.at && at < x.at+x.size {
			from := (at - x.at) % int64(len(x.page))
			k := copy(p[n:], x.page[from:min(int64(len(x.page)), from+x.at+x.size-at)])
			n += k
			at += int64(k)
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// largeCAdES is a signed file around so many bytes: in DER, or in pieces of 4 KiB.
func largeCAdES(t testing.TB, h *holder, size int64, pieces bool) *large {
	t.Helper()
	l := &large{}
	page := make([]byte, 4<<10)
	if _, err := rand.Read(page); err != nil {
		t.Fatal(err)
	}
	d := sha256.New()
	for range size / int64(len(page)) {
		d.Write(page)
	}
	sum := func(crypto.Hash) []byte { return d.Sum(nil) }
	if !pieces {
		before, after := around(t, size, recipe{}, sum, h)
		l.add(before, int64(len(before)))
		l.add(page, size)
		l.add(after, int64(len(after)))
		return l
	}
	whole := h.streamed(t, page, len(page), recipe{})
	piece := tlv(idOctets, page)
	at := bytes.Index(whole, piece)
	tail := tailOf(t, recipe{}, sum, h)
	l.add(whole[:at], int64(at))
	l.add(piece, size/int64(len(page))*int64(len(piece)))
	l.add(make([]byte, 6), 6)
	l.add(tail, int64(len(tail)))
	l.add(make([]byte, 6), 6)
	return l
}

func TestLargeFilesTakeLittleMemory(t *testing.T) {
	ca := newAuthority(t, "Certificatore")
	maria, trust := ca.holder(t, nil), ca.trust()
	sizes := map[bool]int64{false: 1 << 30, true: 256 << 20}
	for name, pieces := range map[string]bool{"DER, 1 GiB": false, "BER, 256 MiB": true} {
		t.Run(name, func(t *testing.T) {
			size := sizes[pieces]
			if testing.Short() {
				size /= 16
			}
			file := largeCAdES(t, maria, size, pieces)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			r, err := Examine("offerta.zip.p7m", file.size, file, trust, now)
			runtime.ReadMemStats(&after)
			if err != nil || len(r.Signers) != 1 || !r.Signers[0].Sound || !r.Signers[0].Trusted || r.Inner.Size != size {
				t.Fatalf("%+v, %v", r, err)
			}
			// All that was ever allocated, which is no less than what was held at once.
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
				t.Errorf("allocated %d bytes", grown)
			}
		})
	}
}

// A file made to be slow: pieces of nothing, without end.
func TestPiecesOfNothing(t *testing.T) {
	maria := newAuthority(t, "Certificatore").holder(t, nil)
	whole := maria.streamed(t, offer, len(offer), recipe{})
	at := bytes.Index(whole, tlv(idOctets, offer))
	for size, code := range map[int64]string{64 << 10: "", 1 << 40: "beyond-limits"} {
		l := &large{}
		l.add(whole[:at], int64(at))
		l.add([]byte{idOctets, 0}, size)
		l.add(whole[at:], int64(len(whole)-at))
		r, err := Examine("", l.size, l, nil, now)
		if err != nil || code == "" && (!r.Signers[0].Sound || !bytes.Equal(content(t, r.Inner), offer)) {
			t.Fatalf("%+v, %v", r, err)
		}
		if code != "" && !slices.Contains(codes(r.Findings), code) {
			t.Errorf("%v", codes(r.Findings))
		}
	}
}

// BenchmarkCAdES tells how long verification takes as against hashing alone.
func BenchmarkCAdES(b *testing.B) {
	ca := newAuthority(b, "Certificatore")
	maria, trust := ca.holder(b, nil), ca.trust()
	const size = 256 << 20
	for name, pieces := range map[string]bool{"DER": false, "BER": true} {
		b.Run(name, func(b *testing.B) {
			file := largeCAdES(b, maria, size, pieces)
			start := time.Now()
			if _, err := io.CopyBuffer(sha256.New(), io.NewSectionReader(file, 0, file.size), make([]byte, 2*window)); err != nil {
				b.Fatal(err)
			}
			alone := time.Since(start)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				r, err := Examine("", file.size, file, trust, now)
				if err != nil || !r.Signers[0].Sound {
					b.Fatal("not sound")
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(alone), "×sha256")
		})
	}
}

// What OpenSSL signs is read as what our own tests sign.
func TestOpenSSL_DR50(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: its signatures were NOT tried")
	}
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), openssl, args...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "offer"), bytes.Repeat(offer, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "cert", "-subj", "/CN=Maria Rossi/serialNumber=TINIT-RSSMRA80A41H501T", "-days", "30")
	bundle, err := os.ReadFile(filepath.Join(dir, "cert"))
	if err != nil {
		t.Fatal(err)
	}
	trust, err := ParseTrust(bundle)
	if err != nil {
		t.Fatal(err)
	}
	for name, extra := range map[string][]string{
		"DER": {"-outform", "DER"}, "BER": {"-outform", "DER", "-stream"}, "PEM": {"-outform", "PEM"},
		"PSS": {"-outform", "DER", "-keyopt", "rsa_padding_mode:pss"}, "SHA-512": {"-outform", "DER", "-md", "sha512"},
	} {
		t.Run(name, func(t *testing.T) {
			run(append([]string{"cms", "-sign", "-cades", "-binary", "-nodetach", "-in", "offer", "-signer", "cert", "-inkey", "key", "-out", "signed"}, extra...)...)
			file, err := os.ReadFile(filepath.Join(dir, "signed"))
			if err != nil {
				t.Fatal(err)
			}
			r, err := Examine("signed.p7m", int64(len(file)), bytes.NewReader(file), trust, time.Now())
			if err != nil || len(r.Signers) != 1 || !r.Signers[0].Sound || !r.Signers[0].Trusted {
				t.Fatalf("%+v, %v", r, err)
			}
			if !bytes.Equal(content(t, r.Inner), bytes.Repeat(offer, 1000)) {
				t.Error("not the document that was signed")
			}
		})
	}
	t.Run("time stamp", func(t *testing.T) {
		config := "[tsa]\ndefault_tsa=t\n[t]\nserial=serial\ndigests=sha256\nsigner_digest=sha256\ndefault_policy=1.2.3\ness_cert_id_alg=sha256\n[ext]\nextendedKeyUsage=critical,timeStamping\n[req]\ndistinguished_name=dn\n[dn]\n"
		if err := os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsakey", "-out", "tsa", "-subj", "/CN=Marca", "-config", "config", "-extensions", "ext")
		run("ts", "-query", "-data", "offer", "-sha256", "-cert", "-out", "query")
		run("ts", "-reply", "-config", "config", "-queryfile", "query", "-signer", "tsa", "-inkey", "tsakey", "-token_out", "-out", "token")
		token, err := os.ReadFile(filepath.Join(dir, "token"))
		if err != nil {
			t.Fatal(err)
		}
		bundle, err := os.ReadFile(filepath.Join(dir, "tsa"))
		if err != nil {
			t.Fatal(err)
		}
		trust, err := ParseTrust(bundle)
		if err != nil {
			t.Fatal(err)
		}
		x := &examination{trust: trust, now: time.Now()}
		if at, why, err := x.stamp(token, bytesBody(bytes.Repeat(offer, 1000))); at == nil || time.Since(*at) > time.Minute {
			t.Errorf("%v, %v, %v", at, why, err)
		}
	})
}
