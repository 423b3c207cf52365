package seal

import (
	"bytes"
	"slices"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"

	"sigillo/internal/fault"
)

// bench is a platform and custodians with their keys.
type bench struct {
	Policy
	platform   age.Identity
	custodians []age.Identity
}

func newBench(t testing.TB, k, n int) bench {
	platform := identity(t)
	b := bench{Policy: Policy{Platform: platform.Recipient().String(), Threshold: k}, platform: platform}
	for i := range n {
		if i%2 == 1 { // both kinds of key, mixed
			id, err := age.GenerateHybridIdentity()
			if err != nil {
				t.Fatal(err)
			}
			b.Custodians, b.custodians = append(b.Custodians, id.Recipient().String()), append(b.custodians, id)
			continue
		}
		id := identity(t)
		b.Custodians, b.custodians = append(b.Custodians, id.Recipient().String()), append(b.custodians, id)
	}
	return b
}

func headerOf(t testing.TB, file []byte) []byte {
	head, err := Header(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func pieceOf(t testing.TB, head []byte, id age.Identity) Part {
	all, err := Parts(head, label, id)
	if err != nil || len(all) != 1 || !all[0].Fits {
		t.Fatal(all, err)
	}
	return all[0]
}

func code(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Code
	}
	return ""
}

// TestAT037EveryCoalition tries all sets of holders, platform alone and all
// custodians without the platform among them: those with the platform and a
// quorum open, the others do not.
func TestAT037EveryCoalition(t *testing.T) {
	for _, c := range []struct{ k, n int }{{1, 1}, {1, 2}, {2, 3}, {3, 5}, {5, 5}} {
		b := newBench(t, c.k, c.n)
		head := headerOf(t, sealTo(t, b.Policy, nil, []byte("CANARY")))
		holders := append([]age.Identity{b.platform}, b.custodians...)
		opened := 0
		for set := range 1 << len(holders) {
			var pieces []Part
			members := 0
			for i, id := range holders {
				if set>>i&1 == 1 {
					pieces = append(pieces, pieceOf(t, head, id))
					members++
				}
			}
			key, falsity, err := Combine(head, label, pieces)
			if may := set&1 == 1 && members > c.k; may != (err == nil) {
				t.Fatalf("%d of %d, coalition %b: %v", c.k, c.n, set, err)
			}
			if err == nil {
				opened++
				if len(key) != 16 || falsity.Dealt != nil || falsity.Released != nil {
					t.Fatalf("coalition %b: %x %+v", set, key, falsity)
				}
			}
		}
		if opened == 0 {
			t.Fatalf("%d of %d: nobody opens", c.k, c.n)
		}
	}
}

// TestAT041INC39AGarbageShareIsNamed: the others open, and the liar is known.
func TestAT041INC39AGarbageShareIsNamed(t *testing.T) {
	b := newBench(t, 3, 5)
	head := headerOf(t, sealTo(t, b.Policy, nil, []byte("x")))
	pieces := []Part{pieceOf(t, head, b.platform)}
	for _, id := range b.custodians[:4] {
		pieces = append(pieces, pieceOf(t, head, id))
	}
	pieces[2].Share = bytes.Repeat([]byte{7}, 16)
	if fit := Fit(head, label, pieces); fit[2].Fits || !fit[1].Fits {
		t.Fatalf("%+v", fit)
	}
	_, falsity, err := Combine(head, label, pieces)
	if err != nil || !slices.Equal(falsity.Released, []int{2}) || falsity.Dealt != nil {
		t.Fatal(falsity, err)
	}
	if _, _, err := Combine(head, label, pieces[:4]); code(err) != "cannot-unseal" {
		t.Fatalf("two true shares of three: %v", err)
	}
	for _, odd := range []Part{{Index: 9, Share: make([]byte, 16)}, {Index: -1, Share: make([]byte, 16)}, {Index: 1, Share: nil}, {Index: 1, Share: make([]byte, 17)}} {
		if _, _, err := Combine(head, label, append([]Part{odd}, pieces[0], pieces[1], pieces[3], pieces[4])); err != nil {
			t.Errorf("%+v spoils the rest: %v", odd, err)
		}
	}
}

// crooked deals like the format says, but for one thing.
type crooked struct {
	dealer
	bend func([]*age.Stanza, dealt) error
}

func (c crooked) Wrap(key []byte) ([]*age.Stanza, error) {
	all, err := c.dealer.Wrap(key)
	if err != nil {
		return nil, err
	}
	return all, c.bend(all, deal(part(key), c.label.context(), c.threshold, len(c.to)-1))
}

// TestABidderWhoDealsFalselyIsNamed: the bid opens while a true quorum is
// left, and the falsity can be shown to be the bidder's.
func TestABidderWhoDealsFalselyIsNamed(t *testing.T) {
	b := newBench(t, 2, 3)
	to, err := b.recipients()
	if err != nil {
		t.Fatal(err)
	}
	file := func(bend func([]*age.Stanza, dealt) error) []byte {
		var out bytes.Buffer
		w, err := age.Encrypt(&out, crooked{dealer{to, 2, label}, bend})
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte("x"))
		w.Close()
		return headerOf(t, out.Bytes())
	}
	wrap := func(all []*age.Stanza, i int, share, committed part) error {
		inner, err := to[i].Wrap(share[:])
		if err != nil {
			return err
		}
		c := commitment(committed, i, label.context())
		all[1+i].Args = append([]string{all[1+i].Args[0], text64.EncodeToString(c[:]), inner[0].Type}, inner[0].Args...)
		all[1+i].Body = inner[0].Body
		return nil
	}
	junk := part(bytes.Repeat([]byte{9}, 16))
	t.Run("a false share committed to", func(t *testing.T) {
		head := file(func(all []*age.Stanza, _ dealt) error { return wrap(all, 1, junk, junk) })
		var pieces []Part
		for _, id := range append([]age.Identity{b.platform}, b.custodians...) {
			pieces = append(pieces, pieceOf(t, head, id)) // every holder sees a piece that fits
		}
		if _, _, err := Combine(head, label, pieces[:3]); code(err) != "cannot-unseal" {
			t.Fatalf("the false quorum: %v", err)
		}
		_, falsity, err := Combine(head, label, pieces)
		if err != nil || !slices.Equal(falsity.Dealt, []int{1}) || falsity.Released != nil {
			t.Fatal(falsity, err)
		}
	})
	t.Run("a false share under a true commitment", func(t *testing.T) {
		head := file(func(all []*age.Stanza, d dealt) error { return wrap(all, 1, junk, d.shares[1]) })
		mine, err := Parts(head, label, b.custodians[0])
		if err != nil || mine[0].Fits {
			t.Fatal("the custodian is not told before releasing it")
		}
	})
	t.Run("a false commitment", func(t *testing.T) {
		head := file(func(all []*age.Stanza, d dealt) error { return wrap(all, 3, d.shares[3], junk) })
		var pieces []Part
		for _, id := range append([]age.Identity{b.platform}, b.custodians...) {
			mine, err := Parts(head, label, id)
			if err != nil {
				t.Fatal(err)
			}
			pieces = append(pieces, mine...)
		}
		_, falsity, err := Combine(head, label, []Part{pieces[0], pieces[2], pieces[3]})
		if err != nil || !slices.Equal(falsity.Dealt, []int{3}) {
			t.Fatal(falsity, err)
		}
	})
}

func TestINC02TheWrongScopeIsFoundBeforeTheDeadline(t *testing.T) {
	b := newBench(t, 2, 3)
	file := sealTo(t, b.Policy, nil, []byte("x"))
	if err := Inspect(bytes.NewReader(file), label, 2, 3); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*Label){
		func(l *Label) { l.Authority = "demo" }, func(l *Label) { l.Tender = "other" }, func(l *Label) { l.Lot = "2" }, func(l *Label) { l.Envelope = "B" },
	} {
		want := label
		change(&want)
		if err := Inspect(bytes.NewReader(file), want, 2, 3); code(err) != "foreign-envelope" {
			t.Errorf("%+v: got %v", want, err)
		}
	}
	for _, c := range []struct{ k, n int }{{1, 3}, {2, 2}, {2, 4}} {
		if err := Inspect(bytes.NewReader(file), label, c.k, c.n); code(err) != "wrong-recipients" {
			t.Errorf("%d of %d: got %v", c.k, c.n, err)
		}
	}
}

func TestPolicyThatNobodyCouldOpenIsRefused(t *testing.T) {
	good := identity(t).Recipient().String()
	for name, p := range map[string]Policy{
		"nobody":           {good, nil, 1},
		"none needed":      {good, []string{good}, 0},
		"more than all":    {good, []string{good}, 2},
		"a crowd":          {good, slices.Repeat([]string{good}, MaxCustodians+1), 1},
		"no platform":      {"", []string{good}, 1},
		"a private key":    {good, []string{identity(t).String()}, 1},
		"two keys in line": {good, []string{good + "\n" + good}, 1},
	} {
		if err := p.Check(); code(err) != "bad-recipient" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := newBench(t, MaxCustodians, MaxCustodians).Check(); err != nil {
		t.Error(err)
	}
}

// TestTheLargestHeaderFits: the most custodians, all with post-quantum keys.
func TestTheLargestHeaderFits(t *testing.T) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	r := id.Recipient().String()
	p := Policy{r, slices.Repeat([]string{r}, MaxCustodians), MaxCustodians}
	file := sealTo(t, p, nil, []byte("x"))
	if err := Inspect(bytes.NewReader(file), label, MaxCustodians, MaxCustodians); err != nil {
		t.Fatal(err)
	}
	if _, _, err := unseal(file, id, label); err != nil {
		t.Fatal(err)
	}
}

func TestAFlippedShareNeverGivesAKey(t *testing.T) {
	b := newBench(t, 2, 3)
	head := headerOf(t, sealTo(t, b.Policy, nil, []byte("x")))
	honest := []Part{pieceOf(t, head, b.platform), pieceOf(t, head, b.custodians[0]), pieceOf(t, head, b.custodians[2])}
	rapid.Check(t, func(t *rapid.T) {
		pieces := make([]Part, len(honest))
		for i, p := range honest {
			pieces[i] = Part{Index: p.Index, Share: slices.Clone(p.Share)}
		}
		at := rapid.IntRange(0, 2).Draw(t, "piece")
		pieces[at].Share[rapid.IntRange(0, 15).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, _, err := Combine(head, label, pieces); code(err) != "cannot-unseal" {
			t.Fatalf("got %v", err)
		}
	})
}
