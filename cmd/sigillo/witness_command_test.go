package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/internal/witness"
)

// watching is `sigillo witness` while it runs.
type watching struct {
	t       *testing.T
	address string
	public  string
	stop    context.CancelFunc
	ended   chan int
	errs    *lockedBuffer
}

// watch starts it, and waits until it listens.
func watch(t *testing.T, args ...string) *watching {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	x := &watching{t: t, stop: stop, ended: make(chan int, 1), errs: &lockedBuffer{}}
	out, in := io.Pipe()
	go func() {
		x.ended <- run(ctx, append([]string{"--lang", "en", "witness", "--listen", "127.0.0.1:0"}, args...), in, x.errs)
		in.Close()
	}()
	t.Cleanup(stop)
	lines := bufio.NewScanner(out)
	for i := 0; i < 2; i++ {
		if !lines.Scan() {
			t.Fatal(<-x.ended, x.errs.String())
		}
		switch text := lines.Text(); i {
		case 0:
			var ok bool
			if x.address, ok = strings.CutPrefix(text, "Witness on "); !ok {
				t.Fatal(text)
			}
		case 1:
			x.public = text
		}
	}
	go io.Copy(io.Discard, out)
	return x
}

// end interrupts it, and gives how it ended.
func (x *watching) end() int {
	x.t.Helper()
	x.stop()
	select {
	case code := <-x.ended:
		return code
	case <-time.After(15 * time.Second):
		x.t.Fatal("does not end")
		return -1
	}
}

// logOf makes a key, and signs checkpoints of a log of so many equal leaves.
func logOf(t *testing.T, name string) (public string, at func(size int) string) {
	t.Helper()
	private, public, err := audit.GenerateKey(name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return public, func(size int) string {
		var tree audit.Tree
		for range size {
			tree.Add([32]byte{1})
		}
		text, err := audit.SignCheckpoint(name, uint64(size), tree.Root(), signer)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

// TestTheWitnessCommandWatchesUntilInterrupted: keys of logs from a file and
// from the line, the key of the witness made once, what it signed kept across a
// restart.
func TestTheWitnessCommandWatchesUntilInterrupted(t *testing.T) {
	data := filepath.Join(t.TempDir(), "testimone")
	one, at := logOf(t, "gare.example/log")
	two, atOther := logOf(t, "altre.example/log")
	file := filepath.Join(t.TempDir(), "log.pub")
	if err := os.WriteFile(file, []byte(one+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := watch(t, "--name", "w.example/1", "--data", data, "--log", file, "--log", two)
	first := x.public
	policy, err := audit.ParsePolicy([]byte("log " + one + "\nlog " + two + "\nwitness w " + first + " " + x.address + "\nquorum w\n"))
	if err != nil {
		t.Fatal(err)
	}
	client := witness.NewClient()
	for _, text := range []string{at(5), atOther(1)} {
		lines, _, err := client.Ask(t.Context(), x.address, 0, nil, text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := policy.Check(text + lines); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(filepath.Join(data, "witness.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	if code := x.end(); code != 0 {
		t.Fatal(code, x.errs.String())
	}
	if _, _, err := client.Ask(t.Context(), x.address, 0, nil, at(5)); err == nil {
		t.Error("answers after its end")
	}

	t.Setenv("SIGILLO_WITNESS_LOGS", file+","+two)
	x = watch(t, "--name", "w.example/1", "--data", data)
	if x.public != first {
		t.Errorf("the key %s became %s", first, x.public)
	}
	if _, knows, err := client.Ask(t.Context(), x.address, 0, nil, at(6)); knows != 5 || err != nil {
		t.Error(knows, err)
	}
	if code := x.end(); code != 0 {
		t.Fatal(code, x.errs.String())
	}
	left, err := os.ReadDir(data)
	if err != nil || len(left) != 4 { // its key, its lock, a checkpoint of each log
		t.Error(left, err)
	}
}

// TestAnInterruptedWitnessAnswersWhatItHasBegun: half a request is there when it
// is told to end.
func TestAnInterruptedWitnessAnswersWhatItHasBegun(t *testing.T) {
	public, at := logOf(t, "gare.example/log")
	x := watch(t, "--name", "w.example/1", "--data", t.TempDir(), "--log", public)
	policy, err := audit.ParsePolicy([]byte("log " + public + "\nwitness w " + x.public + "\nquorum w\n"))
	if err != nil {
		t.Fatal(err)
	}
	// The server asks for the body only when the witness is reading it.
	conn, err := net.Dial("tcp", strings.TrimPrefix(x.address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r, err := http.NewRequest("POST", x.address+"/add-checkpoint", nil)
	if err != nil {
		t.Fatal(err)
	}
	body := "old 0\n\n" + at(5)
	if _, err := io.WriteString(conn, "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nExpect: 100-continue\r\nContent-Type: text/plain\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatal(line, err)
	}
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	x.stop()
	for { // until it takes no others
		other, err := net.Dial("tcp", strings.TrimPrefix(x.address, "http://"))
		if err != nil {
			break
		}
		other.Close()
		time.Sleep(5 * time.Millisecond)
	}
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(in, r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 {
		t.Fatal(answer.Status, err)
	}
	if _, err := policy.Check(at(5) + string(lines)); err != nil {
		t.Error(err)
	}
	if code := x.end(); code != 0 {
		t.Error(code, x.errs.String())
	}
}

// TestTheWitnessCommandSaysWhatIsWrong: it ends at once, and leaves no key
// behind that nobody could use.
func TestTheWitnessCommandSaysWhatIsWrong(t *testing.T) {
	public, _ := logOf(t, "gare.example/log")
	again, _ := logOf(t, "gare.example/log")
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	kept := t.TempDir()
	if _, _, err := (&witnessCommand{Data: kept, Name: "w.example/1"}).key(); err != nil {
		t.Fatal(err)
	}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "witness.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		code int
		says string
		args []string
	}{
		{"no log", 2, "--log", []string{"--name", "w", "--data", t.TempDir()}},
		{"no name", 2, "--name", []string{"--log", public, "--data", t.TempDir()}},
		{"not a key", 1, "is not a public key of a log", []string{"--name", "w", "--log", "gare.example/log+1+x", "--data", t.TempDir()}},
		{"a log twice", 1, "two keys: leave one", []string{"--name", "w", "--log", public, "--log", again, "--data", t.TempDir()}},
		{"a name with a space", 1, "cannot be the name of a witness", []string{"--name", "w 1", "--log", public, "--data", filepath.Join(kept, "none")}},
		{"a name with a plus", 1, "cannot be the name of a witness", []string{"--name", "w+1", "--log", public, "--data", filepath.Join(kept, "none")}},
		{"another name", 1, "the key of the witness w.example/1: use that name", []string{"--name", "w.example/2", "--log", public, "--data", kept}},
		{"an empty key", 1, "witness.key holds no key of a witness", []string{"--name", "w", "--log", public, "--data", broken}},
		{"an address in use", 1, "address already in use", []string{"--name", "w.example/1", "--log", public, "--data", kept, "--listen", busy.Addr().String()}},
	} {
		errs := &lockedBuffer{}
		code := run(t.Context(), append([]string{"--lang", "en", "witness"}, c.args...), io.Discard, errs)
		if code != c.code || !contains(errs.String(), c.says) {
			t.Errorf("%s: %d %s", c.name, code, errs)
		}
	}
	if _, err := os.Stat(filepath.Join(kept, "none")); !os.IsNotExist(err) {
		t.Error("left over", err)
	}
}

// TestAWitnessMakesOneKey: of several that begin at once in an empty folder, all
// go by the key of the first.
func TestAWitnessMakesOneKey(t *testing.T) {
	data := filepath.Join(t.TempDir(), "testimone")
	keys := make(chan string, 8)
	for range cap(keys) {
		go func() {
			_, public, err := (&witnessCommand{Data: data, Name: "w.example/1"}).key()
			if err != nil {
				t.Error(err)
			}
			keys <- public
		}()
	}
	first := <-keys
	for range cap(keys) - 1 {
		if k := <-keys; k != first {
			t.Errorf("%s and %s", first, k)
		}
	}
	if left, err := os.ReadDir(data); err != nil || len(left) != 1 {
		t.Error(left, err)
	}
}
