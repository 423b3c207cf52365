package main

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"sigillo/bids"
	"sigillo/docs"
	"sigillo/internal/objects/vaulttest"
	"sigillo/internal/sealer"
	"sigillo/internal/store/storetest"
	"sigillo/tender"
)

// process is the program running by itself, as in production.
type process struct {
	cmd *exec.Cmd
	log lockedBuffer
}

// program builds the program once for a test.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sigillo")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: the program cannot be built here: %s", out)
	}
	return path
}

// launch starts the program and waits for a line on its output.
func launch(t *testing.T, path string, env []string, want *regexp.Regexp, args ...string) (*process, string) {
	t.Helper()
	p := &process{cmd: exec.Command(path, args...)}
	p.cmd.Env = append([]string{"PATH=/usr/bin:/bin"}, env...)
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill(); p.cmd.Wait() })
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			p.log.Write(append(lines.Bytes(), '\n'))
			if m := want.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
	}()
	select {
	case line := <-found:
		return p, line
	case <-time.After(30 * time.Second):
		t.Fatalf("it did not start: %s", p.log.String())
		return nil, ""
	}
}

// memoryOf reads all that a process may write to: its heap and stacks.
func memoryOf(t *testing.T, pid int) []byte {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Skip("SKIPPED: no /proc to read a process's memory from")
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Skip("SKIPPED: another process's memory may not be read here")
	}
	defer mem.Close()
	var all bytes.Buffer
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); err != nil || !strings.HasPrefix(mode, "rw") || to-from > 1<<31 {
			continue
		}
		io.Copy(&all, io.NewSectionReader(mem, from, to-from)) // what cannot be read is left out
	}
	if all.Len() < 1<<20 {
		t.Fatalf("only %d bytes of memory were read", all.Len())
	}
	return all.Bytes()
}

// tables reads every row of every table, each value as it is and decoded.
func tables(t *testing.T, dsn string) map[string][]byte {
	t.Helper()
	driver, source, list := "pgx", dsn, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, source, list = "sqlite", path, "SELECT name FROM sqlite_master WHERE type = 'table'"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var names []string
	rows, err := db.Query(list)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	rows.Close()
	all := map[string][]byte{}
	for _, name := range names {
		rows, err := db.Query("SELECT * FROM " + name)
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		var b bytes.Buffer
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				raw, ok := v.([]byte)
				if !ok {
					raw = []byte(fmt.Sprint(v))
				}
				b.Write(raw)
				b.WriteByte('\n')
				if text, err := base64.StdEncoding.DecodeString(string(raw)); err == nil {
					b.Write(text)
				}
				if text, err := hex.DecodeString(string(raw)); err == nil {
					b.Write(text)
				}
			}
		}
		rows.Close()
		all[name] = b.Bytes()
	}
	if len(all["bid"]) == 0 || len(all["audit_entry"]) == 0 || len(all["outcome"]) == 0 {
		t.Fatal("the rows of bids are not seen")
	}
	return all
}

// TestAT037RedTeam has everything of a running production platform but the
// sealer: database, bucket, environment, logs, answers to the public and the
// memory of the API's process. It finds neither the canary in the bid nor who
// has bid.
func TestAT037RedTeam(t *testing.T) {
	play := func(t *testing.T, dsn, objects string) {
		path := program(t)
		vaultDoor, err := os.MkdirTemp("", "s") // a socket's path is short
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(vaultDoor) })
		socket := filepath.Join(vaultDoor, "sealer.sock")
		keys := t.TempDir()
		migrate := exec.Command(path, "migrate")
		migrate.Env = []string{"SIGILLO_DATABASE=" + dsn, "SIGILLO_OBJECTS=" + objects, "SIGILLO_SEALER=" + socket, "SIGILLO_LOG_KEY=" + filepath.Join(keys, "log.key")}
		if out, err := migrate.CombinedOutput(); err != nil {
			t.Fatalf("migrate: %s", out)
		}
		launch(t, path, []string{"SIGILLO_DATABASE=" + dsn, "SIGILLO_SEALER_KEY=" + filepath.Join(vaultDoor, "sealer.key"), "SIGILLO_SEALER=" + socket},
			regexp.MustCompile(`(sealer\.sock)`), "sealer")
		waitFor(t, socket)
		s := newSiteAt(t, dsn, objects, socket, time.Now())
		redTeam(t, s, path, keys, socket)
	}
	t.Run("sqlite+dir", func(t *testing.T) { play(t, storetest.SQLite(t), t.TempDir()) })
	t.Run("postgres+s3", func(t *testing.T) { play(t, storetest.Postgres(t), vaulttest.Service(t).String()) })
}

func waitFor(t *testing.T, path string) {
	t.Helper()
	for range 400 {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s did not come", path)
}

func redTeam(t *testing.T, s *site, path, keys, socket string) {
	const canary, price = "CANARY-e1b7-rosso", "73.941"
	s.published()
	b := s.bid("supplier-legno", 1, price, canary)
	s.bid("supplier-legno", 2, price, canary)
	supplier, person, company := s.suppliers["supplier-legno"], s.persons["supplier-legno"], "Legnoscuola"
	officer, err := s.as(t.Context(), "rup")
	s.ok(err)
	auditor, err := s.as(t.Context(), "auditor")
	s.ok(err)
	competitor, err := s.as(t.Context(), "supplier-arredi")
	s.ok(err)

	// The API runs on, started after the bids came in, as it is after any
	// restart: officers and the public are at work on it.
	api, base := launch(t, path, []string{"SIGILLO_DATABASE=" + s.dsn, "SIGILLO_OBJECTS=" + s.objects, "SIGILLO_SEALER=" + socket,
		"SIGILLO_LOG_KEY=" + filepath.Join(keys, "log.key"), "SIGILLO_LISTEN=127.0.0.1:0"}, regexp.MustCompile(`Sigillo: (http://\S+)`), "serve")
	var answers bytes.Buffer
	for _, c := range []string{"officer", "auditor", "public", "competitor"} {
		who := s.api.As("")
		switch c {
		case "officer":
			who = officer
		case "auditor":
			who = auditor
		case "competitor":
			who = competitor
		}
		who.Base = base
		for _, at := range []string{"/status", s.tenderPath(""), s.tenderPath("/openings"), s.tenderPath("/questions"), s.lotPath(0, "bids"), "/v1/bids",
			s.lotPath(0, "contested"), s.tenderPath("/functioning"), "/v1/authorities/" + s.authority + "/audit", "/v1/tenders"} {
			if err := who.Get(t.Context(), at, &answers); err != nil {
				fmt.Fprintln(&answers, err)
			}
		}
	}
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", api.cmd.Process.Pid))
	if err != nil {
		t.Skip("SKIPPED: no /proc to read a process's environment from")
	}
	memory := memoryOf(t, api.cmd.Process.Pid)
	if !bytes.Contains(memory, []byte(s.tender.ID)) {
		t.Fatal("the memory read does not even hold what is public")
	}
	var bucket bytes.Buffer
	for _, a := range []docs.Area{docs.Papers, docs.AreaSealed} {
		s.ok(s.p.vault.List(t.Context(), a, func(o docs.Object) error {
			r, _, err := s.p.vault.Open(t.Context(), a, o.Hash)
			if err != nil {
				return err
			}
			defer r.Close()
			fmt.Fprintln(&bucket, o.Hash)
			_, err = bucket.ReadFrom(r)
			return err
		}))
	}
	stolen := map[string][]byte{"the bucket": bucket.Bytes(), "the environment": environment, "the log": []byte(api.log.String()), "an answer": answers.Bytes(), "the memory": memory}
	rows := tables(t, s.dsn)
	// Snapshots of the registers are like the registers: everybody stands there.
	delete(rows, "audit_state")
	for _, part := range []string{"object", "doc"} {
		got := column(t, s.dsn, "SELECT "+part+" FROM audit_state WHERE type NOT IN ('supplier', 'person', 'session')")
		if len(got) < 3 {
			t.Fatal("no snapshots")
		}
		rows["audit_state."+part] = []byte(strings.Join(got, "\n"))
	}
	for name, text := range rows {
		stolen["table "+name] = text
	}
	register := map[string]bool{"table supplier": true, "table person": true, "table session": true}
	for where, text := range stolen {
		for _, secret := range []string{canary, price} {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds %s", where, secret)
			}
		}
		if register[where] {
			continue // everybody registered stands there, whether bidding or not
		}
		for what, secret := range map[string]string{"the bidder's id": supplier, "the person's id": person, "the company's name": company} {
			searched := text
			if where == "the memory" && strings.HasPrefix(s.dsn, "sqlite:") {
				searched = withoutPages(text, secret, pages(t, s.dsn))
			}
			if i := bytes.Index(searched, []byte(secret)); i >= 0 && !registered(where, searched, i) {
				t.Errorf("%s tells of the bidder: %s: %q", where, what, searched[max(0, i-60):min(len(searched), i+100)])
			}
		}
	}
	// What an opening will tell of one lot tells nothing of another: the same
	// bidder has another mark there.
	if n := len(column(t, s.dsn, "SELECT DISTINCT supplier FROM bid")); n != 2 {
		t.Errorf("%d marks for two bids of one supplier", n)
	}
	guess(t, memory, column(t, s.dsn, "SELECT who FROM bid WHERE id = '"+b.ID+"'")[0], "bid.who/"+b.ID)
	// With all that, and a sealer of one's own, nothing opens.
	master, err := sealer.Load(filepath.Join(t.TempDir(), "sealer.key"))
	s.ok(err)
	thief := sealer.New(master, s.p.store, time.Now)
	l := s.tender.Lots[0]
	wrapped, err := s.p.store.WrappedKey(t.Context(), l.ID, tender.Economic)
	s.ok(err)
	if _, err := thief.Release(t.Context(), bids.Request{Scope: bids.Scope{Authority: s.authority, Tender: s.tender.ID, Lot: l.ID, Envelope: "C"}, Wrapped: wrapped}); err == nil {
		t.Error("a sealer without the master key releases")
	}
	guessed, err := thief.Veil(t.Context(), sealer.Question{Names: []string{supplier}})
	s.ok(err)
	if bytes.Contains(rows["bid"], []byte(guessed.Marks[0])) {
		t.Error("a thief can compute who stands behind a mark")
	}
}

// pages is the database in its files, which SQLite also keeps in the memory of
// the process.
func pages(t *testing.T, dsn string) []byte {
	t.Helper()
	var all []byte
	for _, end := range []string{"", "-wal"} {
		text, err := os.ReadFile(strings.TrimPrefix(dsn, "sqlite:") + end)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}

// withoutPages leaves of a memory only where a text stands otherwise than in
// the database's files, with its neighbours on either side (it may be the last
// on its page): what these tell is searched table by table.
func withoutPages(memory []byte, text string, pages []byte) []byte {
	const around = 24
	var left []byte
	for from := 0; ; from++ {
		i := bytes.Index(memory[from:], []byte(text))
		if i < 0 {
			return left
		}
		from += i
		near := memory[max(0, from-around):min(from+len(text)+around, len(memory))]
		if !bytes.Contains(pages, near[:len(near)-around]) && !bytes.Contains(pages, near[around:]) {
			left = append(left, near...)
		}
	}
}

// column reads the values of a query.
func column(t *testing.T, dsn, query string) []string {
	t.Helper()
	driver, source := "pgx", dsn
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, source = "sqlite", path
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// guess takes every aligned 32 bytes of a memory for the key of a veiled text.
func guess(t *testing.T, memory []byte, text, place string) {
	t.Helper()
	veiled, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(veiled) < 512 || veiled[0] != 1 {
		t.Fatalf("this is not how the veil is made: %v", err)
	}
	tried := 0
	for i := 0; i+32 <= len(memory); i += 8 {
		key := memory[i : i+32]
		if binary.LittleEndian.Uint64(key) == 0 || binary.LittleEndian.Uint64(key[24:]) == 0 {
			continue
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := aead.Open(nil, nil, veiled[2+int(veiled[1]):], []byte(place)); err == nil {
			t.Fatal("the memory holds the key of who has bid")
		}
		tried++
	}
	t.Logf("%d keys of %d MB of memory tried", tried, len(memory)>>20)
}

// registered tells whether a name was found where it stands for everybody: the
// acts that entered people and suppliers in the register of the platform.
func registered(where string, text []byte, at int) bool {
	if where != "table audit_entry" {
		return false
	}
	entry := text[bytes.LastIndexByte(text[:at], '\n')+1:]
	if end := bytes.IndexByte(entry, '\n'); end >= 0 {
		entry = entry[:end]
	}
	for _, action := range []string{"register-supplier", "register-person", "grant-power", "open-session"} {
		if bytes.Contains(entry, []byte(`"action":"`+action+`"`)) {
			return true
		}
	}
	return false
}

// TestTheRegisterHoldsNoKeys: once the envelopes are open, their keys stand
// beside the opening and nowhere in the register or its snapshots.
func TestTheRegisterHoldsNoKeys(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		s.bid("supplier-legno", 1, "10", "uno")
		s.bid("supplier-gruppo", 1, "11", "due")
		s.opened()
		var keys []string
		for _, doc := range column(t, s.dsn, "SELECT doc FROM opening") {
			var o bids.Opening
			s.ok(json.Unmarshal([]byte(doc), &o))
			for _, b := range o.Bids {
				if b.FileKey != nil {
					keys = append(keys, base64.StdEncoding.EncodeToString(b.FileKey))
				}
			}
		}
		snapshots := column(t, s.dsn, "SELECT doc FROM audit_state WHERE type = 'opening'")
		if len(keys) < 2 || len(snapshots) < 2 {
			t.Fatalf("%d keys, %d snapshots", len(keys), len(snapshots))
		}
		for _, key := range keys {
			for _, text := range snapshots {
				if strings.Contains(text, key) {
					t.Fatal("a snapshot holds a file key")
				}
			}
		}
	})
}
