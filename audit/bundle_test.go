package audit

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// bundled is a small log of two tenders and of acts on the authority itself,
// and what goes into a bundle of it.
type bundled struct {
	signer note.Signer
	key    string
	log    note.Verifier
	head   BundleHead
	places []Place
	sealed []Record
	states [][]Shown
	hidden map[int]bool
	paper  []byte
	wall   *wall
}

func newBundled(t testing.TB) *bundled {
	t.Helper()
	private, public, err := note.GenerateKey(rand.NewChaCha8([32]byte{1}), "gare.example/log")
	if err != nil {
		t.Fatal(err)
	}
	x := &bundled{key: public, hidden: map[int]bool{4: true}, paper: []byte("%PDF bando"), wall: newWall()}
	if x.signer, err = note.NewSigner(private); err != nil {
		t.Fatal(err)
	}
	if x.log, err = note.NewVerifier(public); err != nil {
		t.Fatal(err)
	}
	var leaves [][32]byte
	numbers, last := map[string]int{}, map[string]*State{}
	for i := range 9 {
		tender := []string{"t", "", "t", "u", "t", "t", "u", "t", "t"}[i]
		e := sample(i)
		e.Tender, e.Object = tender, Object{Type: "tender", ID: tender, Version: 1 + numbers[tender]}
		if tender == "" {
			e.Object = Object{Type: "authority", ID: "city", Version: 1}
		}
		snap := Snapshot{Object: e.Object, Salt: sha256.Sum256([]byte{byte(i)})}
		if snap.Doc, err = Canonical(map[string]any{"title": "è <&> \u2028 𝄞", "n": i}); err != nil {
			t.Fatal(err)
		}
		e.Before, e.After = last[tender], &State{Hash: snap.Hash(), State: "s"}
		last[tender] = e.After
		numbers[tender]++
		p := Place{Index: uint64(i), Tender: tender, TenderSeq: uint64(numbers[tender])}
		if tender != "t" { // u is under seal
			p.TenderSeq = 0
		}
		if i == 5 {
			e.Also = []Change{{Object: Object{Type: "bid", ID: "=HYPERLINK(1)", Version: 1}, After: state("secret")}}
			e.Lot = "=1+1"
		}
		r, err := e.SealWith(sha256.Sum256([]byte{byte(i), 1}))
		if err != nil {
			t.Fatal(err)
		}
		shown := []Shown{{Snapshot: snap}}
		if i == 5 {
			shown = append(shown, Shown{Snapshot: Snapshot{Object: e.Also[0].Object}, Withheld: SnapshotPrivate})
		}
		x.places, x.sealed, x.states, leaves = append(x.places, p), append(x.sealed, r), append(x.states, shown), append(leaves, r.Leaf)
	}
	x.wall.grow(t, append(leaves, someLeaves(0, 300)...))
	text, err := SignCheckpoint(x.log.Name(), x.wall.size, x.wall.root, x.signer)
	if err != nil {
		t.Fatal(err)
	}
	x.head = BundleHead{Scope: Scope{Authority: "city"}, Sealed: []string{"u"}, Note: text, At: noon}
	return x
}

// write makes the archive; changed may alter what goes into it.
func (x *bundled) write(t testing.TB, changed func(i int, r *Record, s []Shown) (drop bool)) []byte {
	t.Helper()
	w, err := NewBundleWriter(x.head, x.log, func() (Scratch, error) { return os.CreateTemp(t.TempDir(), "") })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i, r := range x.sealed {
		states := slices.Clone(x.states[i])
		if changed != nil && changed(i, &r, states) {
			continue
		}
		if x.head.Tender != "" && x.places[i].Tender != x.head.Tender {
			continue
		}
		proof, err := ProveInclusion(uint64(i), x.wall.size, x.wall.tiles)
		if err != nil {
			t.Fatal(err)
		}
		if x.hidden[i] {
			err = w.Withheld(x.places[i], r.Leaf, proof)
		} else {
			err = w.Entry(x.places[i], r, states, proof)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	sum := sha256.Sum256(x.paper)
	for _, d := range []BundleDocument{
		{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(x.paper)), Kind: "tenderNotice", Name: "=cmd|' /C calc'!A0.pdf", Tender: "t"},
		{SHA256: strings.Repeat("0", 64), Size: 7, Kind: "economicOffer", Name: "offerta.pdf", Tender: "t", Bid: "b", Reason: "documento di un'offerta"},
	} {
		for range 2 { // spoken of twice, listed once
			if err := w.Document(d); err != nil {
				t.Fatal(err)
			}
		}
	}
	var b bytes.Buffer
	if err := w.Write(&b, x.signer, func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(x.paper)), nil }); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (x *bundled) verify(t testing.TB, file []byte) []string {
	t.Helper()
	r, err := VerifyBundle(bytes.NewReader(file), int64(len(file)), x.log)
	if err != nil {
		return []string{err.Error()}
	}
	return codes(r.Problems)
}

// python runs the verifier of the bundle, which shares no line with ours.
func (x *bundled) python(t testing.TB, file []byte) (int, string) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIPPED: no python3 in the path: the verifier in the second language was not tried")
	}
	path := filepath.Join(t.TempDir(), "bundle.zip")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(python, "-I", "bundle/verify.py", path, x.key)
	out, _ := c.CombinedOutput()
	return c.ProcessState.ExitCode(), string(out)
}

func inside(t testing.TB, file []byte, name string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestABundleVerifiesInBothLanguagesAndIsAlwaysTheSame(t *testing.T) {
	x := newBundled(t)
	for _, scope := range []string{"", "t"} {
		x.head.Tender = scope
		file := x.write(t, nil)
		if again := x.write(t, nil); !bytes.Equal(file, again) {
			t.Fatal("the same makes other bytes")
		}
		r, err := VerifyBundle(bytes.NewReader(file), int64(len(file)), x.log)
		if err != nil || !r.OK() || r.Withheld != 1 || r.Documents != 1 || r.Size != 309 || r.Root != x.wall.root {
			t.Fatal(err, r)
		}
		if want := map[string]uint64{"": 9, "t": 6}[scope]; r.Entries != want {
			t.Errorf("%d entries, want %d", r.Entries, want)
		}
		if code, out := x.python(t, file); code != 0 || !strings.Contains(out, "\nVERIFICATO") {
			t.Fatal(code, out)
		}
	}
}

func TestTheFilesOfABundleAreThoseOfTheSpecification(t *testing.T) {
	x := newBundled(t)
	file := x.write(t, nil)
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		if f.Method != zip.Store || !f.Modified.Equal(zipTime) {
			t.Errorf("%s: %d %s", f.Name, f.Method, f.Modified)
		}
	}
	sum := sha256.Sum256(x.paper)
	want := []string{"bag-info.txt", "bagit.txt", "data/LEGGIMI.md", "data/checkpoint", "data/documents.csv", "data/documents/" + hex.EncodeToString(sum[:]),
		"data/entries.csv", "data/entries.jsonl", "data/proofs.tlog-proofs", "data/verify.py", "manifest-sha256.txt", "statement.json", "tagmanifest-sha256.txt"}
	if !slices.Equal(names, want) {
		t.Fatal(names)
	}
	// The manifests as RFC 8493 has them: each payload file once, by its own hash.
	for line := range strings.Lines(inside(t, file, "manifest-sha256.txt")) {
		digest, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		got := sha256.Sum256([]byte(inside(t, file, name)))
		if hex.EncodeToString(got[:]) != digest {
			t.Error(line)
		}
	}
	if n := strings.Count(inside(t, file, "manifest-sha256.txt"), "\n"); n != 8 {
		t.Error(n, "lines in the manifest")
	}
	if info := inside(t, file, "bag-info.txt"); !strings.Contains(info, "Payload-Oxum: ") || !strings.Contains(info, "Bagging-Date: 2027-01-15\n") {
		t.Error(info)
	}
	lines := strings.Split(inside(t, file, "data/entries.jsonl"), "\n")
	if !strings.HasPrefix(lines[4], `{"index":4,"leaf":"`) || !strings.HasSuffix(lines[4], `","tender":"t","tender_seq":3}`) || strings.Contains(lines[4], "entry") {
		t.Error(lines[4])
	}
	if !strings.Contains(lines[3], `"tender":"u"`) || strings.Contains(lines[3], "tender_seq") {
		t.Error("an entry of a sealed tender is numbered:", lines[3])
	}
	if !strings.Contains(lines[5], `{"object":{"id":"=HYPERLINK(1)","type":"bid","version":1},"withheld":"not-permitted"}`) {
		t.Error(lines[5])
	}
	readme := inside(t, file, "data/LEGGIMI.md")
	if !strings.Contains(readme, "python3 verify.py") || !strings.Contains(readme, "`u`") || strings.Contains(readme, "<no value>") {
		t.Error(readme)
	}
	// Each proof, cut out, is a tlog-proof of its own.
	proofs := strings.Split(inside(t, file, "data/proofs.tlog-proofs"), proofVersion+"\n")[1:]
	for i, text := range proofs {
		p, err := ParseProof(proofVersion + "\n" + text)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.Verify(x.sealed[i].Leaf, x.log, nil); err != nil {
			t.Error(i, err)
		}
	}
}

func TestSpreadsheetsGetNoFormulas(t *testing.T) {
	x := newBundled(t)
	file := x.write(t, nil)
	for _, name := range []string{"data/entries.csv", "data/documents.csv"} {
		text := inside(t, file, name)
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(rows) < 3 || !strings.Contains(text, "\r\n") {
			t.Fatal(err, text)
		}
		guarded := false
		for _, cell := range slices.Concat(rows...) {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r|%") {
				t.Errorf("%s: %q", name, cell)
			}
			guarded = guarded || strings.HasPrefix(cell, "'=")
		}
		if !guarded {
			t.Error(name, "has no cell to guard: the test proves nothing")
		}
	}
}

// TestFlippedBitsOfABundleAreFound tries a bit of every eleventh byte, so that
// every field of the archive has its turn, and some by lot with the other
// verifier.
func TestFlippedBitsOfABundleAreFound(t *testing.T) {
	x := newBundled(t)
	x.head.Tender = "t"
	file := x.write(t, nil)
	for at := 0; at < len(file); at += 11 {
		file[at] ^= 1 << (at % 8)
		if len(x.verify(t, file)) == 0 {
			t.Errorf("a bit flipped in byte %d of %d passes", at, len(file))
		}
		file[at] ^= 1 << (at % 8)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIPPED: no python3 in the path: the verifier in the second language was not tried")
	}
	path := filepath.Join(t.TempDir(), "bundle.zip")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	const flip = `
import sys, os, contextlib, random
sys.dont_write_bytecode = True
sys.path.insert(0, "bundle")
import verify
path, key = sys.argv[1:]
body = bytearray(open(path, "rb").read())
random.seed(8493)
places = sorted(random.sample(range(len(body)), 120))
for at in places + [None]:
    if at is not None: body[at] ^= 1 << at % 8
    open(path, "wb").write(body)
    if at is not None: body[at] ^= 1 << at % 8
    verify.problems.clear()
    with contextlib.redirect_stdout(open(os.devnull, "w")):
        code = verify.main(["", path, key])
    if code != (0 if at is None else 1): print("byte", at, "code", code)
print("tried", len(places))
`
	out, err := exec.Command(python, "-c", flip, path, x.key).CombinedOutput()
	if err != nil || string(out) != "tried 120\n" {
		t.Fatal(err, string(out))
	}
}

// TestWhatAForgerDoesIsNamed: the archive is whole and its bags fit; what is in
// it does not. The key of the log has signed all of it, for want of a better
// forger.
func TestWhatAForgerDoesIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		code, python string
		changed      func(i int, r *Record, s []Shown) bool
	}{
		"a snapshot": {"changed-snapshot", "non e' quello lasciato", func(i int, _ *Record, s []Shown) bool {
			if i == 7 {
				s[0].Doc = []byte(`{"n":8,"title":"x"}`)
			}
			return false
		}},
		"a salt": {"changed-snapshot", "non e' quello lasciato", func(i int, _ *Record, s []Shown) bool {
			if i == 7 {
				s[0].Salt[3]++
			}
			return false
		}},
		"an entry": {"changed-entry", "e' stata modificata", func(i int, r *Record, _ []Shown) bool {
			if i == 2 {
				r.Body = bytes.Replace(r.Body, []byte(`"rup"`), []byte(`"boh"`), 1)
			}
			return false
		}},
		"an entry with its leaf": {"not-proven", "non porta alla radice", func(i int, r *Record, _ []Shown) bool {
			if i == 2 {
				r.Body = bytes.Replace(r.Body, []byte(`"rup"`), []byte(`"boh"`), 1)
				r.Leaf = Leaf(r.Salt, r.Body)
			}
			return false
		}},
		"a dropped entry":   {"missing-entry", "mancano voci", func(i int, _ *Record, _ []Shown) bool { return i == 2 }},
		"the first dropped": {"missing-entry", "mancano voci", func(i int, _ *Record, _ []Shown) bool { return i == 0 }},
		"a dropped entry of a sealed tender": {"", "", func(i int, _ *Record, _ []Shown) bool {
			return i == 6 // as it must be: nobody may know
		}},
	} {
		t.Run(name, func(t *testing.T) {
			x := newBundled(t)
			file := x.write(t, c.changed)
			got := x.verify(t, file)
			code, out := x.python(t, file)
			if c.code == "" {
				if len(got) > 0 || code != 0 {
					t.Fatal(got, out)
				}
				return
			}
			if !slices.Contains(got, c.code) || code != 1 || !strings.Contains(out, c.python) {
				t.Fatal(got, code, out)
			}
		})
	}
}

// TestABagMadeAnewIsFoundBySignature: whoever drops the last entries and makes
// manifests and archive anew has no key to sign them with.
func TestABagMadeAnewIsFoundBySignature(t *testing.T) {
	x := newBundled(t)
	x.head.Tender = "t"
	short := x.write(t, func(i int, _ *Record, _ []Shown) bool { return i == 8 })
	if got := x.verify(t, short); len(got) > 0 {
		t.Fatal("without its statement nobody can tell that the last one is gone:", got)
	}
	statement := inside(t, x.write(t, nil), fileStatement)
	forged := rebag(t, short, map[string]string{fileStatement: statement})
	if got := x.verify(t, forged); !slices.Contains(got, "statement-altered") || !slices.Contains(got, "wrong-size") {
		t.Fatal(got)
	}
	if code, out := x.python(t, forged); code != 1 || !strings.Contains(out, "rifatto") || !strings.Contains(out, "ha firmato 6 voci") {
		t.Fatal(code, out)
	}
	other := newPair(t, "gare.example/log")
	x.signer = other.signer
	if got := x.verify(t, x.write(t, nil)); !slices.Equal(got, []string{"statement-altered"}) {
		t.Fatal(got)
	}
}

// rebag replaces files of a bundle and makes its manifests fit again.
func rebag(t testing.TB, file []byte, with map[string]string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{}
	var files []packed
	for _, f := range z.File {
		text[f.Name] = inside(t, file, f.Name)
		if s, ok := with[f.Name]; ok {
			text[f.Name] = s
		}
		files = append(files, packed{f.Name, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text[f.Name])), nil }})
	}
	for _, m := range []string{fileManifest, fileTagManifest} {
		sums, _ := readManifest(text[m])
		var b strings.Builder
		for _, f := range files {
			if _, ok := sums[f.name]; ok {
				b.WriteString(manifestLine(digest([]byte(text[f.name])), f.name))
			}
		}
		text[m] = b.String()
	}
	var b bytes.Buffer
	if err := pack(&b, files); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAPeriodBeginsInTheMiddle(t *testing.T) {
	x := newBundled(t)
	from := noon.Add(2 * time.Second)
	x.head.From = &from
	file := x.write(t, func(i int, _ *Record, _ []Shown) bool { return i < 2 })
	if got := x.verify(t, file); len(got) > 0 {
		t.Fatal(got)
	}
	if code, out := x.python(t, file); code != 0 {
		t.Fatal(out)
	}
	hole := x.write(t, func(i int, _ *Record, _ []Shown) bool { return i < 2 || i == 5 })
	if got := x.verify(t, hole); !slices.Contains(got, "missing-entry") {
		t.Fatal(got)
	}
}

func TestADocumentThatIsAnotherBreaksTheArchiveOff(t *testing.T) {
	x := newBundled(t)
	w, err := NewBundleWriter(x.head, x.log, func() (Scratch, error) { return os.CreateTemp(t.TempDir(), "") })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Document(BundleDocument{SHA256: strings.Repeat("0", 64), Size: 1}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := w.Write(&b, x.signer, func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }); err == nil {
		t.Fatal("another document passes")
	}
	if got := x.verify(t, b.Bytes()); len(got) != 1 || !strings.Contains(got[0], "zip") {
		t.Fatal(got)
	}
}

func TestWhatIsNoBundleIsNoPanic(t *testing.T) {
	x := newBundled(t)
	for _, text := range []string{"", "PK", "nothing"} {
		if _, err := VerifyBundle(strings.NewReader(text), int64(len(text)), x.log); fmt.Sprint(err) == "<nil>" {
			t.Errorf("%q is a bundle", text)
		}
		if err := ReadBundle(strings.NewReader(text), int64(len(text)), nil); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

func FuzzVerifyBundle(f *testing.F) {
	x := newBundled(f)
	file := x.write(f, nil)
	f.Add(inside(f, file, fileEntries), inside(f, file, fileProofs), inside(f, file, fileManifest), inside(f, file, fileStatement))
	f.Add("{}\n", "", "", "{}")
	f.Add(`{"index":1,"leaf":"","states":[{}]}`, proofVersion+"\n", "x  y\n", "null")
	f.Fuzz(func(t *testing.T, entries, proofs, manifest, statement string) {
		var b bytes.Buffer
		var files []packed
		for name, text := range map[string]string{fileEntries: entries, fileProofs: proofs, fileManifest: manifest, fileStatement: statement,
			fileTagManifest: "", fileCheckpoint: x.head.Note, fileBagit: bagit} {
			files = append(files, packed{name, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }})
		}
		if err := pack(&b, files); err != nil {
			t.Skip()
		}
		if r, err := VerifyBundle(bytes.NewReader(b.Bytes()), int64(b.Len()), x.log); err == nil && r.OK() {
			t.Error("a bundle without its files passes")
		}
		_ = ReadBundle(bytes.NewReader(b.Bytes()), int64(b.Len()), func(BundleEntry) error { return nil })
	})
}
