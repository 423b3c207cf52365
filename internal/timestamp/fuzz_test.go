package timestamp

import (
	"encoding/hex"
	"testing"
	"time"

	"sigillo/internal/fault"
	"sigillo/internal/timestamp/tsatest"
)

// FuzzVerify looks for bytes that make Verify panic, or prove a time that the
// authority did not state.
func FuzzVerify(f *testing.F) {
	tsa := tsatest.New(f, clock)
	for mode := tsatest.Honest; mode <= tsatest.Indefinite; mode++ {
		if mode == tsatest.Behind { // sound: of another time
			continue
		}
		tsa.Play(mode)
		f.Add(tsa.Token(digest))
	}
	anchors := tsa.Anchors()
	f.Fuzz(func(t *testing.T, token []byte) {
		s, err := Verify(token, digest, anchors, now)
		if err != nil {
			if k := fault.Of(err).Kind; k != fault.Malformed && k != fault.Invalid {
				t.Error(err)
			}
		} else if !s.At.Equal(now) || s.TSA != "Marca di prova" {
			t.Errorf("%+v", s)
		}
	})
}

// FuzzReadInfo looks for a TSTInfo that is taken and makes no sense.
func FuzzReadInfo(f *testing.F) {
	for _, contents := range []string{plainStart, plainStart + "3003800101" + "0101ff" + "020100" + "a0048202666f"} {
		der, err := hex.DecodeString(element("30", contents))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		i, ok := readInfo(der)
		if ok && (len(i.policy) == 0 || i.serial == nil || i.at.Location() != time.UTC || i.accuracy < 0 || i.accuracy > 25*time.Hour || i.sha256 && len(i.imprint) > len(der)) {
			t.Errorf("%+v", i)
		}
	})
}

// FuzzReadReply looks for an answer that makes the reader panic, or that says
// both yes and no.
func FuzzReadReply(f *testing.F) {
	for _, seed := range []string{"", "0\x050\x03\x02\x01\x02", "0\x0d0\x0b\x02\x01\x020\x02\x0c\x00\x03\x02\x05\x20", "0\x070\x03\x02\x01\x000\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		r, ok := readReply(der)
		if ok && r.granted != (len(r.token) > 0) {
			t.Errorf("%+v", r)
		}
		if ok && !r.granted && fault.Of(refused(r)).Kind != fault.Unavailable {
			t.Errorf("%+v", r)
		}
	})
}
