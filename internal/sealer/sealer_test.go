package sealer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"sigillo/audit"
	"sigillo/bids"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
)

var noon = time.Date(2027, 1, 15, 11, 0, 0, 0, time.UTC)

type openings map[string]*Committed

func (o openings) Committed(_ context.Context, lot, e string) (*Committed, error) {
	return o[lot+e], nil
}

func (o openings) Witnessed(context.Context, string, string) (*audit.Evidence, error) {
	return nil, audit.ErrNotWitnessed
}

func opened(at time.Time) *Committed { return &Committed{at, []string{"s"}} }

func labelOf(scope bids.Scope) seal.Label {
	return seal.Label{Authority: scope.Authority, Tender: scope.Tender, Lot: scope.Lot, Envelope: scope.Envelope, Supplier: "s"}
}

func sealTo(t *testing.T, p seal.Policy, l seal.Label) []byte {
	_, digest, check, _ := seal.Measure(strings.NewReader("CANARY"))
	c := seal.Contents{Label: l, Items: []seal.Item{{Name: "a", Kind: "other", Size: 6, SHA256: digest}}}
	var b bytes.Buffer
	if _, err := seal.Seal(&b, p, c, []seal.Source{{Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("CANARY")), nil }, Check: check}}); err != nil {
		t.Fatal(err)
	}
	h, err := seal.Header(&b)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// sealed is the header of an envelope that the platform's key opens alone.
func sealed(t *testing.T, recipient string, scope bids.Scope) bids.Sealed {
	return bids.Sealed{Supplier: "s", Header: sealTo(t, seal.Policy{Platform: recipient, Custodians: []string{recipient}, Threshold: 1}, labelOf(scope))}
}

func codeOf(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Code
	}
	return ""
}

// everywhere runs a test on a sealer in process and on one behind a socket.
func everywhere(t *testing.T, f func(t *testing.T, c *custody)) {
	t.Run("in process", func(t *testing.T) { f(t, keep(t)) })
	t.Run("behind a socket", func(t *testing.T) {
		c := keep(t)
		folder, err := os.MkdirTemp("", "s") // a socket's path is short
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(folder) })
		path := filepath.Join(folder, "sealer.sock")
		remote := Dial(path)
		if _, err := remote.Release(t.Context(), bids.Request{}); codeOf(err) != "sealer-unavailable" || fault.Of(err).Kind != fault.Unavailable {
			t.Fatalf("nobody there: %v", err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		inner := c.Keeper
		go func() { done <- Serve(ctx, path, inner) }()
		for range 200 {
			if _, err := os.Stat(path); err == nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if err := Serve(t.Context(), path, c.Keeper); err == nil {
			t.Fatal("two sealers serve one socket")
		}
		c.Keeper = remote
		f(t, c)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func (c *custody) release(t *testing.T, scope bids.Scope, wrapped []byte, all ...bids.Sealed) ([]bids.Released, error) {
	return c.Release(t.Context(), bids.Request{Scope: scope, Wrapped: wrapped, Envelopes: all})
}

func TestReleaseWaitsForTheCommittedOpening(t *testing.T) {
	everywhere(t, func(t *testing.T, c *custody) {
		e := sealed(t, c.recipient, c.scope)
		code := func(scope bids.Scope, wrapped []byte) string {
			_, err := c.release(t, scope, wrapped, e)
			return codeOf(err)
		}
		if got := code(c.scope, c.wrapped); got != "not-yet-open" {
			t.Fatalf("no opening: got %q", got)
		}
		if _, err := c.Weigh(t.Context(), bids.Request{Scope: c.scope, Wrapped: c.wrapped}); codeOf(err) != "not-yet-open" {
			t.Fatalf("no opening, weighing: got %v", err)
		}
		c.register["lA"] = opened(noon.Add(time.Second))
		if got := code(c.scope, c.wrapped); got != "not-yet-open" {
			t.Fatalf("an opening in the future: got %q", got)
		}
		c.now = noon.Add(time.Second)
		if got := code(c.scope, c.wrapped); got != "" {
			t.Fatalf("open: got %q", got)
		}
		economic := c.scope
		economic.Envelope = "C"
		if got := code(economic, c.wrapped); got != "not-yet-open" {
			t.Fatalf("AT-048, the economic envelope while A is open: got %q", got)
		}
		c.register["lC"] = opened(noon)
		if got := code(economic, c.wrapped); got != "wrong-key" {
			t.Fatalf("the key of A used for C: got %q", got)
		}
		bent := bytes.Clone(c.wrapped)
		bent[len(bent)-1] ^= 1
		if got := code(c.scope, bent); got != "wrong-key" {
			t.Fatalf("an altered wrapped key: got %q", got)
		}
	})
}

// TestAT052ExcludedBiddersStaySealed: a header of a bidder who is not part of
// the opening gives no key, whatever is asked.
func TestAT052ExcludedBiddersStaySealed(t *testing.T) {
	everywhere(t, func(t *testing.T, c *custody) {
		c.register["lA"] = opened(noon)
		l := labelOf(c.scope)
		l.Supplier = "excluded"
		header := sealTo(t, seal.Policy{Platform: c.recipient, Custodians: []string{c.recipient}, Threshold: 1}, l)
		all, err := c.release(t, c.scope, c.wrapped, bids.Sealed{Supplier: "excluded", Header: header}, bids.Sealed{Supplier: "s", Header: header}, sealed(t, c.recipient, c.scope))
		if err != nil || codeOf(all[0].Err) != "not-admitted" || codeOf(all[1].Err) != "foreign-envelope" || all[2].Err != nil {
			t.Fatal(all, err)
		}
	})
}

// TestAT037PlatformAndQuorum: the platform alone opens nothing; with the shares
// of enough custodians it does, a false one is named, and the excess harmless.
func TestAT037AT041PlatformAndQuorum(t *testing.T) {
	everywhere(t, func(t *testing.T, c *custody) {
		c.register["lA"] = opened(noon)
		policy := seal.Policy{Platform: c.recipient, Threshold: 2}
		var ids []age.Identity
		for range 3 {
			private, recipient, err := seal.NewIdentity()
			if err != nil {
				t.Fatal(err)
			}
			id, _, err := seal.ParseIdentity([]byte(private))
			if err != nil {
				t.Fatal(err)
			}
			ids, policy.Custodians = append(ids, id), append(policy.Custodians, recipient)
		}
		e := bids.Sealed{Supplier: "s", Header: sealTo(t, policy, labelOf(c.scope))}
		message := func(i int, bend bool) []byte {
			pieces, err := seal.Parts(e.Header, labelOf(c.scope), ids[i])
			if err != nil {
				t.Fatal(err)
			}
			if bend {
				pieces[0].Share[0] ^= 1
			}
			text, _ := json.Marshal(bids.SharesMessage{Lot: "l", Envelope: "A", Pieces: map[string][]seal.Part{"s": pieces}})
			m, err := seal.Message(c.recipient, text)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		ask := func(messages ...[]byte) bids.Released {
			all, err := c.Release(t.Context(), bids.Request{Scope: c.scope, Wrapped: c.wrapped, Envelopes: []bids.Sealed{e}, Messages: messages})
			if err != nil {
				t.Fatal(err)
			}
			return all[0]
		}
		for _, few := range [][][]byte{{}, {message(0, false)}, {message(0, false), message(0, false)}} {
			if got := ask(few...); codeOf(got.Err) != "not-enough-shares" || got.FileKey != nil {
				t.Fatalf("%d messages: %v", len(few), got.Err)
			}
		}
		if got := ask(message(0, false), message(1, true)); codeOf(got.Err) != "cannot-unseal" {
			t.Fatalf("a false quorum: %v", got.Err)
		}
		got := ask(message(0, false), message(1, true), message(2, false))
		if got.Err != nil || len(got.FileKey) != 16 || !slices.Equal(got.Falsity.Released, []int{2}) {
			t.Fatalf("%+v", got)
		}
		weights, err := c.Weigh(t.Context(), bids.Request{Scope: c.scope, Wrapped: c.wrapped, Envelopes: []bids.Sealed{e}, Messages: [][]byte{message(1, true)}})
		if err != nil || !slices.Equal(weights[0].Places, []int{2}) || !slices.Equal(weights[0].Unfit, []int{2}) {
			t.Fatal(weights, err)
		}
		foreign, _ := json.Marshal(bids.SharesMessage{Lot: "l", Envelope: "C"})
		m, _ := seal.Message(c.recipient, foreign)
		for name, bad := range map[string][]byte{"nothing": nil, "garbage": []byte("CANARY"), "for another envelope": m} {
			if _, err := c.Weigh(t.Context(), bids.Request{Scope: c.scope, Wrapped: c.wrapped, Envelopes: []bids.Sealed{e}, Messages: [][]byte{bad}}); codeOf(err) != "wrong-message" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestINC03RehearsalKeysAreOfAnotherHierarchy(t *testing.T) {
	c := keep(t)
	c.register["lA"] = opened(noon)
	recipient, wrapped, err := c.Mint(t.Context(), "a", "t", "l", "A", true)
	if err != nil {
		t.Fatal(err)
	}
	live := *c.master
	live.rehearsal = live.live
	s := New(&live, c.register, func() time.Time { return noon })
	if _, err := s.Release(t.Context(), bids.Request{Scope: c.scope, Wrapped: wrapped}); codeOf(err) != "wrong-key" {
		t.Fatalf("the live master opens what belongs to rehearsals: %v", err)
	}
	all, err := c.release(t, c.scope, wrapped, sealed(t, recipient, c.scope), sealed(t, c.recipient, c.scope))
	if err != nil || all[0].Err != nil || all[1].Err == nil {
		t.Fatal(all, err)
	}
}

// custody is a sealer whose register and clock a test can turn.
type custody struct {
	Keeper
	master    *Master
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
	c.master, c.Keeper = master, New(master, c.register, func() time.Time { return c.now })
	if c.recipient, c.wrapped, err = c.Mint(t.Context(), "a", "t", "l", "A", false); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMintedKeysAreFreshAndPostQuantum(t *testing.T) {
	c := keep(t)
	again, wrapped, err := c.Mint(t.Context(), "a", "t", "l", "A", false)
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
	thief.register["lA"] = opened(noon)
	if _, err := thief.release(t, c.scope, c.wrapped, sealed(t, c.recipient, c.scope)); fault.Of(err) == nil || fault.Of(err).Code != "wrong-key" {
		t.Fatalf("got %v", err)
	}
}

func TestEveryAlteredWrappedKeyIsRefused(t *testing.T) {
	c := keep(t)
	c.register["lA"] = opened(noon)
	refused := func(wrapped []byte) {
		t.Helper()
		_, err := c.release(t, c.scope, wrapped)
		if f := fault.Of(err); f == nil || f.Code != "wrong-key" || strings.Contains(f.Error(), "SECRET") {
			t.Fatalf("got %v", err)
		}
	}
	for i := 0; i < len(c.wrapped); i += 3 {
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
		c.register[scope.Lot+scope.Envelope] = opened(noon)
		if _, err := c.release(t, scope, c.wrapped); fault.Of(err) == nil || fault.Of(err).Code != "wrong-key" {
			t.Errorf("%+v: got %v", scope, err)
		}
	}
}

type silent struct{ openings }

func (silent) Committed(context.Context, string, string) (*Committed, error) {
	return opened(noon), errors.New("the database is away")
}

// TestDoubtReleasesNothing: no register, no clock, no key.
func TestDoubtReleasesNothing(t *testing.T) {
	c := keep(t)
	if all, err := New(c.master, silent{}, time.Now).Release(t.Context(), bids.Request{Scope: c.scope, Wrapped: c.wrapped}); err == nil || all != nil {
		t.Fatal("a register that fails counts as an opening")
	}
	c.register["lA"], c.now = opened(noon), time.Time{}
	if _, err := c.release(t, c.scope, c.wrapped); fault.Of(err) == nil || fault.Of(err).Code != "not-yet-open" {
		t.Fatalf("a clock that does not go: got %v", err)
	}
	c.now = noon.Add(-time.Nanosecond)
	if _, err := c.release(t, c.scope, c.wrapped); fault.Of(err) == nil || fault.Of(err).Code != "not-yet-open" {
		t.Fatalf("the last instant before: got %v", err)
	}
	c.now = noon
	if _, err := c.release(t, c.scope, c.wrapped); err != nil {
		t.Fatalf("the instant itself: got %v", err)
	}
}

func TestAT051BadHeadersDoNotStopTheOthers(t *testing.T) {
	c := keep(t)
	c.register["lA"] = opened(noon)
	good := sealed(t, c.recipient, c.scope)
	bent := bids.Sealed{Supplier: "s", Header: bytes.Clone(good.Header)}
	bent.Header[len(bent.Header)-5] ^= 1
	other := keep(t)
	headers := []bids.Sealed{{Supplier: "s"}, good, {Supplier: "s", Header: []byte("garbage")}, bent, sealed(t, other.recipient, c.scope), good}
	all, err := c.release(t, c.scope, c.wrapped, headers...)
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

func TestVeil(t *testing.T) {
	everywhere(t, func(t *testing.T, c *custody) {
		texts := [][]byte{[]byte("CANARY uno"), {}, bytes.Repeat([]byte("due"), 50_000)}
		first, err := c.Veil(t.Context(), Question{Purpose: "bid", Hide: texts, Names: []string{"a", "b", "a"}})
		hidden, marks := first.Hidden, first.Marks
		if err != nil || len(hidden) != 3 || bytes.Contains(bytes.Join(hidden, nil), []byte("CANARY")) {
			t.Fatal("it hides nothing", err)
		}
		if marks[0] != marks[2] || marks[0] == marks[1] || len(marks[0]) != 64 {
			t.Fatal(marks)
		}
		second, err := c.Veil(t.Context(), Question{Purpose: "bid", Lift: hidden, Names: []string{"a"}})
		if err != nil || !bytes.Equal(bytes.Join(second.Lifted, []byte("|")), bytes.Join(texts, []byte("|"))) {
			t.Fatal("another text", err)
		}
		if second.Marks[0] != marks[0] {
			t.Fatal("another mark")
		}
		torn := func(k Keeper, purpose string, text []byte) bool {
			a, err := k.Veil(t.Context(), Question{Purpose: purpose, Lift: [][]byte{text}, Names: []string{"a"}})
			return codeOf(err) == "veil-torn" && len(a.Marks) == 0
		}
		bent := bytes.Clone(hidden[0])
		bent[len(bent)-1] ^= 1
		for name, bad := range map[string][]byte{"bent": bent, "empty": {}, "in clear": []byte("CANARY")} {
			if !torn(c, "bid", bad) {
				t.Error(name)
			}
		}
		if !torn(c, "audit", hidden[0]) {
			t.Error("for another purpose")
		}
		if !torn(keep(t), "bid", hidden[0]) {
			t.Error("with another master key")
		}
		other, err := keep(t).Veil(t.Context(), Question{Names: []string{"a"}})
		if err != nil || other.Marks[0] == marks[0] {
			t.Fatal("a thief can compute marks", err)
		}
	})
}
