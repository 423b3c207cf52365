package sealer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigillo/bids"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
)

var noon = time.Date(2027, 1, 15, 11, 0, 0, 0, time.UTC)

type openings map[string]time.Time

func (o openings) OpenedAt(_ context.Context, lot, e string) (time.Time, bool, error) {
	at, ok := o[lot+e]
	return at, ok, nil
}

func sealed(t *testing.T, recipient string, scope bids.Scope) []byte {
	sum := sha256.Sum256([]byte("CANARY"))
	c := seal.Contents{
		Label: seal.Label{Authority: scope.Authority, Tender: scope.Tender, Lot: scope.Lot, Envelope: scope.Envelope, Supplier: "s"},
		Items: []seal.Item{{Name: "a", Kind: "other", Size: 6, SHA256: hex.EncodeToString(sum[:])}},
	}
	var b bytes.Buffer
	if _, err := seal.Seal(&b, seal.Policy{Platform: recipient}, c, func(int) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("CANARY")), nil }); err != nil {
		t.Fatal(err)
	}
	h, err := seal.Header(&b)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestReleaseWaitsForTheCommittedOpening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sealer.key")
	master, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	register, now := openings{}, noon
	s := New(master, register, func() time.Time { return now })
	scope := bids.Scope{Authority: "a", Tender: "t", Lot: "l", Envelope: "A"}
	recipient, wrapped, err := s.Mint(t.Context(), "a", "t", "l", "A")
	if err != nil {
		t.Fatal(err)
	}
	header := sealed(t, recipient, scope)
	code := func(scope bids.Scope, wrapped []byte) string {
		_, err := s.Release(t.Context(), scope, wrapped, [][]byte{header})
		if err == nil {
			return ""
		}
		return fault.Of(err).Code
	}
	if got := code(scope, wrapped); got != "not-yet-open" {
		t.Fatalf("no opening: got %q", got)
	}
	register["lA"] = noon.Add(time.Second)
	if got := code(scope, wrapped); got != "not-yet-open" {
		t.Fatalf("an opening in the future: got %q", got)
	}
	now = noon.Add(time.Second)
	if got := code(scope, wrapped); got != "" {
		t.Fatalf("open: got %q", got)
	}
	if got := code(bids.Scope{Authority: "a", Tender: "t", Lot: "l", Envelope: "C"}, wrapped); got != "not-yet-open" {
		t.Fatalf("AT-048, the economic envelope while A is open: got %q", got)
	}
	register["lC"] = noon
	if got := code(bids.Scope{Authority: "a", Tender: "t", Lot: "l", Envelope: "C"}, wrapped); got != "wrong-key" {
		t.Fatalf("the key of A used for C: got %q", got)
	}
	if got := code(bids.Scope{Authority: "demo", Tender: "t", Lot: "l", Envelope: "A"}, wrapped); got != "wrong-key" {
		t.Fatalf("AT-038, the key used for another authority: got %q", got)
	}
	bent := bytes.Clone(wrapped)
	bent[len(bent)-1] ^= 1
	if got := code(scope, bent); got != "wrong-key" {
		t.Fatalf("an altered wrapped key: got %q", got)
	}

	again, err := Load(path) // another replica, or the same after a restart
	if err != nil {
		t.Fatal(err)
	}
	other := New(again, register, func() time.Time { return now })
	got, err := other.Release(t.Context(), scope, wrapped, [][]byte{[]byte("garbage"), header})
	if err != nil || got[0].Err == nil || got[1].Err != nil || len(got[1].FileKey) != 16 {
		t.Fatalf("AT-051, a bad header beside a good one: %v %v", got, err)
	}
}

func TestTheMasterKeyIsKeptFromOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sealer.key")
	master, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	s := New(master, openings{}, time.Now)
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(form, s); text != "sealer" {
			t.Errorf("%s prints %q", form, text)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Fatalf("a file others may read: got %v", err)
	}
}
