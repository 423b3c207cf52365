package main

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sigillo/bids"
	"sigillo/internal/client"
	"sigillo/internal/fault"
	"sigillo/internal/objects/vaulttest"
	"sigillo/internal/store/storetest"
	"sigillo/tender"
)

// start is the instant at which the tests' clock stands still.
var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// site is a whole platform behind HTTP, with the cast of the demonstration and
// a clock that moves only when told to. The bell rings only when told to.
type site struct {
	*story
	t       *testing.T
	folder  string
	dsn     string
	objects string
	log     *lockedBuffer
	server  *httptest.Server
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// everywhere runs a test on SQLite with a directory and on PostgreSQL with S3.
func everywhere(t *testing.T, f func(t *testing.T, s *site)) {
	t.Run("sqlite+dir", func(t *testing.T) { t.Parallel(); f(t, newSite(t, storetest.SQLite(t), t.TempDir())) })
	t.Run("postgres+s3", func(t *testing.T) {
		t.Parallel()
		f(t, newSite(t, storetest.Postgres(t), vaulttest.Service(t).String()))
	})
}

func newSite(t *testing.T, dsn, objects string) *site { return newSiteAt(t, dsn, objects, "", start) }

// newSiteAt is a site whose clock stands at an instant, and whose keys are with
// the sealer on a socket where one is named.
func newSiteAt(t *testing.T, dsn, objects, socket string, at time.Time) *site {
	t.Helper()
	return newSiteWith(t, dsn, objects, at, func(s *Settings) { s.Sealer = socket })
}

// newSiteWith is a site whose settings are changed before it begins.
func newSiteWith(t *testing.T, dsn, objects string, at time.Time, change func(*Settings)) *site {
	t.Helper()
	folder := t.TempDir()
	s := &site{t: t, folder: folder, dsn: dsn, objects: objects, log: &lockedBuffer{}}
	clock := &racingClock{base: at, anchor: time.Now()}
	settings := Settings{Database: dsn, Objects: objects, SealerKey: filepath.Join(folder, "keys", "sealer.key"),
		LogKey: filepath.Join(folder, "keys", "log.key"), MaxUpload: 64 << 20, WebhooksInside: true}
	change(&settings)
	p, err := assemble(t.Context(), settings, clock.Now, true, slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewServer(p.api)
	t.Cleanup(func() { s.server.Close(); p.store.Close() })
	s.story = &story{rehearsal: true, w: &world{t.Context(), s.log, s.log, "en"}, p: p, clock: clock, folder: folder, logins: &memory{Logins: map[string]string{}},
		api:     &client.Client{Base: s.server.URL, Lang: "en"},
		persons: map[string]string{}, suppliers: map[string]string{}, bidOf: map[string]string{}}
	s.ok(s.cast(t.Context()))
	return s
}

func (s *site) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(client.Tell(err, "en"))
	}
}

// to moves the clock forward to an instant and lets the bell ring.
func (s *site) to(at time.Time) {
	s.t.Helper()
	s.clock.mu.Lock()
	s.clock.base = at
	s.clock.mu.Unlock()
	s.p.bell.Ring(s.t.Context())
}

func (s *site) call(who, method, path string, in, out any, options ...client.Option) error {
	return s.do(s.t.Context(), who, method, path, in, out, options...)
}

// must is call that has to succeed.
func (s *site) must(who, method, path string, in, out any, options ...client.Option) {
	s.t.Helper()
	s.ok(s.call(who, method, path, in, out, options...))
}

// no is call that has to be refused with the code.
func (s *site) no(code, who, method, path string, in any, options ...client.Option) *fault.Fault {
	s.t.Helper()
	f := fault.Of(s.call(who, method, path, in, nil, options...))
	if f == nil || f.Code != code {
		s.t.Fatalf("%s %s %s: got %v, want %s", who, method, path, f, code)
	}
	return f
}

// published plays the first chapters: a tender in two lots is out.
func (s *site) published() {
	s.t.Helper()
	s.ok(s.draft(s.t.Context()))
	s.ok(s.publish(s.t.Context()))
}

func (s *site) tenderPath(more string) string { return "/v1/tenders/" + s.tender.ID + more }

func (s *site) reload() *published {
	s.t.Helper()
	now := new(published) // what is absent in the answer must not linger
	s.must("auditor", "GET", s.tenderPath(""), nil, now)
	s.tender = now
	return s.tender
}

// bid seals and submits a bid whose documents are the text given.
func (s *site) bid(who string, lot int, discount, text string) *bidState {
	s.t.Helper()
	l, err := s.tender.lot(lot)
	s.ok(err)
	files := map[string]string{}
	for _, spec := range l.Envelopes {
		files[string(spec.Envelope)] = s.seal(who, who, lot, spec, discount, text)
	}
	return s.send(who, lot, files)
}

func (s *site) seal(who, name string, lot int, spec tender.EnvelopeSpec, discount, text string) string {
	s.t.Helper()
	folder := s.t.TempDir()
	e := envelope{tender: s.tender, lot: lot, kind: spec.Envelope, supplier: s.suppliers[who]}
	for _, r := range spec.Required {
		path := filepath.Join(folder, r.Kind+".txt")
		s.ok(os.WriteFile(path, []byte(text+" "+name), 0o600))
		e.files = append(e.files, file{r.Kind, path})
	}
	if spec.Envelope == tender.Economic {
		e.offer = map[string]string{"discount": discount, "labour_cost": "10.00", "safety_cost": "1.00"}
	}
	out := filepath.Join(folder, "envelope.age")
	_, err := e.seal(out)
	s.ok(err)
	return out
}

func (s *site) send(who string, lot int, files map[string]string) *bidState {
	s.t.Helper()
	c, b := s.bidder(who, lot)
	done, err := (submission{api: c, out: nowhere{}, lang: "en"}).send(s.t.Context(), b, files)
	s.ok(err)
	return done
}

func (s *site) bidder(who string, lot int) (*client.Client, *bidState) {
	s.t.Helper()
	c, err := s.as(s.t.Context(), who)
	s.ok(err)
	l, err := s.tender.lot(lot)
	s.ok(err)
	b, err := ownBid(s.t.Context(), c, s.tender, l, bidRequest{Form: bids.Single})
	s.ok(err)
	s.bidOf[fmt.Sprint(lot, who)] = b.ID
	return c, b
}

// put uploads bytes as an envelope.
func (s *site) put(who, bid, e string, body []byte, sum [32]byte, size int64) error {
	c, err := s.as(s.t.Context(), who)
	s.ok(err)
	return c.Put(s.t.Context(), "/v1/bids/"+bid+"/envelopes/"+e, sum, size, bytes.NewReader(body), nil)
}

func (s *site) deadline() time.Time { return s.tender.Timetable.Deadline }

// opened takes the tender to the open administrative envelopes.
func (s *site) opened() {
	s.t.Helper()
	s.to(s.deadline())
	s.to(s.tender.Timetable.OpensAt)
	s.reload()
}

// admitted admits every bid but those listed, and appoints the panel.
func (s *site) admitted(excluded ...string) {
	s.t.Helper()
	s.must("signatory", "POST", s.tenderPath("/panel"), map[string]any{"seggio": []string{s.persons["seggio"]},
		"commission": []string{s.persons["commissioner-1"], s.persons["commissioner-2"], s.persons["commissioner-3"]}}, nil)
	for i, l := range s.tender.Lots {
		if l.State != tender.AdministrativeOpened {
			continue
		}
		var e struct{ Admissions []struct{ Bid string } }
		s.must("seggio", "GET", s.lotPath(i, "evaluation"), nil, &e)
		for _, a := range e.Admissions {
			verdict := map[string]string{"verdict": "admitted"}
			for _, x := range excluded {
				if a.Bid == x {
					verdict = map[string]string{"verdict": "excluded", "reason": "art. 94 c. 6"}
				}
			}
			s.must("seggio", "POST", s.lotPath(i, "admissions/"+a.Bid), verdict, nil)
		}
		s.must("seggio", "POST", s.lotPath(i, "conclude-admissions"), nil, nil)
	}
	s.reload()
}

func sumOf(b []byte) [32]byte { return sha256.Sum256(b) }

func pointers(f *fault.Fault) string {
	var all []string
	for _, field := range f.Fields {
		all = append(all, field.Pointer+" "+field.Code)
	}
	return strings.Join(all, ", ")
}

func contains(text string, all ...string) bool {
	for _, part := range all {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

func replace(text, old, now string) string { return strings.Replace(text, old, now, 1) }

// sqlite runs a statement on a database behind the platform's back.
func sqlite(t *testing.T, path, statement string) bool {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
	return true
}
