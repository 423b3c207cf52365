package sealer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
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

// custody is a sealer whose register and clock a test can turn.
type custody struct {
	*Sealer
	register  openings
	now       time.Time
	scope     bids.Scope
	recipient string
	wrapped   []byte
}

func keep(t *testing.T) *custody {
	t.Helper()
	master, err := Load(filepath.Join(t.TempDir(), "sealer.key"))
	if err != nil {
		t.Fatal(err)
	}
	c := &custody{register: openings{}, now: noon, scope: bids.Scope{Authority: "a", Tender: "t", Lot: "l", Envelope: "A"}}
	c.Sealer = New(master, c.register, func() time.Time { return c.now })
	if c.recipient, c.wrapped, err = c.Mint(t.Context(), "a", "t", "l", "A"); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMintedKeysAreFreshAndPostQuantum(t *testing.T) {
	c := keep(t)
	again, wrapped, err := c.Mint(t.Context(), "a", "t", "l", "A")
	if err != nil || !strings.HasPrefix(again, "age1pq1") || again == c.recipient || bytes.Equal(wrapped, c.wrapped) {
		t.Fatalf("got %.20s, %v", again, err)
	}
	if bytes.Contains(wrapped, []byte("AGE-SECRET-KEY")) {
		t.Fatal("the private half is readable")
	}
}

// TestStolenRowsOpenNothing stands where a thief of database and bucket
// stands: every key and header, another master.
func TestStolenRowsOpenNothing(t *testing.T) {
	c, thief := keep(t), keep(t)
	thief.register["lA"] = noon
	if _, err := thief.Release(t.Context(), c.scope, c.wrapped, [][]byte{sealed(t, c.recipient, c.scope)}); fault.Of(err) == nil || fault.Of(err).Code != "wrong-key" {
		t.Fatalf("got %v", err)
	}
}

func TestEveryAlteredWrappedKeyIsRefused(t *testing.T) {
	c := keep(t)
	c.register["lA"] = noon
	refused := func(wrapped []byte) {
		t.Helper()
		_, err := c.Release(t.Context(), c.scope, wrapped, nil)
		if f := fault.Of(err); f == nil || f.Code != "wrong-key" || strings.Contains(f.Error(), "SECRET") {
			t.Fatalf("got %v", err)
		}
	}
	for i := range c.wrapped {
		bent := bytes.Clone(c.wrapped)
		bent[i] ^= 1
		refused(bent)
		refused(c.wrapped[:i])
	}
}

func TestAWrappedKeyServesItsScopeAlone(t *testing.T) {
	c := keep(t)
	for _, change := range []func(*bids.Scope){
		func(s *bids.Scope) { s.Authority = "demo" }, func(s *bids.Scope) { s.Tender = "other" },
		func(s *bids.Scope) { s.Lot = "2" }, func(s *bids.Scope) { s.Envelope = "C" },
	} {
		scope := c.scope
		change(&scope)
		c.register[scope.Lot+scope.Envelope] = noon
		if _, err := c.Release(t.Context(), scope, c.wrapped, nil); fault.Of(err) == nil || fault.Of(err).Code != "wrong-key" {
			t.Errorf("%+v: got %v", scope, err)
		}
	}
}

type silent struct{}

func (silent) OpenedAt(context.Context, string, string) (time.Time, bool, error) {
	return noon, true, errors.New("the database is away")
}

// TestDoubtReleasesNothing: no register, no clock, no key.
func TestDoubtReleasesNothing(t *testing.T) {
	c := keep(t)
	if all, err := New(c.master, silent{}, time.Now).Release(t.Context(), c.scope, c.wrapped, nil); err == nil || all != nil {
		t.Fatal("a register that fails counts as an opening")
	}
	c.register["lA"], c.now = noon, time.Time{}
	if _, err := c.Release(t.Context(), c.scope, c.wrapped, nil); fault.Of(err) == nil || fault.Of(err).Code != "not-yet-open" {
		t.Fatalf("a clock that does not go: got %v", err)
	}
	c.now = noon.Add(-time.Nanosecond)
	if _, err := c.Release(t.Context(), c.scope, c.wrapped, nil); fault.Of(err) == nil || fault.Of(err).Code != "not-yet-open" {
		t.Fatalf("the last instant before: got %v", err)
	}
	c.now = noon
	if _, err := c.Release(t.Context(), c.scope, c.wrapped, nil); err != nil {
		t.Fatalf("the instant itself: got %v", err)
	}
}

func TestAT051BadHeadersDoNotStopTheOthers(t *testing.T) {
	c := keep(t)
	c.register["lA"] = noon
	good := sealed(t, c.recipient, c.scope)
	bent := bytes.Clone(good)
	bent[len(bent)-5] ^= 1
	other := keep(t)
	headers := [][]byte{nil, good, []byte("garbage"), bent, sealed(t, other.recipient, c.scope), good}
	all, err := c.Release(t.Context(), c.scope, c.wrapped, headers)
	if err != nil || len(all) != len(headers) {
		t.Fatalf("got %v, %v", all, err)
	}
	for i, one := range all {
		if fine := i == 1 || i == 5; fine != (one.Err == nil) || fine != (len(one.FileKey) == 16) {
			t.Errorf("header %d: %v", i, one.Err)
		} else if !fine && fault.Of(one.Err).Code != "cannot-unseal" {
			t.Errorf("header %d: got %v", i, one.Err)
		}
	}
}
