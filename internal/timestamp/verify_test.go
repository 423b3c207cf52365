package timestamp

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sigillo/internal/fault"
	"sigillo/internal/timestamp/tsatest"
)

// A stamp is verified long after, when its certificate has ended, with nothing
// but itself, the digest and the anchors.
func TestAStampLastsAfterItsCertificate(t *testing.T) {
	tsa := tsatest.New(t, clock)
	token := tsa.Token(digest)
	if s, err := Verify(token, digest, tsa.Anchors(), now.AddDate(9, 0, 0)); err != nil || !s.At.Equal(now) {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := Verify(token, sha256.Sum256(note[1:]), tsa.Anchors(), now); !errors.Is(err, ErrOtherDigest) {
		t.Error(err)
	}
	if _, err := Verify(token, digest, tsa.Anchors(), now.Add(-time.Hour)); !errors.Is(err, ErrFuture) {
		t.Error(err)
	}
	other := tsatest.New(t, clock)
	for name, anchors := range map[string]*tsatest.TSA{"none": nil, "somebody else's, of the same name": other} {
		trust := other.Anchors()
		if anchors == nil {
			trust = nil
		}
		if _, err := Verify(token, digest, trust, now); fault.Of(err) == nil || fault.Of(err).Code != "untrusted-time-stamp" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A token anybody can make for himself: right imprint, sound signature, the
// right purpose, the honest authority's name. Only the chain tells.
func TestARogueAuthorityProvesNothing(t *testing.T) {
	tsa := tsatest.New(t, clock)
	tsa.Play(tsatest.Foreign)
	_, err := Verify(tsa.Token(digest), digest, tsa.Anchors(), now)
	if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || f.Code != "untrusted-time-stamp" {
		t.Fatal(err)
	}
}

// No bit of a token can be turned so that it says something else, and none of
// it can be left out.
func TestATokenCannotBeAltered(t *testing.T) {
	tsa := tsatest.New(t, clock)
	token, anchors := tsa.Token(digest), tsa.Anchors()
	want, err := Verify(token, digest, anchors, now)
	if err != nil {
		t.Fatal(err)
	}
	good := 0
	for bit := range len(token) * 8 {
		turned := bytes.Clone(token)
		turned[bit/8] ^= 1 << (bit % 8)
		if s, err := Verify(turned, digest, anchors, now); err == nil {
			if good++; s != want {
				t.Fatalf("bit %d: %+v", bit, s)
			}
		}
	}
	// What nobody signed and nobody reads: versions, and the list of digests.
	if good > 200 {
		t.Errorf("%d of %d bits do not matter", good, len(token)*8)
	}
	for n := range token {
		if _, err := Verify(token[:n], digest, anchors, now); err == nil {
			t.Fatalf("good when cut to %d bytes", n)
		}
	}
	if _, err := Verify(append(token, 0), digest, anchors, now); !errors.Is(err, ErrNotAStamp) {
		t.Error("a byte may follow", err)
	}
	tsa.Play(tsatest.Indefinite)
	if _, err := Verify(tsa.Token(digest), digest, anchors, now); !errors.Is(err, ErrNotAStamp) {
		t.Error("BER is taken", err)
	}
}

func TestIsDER(t *testing.T) {
	for text, want := range map[string]bool{
		"0500": true, "3003020107": true, "a003020107": true, "0c00": true, "3000": true, "3100": true, "a000": true, "8000": true,
		"": false, "05": false, "0501": false, "05000500": false, "30800000": false, "308103020107": false, "3082000302010a": false,
		"2403040107": false, "1000": false, "1100": false, "0000": false, "3f8f0100": false, "30020400": true, "3004240200": false, "2000": false,
		strings.Repeat("3080", 40) + strings.Repeat("0000", 40): false,
	} {
		var b []byte
		fmt.Sscanf(text, "%x", &b)
		if got := isDER(b); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	deep := []byte{5, 0}
	for range 60 {
		deep = append([]byte{0x30, byte(len(deep))}, deep...)
		if len(deep) > 120 {
			break
		}
	}
	if isDER(deep) {
		t.Error("no end to the depth")
	}
}

func TestInstant(t *testing.T) {
	for text, want := range map[string]string{
		"20261120120000Z": "2026-11-20T12:00:00Z", "20261120120000.5Z": "2026-11-20T12:00:00.5Z", "20261120120000.000000001Z": "2026-11-20T12:00:00.000000001Z",
		"20261120120000": "", "20261120120000.Z": "", "20261120120000.50Z": "", "20261120120000,5Z": "", "20261120120000+0100": "", "202611201200Z": "",
		"20261320120000Z": "", "20261120240000Z": "", "20261120120060Z": "", "20261120120000.0000000001Z": "", "20261120120000Z\n": "", "2026112012000٠Z": "",
	} {
		at, ok := instant([]byte(text))
		if ok != (want != "") || ok && at.Format(time.RFC3339Nano) != want {
			t.Errorf("%q: %v, %v", text, at, ok)
		}
	}
}

func TestAnyDigestAndInstantAreStamped(t *testing.T) {
	at := now
	tsa := tsatest.New(t, func() time.Time { return at })
	anchors := tsa.Anchors()
	rapid.Check(t, func(t *rapid.T) {
		sum := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "digest"))
		at = now.Add(time.Duration(rapid.Int64Range(-8000, 8000).Draw(t, "hours")) * time.Hour)
		s, err := Verify(tsa.Token(sum), sum, anchors, at)
		if err != nil || !s.At.Equal(at) || s.At.Location() != time.UTC {
			t.Fatalf("%+v, %v", s, err)
		}
		sum[rapid.IntRange(0, 31).Draw(t, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(t, "change"))
		if _, err := Verify(tsa.Token(digest), sum, anchors, at); !errors.Is(err, ErrOtherDigest) && sum != digest {
			t.Fatal(err)
		}
	})
}
