package timestamp

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"sigillo/internal/fault"
	"sigillo/internal/timestamp/tsatest"
)

var (
	now    = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	note   = []byte("gare.example/log\n7\nAAAA\n\n— gare.example/log AAAA\n")
	digest = sha256.Sum256(note)
)

func clock() time.Time { return now }

// TestStampPAD24 asks an authority that is honest, and then wrong in one way
// at a time.
func TestStampPAD24(t *testing.T) {
	tsa := tsatest.New(t, clock)
	client, err := Configure(tsa.URL, tsa.Anchors(), clock)
	if err != nil {
		t.Fatal(err)
	}
	wrong := map[tsatest.Mode]struct {
		kind fault.Kind
		code string
		says string
	}{
		tsatest.WrongImprint:     {fault.Invalid, "stamp-of-another", ""},
		tsatest.OtherHash:        {fault.Invalid, "stamp-of-another", ""},
		tsatest.WrongNonce:       {fault.Invalid, "stamp-nonce", ""},
		tsatest.NoNonce:          {fault.Invalid, "stamp-nonce", ""},
		tsatest.NoUsage:          {fault.Invalid, "untrusted-time-stamp", ""},
		tsatest.UsageNotCritical: {fault.Invalid, "untrusted-time-stamp", ""},
		tsatest.MoreUsages:       {fault.Invalid, "untrusted-time-stamp", ""},
		tsatest.Expired:          {fault.Invalid, "untrusted-time-stamp", ""},
		tsatest.Foreign:          {fault.Invalid, "untrusted-time-stamp", ""},
		tsatest.NotNamed:         {fault.Invalid, "unsound-time-stamp", ""},
		tsatest.OtherNamed:       {fault.Invalid, "unsound-time-stamp", ""},
		tsatest.Tampered:         {fault.Invalid, "unsound-time-stamp", ""},
		tsatest.OtherKey:         {fault.Invalid, "unsound-time-stamp", ""},
		tsatest.Ahead:            {fault.Invalid, "stamp-from-the-future", ""},
		tsatest.Behind:           {fault.Invalid, "stamp-clock", ""},
		tsatest.Critical:         {fault.Malformed, "not-a-time-stamp", ""},
		tsatest.Indefinite:       {fault.Unavailable, "tsa-bad-answer", "not a TimeStampResp"},
		tsatest.Refused:          {fault.Unavailable, "tsa-refused", ""},
		tsatest.Empty:            {fault.Unavailable, "tsa-bad-answer", "not a TimeStampResp"},
		tsatest.Page:             {fault.Unavailable, "tsa-bad-answer", "not application/timestamp-reply"},
		tsatest.Mislabelled:      {fault.Unavailable, "tsa-bad-answer", "not application/timestamp-reply"},
		tsatest.Unwell:           {fault.Unavailable, "tsa-bad-answer", "HTTP 503"},
		tsatest.Elsewhere:        {fault.Unavailable, "tsa-bad-answer", "HTTP 307"},
		tsatest.Slow:             {fault.Unavailable, "tsa-unavailable", ""},
		tsatest.Truncated:        {fault.Unavailable, "tsa-bad-answer", "not a TimeStampResp"},
		tsatest.Endless:          {fault.Unavailable, "tsa-bad-answer", "too long"},
	}
	for mode := tsatest.Honest; mode < tsatest.Modes; mode++ {
		want, isWrong := wrong[mode]
		t.Run(want.code, func(t *testing.T) {
			ctx := t.Context()
			if mode == tsatest.Slow {
				var cancel func()
				ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
				defer cancel()
			}
			tsa.Play(mode)
			token, err := client.Stamp(ctx, digest)
			if isWrong {
				if f := fault.Of(err); f == nil || f.Kind != want.kind || f.Code != want.code || !strings.Contains(f.Text.EN, want.says) || token != nil {
					t.Fatalf("mode %d: %d bytes, %v", mode, len(token), err)
				}
				return
			}
			if mode != tsatest.Honest || err != nil {
				t.Fatalf("mode %d: %v", mode, err)
			}
			s, err := Verify(token, digest, tsa.Anchors(), now)
			if err != nil || !s.At.Equal(now) || s.Accuracy != 1500*time.Millisecond || s.TSA != "Marca di prova" || s.Policy != "1.3.6.1.4.1.32473.1" || s.Serial == "" {
				t.Fatalf("%+v, %v", s, err)
			}
		})
	}
	if tsa.Asked() != int(tsatest.Modes) {
		t.Errorf("%d requests for %d stamps: none is repeated, none sent on", tsa.Asked(), tsatest.Modes)
	}
}

func TestARefusalSaysWhatTheAuthoritySaid(t *testing.T) {
	tsa := tsatest.New(t, clock)
	tsa.Play(tsatest.Refused)
	c := &Client{Address: tsa.URL, Anchors: tsa.Anchors(), Now: clock}
	_, err := c.Stamp(t.Context(), digest)
	for _, lang := range []string{"it", "en"} {
		if text := fault.Of(err).Text.In(lang); !strings.Contains(text, "badRequest") || !strings.Contains(text, `contatore\x1b[2J esaurito`) || strings.Contains(text, "\x1b") {
			t.Errorf("%q", text)
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	c := &Client{Address: "http://ente:segreto@127.0.0.1:1/tsa", Anchors: nil, Now: clock}
	_, err := c.Stamp(t.Context(), digest)
	if f := fault.Of(err); f == nil || f.Kind != fault.Unavailable || f.Code != "tsa-unavailable" {
		t.Fatal(err)
	}
	if strings.Contains(err.Error(), "segreto") {
		t.Error("the password is in the log")
	}
}

func TestConfigure(t *testing.T) {
	tsa := tsatest.New(t, clock)
	for address, code := range map[string]string{
		"": "", tsa.URL: "", "https://ente:segreto@marca.example/tsa?x=1": "",
		"marca.example": "bad-tsa-address", "ftp://marca.example": "bad-tsa-address", "https://": "bad-tsa-address", "http://a b:segreto@": "bad-tsa-address",
	} {
		a, err := Configure(address, tsa.Anchors(), clock)
		if code == "" {
			if err != nil || (a == nil) != (address == "") {
				t.Errorf("%q: %v, %v", address, a, err)
			}
			continue
		}
		if f := fault.Of(err); f == nil || f.Code != code || a != nil || strings.Contains(err.Error(), "segreto") {
			t.Errorf("%q: %v, %v", address, a, err)
		}
	}
	if a, err := Configure(tsa.URL, nil, clock); a != nil || !errors.Is(err, &fault.Fault{Code: "no-tsa-anchors"}) {
		t.Errorf("without anchors: %v, %v", a, err)
	}
}
