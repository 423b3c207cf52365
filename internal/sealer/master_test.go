package sealer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTheKeyFileIsKeptFromOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sealer.key")
	if _, err := Load(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("made with mode %v, %v", info.Mode(), err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o602, 0o644, 0o610} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "0600") {
			t.Errorf("mode %v: got %v", mode, err)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err != nil {
		t.Errorf("mode 0400: got %v", err)
	}
}

// TestASpoiltKeyFileIsNeverReplaced: a new key in its place would make every
// envelope sealed so far unreadable.
func TestASpoiltKeyFileIsNeverReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sealer.key")
	for _, text := range []string{"", "AGE-SECRET-KEY-PQ-1CANARY", "CANARY"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%q: got %v", text, err)
		}
		if kept, err := os.ReadFile(path); err != nil || string(kept) != text {
			t.Errorf("%q was replaced: %v", text, err)
		}
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a folder is taken for a key file")
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none", "sealer.key")); err == nil {
		t.Error("a folder that is not there is made")
	}
}

func TestReplicasThatStartTogetherShareOneKey(t *testing.T) {
	for range 20 {
		folder := t.TempDir()
		path := filepath.Join(folder, "sealer.key")
		var group sync.WaitGroup
		masters, errs := make([]*Master, 8), make([]error, 8)
		start := make(chan struct{})
		for i := range masters {
			group.Go(func() {
				<-start
				masters[i], errs[i] = Load(path)
			})
		}
		close(start)
		group.Wait()
		for i, m := range masters {
			if errs[i] != nil {
				t.Fatal(errs[i])
			}
			if m.live.String() != masters[0].live.String() || m.rehearsal.String() != masters[0].rehearsal.String() {
				t.Fatal("two replicas have two keys")
			}
		}
		if files, err := os.ReadDir(folder); err != nil || len(files) != 2 {
			t.Fatalf("files are left behind: %v, %v", files, err)
		}
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	master, err := Load(filepath.Join(t.TempDir(), "sealer.key"))
	if err != nil {
		t.Fatal(err)
	}
	s := New(master, openings{}, time.Now)
	for _, thing := range []any{master, s, struct{ M any }{master}, []*Master{master}, map[string]any{"s": s}} {
		var out bytes.Buffer
		for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, form, thing)
		}
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(h).Error("x", "thing", thing)
		}
		if err := json.NewEncoder(&out).Encode(thing); err != nil {
			t.Fatal(err)
		}
		secret := master.live.String()
		if text := out.String(); strings.Contains(strings.ToUpper(text), secret[:30]) || strings.Contains(text, fmt.Sprintf("%x", secret[:30])) {
			t.Errorf("%T prints the key", thing)
		}
	}
}
