package audit

import (
	"fmt"
	"strings"
	"testing"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"sigillo/internal/fault"
)

// watched is a log and five witnesses.
type watched struct {
	log     note.Signer
	key     string
	signers []note.Signer
	keys    []string
}

func newWatched(t testing.TB) *watched {
	t.Helper()
	private, public, err := GenerateKey("gare.example/log")
	if err != nil {
		t.Fatal(err)
	}
	x := &watched{key: public}
	if x.log, err = note.NewSigner(private); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		private, public, err := GenerateKey(fmt.Sprintf("w.example/%d", i))
		if err != nil {
			t.Fatal(err)
		}
		s, err := cosignature.NewSignerForCosignatureV1(private)
		if err != nil {
			t.Fatal(err)
		}
		if public, err = cosignature.VKeyToCosignatureV1(public); err != nil {
			t.Fatal(err)
		}
		x.signers, x.keys = append(x.signers, s), append(x.keys, public)
	}
	return x
}

// policy writes the log, the witnesses and what follows.
func (x *watched) policy(t testing.TB, more string) *Policy {
	t.Helper()
	text := "# prova\nlog " + x.key + "\n"
	for i, k := range x.keys {
		text += fmt.Sprintf("witness\tw%d %s https://w%d.example/\n", i, k, i)
	}
	p, err := ParsePolicy([]byte(text + more))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// signed is a checkpoint with the cosignatures of some.
func (x *watched) signed(t testing.TB, by ...int) string {
	t.Helper()
	text, err := SignCheckpoint("gare.example/log", 3, [32]byte{7}, x.log)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open([]byte(text), note.VerifierList(must(note.NewVerifier(x.key))))
	if err != nil {
		t.Fatal(err)
	}
	var signers []note.Signer
	for _, i := range by {
		signers = append(signers, x.signers[i])
	}
	out, err := note.Sign(n, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestAQuorumIsWhoThePolicySays: every subset of five witnesses against
// policies, each counted by hand.
func TestAQuorumIsWhoThePolicySays(t *testing.T) {
	x := newWatched(t)
	for _, c := range []struct {
		policy string
		want   func(has func(int) bool) bool
	}{
		{"quorum none\n", func(func(int) bool) bool { return true }},
		{"quorum w2\n", func(has func(int) bool) bool { return has(2) }},
		{"group g any w0 w1\nquorum g\n", func(has func(int) bool) bool { return has(0) || has(1) }},
		{"group g all w0 w4\nquorum g", func(has func(int) bool) bool { return has(0) && has(4) }},
		{"group x 2 w0 w1 w2\n\n  group y any w3 w4\n group both all x y\nquorum both\n", func(has func(int) bool) bool {
			n := 0
			for i := range 3 {
				if has(i) {
					n++
				}
			}
			return n >= 2 && (has(3) || has(4))
		}},
	} {
		p := x.policy(t, c.policy)
		for set := range 1 << 5 {
			has := func(i int) bool { return set>>i&1 == 1 }
			var by []int
			for i := range 5 {
				if has(i) {
					by = append(by, i)
				}
			}
			got, err := p.Check(x.signed(t, by...))
			if want := c.want(has); (err == nil) != want || !want && fault.Of(err).Code != "not-witnessed" || got.Size != 3 {
				t.Errorf("%q by %v: %v", c.policy, by, err)
			}
		}
	}
}

// TestAT088WhoSignsOtherwiseDoesNotCount: strangers, altered signatures, other
// texts, the log as its own witness.
func TestAT088WhoSignsOtherwiseDoesNotCount(t *testing.T) {
	x := newWatched(t)
	p := x.policy(t, "group g 2 w0 w1 w2\nquorum g\n")
	other := newWatched(t)
	good := x.signed(t, 0, 1)
	lines := strings.SplitAfter(good, "\n")
	last := lines[len(lines)-2]
	for name, c := range map[string][2]string{
		"another log":          {other.signed(t, 0, 1), "wrong-key"},
		"one witness twice":    {strings.Replace(good, last, lines[len(lines)-3], 1), "not-witnessed"},
		"a stranger":           {strings.Replace(good, last, "", 1) + strings.SplitAfter(other.signed(t, 0), "\n")[5], "not-witnessed"},
		"only the log":         {x.signed(t), "not-witnessed"},
		"another size":         {strings.Replace(good, "\n3\n", "\n4\n", 1), "bad-signature"},
		"a changed signature":  {good[:len(good)-8] + "AAAA" + good[len(good)-4:], "bad-signature"},
		"no signatures at all": {strings.Split(good, "—")[0], "bad-checkpoint"},
		"witnesses, no log":    {strings.Replace(good, lines[4], "", 1), "wrong-key"},
	} {
		_, err := p.Check(c[0])
		if err == nil || fault.Of(err).Code != c[1] {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.Check(good); err != nil {
		t.Error(err)
	}
}

func TestPoliciesThatMeanNothingAreRefused(t *testing.T) {
	x := newWatched(t)
	w := func(i int) string { return fmt.Sprintf("witness w%d %s\n", i, x.keys[i]) }
	for name, text := range map[string]string{
		"empty": "", "no quorum": "log " + x.key + "\n", "two quorums": "quorum none\nquorum none\n",
		"an undefined quorum": "quorum w0\n", "defined too late": "quorum w0\n" + w(0),
		"a name twice":      w(0) + strings.Replace(w(1), "w1 ", "w0 ", 1) + "quorum w0\n",
		"a key twice":       w(0) + strings.Replace(w(0), "w0 ", "w1 ", 1) + "quorum w0\n",
		"a log twice":       "log " + x.key + "\nlog " + x.key + "\nquorum none\n",
		"none as a name":    strings.Replace(w(0), "w0 ", "none ", 1) + "quorum none\n",
		"none as a member":  w(0) + "group g any w0 none\nquorum g\n",
		"a member twice":    w(0) + "group g 2 w0 w0\nquorum g\n",
		"a member of two":   w(0) + w(1) + "group g any w0\ngroup h all g w0\nquorum h\n",
		"a threshold of 0":  w(0) + "group g 0 w0\nquorum g\n",
		"a threshold of 2":  w(0) + "group g 2 w0\nquorum g\n",
		"a threshold of 01": w(0) + "group g 01 w0\nquorum g\n",
		"another word":      "quorum none\nlogs\n", "a carriage return": "quorum none\r\n", "half a key": "log " + x.key[:30] + "\nquorum none\n",
	} {
		if _, err := ParsePolicy([]byte(text)); err == nil || fault.Of(err).Code != "bad-policy" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParsePolicy(f *testing.F) {
	x := newWatched(f)
	f.Add("log " + x.key + "\nwitness w " + x.keys[0] + " http://x\ngroup g any w\nquorum g\n")
	signed := x.signed(f)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePolicy([]byte(text))
		if err != nil {
			return
		}
		if _, err := p.Check(signed); err == nil && !strings.Contains(text, x.key) {
			t.Error("a log was trusted that the policy does not name")
		}
	})
}
