package audit

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"

	checkpoints "github.com/transparency-dev/formats/log"
	cosignatures "github.com/transparency-dev/formats/note"
	proofs "github.com/transparency-dev/formats/proof"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

func loose(proof [][32]byte) [][]byte {
	var all [][]byte
	for _, h := range proof {
		all = append(all, bytes.Clone(h[:]))
	}
	return all
}

// spoil changes one bit of one hash, or drops or adds one.
func spoil(t *rapid.T, proof [][32]byte) [][32]byte {
	bad := slices.Clone(proof)
	how := rapid.IntRange(0, 2).Draw(t, "how")
	if len(bad) == 0 || how == 0 {
		return append(bad, [32]byte{1})
	}
	i := rapid.IntRange(0, len(bad)-1).Draw(t, "hash")
	if how == 1 {
		return slices.Delete(bad, i, i+1)
	}
	bad[i][rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	return bad
}

func TestProofsHoldForUsAndForOtherPrograms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWall()
		var old []uint64
		for _, n := range steps.Draw(t, "steps") {
			w.grow(t, someLeaves(w.size, n))
			old = append(old, w.size)
		}
		if w.size == 0 {
			return
		}
		index := rapid.Uint64Range(0, w.size-1).Draw(t, "index")
		leaf := someLeaves(index, 1)[0]
		p, err := ProveInclusion(index, w.size, w.tiles)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckInclusion(p, index, leaf, w.size, w.root); err != nil {
			t.Fatal(err)
		}
		if err := merkle.VerifyInclusion(rfc6962.DefaultHasher, index, w.size, leaf[:], loose(p), w.root[:]); err != nil {
			t.Fatal("transparency-dev/merkle:", err)
		}
		bad := spoil(t, p)
		if CheckInclusion(bad, index, leaf, w.size, w.root) == nil || CheckInclusion(p, index, [32]byte{}, w.size, w.root) == nil ||
			CheckInclusion(p, index, leaf, w.size, [32]byte{}) == nil || CheckInclusion(p, w.size, leaf, w.size, w.root) == nil {
			t.Fatal("a proof of something else holds")
		}
		m := rapid.SampledFrom(append(old, 0, w.size, 1+w.size/2)).Draw(t, "m")
		c, err := ProveConsistency(m, w.size, w.tiles)
		if err != nil {
			t.Fatal(err)
		}
		before := rootOver(m)
		if err := CheckConsistency(c, m, before, w.size, w.root); err != nil {
			t.Fatal(err)
		}
		if err := merkle.VerifyConsistency(rfc6962.DefaultHasher, m, w.size, loose(c), before[:], w.root[:]); err != nil {
			t.Fatal("transparency-dev/merkle:", err)
		}
		if CheckConsistency(spoil(t, c), m, before, w.size, w.root) == nil || CheckConsistency(c, m, [32]byte{}, w.size, w.root) == nil {
			t.Fatal("a proof of another history holds")
		}
	})
}

// client reads published tiles as the Go command reads those of its checksum
// database.
type client struct {
	w     *wall
	saved int
}

func (c *client) Height() int { return 8 }
func (c *client) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all []Tile
	for _, t := range tiles {
		all = append(all, Tile{t.L, uint64(t.N), t.W})
	}
	return c.w.fromOutside(all)
}
func (c *client) SaveTiles(tiles []tlog.Tile, _ [][]byte) { c.saved += len(tiles) }

func TestTheGoChecksumDatabasesClientReadsOurTiles(t *testing.T) {
	w := newWall()
	sizes := []uint64{1, 5, 256, 300, 1000, 256 * 256, 256*256 + 300}
	roots := map[uint64][32]byte{}
	for _, size := range sizes {
		w.grow(t, someLeaves(w.size, size-w.size))
		roots[size] = w.root
	}
	for _, n := range sizes {
		c := &client{w: w}
		tree := tlog.Tree{N: int64(n), Hash: tlog.Hash(roots[n])}
		reader := tlog.TileHashReader(tree, c)
		for _, m := range sizes {
			if m > n {
				continue
			}
			index := int64(m - 1)
			p, err := tlog.ProveRecord(tree.N, index, reader)
			if err != nil {
				t.Fatal(n, m, err)
			}
			if err := tlog.CheckRecord(p, tree.N, tree.Hash, index, tlog.Hash(someLeaves(uint64(index), 1)[0])); err != nil {
				t.Fatal(n, m, err)
			}
			q, err := tlog.ProveTree(tree.N, int64(m), reader)
			if err != nil {
				t.Fatal(n, m, err)
			}
			if err := tlog.CheckTree(q, tree.N, tree.Hash, int64(m), tlog.Hash(roots[m])); err != nil {
				t.Fatal(n, m, err)
			}
		}
		if n > 1 && c.saved == 0 {
			t.Fatal("the client trusted no tile")
		}
	}
	w.published["tile/0/000"] = bytes.Repeat([]byte{1}, 8192)
	forged := tlog.TileHashReader(tlog.Tree{N: 1000, Hash: tlog.Hash(roots[1000])}, &client{w: w})
	if _, err := tlog.ProveRecord(1000, 0, forged); err == nil {
		t.Fatal("the client takes a forged tile")
	}
}

// signedLog is a log of 300 leaves with a proof of one, cosigned.
func signedLog(t testing.TB) (w *wall, p Proof, leaf [32]byte, log, witness note.Verifier) {
	keys := func(name string) (note.Signer, note.Verifier) {
		private, public, err := note.GenerateKey(rand.Reader, name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := note.NewSigner(private)
		if err != nil {
			t.Fatal(err)
		}
		v, err := note.NewVerifier(public)
		if err != nil {
			t.Fatal(err)
		}
		return s, v
	}
	signer, log := keys("gare.example/log")
	w = newWall()
	w.grow(t, someLeaves(0, 300))
	text, err := SignCheckpoint("gare.example/log", w.size, w.root, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, public, err := note.GenerateKey(rand.Reader, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	cosigner, err := cosignatures.NewSignerForCosignatureV1(private)
	if err != nil {
		t.Fatal(err)
	}
	if witness, err = cosignatures.NewVerifierForCosignatureV1(public); err != nil {
		t.Fatal(err)
	}
	n, err := note.Open([]byte(text), note.VerifierList(log))
	if err != nil {
		t.Fatal(err)
	}
	cosigned, err := note.Sign(n, cosigner)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := ProveInclusion(258, w.size, w.tiles)
	if err != nil {
		t.Fatal(err)
	}
	return w, Proof{Index: 258, Hashes: hashes, Note: string(cosigned)}, someLeaves(258, 1)[0], log, witness
}

func TestCheckpointsAndProofFilesAreReadByOtherPrograms(t *testing.T) {
	w, p, _, log, witness := signedLog(t)
	c, rest, n, err := checkpoints.ParseCheckpoint([]byte(p.Note), "gare.example/log", log, witness)
	if err != nil || c.Size != w.size || !bytes.Equal(c.Hash, w.root[:]) || len(rest) != 0 || len(n.Sigs) != 2 {
		t.Fatal(c, n, err)
	}
	for _, extra := range [][]byte{nil, []byte("salt")} {
		p.Extra = extra
		var theirs proofs.TLogProof
		if err := theirs.Unmarshal([]byte(p.Text())); err != nil {
			t.Fatal(err)
		}
		if theirs.Index != p.Index || len(theirs.Hashes) != len(p.Hashes) || string(theirs.Checkpoint) != p.Note || !bytes.Equal(theirs.ExtraData, extra) {
			t.Fatal(theirs)
		}
		back, err := ParseProof(string(theirs.Marshal()))
		if err != nil || back.Text() != p.Text() {
			t.Fatal(back, err)
		}
	}
}

func TestAProofFileIsCheckedByTheKeyAlone(t *testing.T) {
	_, p, leaf, log, witness := signedLog(t)
	c, signatures, err := p.Verify(leaf, log, note.VerifierList(witness))
	if err != nil || c.Size != 300 || len(signatures) != 2 {
		t.Fatal(c, signatures, err)
	}
	if _, signatures, err = p.Verify(leaf, log, nil); err != nil || len(signatures) != 1 {
		t.Fatal("without the witness's key its signature is passed over:", signatures, err)
	}
	if _, _, err := p.Verify(leaf, witness, note.VerifierList(log)); err != nil {
		t.Fatal(err) // whoever is held for the log has signed
	}
	_, _, _, stranger, _ := signedLog(t)
	change := func(f func(p *Proof)) Proof { q := p; q.Hashes = slices.Clone(p.Hashes); f(&q); return q }
	for what, x := range map[string]struct {
		p    Proof
		log  note.Verifier
		leaf [32]byte
		want error
	}{
		"another key":        {p, stranger, leaf, ErrWrongKey},
		"another leaf":       {p, log, [32]byte{}, ErrNotProven},
		"another index":      {change(func(p *Proof) { p.Index++ }), log, leaf, ErrNotProven},
		"beyond the tree":    {change(func(p *Proof) { p.Index = 1 << 63 }), log, leaf, ErrNotProven},
		"another hash":       {change(func(p *Proof) { p.Hashes[0][0] ^= 1 }), log, leaf, ErrNotProven},
		"another size":       {change(func(p *Proof) { p.Note = strings.Replace(p.Note, "\n300\n", "\n301\n", 1) }), log, leaf, ErrBadSignature},
		"not signed":         {change(func(p *Proof) { p.Note, _, _ = strings.Cut(p.Note, "—") }), log, leaf, ErrBadCheckpoint},
		"no note":            {change(func(p *Proof) { p.Note = "x" }), log, leaf, ErrBadCheckpoint},
		"the witness's only": {change(func(p *Proof) { p.Note = without(p.Note, "— gare.example/log") }), log, leaf, ErrWrongKey},
	} {
		if _, _, err := x.p.Verify(x.leaf, x.log, note.VerifierList(witness)); !errors.Is(err, x.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// without drops the lines that begin so.
func without(text, begin string) string {
	var left []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, begin) {
			left = append(left, line)
		}
	}
	return strings.Join(left, "")
}

func TestAProofFileHasOneSpelling(t *testing.T) {
	_, p, _, _, _ := signedLog(t)
	p.Extra = []byte("salt") // "c2FsdA=="
	good := p.Text()
	if _, err := ParseProof(good); err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string]string{
		"empty":              "",
		"another version":    strings.Replace(good, "@v1", "@v2", 1),
		"a leading zero":     strings.Replace(good, "index 258", "index 0258", 1),
		"a sign":             strings.Replace(good, "index 258", "index +258", 1),
		"no index":           strings.Replace(good, "index 258\n", "", 1),
		"only a number":      strings.Replace(good, "index 258\n", "258\n", 1),
		"spare bits":         strings.Replace(good, "c2FsdA==", "c2FsdB==", 1),
		"extra twice":        strings.Replace(good, "extra c2FsdA==\n", "extra c2FsdA==\nextra c2FsdA==\n", 1),
		"extra of nothing":   strings.Replace(good, "extra c2FsdA==", "extra ", 1),
		"extra after":        strings.Replace(good, "extra c2FsdA==\nindex 258\n", "index 258\nextra c2FsdA==\n", 1),
		"a short hash":       strings.Replace(good, "\nindex 258\n", "\nindex 258\nAAAA\n", 1),
		"a line end of DOS":  strings.Replace(good, "index 258\n", "index 258\r\n", 1),
		"no checkpoint":      good[:strings.Index(good, "\n\n")+2],
		"no empty line":      strings.Replace(good, "\n\n", "\n", -1),
		"too many hashes":    strings.Replace(good, "\nindex 258\n", "\nindex 258\n"+strings.Repeat(strings.Repeat("A", 43)+"=\n", 61), 1),
		"larger than a file": good + strings.Repeat("x", maxProof),
	} {
		if p, err := ParseProof(bad); !errors.Is(err, ErrNotProof) {
			t.Errorf("%s is read: %v %v", what, p, err)
		}
	}
}

func FuzzParseProof(f *testing.F) {
	_, p, leaf, log, witness := signedLog(f)
	f.Add(p.Text())
	p.Extra = []byte("salt")
	f.Add(p.Text())
	f.Add("c2sp.org/tlog-proof@v1\nindex 0\n\nx")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseProof(text)
		if err != nil {
			return
		}
		if p.Text() != text {
			t.Fatal("read and written again it differs")
		}
		p.Verify(leaf, log, note.VerifierList(witness)) // whatever it says, it comes to an end
	})
}
