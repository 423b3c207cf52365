package timestamp

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net/http"
	"strings"
	"time"

	"sigillo/internal/fault"
	"sigillo/internal/signature"
)

// Client asks a time-stamping authority over HTTP (RFC 3161, 3.4).
type Client struct {
	Address string
	Anchors *signature.Trust
	Now     func() time.Time
}

// patience is how long one request may take.
const patience = 20 * time.Second

// caller follows nobody elsewhere: an authority's address is where it is.
var caller = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Stamp implements Authority. Besides what Verify asks, the nonce must be ours
// and the time within five minutes of the clock's.
func (c *Client) Stamp(ctx context.Context, digest [32]byte) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, fault.Hidden(err)
	}
	question, err := request(digest, nonce)
	if err != nil {
		return nil, fault.Hidden(err)
	}
	answer, err := c.send(ctx, question)
	if err != nil {
		return nil, err
	}
	r, ok := readReply(answer)
	if !ok {
		return nil, badAnswer("not a TimeStampResp")
	}
	if !r.granted {
		return nil, refused(r)
	}
	now := c.Now()
	s, err := verify(r.token, digest, nonce, c.Anchors, now)
	if err != nil {
		return nil, err
	}
	if s.At.Before(now.Add(-leeway)) {
		return nil, ErrClocks
	}
	return r.token, nil
}

func (c *Client) send(ctx context.Context, question []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Address, bytes.NewReader(question))
	if err != nil {
		return nil, noAnswer(errors.New("the address is not valid")) // it may hold a password
	}
	r.Header.Set("Content-Type", "application/timestamp-query")
	r.Header.Set("Accept", "application/timestamp-reply")
	resp, err := caller.Do(r)
	if err != nil {
		return nil, noAnswer(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, badAnswer(fmt.Sprintf("HTTP %d", resp.StatusCode))
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "application/timestamp-reply" {
		return nil, badAnswer("not application/timestamp-reply")
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxToken+1))
	if err != nil {
		return nil, noAnswer(err)
	}
	if len(answer) > maxToken {
		return nil, badAnswer("too long")
	}
	return answer, nil
}

func noAnswer(err error) error {
	return fault.New(fault.Unavailable, "tsa-unavailable",
		"L'autorità di marcatura temporale non risponde: si riproverà.",
		"The time-stamping authority does not answer: it will be tried again.").Because(err)
}

func badAnswer(why string) error {
	return fault.New(fault.Unavailable, "tsa-bad-answer",
		"L'autorità di marcatura temporale non ha risposto con una marca (%s): controlli l'indirizzo e le credenziali.",
		"The time-stamping authority did not answer with a stamp (%s): check the address and the credentials.", why)
}

// refused says what the authority said, in quotes and cut short: the words are
// somebody else's.
func refused(r reply) error {
	why := []rune(strings.Join(r.says, " "))
	text := fmt.Sprintf("%q", string(why[:min(len(why), 200)]))
	if r.failure != "" {
		text = r.failure + ", " + text
	}
	return fault.New(fault.Unavailable, "tsa-refused",
		"L'autorità di marcatura temporale ha rifiutato la richiesta: %s.",
		"The time-stamping authority refused the request: %s.", text)
}
