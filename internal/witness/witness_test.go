package witness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/internal/fault"
)

// world is a log that grows, a fork of it, and a witness over HTTP.
type world struct {
	t       *testing.T
	signer  note.Signer
	log     note.Verifier
	leaves  [][32]byte
	policy  *audit.Policy
	folder  string
	private string
	public  string // of the log
	server  *httptest.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	x := &world{t: t, folder: t.TempDir()}
	private, public, err := audit.GenerateKey("gare.example/log")
	x.ok(err)
	x.public = public
	x.signer, err = note.NewSigner(private)
	x.ok(err)
	x.log, err = note.NewVerifier(public)
	x.ok(err)
	var own string
	x.private, own, err = audit.GenerateKey("w.example/1")
	x.ok(err)
	x.policy, err = audit.ParsePolicy([]byte("log " + public + "\nwitness w " + own + "\nquorum w\n"))
	x.ok(err)
	for i := range 300 {
		x.leaves = append(x.leaves, audit.Leaf([32]byte{byte(i), byte(i >> 8)}, []byte("x")))
	}
	x.begin()
	return x
}

// begin starts the witness, as after a crash: from its folder.
func (x *world) begin() {
	x.t.Helper()
	w, err := New(x.folder, x.private, x.log)
	x.ok(err)
	if x.server != nil {
		x.server.Close()
	}
	x.server = httptest.NewServer(w.Handler(func(err error) { x.t.Error(err) }))
	x.t.Cleanup(x.server.Close)
}

func (x *world) ok(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

// at is the checkpoint of a size; forked changes a leaf of the past.
func (x *world) at(size int, forked bool) string {
	x.t.Helper()
	text, err := audit.SignCheckpoint(x.log.Name(), uint64(size), rootOf(x.history(forked)[:size]), x.signer)
	x.ok(err)
	return text
}

func (x *world) history(forked bool) [][32]byte {
	all := append([][32]byte{}, x.leaves...)
	if forked {
		all[2][0] ^= 1
	}
	return all
}

func rootOf(leaves [][32]byte) [32]byte {
	var tree audit.Tree
	for _, l := range leaves {
		tree.Add(l)
	}
	return tree.Root()
}

// proof is a consistency proof by the definition of RFC 6962, 2.1.2.
func proof(leaves [][32]byte, m int) [][32]byte {
	var sub func(d [][32]byte, m int, whole bool) [][32]byte
	sub = func(d [][32]byte, m int, whole bool) [][32]byte {
		if m == len(d) {
			if whole {
				return nil
			}
			return [][32]byte{rootOf(d)}
		}
		k := 1
		for k*2 < len(d) {
			k *= 2
		}
		if m <= k {
			return append(sub(d[:k], m, whole), rootOf(d[k:]))
		}
		return append(sub(d[k:], m-k, false), rootOf(d[:k]))
	}
	if m == 0 {
		return nil
	}
	return sub(leaves, m, true)
}

func (x *world) post(body string) (int, string, string) {
	x.t.Helper()
	r, err := http.Post(x.server.URL+"/add-checkpoint", "text/plain", strings.NewReader(body))
	x.ok(err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	x.ok(err)
	return r.StatusCode, string(text), r.Header.Get("Content-Type")
}

// grow asks from one size to another.
func (x *world) grow(old, size int, forked bool) (int, string, string) {
	x.t.Helper()
	return x.post(string(request{uint64(old), proof(x.history(forked)[:size], old), x.at(size, forked)}.text()))
}

// TestAWitnessSignsGrowthAndNothingElse: the rules of tlog-witness, one by one;
// after every one the witness dies and begins again.
func TestAWitnessSignsGrowthAndNothingElse(t *testing.T) {
	x := newWorld(t)
	signed := func(old, size int) {
		t.Helper()
		status, lines, _ := x.grow(old, size, false)
		if _, err := x.policy.Check(x.at(size, false) + lines); status != 200 || err != nil {
			t.Fatal(status, lines, err)
		}
		x.begin()
	}
	refused := func(status, known int, answer int, text, kind string) {
		t.Helper()
		if answer != status || known >= 0 && (text != fmt.Sprintln(known) || kind != "text/x.tlog.size") {
			t.Fatalf("answered %d %q %s, want %d %d", answer, text, kind, status, known)
		}
		x.begin()
	}
	conflict := func(old, size, known int, forked bool) {
		t.Helper()
		a, text, kind := x.grow(old, size, forked)
		refused(409, known, a, text, kind)
	}
	other := func(status int, body string) {
		t.Helper()
		a, text, kind := x.post(body)
		refused(status, -1, a, text, kind)
	}
	conflict(5, 7, 0, false) // it has signed nothing yet
	empty := func(root [32]byte) string {
		text, err := audit.SignCheckpoint(x.log.Name(), 0, root, x.signer)
		x.ok(err)
		return "old 0\n\n" + text
	}
	other(422, empty([32]byte{1}))
	other(422, string(request{0, [][32]byte{{1}}, x.at(5, false)}.text()))
	other(200, empty(rootOf(nil)))
	signed(0, 5)
	signed(5, 5) // the same again
	signed(5, 8)
	conflict(0, 9, 8, false)
	conflict(5, 7, 8, false) // back to yesterday
	conflict(5, 9, 8, true)
	a, text, kind := x.grow(8, 20, true) // another history
	refused(422, -1, a, text, kind)
	a, text, kind = x.grow(8, 8, true)
	refused(422, -1, a, text, kind)
	other(422, string(request{8, nil, x.at(20, false)}.text()))
	other(422, string(request{8, [][32]byte{{1}}, x.at(8, false)}.text()))
	other(400, string(request{8, nil, x.at(7, false)}.text())) // smaller than its own old size
	good := string(request{8, proof(x.leaves[:20], 8), x.at(20, false)}.text())
	for _, bad := range []string{"", "old 8", strings.Replace(good, "old 8", "old 08", 1), strings.Replace(good, "old 8", "old -8", 1), strings.Replace(good, "\n\n", "\n", 1),
		strings.Replace(good, "\n\n", "\n"+strings.Repeat(strings.Repeat("A", 43)+"=\n", 64)+"\n", 1), good + strings.Repeat("x", maxBody)} {
		other(400, bad)
	}
	other(404, strings.Replace(good, "gare.example/log\n20", "altre.example/log\n20", 1))
	other(403, strings.Replace(good, "\n20\n", "\n21\n", 1))
	stranger := newWorld(t)
	other(403, string(request{8, proof(x.leaves[:20], 8), stranger.at(20, false)}.text()))
	signed(8, 300)

	// The watchman's own record.
	w, err := New(x.folder, x.private, x.log)
	x.ok(err)
	path := filepath.Base(w.path(x.log.Name()))
	r, err := http.Get(x.server.URL + "/" + strings.TrimSuffix(path, ".checkpoint") + "/checkpoint")
	x.ok(err)
	defer r.Body.Close()
	record, err := io.ReadAll(r.Body)
	x.ok(err)
	if c, err := x.policy.Check(string(record)); err != nil || c.Size != 300 {
		t.Error(err, string(record))
	}
}

// TestManyAtOnceNeverSignTwoHistories: forks and the true log race, at several
// witnesses that keep one folder, as processes that overlap at a restart do;
// whatever is signed is of one history, and sizes never go back.
func TestManyAtOnceNeverSignTwoHistories(t *testing.T) {
	for range 3 {
		x := newWorld(t)
		ways := map[bool]bool{}
		var mu sync.Mutex
		var wait sync.WaitGroup
		for i := range 8 {
			w, err := New(x.folder, x.private, x.log)
			x.ok(err)
			forked := i%2 == 1
			history := x.history(forked)
			wait.Go(func() {
				old, last := 0, 0
				for size := 5 + i; size <= 100; size += 1 + i {
					if old > size {
						continue
					}
					_, err := w.add(request{uint64(old), proof(history[:size], old), x.at(size, forked)})
					var no *refusal
					switch {
					case err == nil:
						old = size
						mu.Lock()
						ways[forked] = true
						mu.Unlock()
					case errors.As(err, &no) && no.status == 409:
						if old = int(no.size); old < last {
							t.Errorf("went back from %d to %d", last, old)
						}
						last = old
					case !errors.As(err, &no):
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		if len(ways) != 1 {
			t.Fatalf("signed %v", ways)
		}
	}
}

// TestADamagedRecordSignsNothing: a witness that cannot know what it signed must
// not begin anew.
func TestADamagedRecordSignsNothing(t *testing.T) {
	x := newWorld(t)
	if status, _, _ := x.grow(0, 5, false); status != 200 {
		t.Fatal(status)
	}
	files, err := filepath.Glob(filepath.Join(x.folder, "*"))
	x.ok(err)
	if len(files) != 2 || filepath.Base(files[1]) != "lock" {
		t.Fatal(files, "left over")
	}
	text, err := os.ReadFile(files[0])
	x.ok(err)
	for _, bad := range [][]byte{nil, text[:len(text)/2], bytes.Replace(text, []byte("\n5\n"), []byte("\n4\n"), 1)} {
		x.ok(os.WriteFile(files[0], bad, 0o600))
		w, err := New(x.folder, x.private, x.log)
		x.ok(err)
		if line, err := w.add(request{0, nil, x.at(9, false)}); err == nil {
			t.Errorf("signed %s", line)
		}
	}
}

func TestTheClientTellsWhatTheWitnessKnows(t *testing.T) {
	x := newWorld(t)
	c := NewClient()
	lines, knows, err := c.Ask(t.Context(), x.server.URL+"/", 0, nil, x.at(5, false))
	if _, bad := x.policy.Check(x.at(5, false) + lines); err != nil || bad != nil || knows != 0 {
		t.Fatal(lines, knows, err, bad)
	}
	if lines, knows, err = c.Ask(t.Context(), x.server.URL, 0, nil, x.at(7, false)); lines != "" || knows != 5 || err != nil {
		t.Fatal(lines, knows, err)
	}
	if _, _, err = c.Ask(t.Context(), x.server.URL, 5, [][32]byte{{1}}, x.at(7, false)); fault.Of(err) == nil || fault.Of(err).Code != "witness-refused" {
		t.Fatal(err)
	}
	x.server.Close()
	if _, _, err = c.Ask(t.Context(), x.server.URL, 5, nil, x.at(7, false)); fault.Of(err) == nil || fault.Of(err).Code != "witness-unavailable" {
		t.Fatal(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("old 3\n" + strings.Repeat("A", 43) + "=\n\na\n4\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := parse(body)
		if err == nil && !bytes.Equal(q.text(), body) {
			t.Error("two spellings")
		}
	})
}
