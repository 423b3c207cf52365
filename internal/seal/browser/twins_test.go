package browser_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"sigillo/internal/seal"
)

// filled gives bytes that no two places share.
func filled(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}).Read(b)
	return b
}

// TestSealedHereOpenedInGo: by any quorum with the platform, by nobody less.
func TestSealedHereOpenedInGo(t *testing.T) {
	cases := []struct {
		k, n   int
		bodies [][]byte
		open   [][]int
		closed [][]int
	}{
		{2, 3, [][]byte{filled(1), filled(65535), filled(65536), filled(65537)}, [][]int{{0, 1, 2}, {0, 2, 3}, {3, 0, 1}}, [][]int{{0}, {0, 1}, {0, 3}, {1, 2, 3}}},
		{3, 5, [][]byte{filled(5 << 20)}, [][]int{{0, 1, 2, 3}, {0, 3, 4, 5}}, [][]int{{0, 1, 2}, {1, 2, 3, 4, 5}}},
		{1, 2, nil, [][]int{{0, 1}, {0, 2}}, [][]int{{0}, {1, 2}}},
		{12, 12, [][]byte{filled(100)}, [][]int{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}, [][]int{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}},
	}
	var benches []bench
	var tasks []task
	for _, c := range cases {
		b := newBench(t, c.k, c.n)
		benches = append(benches, b)
		tasks = append(tasks, task{Do: "seal", Policy: b.Policy, Contents: contentsOf(c.bodies), Bodies: c.bodies})
	}
	for i, a := range inNode(t, tasks...) {
		c, b := cases[i], benches[i]
		if a.Error != "" || int64(len(a.File)) != a.Sizes[0] {
			t.Fatal(a.Error, a.Message, len(a.File), a.Sizes)
		}
		if err := seal.Inspect(bytes.NewReader(a.File), label, c.k, c.n); err != nil {
			t.Fatal(err)
		}
		if want := sealInGo(t, b.Policy, contentsOf(c.bodies), c.bodies...); len(want) != len(a.File) {
			t.Errorf("%d of %d: %d bytes, Go makes %d", c.k, c.n, len(a.File), len(want))
		}
		for _, quorum := range c.open {
			got, err := unsealInGo(a.File, label, b.pick(quorum...))
			if err != nil || !reflect.DeepEqual(got.Contents, contentsOf(c.bodies)) || !reflect.DeepEqual(got.Bodies, c.bodies) {
				t.Errorf("%d of %d, quorum %v: %v", c.k, c.n, quorum, err)
			}
		}
		for _, few := range c.closed {
			if _, err := unsealInGo(a.File, label, b.pick(few...)); code(err) != "not-enough-shares" && code(err) != "cannot-unseal" {
				t.Errorf("%d of %d: %v open it: %v", c.k, c.n, few, err)
			}
		}
	}
}

// TestDrawnEnvelopesBothWays seals random documents to random policies there,
// and opens them here and there.
func TestDrawnEnvelopesBothWays(t *testing.T) {
	type drawn struct {
		k, n   int
		bodies [][]byte
		quorum []int
	}
	draw := rapid.Custom(func(t *rapid.T) drawn {
		d := drawn{n: rapid.IntRange(1, 5).Draw(t, "n")}
		d.k = rapid.IntRange(1, d.n).Draw(t, "k")
		for range rapid.IntRange(0, 3).Draw(t, "documents") {
			d.bodies = append(d.bodies, filled(rapid.IntRange(1, 200_000).Draw(t, "size")))
		}
		var places []int
		for i := range d.n {
			places = append(places, i+1)
		}
		d.quorum = append([]int{0}, rapid.Permutation(places).Draw(t, "places")[:d.k]...)
		return d
	})
	var all []drawn
	var benches []bench
	var seals []task
	for i := range 20 {
		d := draw.Example(i)
		b := newBench(t, d.k, d.n)
		all, benches = append(all, d), append(benches, b)
		seals = append(seals, task{Do: "seal", Policy: b.Policy, Contents: contentsOf(d.bodies), Bodies: d.bodies})
	}
	sealed := inNode(t, seals...)
	var opens []task
	for i, d := range all {
		got, err := unsealInGo(sealed[i].File, label, benches[i].pick(d.quorum...))
		if err != nil || !reflect.DeepEqual(got.Bodies, d.bodies) || !reflect.DeepEqual(got.Contents, contentsOf(d.bodies)) {
			t.Fatalf("%d of %d, %v: %v %s", d.k, d.n, d.quorum, err, sealed[i].Message)
		}
		identities := private(benches[i].pick(d.quorum...))
		opens = append(opens, task{Do: "unseal", Label: label, File: sealInGo(t, benches[i].Policy, contentsOf(d.bodies), d.bodies...), Identities: identities},
			task{Do: "unseal", Label: label, File: sealed[i].File, Identities: identities})
	}
	for j, a := range inNode(t, opens...) {
		d := all[j/2]
		if a.Error != "" || len(a.Bodies) != len(d.bodies) || !reflect.DeepEqual(a.Contents, contentsOf(d.bodies)) || a.Dealt != nil && len(a.Dealt)+len(a.Released) > 0 {
			t.Fatalf("%d of %d, %v: %s %s", d.k, d.n, d.quorum, a.Error, a.Message)
		}
		for i := range d.bodies {
			if !bytes.Equal(a.Bodies[i], d.bodies[i]) {
				t.Fatal("a document changed")
			}
		}
	}
}

// TestGeneratedKeysOpenInGo: the pair belongs together, and its fingerprint is
// the one Go shows.
func TestGeneratedKeysOpenInGo(t *testing.T) {
	made := inNode(t, task{Do: "generate"})[0]
	if len(made.Text) != 2 {
		t.Fatal(made)
	}
	p := seal.Policy{Platform: made.Text[1], Custodians: []string{made.Text[1]}, Threshold: 1}
	file := sealInGo(t, p, contentsOf(nil))
	got := inNode(t, task{Do: "unseal", Label: label, File: file, Identities: made.Text[:1]}, task{Do: "fingerprint", Policy: p})
	if got[0].Error != "" {
		t.Error(got[0])
	}
	if fmt.Sprint(got[1].Text) != fmt.Sprintf("[%s]", seal.Fingerprint(made.Text[1])) {
		t.Error(got[1].Text)
	}
}
