// Package webhook sends signed messages to addresses that strangers chose.
//
// It promises that nothing is sent but to public addresses over verified TLS,
// whatever a name resolves to at the moment of the connection, that redirects
// are not followed, and that every message is signed as Standard Webhooks has
// it. A receiver can make it wait no longer than it is told to, and read no more
// than a little. It does not know what messages are about, nor when to try
// again.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"sigillo/feed"
)

// Client sends messages.
type Client struct {
	http   *http.Client
	inside bool // to addresses that are not public, and in clear
}

// New makes a client that trusts the system's certificates, or those given.
// private opens it to addresses that are not public and to http: for tests, and
// for networks closed to the outside.
func New(private bool, roots *x509.CertPool) *Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: -1}
	if !private {
		dialer.Control = onlyPublic
	}
	return &Client{inside: private, http: &http.Client{
		// No proxy: it would resolve names by itself, after what was checked.
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, DisableKeepAlives: true,
			MaxResponseHeaderBytes: 16 << 10, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// mostRead bounds what is read of an answer, in bytes. Nothing is made of it.
const mostRead = 4 << 10

// Send makes one attempt.
func (c *Client) Send(ctx context.Context, m feed.Message) (feed.Outcome, int) {
	if c.Check(m.Address) != nil { // what was taken once may be refused since
		return feed.Private, 0
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Address, bytes.NewReader(m.Body))
	if err != nil {
		return feed.Unreachable, 0
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Sigillo")
	r.Header.Set("Webhook-Id", m.ID)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(m.At.Unix(), 10))
	r.Header.Set("Webhook-Signature", Sign(m))
	answer, err := c.http.Do(r)
	if err != nil {
		return became(err), 0
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, io.LimitReader(answer.Body, mostRead))
	switch s := answer.StatusCode; {
	case s/100 == 2:
		return feed.Delivered, s
	case s == http.StatusGone:
		return feed.Gone, s
	case s/100 == 3:
		return feed.Redirected, s
	default:
		return feed.Refused, s
	}
}

// became tells why there was no answer.
func became(err error) feed.Outcome {
	var slow net.Error
	var bad *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errNotPublic):
		return feed.Private
	case errors.As(err, &bad):
		return feed.Untrusted
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		return feed.Slow
	}
	return feed.Unreachable
}

// Sign is the signature of a message: Standard Webhooks, version 1.
func Sign(m feed.Message) string {
	mac := hmac.New(sha256.New, m.Secret)
	fmt.Fprintf(mac, "%s.%d.", m.ID, m.At.Unix())
	mac.Write(m.Body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
