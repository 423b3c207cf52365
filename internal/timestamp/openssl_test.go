package timestamp

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigillo/internal/signature"
	"sigillo/internal/timestamp/tsatest"
)

// openssl runs the other implementation in a folder of the test's own, or skips
// the test, loudly.
type openssl struct {
	t      *testing.T
	folder string
}

func newOpenSSL(t *testing.T) openssl {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("SKIPPED: openssl is not installed, nothing is compared with another implementation: ", err)
	}
	return openssl{t, t.TempDir()}
}

func (o openssl) run(args ...string) (string, error) {
	c := exec.CommandContext(o.t.Context(), "openssl", args...)
	c.Dir = o.folder
	out, err := c.CombinedOutput()
	return string(out), err
}

func (o openssl) must(args ...string) string {
	o.t.Helper()
	out, err := o.run(args...)
	if err != nil {
		o.t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (o openssl) write(name string, body []byte) {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.folder, name), body, 0o600); err != nil {
		o.t.Fatal(err)
	}
}

func (o openssl) read(name string) []byte {
	o.t.Helper()
	body, err := os.ReadFile(filepath.Join(o.folder, name))
	if err != nil {
		o.t.Fatal(err)
	}
	return body
}

const config = `[tsa]
default_tsa=t
[t]
serial=serial
digests=sha256,sha512
signer_digest=sha256
default_policy=1.2.3.4
accuracy=secs:1,millisecs:20,microsecs:3
clock_precision_digits=3
ordering=yes
tsa_name=yes
ess_cert_id_chain=yes
ess_cert_id_alg=sha256
[ca]
basicConstraints=critical,CA:true
keyUsage=critical,keyCertSign
[stamps]
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
[req]
distinguished_name=dn
[dn]
`

// authority makes a certificate authority and one that stamps under it.
func (o openssl) authority(key ...string) *signature.Trust {
	o.t.Helper()
	o.write("config", []byte(config))
	newKey := append([]string{"-nodes", "-config", "config", "-newkey"}, key...)
	o.must(append([]string{"req", "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/C=IT/CN=Radice", "-extensions", "ca"}, newKey...)...)
	o.must(append([]string{"req", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/C=IT/O=Ente/CN=Marca openssl"}, newKey...)...)
	o.must("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "0x8000000000000001", "-extfile", "config", "-extensions", "stamps", "-out", "tsa.pem")
	trust, err := signature.ParseTrust(o.read("ca.pem"))
	if err != nil {
		o.t.Fatal(err)
	}
	return trust
}

var answerIt = []string{"ts", "-reply", "-config", "config", "-queryfile", "query", "-signer", "tsa.pem", "-inkey", "tsa.key", "-chain", "ca.pem", "-out", "reply"}

// Our request is answered by openssl, and its stamp verified by us.
func TestStampsByOpenSSL(t *testing.T) {
	for name, key := range map[string][]string{"RSA": {"rsa:3072"}, "ECDSA": {"ec", "-pkeyopt", "ec_paramgen_curve:P-384"}} {
		t.Run(name, func(t *testing.T) {
			o := newOpenSSL(t)
			trust := o.authority(key...)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err == nil {
					err = os.WriteFile(filepath.Join(o.folder, "query"), body, 0o600)
				}
				if err == nil {
					_, err = o.run(answerIt...)
				}
				answer, _ := os.ReadFile(filepath.Join(o.folder, "reply"))
				if err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
					return
				}
				w.Header().Set("Content-Type", "application/timestamp-reply")
				w.Write(answer)
			}))
			defer server.Close()
			c := &Client{Address: server.URL, Anchors: trust, Now: time.Now}
			token, err := c.Stamp(t.Context(), digest)
			if err != nil {
				t.Fatal(err)
			}
			if text := o.must("ts", "-query", "-in", "query", "-text"); !strings.Contains(text, "Certificate required: yes") || !strings.Contains(text, "Hash Algorithm: sha256") || !strings.Contains(text, "Nonce: 0x") {
				t.Error("openssl reads something else in our request:\n" + text)
			}
			s, err := Verify(token, digest, trust, time.Now())
			if err != nil || time.Since(s.At).Abs() > time.Minute || s.Accuracy != 1020003*time.Microsecond || s.Policy != "1.2.3.4" || s.TSA != "Marca openssl" {
				t.Fatalf("%+v, %v", s, err)
			}
			// And a stamp of another hash, in another's words.
			o.write("data", note)
			o.must("ts", "-query", "-data", "data", "-sha512", "-cert", "-out", "query")
			o.must(append(answerIt, "-token_out")...)
			if _, err := Verify(o.read("reply"), digest, trust, time.Now()); err == nil || !strings.Contains(err.Error(), "stamp-of-another") {
				t.Error("SHA-512:", err)
			}
		})
	}
}

// Our authority for tests is one that openssl believes, and where it is wrong,
// openssl says so too.
func TestOpenSSLVerifiesTheAuthorityForTests(t *testing.T) {
	o := newOpenSSL(t)
	tsa := tsatest.New(t, time.Now)
	o.write("ca.pem", tsa.PEM())
	o.write("data", note)
	o.must("ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query")
	ask := func(mode tsatest.Mode) {
		t.Helper()
		tsa.Play(mode)
		query, err := os.Open(filepath.Join(o.folder, "query"))
		if err != nil {
			t.Fatal(err)
		}
		defer query.Close()
		resp, err := http.Post(tsa.URL, "application/timestamp-query", query)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		o.write("reply", answer)
	}
	ask(tsatest.Honest)
	if text := o.must("ts", "-verify", "-queryfile", "query", "-in", "reply", "-CAfile", "ca.pem"); !strings.Contains(text, "Verification: OK") {
		t.Error(text)
	}
	sum := sha256.Sum256(note)
	o.write("token", tsa.Token(sum))
	for _, what := range [][]string{{"-data", "data"}, {"-digest", hex.EncodeToString(sum[:])}} {
		if text := o.must(append([]string{"ts", "-verify", "-in", "token", "-token_in", "-CAfile", "ca.pem"}, what...)...); !strings.Contains(text, "Verification: OK") {
			t.Error(text)
		}
	}
	for _, mode := range []tsatest.Mode{
		tsatest.WrongImprint, tsatest.WrongNonce, tsatest.NoNonce, tsatest.NoUsage, tsatest.UsageNotCritical, tsatest.MoreUsages,
		tsatest.Expired, tsatest.Foreign, tsatest.NotNamed, tsatest.OtherNamed, tsatest.Tampered, tsatest.OtherKey, tsatest.Refused, tsatest.Truncated,
	} {
		ask(mode)
		if text, err := o.run("ts", "-verify", "-queryfile", "query", "-in", "reply", "-CAfile", "ca.pem"); err == nil {
			t.Errorf("mode %d: openssl takes it\n%s", mode, text)
		}
	}
}
