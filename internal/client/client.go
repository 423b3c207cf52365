// Package client speaks to the HTTP API, for the command line and the
// demonstration.
//
// It promises that a problem document comes back as a fault with all its
// fields, and that bytes are sent with their digest. It knows addresses and
// JSON, and no rule of procurement.
package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"sigillo/internal/fault"
)

// Client is one caller of one server.
type Client struct {
	Base  string // such as http://127.0.0.1:8080
	Token string
	Lang  string // it or en
	HTTP  *http.Client
}

// As is the same server with another token.
func (c *Client) As(token string) *Client {
	d := *c
	d.Token = token
	return &d
}

// Option changes a request.
type Option func(*http.Request)

// Key makes a request idempotent.
func Key(k string) Option { return func(r *http.Request) { r.Header.Set("Idempotency-Key", k) } }

// IfVersion makes a change depend on the version that was read.
func IfVersion(v int) Option {
	return func(r *http.Request) { r.Header.Set("If-Match", fmt.Sprintf("%q", fmt.Sprint(v))) }
}

// Do sends JSON and reads JSON; in and out may be nil.
func (c *Client) Do(ctx context.Context, method, path string, in, out any, options ...Option) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.Base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return c.send(r, out, options...)
}

// Put sends bytes with their SHA-256 and size.
func (c *Client) Put(ctx context.Context, path string, sum [32]byte, size int64, body io.Reader, out any, options ...Option) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, c.Base+path, body)
	if err != nil {
		return err
	}
	r.ContentLength = size
	r.Header.Set("Content-Type", "application/octet-stream")
	r.Header.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	return c.send(r, out, options...)
}

// Get streams a response into w.
func (c *Client) Get(ctx context.Context, path string, w io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Base+path, nil)
	if err != nil {
		return err
	}
	resp, err := c.round(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(w, resp.Body)
	return err
}

func (c *Client) send(r *http.Request, out any, options ...Option) error {
	for _, o := range options {
		o(r)
	}
	resp, err := c.round(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

func (c *Client) round(r *http.Request) (*http.Response, error) {
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	r.Header.Set("Accept-Language", c.Lang)
	h := c.HTTP
	if h == nil {
		h = http.DefaultClient
	}
	resp, err := h.Do(r)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "no-answer", "La piattaforma non risponde: non è detto che la richiesta sia andata persa, riprovi.",
			"The platform does not answer: the request is not necessarily lost, try again.").Because(err)
	}
	if resp.StatusCode < 400 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, problem(resp)
}

// kinds inverts what the server does with kinds of faults.
var kinds = map[int]fault.Kind{
	400: fault.Malformed, 401: fault.Unauthenticated, 403: fault.Forbidden, 404: fault.NotFound, 409: fault.Conflict, 412: fault.Stale,
	413: fault.TooLarge, 415: fault.Unsupported, 422: fault.Invalid, 428: fault.VersionRequired, 429: fault.TooMany, 503: fault.Unavailable,
}

func problem(resp *http.Response) error {
	var p struct {
		Code, Detail, Instance string
		Errors                 []struct{ Pointer, Code, Detail string }
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&p); err != nil || p.Code == "" {
		return fault.New(kinds[resp.StatusCode], "bad-answer", "Risposta inattesa: %s.", "Unexpected answer: %s.", resp.Status)
	}
	f := &fault.Fault{Kind: kinds[resp.StatusCode], Code: p.Code, Text: fault.Text{IT: p.Detail, EN: p.Detail}}
	for _, e := range p.Errors {
		f.Fields = append(f.Fields, fault.Field{Pointer: e.Pointer, Code: e.Code, Text: fault.Text{IT: e.Detail, EN: e.Detail}})
	}
	return f
}

// Tell writes a fault for a person: the sentence, then every faulty place.
func Tell(err error, lang string) string {
	f := fault.Of(err)
	var b strings.Builder
	b.WriteString(f.Text.In(lang))
	if f.Kind == fault.Internal && f.Err != nil {
		b.WriteString(" (" + f.Err.Error() + ")")
	}
	for _, field := range f.Fields {
		fmt.Fprintf(&b, "\n  %s: %s", field.Pointer, field.Text.In(lang))
	}
	return b.String()
}
