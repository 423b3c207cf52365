package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sigillo/internal/client"
	"sigillo/internal/objects/vaulttest"
	"sigillo/internal/store/storetest"
	"sigillo/tender"
)

// TestWholeLife plays the demonstration's story with the real server and the
// real bell, on both foundations.
func TestWholeLife(t *testing.T) {
	play := func(t *testing.T, dsn, objects string) {
		t.Parallel()
		folder := t.TempDir()
		clock := newRacingClock(start)
		p, err := assemble(t.Context(), Settings{Database: dsn, Objects: objects, SealerKey: filepath.Join(folder, "sealer.key"),
			LogKey: filepath.Join(folder, "log.key"), MaxUpload: 1 << 20}, clock.Now, true, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer p.store.Close()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- p.serve(ctx, listener) }()
		out := &lockedBuffer{}
		s := &story{w: &world{ctx, out, out, "en"}, p: p, clock: clock, pace: 200 * time.Millisecond, folder: folder,
			logins: &memory{Logins: map[string]string{}}, api: &client.Client{Base: "http://" + listener.Addr().String(), Lang: "en"}}
		if err := s.tell(ctx); err != nil {
			t.Fatal(client.Tell(err, "en"), "\n", out)
		}
		if err := s.api.Do(ctx, "GET", "/v1/tenders/"+s.tender.ID, nil, s.tender); err != nil {
			t.Fatal(err)
		}
		for _, l := range s.tender.Lots {
			if l.State != tender.Standstill || l.StandstillUntil == nil || !l.ClosedAt.Equal(s.tender.Timetable.Deadline) {
				t.Errorf("lot %d: state %s, standstill %v, closed %v", l.Number, l.State, l.StandstillUntil, l.ClosedAt)
			}
		}
		stop()
		if err := <-served; err != nil {
			t.Fatal(err)
		}
	}
	t.Run("sqlite+dir", func(t *testing.T) { play(t, storetest.SQLite(t), t.TempDir()) })
	t.Run("postgres+s3", func(t *testing.T) { play(t, storetest.Postgres(t), vaulttest.Service(t).String()) })
}

func TestDemoStartsCleanOrResumesAndNeverTouchesOtherFolders(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "demo")
	play := func(more ...string) (int, string) {
		out := &lockedBuffer{}
		code := run(t.Context(), append([]string{"--lang", "en", "demo", "--data", folder, "--listen", "127.0.0.1:0", "--pace", "50ms", "--exit"}, more...), out, out)
		return code, out.String()
	}
	code, text := play()
	if code != 0 || !contains(text, "VERIFIED", "[12/12]", "irene.bandini@") {
		t.Fatal(code, text)
	}
	if code, text := play(); code != 0 || contains(text, "[ 1/12]") || !contains(text, "irene.bandini@") {
		t.Fatalf("a finished demonstration is resumed: %d %s", code, text)
	}
	if code, text := play("--fresh"); code != 0 || !contains(text, "Beginning anew", "VERIFIED") {
		t.Fatalf("--fresh begins anew: %d %s", code, text)
	}
	export := filepath.Join(folder, "registro.jsonl")
	if code := run(t.Context(), []string{"verify", export, "--key", filepath.Join(folder, "log.key.pub")}, &lockedBuffer{}, &lockedBuffer{}); code != 0 {
		t.Fatal("the export does not verify from the command line")
	}
	body, err := os.ReadFile(export)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(export, []byte(replace(string(body), "adopt-award", "adopt-bward")), 0o600); err != nil {
		t.Fatal(err)
	}
	out := &lockedBuffer{}
	if code := run(t.Context(), []string{"--lang", "en", "verify", export, "--key", filepath.Join(folder, "log.key.pub")}, out, out); code != 1 || !contains(out.String(), "changed-entry", "NOT VERIFIED") {
		t.Fatalf("a changed entry passes: %d %s", code, out)
	}
	// An interrupted run leaves the marker unfinished.
	if err := (&memory{Now: start, Logins: map[string]string{}}).save(folder); err != nil {
		t.Fatal(err)
	}
	if code, text := play(); code != 0 || !contains(text, "Beginning anew") {
		t.Fatalf("an interrupted demonstration begins anew: %d %s", code, text)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "thesis.txt"), []byte("years of work"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder = other
	if code, text := play("--fresh"); code != 1 || !contains(text, "holds something else") {
		t.Fatalf("a folder with other things in it: %d %s", code, text)
	}
	if _, err := os.Stat(filepath.Join(other, "thesis.txt")); err != nil {
		t.Fatal("somebody's file is gone")
	}
}
