package identity

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"sigillo/audit"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/parties"
)

var noon = time.Date(2027, 1, 15, 11, 0, 0, 0, time.UTC)

// memory is a store in memory that keeps the contract of act.Within: all or
// nothing, no rows without an entry, and as many repetitions as broken asks.
type memory struct {
	sessions map[string]Session // by hash
	people   map[string]parties.Person
	entries  []audit.Entry
	now      time.Time
	broken   int   // so many commits fail first and are run anew
	down     error // what every read answers with
}

type memoryTx struct {
	*memory
	wrote bool
}

func (m *memory) within(_ context.Context, f func(Tx) error) error {
	for {
		tx := &memoryTx{memory: &memory{sessions: maps.Clone(m.sessions), people: m.people, entries: slices.Clone(m.entries), now: m.now}}
		if err := f(tx); err != nil {
			return err
		}
		if tx.wrote && len(tx.entries) != len(m.entries)+1 {
			return errors.New("rows were written without one entry")
		}
		if m.broken > 0 {
			m.broken--
			continue
		}
		m.sessions, m.entries = tx.sessions, tx.entries
		return nil
	}
}

func (m *memoryTx) Now() time.Time { return m.now }

func (m *memoryTx) Salt(audit.Object) ([32]byte, bool, error) { return [32]byte{}, true, nil }

func (m *memoryTx) Record(e audit.Entry, _ []audit.Snapshot) error {
	if _, err := e.Seal(); err != nil {
		return err
	}
	m.entries = append(m.entries, e)
	return nil
}

func (m *memoryTx) Recall(string, string) (act.Outcome, bool, error) {
	return act.Outcome{}, false, nil
}
func (m *memoryTx) Remember(string, string, act.Outcome) error  { return nil }
func (m *memoryTx) Person(id string) (*parties.Person, error)   { return m.person(id) }
func (m *memoryTx) SessionByHash(hash string) (*Session, error) { return m.session(hash) }

func (m *memoryTx) SaveSession(s *Session) error {
	m.wrote = true
	if m.sessions[s.Hash].Version != s.Version {
		return fault.New(fault.Stale, "stale-version", "Cambiata.", "Changed.")
	}
	s.Version++
	m.sessions[s.Hash] = *s
	return nil
}

func (m *memory) person(id string) (*parties.Person, error) {
	if p, ok := m.people[id]; ok {
		return &p, nil
	}
	return nil, fault.Missing("person")
}

func (m *memory) session(hash string) (*Session, error) {
	if s, ok := m.sessions[hash]; ok {
		return &s, nil
	}
	return nil, fault.Missing("session")
}

// reader reads the same memory.
type reader struct{ *memory }

func (r reader) SessionByHash(_ context.Context, hash string) (*Session, error) {
	if r.down != nil {
		return nil, r.down
	}
	return r.session(hash)
}

func (r reader) Person(_ context.Context, id string) (*parties.Person, error) { return r.person(id) }

func (r reader) PersonByEmail(_ context.Context, email string) (*parties.Person, error) {
	for _, p := range r.people {
		if p.Email == email {
			return &p, nil
		}
	}
	return nil, fault.Missing("person")
}

// house is a platform with an administrator, a RUP, a machine and a newcomer.
func house(t *testing.T, demo bool) (*Service, *memory) {
	t.Helper()
	m := &memory{sessions: map[string]Session{}, people: map[string]parties.Person{}, now: noon}
	for id, power := range map[string]act.Power{
		"admin": {Role: act.Administrator}, "rup": {Role: act.RUP, Authority: "city"}, "machine": {Role: act.Drafter, Authority: "city"}, "newcomer": {},
	} {
		p := parties.Person{ID: id, Version: 1, Kind: act.KindPerson, Name: id, Email: id + "@x.example"}
		if id == "machine" {
			p.Kind = act.KindMachine
		}
		if power.Role != "" {
			if err := p.Grant(power, noon.Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		m.people[id] = p
	}
	return NewService(m.within, reader{m}, func() time.Time { return m.now }, demo), m
}

func (m *memory) actor(id string) act.Actor {
	p := m.people[id]
	return p.Actor(m.now)
}

func login(t *testing.T, s *Service, who string) string {
	t.Helper()
	token, _, err := s.DemoLogin(t.Context(), who+"@x.example")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

func TestDemoLoginIsOnlyForDemonstrations(t *testing.T) {
	s, m := house(t, false)
	token, session, err := s.DemoLogin(t.Context(), "rup@x.example")
	if fault.Of(err).Kind != fault.NotFound || token != "" || session != nil || len(m.sessions)+len(m.entries) != 0 {
		t.Fatal(token, session, err)
	}
}

func TestDemoLoginSignsInPeopleAlone(t *testing.T) {
	s, m := house(t, true)
	for _, email := range []string{"machine@x.example", "nobody@x.example", ""} {
		if token, _, err := s.DemoLogin(t.Context(), email); code(err) != "not-found" || token != "" {
			t.Errorf("%q: %q %v", email, token, err)
		}
	}
	who, _, err := s.Authenticate(t.Context(), login(t, s, "newcomer"))
	if err != nil || who.ID != "newcomer" || !slices.Equal(who.Powers, act.Nobody().Powers) {
		t.Fatalf("whoever has no power is signed in as one of the public: %+v %v", who, err)
	}
	if e := m.entries[0]; e.Action != "open-session" || e.Actor.ID != "newcomer" || e.Actor.Kind != "person" || e.Data["person"] != "newcomer" {
		t.Fatalf("%+v", e)
	}
}

func TestOnlyTheHashOfASecretIsKept(t *testing.T) {
	s, m := house(t, true)
	m.broken = 1 // the store may run an act twice
	session := login(t, s, "rup")
	machine, _, err := s.IssueToken(t.Context(), act.By(m.actor("admin")), "machine", "protocollo", time.Hour)
	if err != nil || !strings.HasPrefix(session, "sgl_s_") || !strings.HasPrefix(machine, "sgl_m_") || len(session) != 49 || len(machine) != 49 {
		t.Fatal(session, machine, err)
	}
	if again := login(t, s, "rup"); again == session || len(m.sessions) != 3 || len(m.entries) != 3 {
		t.Fatal("each login has a secret of its own", m.sessions)
	}
	kept, err := json.Marshal([]any{m.sessions, m.entries})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{session, machine} {
		if strings.Contains(string(kept), secret) || strings.Contains(string(kept), secret[6:]) {
			t.Error("the secret is kept")
		}
	}
	if x := m.sessions[hashOf(machine)]; x.Purpose != Machine || x.Person != "machine" || x.Name != "protocollo" || x.Version != 1 {
		t.Errorf("%+v", x)
	}
}

func TestAuthenticate(t *testing.T) {
	s, m := house(t, true)
	nobody, p, err := s.Authenticate(t.Context(), "")
	if err != nil || p != nil || nobody.Kind != act.KindAnonymous {
		t.Fatal(nobody, p, err)
	}
	token := login(t, s, "rup")
	for _, bad := range []string{"x", "sgl_s_", token[:48], token + "A", strings.ToUpper(token), " " + token, "sgl_m_" + token[6:], strings.Repeat("sgl_s_", 1000), hashOf(token)} {
		if who, p, err := s.Authenticate(t.Context(), bad); code(err) != "bad-token" || fault.Of(err).Kind != fault.Unauthenticated || p != nil || len(who.Powers) != 0 {
			t.Errorf("%.60q: %+v %v", bad, who, err)
		}
	}
	who, p, err := s.Authenticate(t.Context(), token)
	if err != nil || p.ID != "rup" || who.ID != "rup" || !who.Wears(act.RUP, "city") {
		t.Fatalf("%+v %v", who, err)
	}
	m.down = errors.New("the disk is full")
	if _, _, err := s.Authenticate(t.Context(), token); err == nil || code(err) == "bad-token" {
		t.Fatalf("a failing store is not a bad token: %v", err)
	}
}

func TestPowersAreThoseInForceNow(t *testing.T) {
	s, m := house(t, true)
	token := login(t, s, "rup")
	p := m.people["rup"]
	end := noon.Add(time.Minute)
	if err := p.Revoke(act.Power{Role: act.RUP, Authority: "city"}, end); err != nil {
		t.Fatal(err)
	}
	m.people["rup"] = p
	for at, want := range map[time.Time]bool{end.Add(-1): true, end: false} {
		m.now = at
		if who, _, err := s.Authenticate(t.Context(), token); err != nil || who.Wears(act.RUP, "city") != want {
			t.Errorf("%s: %+v %v", at, who, err)
		}
	}
}

func TestASessionEndsByItsTime(t *testing.T) {
	s, m := house(t, true)
	session := login(t, s, "rup")
	token, _, err := s.IssueToken(t.Context(), act.By(m.actor("admin")), "machine", "x", 48*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for secret, life := range map[string]time.Duration{session: 12 * time.Hour, token: 48 * time.Hour} {
		m.now = noon.Add(life - 1)
		if _, _, err := s.Authenticate(t.Context(), secret); err != nil {
			t.Errorf("%s before its end: %v", life, err)
		}
		m.now = noon.Add(life)
		if _, _, err := s.Authenticate(t.Context(), secret); code(err) != "bad-token" {
			t.Errorf("%s at its end: %v", life, err)
		}
	}
}

func TestLogout(t *testing.T) {
	s, m := house(t, true)
	token, other := login(t, s, "rup"), login(t, s, "rup")
	if err := s.Logout(t.Context(), m.actor("admin"), token); code(err) != "not-found" {
		t.Fatalf("somebody else ends the session: %v", err)
	}
	if err := s.Logout(t.Context(), act.Nobody(), ""); code(err) != "not-found" {
		t.Fatal(err)
	}
	m.now = noon.Add(time.Minute)
	if err := s.Logout(t.Context(), m.actor("rup"), token); err != nil {
		t.Fatal(err)
	}
	if e := m.entries[2]; e.Action != "close-session" || e.Before.State != "open" || e.After.State != "ended" {
		t.Fatalf("%+v", e)
	}
	m.now = noon.Add(time.Hour)
	if err := s.Logout(t.Context(), m.actor("rup"), token); code(err) != "already-ended" {
		t.Fatal(err)
	}
	if end := m.sessions[hashOf(token)].EndedAt; !end.Equal(noon.Add(time.Minute)) {
		t.Fatalf("the end moved to %s", end)
	}
	if _, _, err := s.Authenticate(t.Context(), token); code(err) != "bad-token" {
		t.Fatal(err)
	}
	if _, _, err := s.Authenticate(t.Context(), other); err != nil {
		t.Fatalf("the other session goes on: %v", err)
	}
}

func TestIssueTokenIsTheAdministrators(t *testing.T) {
	s, m := house(t, false)
	for _, who := range []act.Actor{m.actor("rup"), m.actor("machine"), act.Time()} {
		for _, person := range []string{"machine", "unknown"} {
			token, session, err := s.IssueToken(t.Context(), act.By(who), person, "x", time.Hour)
			if code(err) != "not-permitted" || token != "" || session != nil {
				t.Errorf("%s for %s: %v", who.ID, person, err)
			}
		}
	}
	if _, _, err := s.IssueToken(t.Context(), act.By(act.Nobody()), "machine", "x", time.Hour); code(err) != "not-signed-in" {
		t.Error(err)
	}
	if token, _, err := s.IssueToken(t.Context(), act.By(m.actor("admin")), "unknown", "x", time.Hour); code(err) != "not-found" || token != "" {
		t.Error(token, err)
	}
	if len(m.sessions)+len(m.entries) != 0 {
		t.Error("what is refused leaves nothing")
	}
}

func TestIssueTokenBounds(t *testing.T) {
	s, m := house(t, false)
	for _, c := range []struct {
		name string
		life time.Duration
		ok   bool
	}{
		{"protocollo", time.Hour, true}, {"protocollo", 366 * 24 * time.Hour, true}, {strings.Repeat("é", 50), time.Hour, true},
		{"protocollo", time.Hour - 1, false}, {"protocollo", 366*24*time.Hour + 1, false}, {"protocollo", -time.Hour, false},
		{"", time.Hour, false}, {" ", time.Hour, false}, {strings.Repeat("é", 51), time.Hour, false}, {"a\x00", time.Hour, false}, {"a\xff", time.Hour, false},
	} {
		_, session, err := s.IssueToken(t.Context(), act.By(m.actor("admin")), "machine", c.name, c.life)
		if c.ok != (err == nil) || err != nil && (code(err) != "bad-token-request" || len(fault.Of(err).Fields) != 1) {
			t.Errorf("%q for %s: %v", c.name, c.life, err)
		}
		if c.ok && !session.ExpiresAt.Equal(noon.Add(c.life)) {
			t.Errorf("%+v", session)
		}
	}
}

// FuzzAuthenticate: no text but the secret itself signs anybody in.
func FuzzAuthenticate(f *testing.F) {
	f.Add("sgl_s_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("sgl_\xff")
	f.Fuzz(func(t *testing.T, token string) {
		s, _ := house(t, true)
		login(t, s, "rup")
		who, _, err := s.Authenticate(t.Context(), token)
		if token != "" && (code(err) != "bad-token" || who.ID != "") {
			t.Fatalf("%q is %+v", token, who)
		}
	})
}
