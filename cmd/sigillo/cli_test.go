package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sigillo/bids"
	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/tender"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"sigillo": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestScripts plays the command line against a running platform.
func TestScripts(t *testing.T) {
	s := newSiteHere(t)
	s.published()
	legno, err := s.as(t.Context(), "supplier-legno")
	s.ok(err)
	auditor, err := s.as(t.Context(), "auditor")
	s.ok(err)
	// The tools compare the deadline with this computer's clock for people's
	// sake only; the platform's decides.
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"domanda.pdf", "dgue.pdf", "offerta-economica.pdf", "prezzi.pdf"} {
				body, err := pdf(name, "Documento di prova.")
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), body, 0o600); err != nil {
					return err
				}
			}
			f, err := os.Create(filepath.Join(e.WorkDir, "registro.jsonl"))
			if err != nil {
				return err
			}
			defer f.Close()
			if err := auditor.Get(t.Context(), "/v1/authorities/"+s.authority+"/audit", f); err != nil {
				return err
			}
			e.Setenv("SIGILLO_SERVER", s.server.URL)
			e.Setenv("SIGILLO_TOKEN", legno.Token)
			e.Setenv("SIGILLO_LANG", "en")
			e.Setenv("TENDER", s.tender.ID)
			e.Setenv("SUPPLIER", s.suppliers["supplier-legno"])
			e.Setenv("LOGKEY", filepath.Join(s.folder, "keys", "log.key.pub"))
			return nil
		},
	})
}

func TestMigrateInstallsTheFirstAdministratorOnce(t *testing.T) {
	folder := t.TempDir()
	settings := []string{"--database", "sqlite:" + folder + "/s.db", "--objects", folder + "/o", "--sealer-key", folder + "/k/sealer.key", "--log-key", folder + "/k/log.key"}
	play := func(more ...string) (int, string) {
		out := &lockedBuffer{}
		return run(t.Context(), append(append([]string{"--lang", "en", "migrate"}, settings...), more...), out, out), out.String()
	}
	if code, text := play(); code != 0 || !contains(text, "up to date") {
		t.Fatal(code, text)
	}
	if code, text := play("--administrator", "Ada", "--email", "ada@regione.example", "--token"); code != 0 || !contains(text, "Administrator:", "sgl_m_") {
		t.Fatal(code, text)
	}
	if code, text := play("--administrator", "Eve", "--email", "eve@regione.example"); code != 1 || !contains(text, "already has an administrator") {
		t.Fatal(code, text)
	}
	info, err := os.Stat(folder + "/k/sealer.key")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal("the sealer's key may be read by others")
	}
}

func TestAMissingSealerKeyIsNotReplacedInSilence(t *testing.T) {
	s := newSiteHere(t)
	s.published()
	key := filepath.Join(s.folder, "keys", "sealer.key")
	s.ok(os.Rename(key, key+".away"))
	_, err := assemble(t.Context(), Settings{Database: s.dsn, Objects: s.objects, SealerKey: key, LogKey: filepath.Join(s.folder, "keys", "log.key")},
		s.clock.Now, true, slog.New(slog.DiscardHandler))
	if err == nil || !contains(err.Error(), "put it back") {
		t.Fatal(err)
	}
	if _, err := os.Stat(key); err == nil {
		t.Fatal("a new key was made")
	}
}

// TestAT053WithoutTheRegisterNothingIsOpened takes the register away and lets
// the opening hour come.
func TestAT053WithoutTheRegisterNothingIsOpened(t *testing.T) {
	s := newSiteHere(t)
	s.published()
	s.bid("supplier-legno", 2, "5", "x")
	s.to(s.deadline())
	path := s.dsn[len("sqlite:"):]
	gone := sqlite(t, path, "ALTER TABLE audit_entry RENAME TO elsewhere")
	s.to(s.tender.Timetable.OpensAt)
	var state struct{ Lots []tender.Lot }
	s.ok(s.api.Do(t.Context(), "GET", s.tenderPath(""), nil, &state))
	if !gone || state.Lots[1].State != tender.Closed {
		t.Fatalf("opened without a register: %s", state.Lots[1].State)
	}
	wrapped, err := s.p.store.WrappedKey(t.Context(), s.tender.Lots[1].ID, tender.Administrative)
	s.ok(err)
	if opened, err := s.p.store.Committed(t.Context(), s.tender.Lots[1].ID, "A"); err != nil || opened != nil || len(wrapped) == 0 {
		t.Fatal("an opening was committed", err)
	}
	sqlite(t, path, "ALTER TABLE elsewhere RENAME TO audit_entry")
	s.p.bell.Ring(t.Context())
	if s.reload(); s.tender.Lots[1].State != tender.AdministrativeOpened {
		t.Fatal("it did not go on once the register was back")
	}
}

// TestACrashBetweenOpeningAndUnsealingIsFinishedLater stops after the
// committed act, as a crash would, by taking the objects away.
func TestACrashBetweenOpeningAndUnsealingIsFinishedLater(t *testing.T) {
	s := newSiteHere(t)
	s.published()
	b := s.bid("supplier-legno", 2, "5", "x")
	s.to(s.deadline())
	h := b.Sent[0].Manifest[0].SHA256
	at := s.object(h)
	s.ok(os.Rename(at, at+".away"))
	s.ok(os.MkdirAll(at, 0o700)) // there, but unreadable: the store fails, not the bidder
	s.to(s.tender.Timetable.OpensAt)
	sealed, err := s.p.store.Sealed(t.Context())
	s.ok(err)
	if len(sealed) != 1 {
		t.Fatalf("%d openings wait for their seals: a failing store must not be held against a bidder", len(sealed))
	}
	s.ok(os.Remove(at))
	s.ok(os.Rename(at+".away", at))
	s.p.bell.Ring(t.Context())
	var all struct {
		Items []struct {
			Unsealed bool
			Bids     []struct{ Fault string }
		}
	}
	s.must("rup", "GET", s.tenderPath("/openings"), nil, &all)
	if !all.Items[0].Unsealed || all.Items[0].Bids[0].Fault != "" {
		t.Fatalf("%+v", all)
	}
}

// alter flips the last byte of an envelope in the store.
func (s *site) alter(h docs.Hash) {
	s.t.Helper()
	at := s.object(h)
	body, err := os.ReadFile(at)
	s.ok(err)
	body[len(body)-1] ^= 1
	s.ok(os.Chmod(at, 0o600))
	s.ok(os.WriteFile(at, body, 0o600))
}

// TestAT040ADamagedEnvelopeIsTold: the daily reading finds it before the
// opening and the bidder is told; one found at the opening only is the store's
// fault, provably, and does not stop the rest.
func TestAT040ADamagedEnvelopeIsTold(t *testing.T) {
	s := newSiteHere(t)
	s.published()
	b, healthy := s.bid("supplier-legno", 2, "5", "x"), s.bid("supplier-arredi", 2, "5", "x")
	s.p.bell.Sweep(t.Context())
	s.alter(b.Sent[0].Manifest[0].SHA256)
	s.p.bell.Sweep(t.Context()) // read already today
	var now struct {
		Damaged []bids.Damage `json:"damaged"`
	}
	s.must("supplier-legno", "GET", "/v1/bids/"+b.ID, nil, &now)
	if len(now.Damaged) != 0 {
		t.Fatal("it is read more than once a day")
	}
	s.to(s.clock.Now().Add(25 * time.Hour))
	for range 2 {
		s.p.bell.Sweep(t.Context())
	}
	s.must("supplier-legno", "GET", "/v1/bids/"+b.ID, nil, &now)
	if len(now.Damaged) != 1 || now.Damaged[0].Code != "altered-in-store" || now.Damaged[0].Digest != b.Sent[0].Manifest[0].SHA256 {
		t.Fatalf("%+v", now)
	}
	var d bids.Dossier
	s.ok(json.Unmarshal(s.statement("supplier-legno", "/v1/bids/"+b.ID+"/dossier").Body, &d))
	if len(d.Damaged) != 1 || len(d.Messages) != 1 {
		t.Fatal("the dossier does not tell it")
	}
	if n := s.count(act.ReportDamage); n != 0 {
		t.Fatal("the register tells of a bid before the opening")
	}
	s.opened()
	var all struct {
		Items []struct {
			Bids []struct{ Bid, Fault string }
		}
	}
	s.must("rup", "GET", s.tenderPath("/openings"), nil, &all)
	for _, x := range all.Items[0].Bids {
		if want := map[string]string{b.ID: "altered-in-store", healthy.ID: ""}[x.Bid]; x.Fault != want {
			t.Errorf("%s: %q", x.Bid, x.Fault)
		}
	}
	if n := s.count(act.ReportDamage); n != 1 {
		t.Fatalf("%d reports in the register", n)
	}
}

func (s *site) object(h docs.Hash) string {
	return filepath.Join(s.objects, "sealed", h.String()[:2], fmt.Sprint(h))
}
