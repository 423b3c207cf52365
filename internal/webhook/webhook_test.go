package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sigillo/feed"
	"sigillo/internal/fault"
)

func message(address string) feed.Message {
	return feed.Message{Address: address, ID: "0190", At: time.Unix(1_800_000_000, 5), Secret: []byte("a secret of thirty-two bytes ...."), Body: []byte(`{"type":"x"}`)}
}

// TestSignaturesAreThoseOfStandardWebhooks: the example of its specification's
// libraries, computed by others.
func TestSignaturesAreThoseOfStandardWebhooks(t *testing.T) {
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	m := feed.Message{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", At: time.Unix(1614265330, 0), Secret: secret, Body: []byte(`{"test": 2432232314}`)}
	if got := Sign(m); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Fatal(got)
	}
}

func TestWhatBecomesOfAnAttempt(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	hang := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte("a secret of thirty-two bytes ...."))
		io.WriteString(mac, r.Header.Get("webhook-id")+"."+r.Header.Get("webhook-timestamp")+"."+string(body))
		if r.Method != "POST" || r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) || r.Header.Get("webhook-timestamp") != "1800000000" {
			t.Error(r.Method, r.Header)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	for path, status := range map[string]int{"/500": 500, "/410": 410, "/404": 404, "/429": 429} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	}
	for path, status := range map[string]int{"/301": 301, "/307": 307, "/308": 308} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) })
	}
	mux.HandleFunc("/hangs", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) { // a drop at a time, for ever
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1024)); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	server := httptest.NewTLSServer(mux)
	defer server.Close()
	defer close(hang)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c := New(true, roots)
	for path, want := range map[string]feed.Outcome{"/ok": feed.Delivered, "/500": feed.Refused, "/404": feed.Refused, "/429": feed.Refused, "/410": feed.Gone,
		"/301": feed.Redirected, "/307": feed.Redirected, "/308": feed.Redirected, "/hangs": feed.Slow, "/endless": feed.Delivered, "/breaks": feed.Unreachable} {
		ctx, stop := context.WithTimeout(t.Context(), 700*time.Millisecond)
		if got, status := c.Send(ctx, message(server.URL+path)); got != want {
			t.Errorf("%s: %s %d, want %s", path, got, status, want)
		}
		stop()
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
	if got, _ := New(true, x509.NewCertPool()).Send(t.Context(), message(server.URL+"/ok")); got != feed.Untrusted {
		t.Error("a certificate of nobody's:", got)
	}
	if got, _ := c.Send(t.Context(), message("https://127.0.0.1:1/")); got != feed.Unreachable {
		t.Error(got)
	}
}

// TestNothingIsSentInside: neither by the address nor by what a name leads to.
func TestNothingIsSentInside(t *testing.T) {
	var reached atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c := New(false, roots)
	if got, _ := c.Send(t.Context(), message(server.URL)); got != feed.Private {
		t.Error(got)
	}
	// The connection itself is refused, whatever name it was asked for by.
	r, err := http.NewRequest("GET", strings.Replace(server.URL, "127.0.0.1", "localhost", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.http.Do(r); became(err) != feed.Private {
		t.Error(err)
	}
	if reached.Load() != 0 {
		t.Error("it was reached")
	}
	for _, address := range []string{"", "x", "http://gare.example.org/", "ftp://gare.example.org/", "https://", "https://ada:x@gare.example.org/", "https://gare.example.org/#x",
		"https://localhost/", "https://a.localhost/", "https://printer/", "https://nas.local/", "https://metadata.google.internal/", "https://127.0.0.1/", "https://127.1/",
		"https://2130706433/", "https://0x7f000001/", "https://1.0x7f/", "https://10.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://[fe80::1%25eth0]/", "https:gare.example.org",
		"https://gare.example.org/" + strings.Repeat("x", maxAddress)} {
		if f := fault.Of(c.Check(address)); f == nil || f.Code != "bad-address" {
			t.Errorf("%q is taken", address)
		}
	}
	for _, address := range []string{"https://gare.example.org/hook?x=1", "https://gare.example.org:8443/", "https://151.11.48.1/", "https://[2a00:1450::1]/"} {
		if err := c.Check(address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestWhichAddressesArePublic(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "151.11.48.1": true, "2a00:1450:4002::1": true, "::ffff:8.8.8.8": true,
		"0.0.0.0": false, "10.1.2.3": false, "100.64.0.1": false, "127.0.0.1": false, "169.254.169.254": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.1.1": false, "192.0.0.8": false, "198.18.0.1": false, "224.0.0.1": false, "255.255.255.255": false, "172.32.0.1": true,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::127.0.0.1": false, "64:ff9b::a00:1": false, "64:ff9b:1::1": false, "100::1": false, "2001::1": false,
		"2002:a00:1::": false, "2001:db8::1": false, "fc00::1": false, "fd12::1": false, "fe80::1": false, "fec0::1": false, "ff02::1": false, "5f00::1": false,
	} {
		if public(netip.MustParseAddr(text)) != want {
			t.Errorf("%s: want %v", text, want)
		}
	}
}
