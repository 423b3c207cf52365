package witness

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// TestMain plays a witness where it is told to, so that it can be killed.
func TestMain(m *testing.M) {
	if folder := os.Getenv("WITNESS_FOLDER"); folder != "" {
		if err := play(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func play(folder string) error {
	log, err := note.NewVerifier(os.Getenv("WITNESS_LOG"))
	if err != nil {
		return err
	}
	w, err := New(folder, os.Getenv("WITNESS_KEY"), log)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return http.Serve(l, w.Handler(func(err error) { fmt.Fprintln(os.Stderr, err) }))
}

// TestAKilledWitnessForgetsNothingItSigned: a process of its own is killed at
// any moment while the log and a fork of it ask for signatures. Whatever anybody
// got a signature for is known to the next process, which goes on from there.
func TestAKilledWitnessForgetsNothingItSigned(t *testing.T) {
	x := newWorld(t)
	x.server.Close()
	client := NewClient()
	signed := 0
	for range 25 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "WITNESS_FOLDER="+x.folder, "WITNESS_KEY="+x.private, "WITNESS_LOG="+x.public)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		x.ok(err)
		x.ok(child.Start())
		line, err := bufio.NewReader(out).ReadString('\n')
		x.ok(err)
		address := "http://" + strings.TrimSpace(line)
		// What it remembers: the size it wants to go on from.
		lines, knows, err := client.Ask(t.Context(), address, 300, nil, x.at(300, false))
		x.ok(err)
		if lines != "" { // it has signed the whole log
			knows = 300
		}
		known := int(knows)
		if known < signed {
			t.Fatalf("signed %d, and remembers %d", signed, known)
		}
		signed = known
		more := rand.IntN(8) // that it signs before it is about to be killed
		for old := known; old < 300; {
			if old == known+more {
				time.AfterFunc(time.Duration(rand.IntN(4000))*time.Microsecond, func() { child.Process.Kill() })
			}
			next := old + 1
			if old > 2 {
				if lines, _, err := client.Ask(t.Context(), address, uint64(old), proof(x.history(true)[:next], old), x.at(next, true)); err == nil {
					t.Fatalf("signed another history: %s", lines)
				}
			}
			lines, _, err := client.Ask(t.Context(), address, uint64(old), proof(x.leaves[:next], old), x.at(next, false))
			if err != nil {
				break // killed
			}
			if _, err := x.policy.Check(x.at(next, false) + lines); err != nil {
				t.Fatal(err)
			}
			old, signed = next, next
		}
		child.Process.Kill()
		child.Wait()
	}
	if signed < 25 {
		t.Fatalf("signed up to %d only", signed)
	}
}

// TestAWitnessGoesOnFromWhateverAKillLeft: the folder as it lies between any two
// steps of keeping a checkpoint.
func TestAWitnessGoesOnFromWhateverAKillLeft(t *testing.T) {
	for _, c := range []struct {
		name     string
		begun    func(next []byte) []byte // what lies beside the record
		replaced bool                     // the record itself is already the next
		goesOn   int                      // from which size
	}{
		{"before the first byte", func([]byte) []byte { return nil }, false, 5},
		{"half written", func(b []byte) []byte { return b[:len(b)/2] }, false, 5},
		{"longer than the next will be", func(b []byte) []byte { return append(b, b...) }, false, 5},
		{"written, not renamed", func(b []byte) []byte { return b }, false, 5},
		{"renamed, not answered", nil, true, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newWorld(t)
			if status, _, _ := x.grow(0, 5, false); status != 200 {
				t.Fatal(status)
			}
			record, err := filepath.Glob(filepath.Join(x.folder, "*.checkpoint"))
			x.ok(err)
			before, err := os.ReadFile(record[0])
			x.ok(err)
			if status, _, _ := x.grow(5, 9, false); status != 200 {
				t.Fatal(status)
			}
			next, err := os.ReadFile(record[0])
			x.ok(err)
			if !c.replaced {
				x.ok(os.WriteFile(record[0], before, 0o600))
				x.ok(os.WriteFile(record[0]+".next", c.begun(next), 0o600))
			}
			x.begin()
			if status, text, _ := x.grow(300, 300, false); status != 409 || text != fmt.Sprintln(c.goesOn) {
				t.Fatal(status, text)
			}
			if status, text, _ := x.grow(c.goesOn, 12, true); status != 422 {
				t.Fatal(status, text)
			}
			status, lines, _ := x.grow(c.goesOn, 12, false)
			if _, err := x.policy.Check(x.at(12, false) + lines); status != 200 || err != nil {
				t.Fatal(status, lines, err)
			}
			if status, text, _ := x.grow(12, 13, false); status != 200 { // what it kept can be read again
				t.Fatal(status, text)
			}
			if left, _ := filepath.Glob(filepath.Join(x.folder, "*.next")); len(left) > 0 {
				t.Error("left over", left)
			}
		})
	}
}
