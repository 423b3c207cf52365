package browser_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"sigillo/internal/seal"
)

// TestDamageIsNamedAsInGo flips bits and cuts off ends, for every part of the
// file, and asks for other envelopes: the codes must be those of Go.
func TestDamageIsNamedAsInGo(t *testing.T) {
	b := newBench(t, 2, 3)
	file := sealInGo(t, b.Policy, contentsOf([][]byte{[]byte("CANARY")}), []byte("CANARY"))
	header, err := seal.Header(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	files := [][]byte{nil, []byte("%PDF-1.7 CANARY"), header, append(slices.Clone(file), 0), bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n")),
		[]byte("age-encryption.org/v1\n-> X25519 CANARY"), append(slices.Clone(file[:22]), bytes.Repeat([]byte("-> CANARY a\n\n"), 5000)...)}
	random := rand.New(rand.NewPCG(1, 2))
	flip := func(at int) {
		bent := slices.Clone(file)
		bent[at] ^= 1 << random.IntN(8)
		files = append(files, bent)
	}
	for range 80 {
		flip(random.IntN(len(file)))
		flip(len(header) + random.IntN(len(file)-len(header)))
		files = append(files, file[:random.IntN(len(file))])
	}
	for _, short := range []string{"-> sigillo-seal", "-> sigillo-share 0", "-> sigillo-share 1", "--- "} {
		at := bytes.Index(file, []byte(short))
		for i := range 20 {
			flip(at + i)
		}
	}
	holders := b.pick(0, 1, 3)
	var tasks []task
	for _, f := range files {
		tasks = append(tasks, task{Do: "unseal", Label: label, File: f, Identities: private(holders)})
	}
	for _, change := range []func(*seal.Label){
		func(l *seal.Label) { l.Authority = "demo" }, func(l *seal.Label) { l.Tender = "other" }, func(l *seal.Label) { l.Lot = "2" },
		func(l *seal.Label) { l.Envelope = "B" }, func(l *seal.Label) { l.Supplier = "rival" },
	} {
		other := label
		change(&other)
		tasks = append(tasks, task{Do: "unseal", Label: other, File: file, Identities: private(holders)})
	}
	stranger := newHolder(t, true)
	for i, a := range inNode(t, append(tasks, task{Do: "unseal", Label: label, File: file, Identities: []string{stranger.private}}, task{Do: "unseal", Label: label, File: file, Identities: []string{"AGE-SECRET-KEY-CANARY"}})...) {
		want := "cannot-unseal"
		if i < len(tasks) {
			_, err := unsealInGo(tasks[i].File, tasks[i].Label, holders)
			want = code(err)
		}
		if want == "" || a.Error != want || strings.Contains(a.Message, "CANARY") {
			t.Errorf("case %d: got %q (%s), want %q", i, a.Error, a.Message, want)
		}
	}
}

// TestAStreamThatFailsIsNotDamage keeps a download that breaks off from being
// taken for the bidder's doing.
func TestAStreamThatFailsIsNotDamage(t *testing.T) {
	b := newBench(t, 1, 1)
	bodies := [][]byte{filled(100_000), filled(10)}
	file := sealInGo(t, b.Policy, contentsOf(bodies), bodies...)
	honest, err := unsealInGo(file, label, b.holders)
	if err != nil {
		t.Fatal(err)
	}
	var tasks []task
	for _, at := range []int{0, 10, 200, 1000, 70_000, len(file) - 1, len(file)} {
		tasks = append(tasks, task{Do: "broken", File: file, Key: honest.Key, Label: label, Sizes: []int64{int64(at)}})
	}
	for i, a := range inNode(t, tasks...) {
		if len(a.Text) != 1 || a.Text[0] != "the disk is on fire" {
			t.Errorf("at byte %d: got %+v", tasks[i].Sizes, a)
		}
	}
}

// TestFalsePiecesAreNamed: garbage released by a custodian, a share the bidder
// dealt falsely, and pieces that cannot be.
func TestFalsePiecesAreNamed(t *testing.T) {
	b := newBench(t, 2, 3)
	file := sealInGo(t, b.Policy, contentsOf(nil))
	honest, err := unsealInGo(file, label, b.pick(0, 1, 2))
	if err != nil {
		t.Fatal(err)
	}
	junk := bytes.Repeat([]byte{9}, 16)
	crooked := dealt(t, file, honest.Key, 1, b.Custodians[0], junk, junk)
	masked := dealt(t, file, honest.Key, 1, b.Custodians[0], junk, nil)
	garbled := func(all []seal.Part) []seal.Part {
		all = slices.Clone(all)
		all[1].Share = junk
		return all
	}
	true4, false4 := pieces(t, file, b.holders), pieces(t, crooked, b.holders)
	odd := []seal.Part{{Index: 9, Share: junk}, {Index: -1, Share: junk}, {Index: 1}, {Index: 1, Share: make([]byte, 17)}, {Index: 1, Share: junk}}
	cases := []struct {
		name            string
		file            []byte
		pieces          []seal.Part
		dealt, released []int
		code            string
	}{
		{"all true", file, true4, nil, nil, ""},
		{"one garbled", file, garbled(true4), nil, []int{1}, ""},
		{"one garbled of two", file, garbled(true4[:3]), nil, nil, "cannot-unseal"},
		{"impossible pieces beside", file, append(odd, true4...), nil, nil, ""},
		{"one dealt falsely", crooked, false4, []int{1}, nil, ""},
		{"one dealt falsely of two", crooked, false4[:3], nil, nil, "cannot-unseal"},
		{"too few", file, true4[:2], nil, nil, "not-enough-shares"},
		{"no platform", file, true4[1:], nil, nil, "cannot-unseal"},
		{"nobody", file, nil, nil, nil, "cannot-unseal"},
	}
	var tasks []task
	for _, c := range cases {
		tasks = append(tasks, task{Do: "combine", Label: label, File: c.file, Pieces: c.pieces})
	}
	got := inNode(t, append(tasks, task{Do: "unwrap", Label: label, File: masked, Identities: private(b.pick(1))}, task{Do: "unwrap", Label: label, File: file, Identities: private(b.pick(1))})...)
	for i, c := range cases {
		a := got[i]
		if a.Error != c.code || c.code == "" && !bytes.Equal(a.Key, honest.Key) || !slices.Equal(a.Dealt, c.dealt) || !slices.Equal(a.Released, c.released) {
			t.Errorf("%s: got %+v", c.name, a)
		}
		header, err := seal.Header(bytes.NewReader(c.file))
		if err != nil {
			t.Fatal(err)
		}
		if _, falsity, err := seal.Combine(header, label, c.pieces); code(err) != c.code || !slices.Equal(falsity.Dealt, c.dealt) || !slices.Equal(falsity.Released, c.released) {
			t.Errorf("%s: Go says %+v, %v", c.name, falsity, err)
		}
	}
	for i, fits := range []bool{false, true} {
		if p := got[len(cases)+i].Pieces; len(p) != 1 || p[0].Index != 1 || p[0].Fits != fits {
			t.Errorf("a custodian is told %+v, want fits %v", p, fits)
		}
	}
}

func pieces(t *testing.T, file []byte, holders []holder) []seal.Part {
	header, err := seal.Header(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var all []seal.Part
	for _, h := range holders {
		mine, err := seal.Parts(header, label, h)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, mine...)
	}
	return all
}

// dealt is the file with another share wrapped at a place, by somebody who has
// the file key. Its commitment is to the share given, or the one that was.
func dealt(t *testing.T, file, key []byte, place int, to string, share, committed []byte) []byte {
	text := string(file)
	start := strings.Index(text, fmt.Sprintf("-> sigillo-share %d ", place))
	end := start + strings.Index(text[start+1:], "\n-") + 2
	mac := strings.Index(text, "\n--- ") + 1
	r, err := age.ParseX25519Recipient(to)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := r.Wrap(share)
	if err != nil {
		t.Fatal(err)
	}
	base64 := base64.RawStdEncoding.EncodeToString
	commitment := strings.Fields(text[start:end])[3]
	if committed != nil {
		h := hmac.New(sha256.New, committed)
		fmt.Fprintf(h, "share %d\nsigillo-envelope/2\n%s\n%s\n%s\n%s\n%s\n", place, label.Authority, label.Tender, label.Lot, label.Envelope, label.Supplier)
		commitment = base64(h.Sum(nil)[:16])
	}
	front := text[:start] + fmt.Sprintf("-> sigillo-share %d %s X25519 %s\n%s\n", place, commitment, inner[0].Args[0], base64(inner[0].Body)) + text[end:mac]
	macKey, err := hkdf.Key(sha256.New, key, nil, "header", 32)
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha256.New, macKey)
	h.Write([]byte(front + "---"))
	payload := text[mac+strings.Index(text[mac:], "\n")+1:]
	return []byte(front + "--- " + base64(h.Sum(nil)) + "\n" + payload)
}
