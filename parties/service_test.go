package parties

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
)

// rows is what the fake store holds: each thing as JSON, by type and id.
type rows map[string]string

// memory is a store in memory that keeps the contract of act.Within: all or
// nothing, no rows without an entry, and as many repetitions as broken asks.
type memory struct {
	rows     rows
	entries  []audit.Entry
	outcomes map[string]act.Outcome
	now      time.Time
	broken   int // so many commits fail first and are run anew
	erased   []string
}

func newMemory() *memory { return &memory{rows: rows{}, outcomes: map[string]act.Outcome{}, now: noon} }

type memoryTx struct {
	*memory
	wrote bool
}

func (m *memory) within(_ context.Context, f func(Tx) error) error {
	for {
		tx := &memoryTx{memory: &memory{rows: maps.Clone(m.rows), entries: slices.Clone(m.entries), outcomes: maps.Clone(m.outcomes), now: m.now, erased: m.erased}}
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
		m.rows, m.entries, m.outcomes, m.erased = tx.rows, tx.entries, tx.outcomes, tx.erased
		return nil
	}
}

func (m *memoryTx) Now() time.Time { return m.now }

func (m *memoryTx) EraseSnapshots(kind, id string) { m.erased = append(m.erased, kind+" "+id) }

func (m *memoryTx) Salt(audit.Object) ([32]byte, bool, error) { return [32]byte{}, true, nil }

func (m *memoryTx) Record(e audit.Entry, _ []audit.Snapshot) error {
	if _, err := e.Seal(); err != nil {
		return err
	}
	m.entries = append(m.entries, e)
	return nil
}

func (m *memoryTx) Recall(actor, key string) (act.Outcome, bool, error) {
	o, ok := m.outcomes[actor+" "+key]
	return o, ok, nil
}

func (m *memoryTx) Remember(actor, key string, o act.Outcome) error {
	m.outcomes[actor+" "+key] = o
	return nil
}

func load[T any](r rows, kind, id string) (*T, error) {
	text, ok := r[kind+" "+id]
	if !ok {
		return nil, fault.Missing(kind)
	}
	x := new(T)
	return x, json.Unmarshal([]byte(text), x)
}

// save keeps unique what the given function makes of each thing of the kind.
func save[T any](m *memoryTx, kind, id string, version *int, x *T, unique func(*T) string) error {
	m.wrote = true
	for key := range m.rows {
		if other, ok := strings.CutPrefix(key, kind+" "); ok && other != id {
			if y, err := load[T](m.rows, kind, other); err != nil || unique(y) == unique(x) {
				return errors.Join(err, fault.New(fault.Conflict, "duplicate", "Esiste già.", "It already exists."))
			}
		}
	}
	if _, exists := m.rows[kind+" "+id]; exists != (*version > 0) {
		return fault.New(fault.Stale, "stale-version", "Cambiato.", "Changed.")
	}
	*version++
	text, err := json.Marshal(x)
	m.rows[kind+" "+id] = string(text)
	return err
}

func (m *memoryTx) Authority(id string) (*Authority, error) {
	return load[Authority](m.rows, "authority", id)
}
func (m *memoryTx) Person(id string) (*Person, error)      { return load[Person](m.rows, "person", id) }
func (m *memoryTx) SupplierExists(id string) (bool, error) { return m.rows["supplier "+id] != "", nil }

func (m *memoryTx) SaveAuthority(a *Authority) error {
	return save(m, "authority", a.ID, &a.Version, a, func(a *Authority) string { return a.FiscalCode })
}

func (m *memoryTx) SavePerson(p *Person) error {
	return save(m, "person", p.ID, &p.Version, p, func(p *Person) string { return p.Email })
}

func (m *memoryTx) SaveSupplier(s *Supplier) error {
	return save(m, "supplier", s.ID, &s.Version, s, func(s *Supplier) string { return s.Country + s.TaxID })
}

// reader reads the same memory.
type reader struct{ *memory }

func (r reader) Authority(_ context.Context, id string) (*Authority, error) {
	return load[Authority](r.rows, "authority", id)
}

func (r reader) Supplier(_ context.Context, id string) (*Supplier, error) {
	return load[Supplier](r.rows, "supplier", id)
}

func (r reader) Person(_ context.Context, id string) (*Person, error) {
	return load[Person](r.rows, "person", id)
}

func (r reader) Authorities(_ context.Context, after string, limit int) ([]*Authority, error) {
	var all []*Authority
	for _, key := range slices.Sorted(maps.Keys(r.rows)) {
		if id, ok := strings.CutPrefix(key, "authority "); ok && id > after && len(all) < limit {
			a, err := load[Authority](r.rows, "authority", id)
			if err != nil {
				return nil, err
			}
			all = append(all, a)
		}
	}
	return all, nil
}

func (r reader) HasAdministrator(context.Context) (bool, error) {
	for key := range r.rows {
		if id, ok := strings.CutPrefix(key, "person "); ok {
			p, err := load[Person](r.rows, "person", id)
			if err != nil || p.Actor(r.now).Wears(act.Administrator, "") {
				return true, err
			}
		}
	}
	return false, nil
}

// installed is a platform with its administrator.
func installed(t *testing.T) (*Service, *memory, act.Actor) {
	t.Helper()
	m := newMemory()
	s := NewService(m.within, reader{m})
	p, err := s.Install(t.Context(), "Ada", "ada@platform.example")
	if err != nil {
		t.Fatal(err)
	}
	return s, m, p.Actor(m.now)
}

func must[T any](t *testing.T) func(T, error) T {
	return func(x T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

func refused[T any](t *testing.T, code string) func(T, error) {
	return func(_ T, err error) {
		t.Helper()
		if err == nil || fault.Of(err).Code != code {
			t.Errorf("want %s, got %v", code, err)
		}
	}
}

var (
	city = Authority{Name: "Comune", FiscalCode: "01307110484", NUTS: "ITI14"}
	acme = Supplier{Name: "Acme", Country: "FR", TaxID: "FR83404833048", Size: "small"}
)

func TestInstallIsOneActAndHappensOnce(t *testing.T) {
	s, m, admin := installed(t)
	if len(m.entries) != 1 || m.entries[0].Action != "register-person" || m.entries[0].Actor.ID != "installation" ||
		m.entries[0].Data["role"] != "administrator" || m.entries[0].Object.ID != admin.ID {
		t.Fatalf("%+v", m.entries)
	}
	refused[*Person](t, "already-installed")(s.Install(t.Context(), "Eva", "eva@platform.example"))
	if len(m.rows) != 1 || len(m.entries) != 1 {
		t.Fatal("a refused installation leaves nothing")
	}
}

func TestInstallWithABadAddressLeavesNothing(t *testing.T) {
	m := newMemory()
	refused[*Person](t, "bad-person")(NewService(m.within, reader{m}).Install(t.Context(), "Ada", "ada"))
	if len(m.rows)+len(m.entries) != 0 {
		t.Fatal(m.rows, m.entries)
	}
}

func TestRegistrations(t *testing.T) {
	s, m, admin := installed(t)
	ctx := t.Context()
	m.broken = 1 // the store may run an act twice
	asked := city
	asked.ID, asked.Version = "chosen by the asker", 7
	a := must[*Authority](t)(s.RegisterAuthority(ctx, act.By(admin), asked))
	x := must[*Supplier](t)(s.RegisterSupplier(ctx, act.By(admin), acme))
	p := must[*Person](t)(s.RegisterPerson(ctx, act.By(admin), Person{Name: "Gino", Email: "gino@x.example", Kind: act.KindPerson,
		Powers: []Membership{{Power: act.Power{Role: act.Administrator}, Since: noon}}}))
	if a.Version != 1 || a.ID == "chosen by the asker" || x.Version != 1 || p.Version != 1 || len(p.Powers) != 0 {
		t.Fatalf("%+v %+v %+v", a, x, p)
	}
	refused[*Authority](t, "duplicate")(s.RegisterAuthority(ctx, act.By(admin), city))
	refused[*Supplier](t, "duplicate")(s.RegisterSupplier(ctx, act.By(admin), acme))
	refused[*Person](t, "duplicate")(s.RegisterPerson(ctx, act.By(admin), Person{Name: "Gina", Email: p.Email, Kind: act.KindPerson}))
	refused[*Authority](t, "bad-authority")(s.RegisterAuthority(ctx, act.By(admin), Authority{}))
	if len(m.entries) != 4 {
		t.Fatalf("%d entries", len(m.entries))
	}
	for _, e := range m.entries {
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"Comune", "Acme", "Gino", "gino@", "01307110484", "FR83404833048", "Ada", "ada@"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("the entry of %s names %s", e.Action, secret)
			}
		}
	}
}

func TestARegistrationAskedForTwiceHappensOnce(t *testing.T) {
	s, m, admin := installed(t)
	call := act.Call{Actor: admin, Key: "k", Request: "r"}
	first := must[*Authority](t)(s.RegisterAuthority(t.Context(), call, city))
	again := must[*Authority](t)(s.RegisterAuthority(t.Context(), call, city))
	if *first != *again || len(m.entries) != 2 {
		t.Fatalf("%+v %+v", first, again)
	}
}

func TestPowersAreGrantedAndRevokedOverTime(t *testing.T) {
	s, m, admin := installed(t)
	ctx := t.Context()
	a := must[*Authority](t)(s.RegisterAuthority(ctx, act.By(admin), city))
	x := must[*Supplier](t)(s.RegisterSupplier(ctx, act.By(admin), acme))
	p := must[*Person](t)(s.RegisterPerson(ctx, act.By(admin), Person{Name: "Gino", Email: "gino@x.example", Kind: act.KindPerson}))
	rup := act.Power{Role: act.RUP, Authority: a.ID}

	m.broken = 1
	p = must[*Person](t)(s.GrantPower(ctx, act.By(admin), p.ID, rup))
	if e := m.entries[len(m.entries)-1]; len(p.Powers) != 1 || e.Action != "grant-power" || !maps.Equal(e.Data, map[string]string{"role": "rup", "authority": a.ID}) {
		t.Fatalf("%+v %+v", p, e)
	}
	refused[*Person](t, "already-granted")(s.GrantPower(ctx, act.By(admin), p.ID, rup))
	refused[*Person](t, "not-found")(s.GrantPower(ctx, act.By(admin), p.ID, act.Power{Role: act.RUP, Authority: "elsewhere"}))
	refused[*Person](t, "not-found")(s.GrantPower(ctx, act.By(admin), p.ID, act.Power{Role: act.Supplier, Supplier: "elsewhere"}))
	refused[*Person](t, "not-found")(s.GrantPower(ctx, act.By(admin), "nobody", rup))
	refused[*Person](t, "bad-power")(s.GrantPower(ctx, act.By(admin), p.ID, act.Power{Role: act.Clock}))
	refused[*Person](t, "stale-version")(s.GrantPower(ctx, act.Call{Actor: admin, Version: 1}, p.ID, act.Power{Role: act.Supplier, Supplier: x.ID}))
	refused[*Person](t, "not-granted")(s.RevokePower(ctx, act.By(admin), p.ID, act.Power{Role: act.Signatory, Authority: a.ID}))

	m.now = noon.Add(time.Hour)
	p = must[*Person](t)(s.RevokePower(ctx, act.By(admin), p.ID, rup))
	if e := m.entries[len(m.entries)-1]; e.Action != "revoke-power" || e.Data["role"] != "rup" || e.Before == nil || e.Before.Hash == e.After.Hash {
		t.Fatalf("%+v", e)
	}
	p = must[*Person](t)(s.Person(ctx, admin, p.ID))
	if len(p.Powers) != 1 || !p.Actor(m.now.Add(-1)).Wears(act.RUP, a.ID) || p.Actor(m.now).Wears(act.RUP, a.ID) {
		t.Fatalf("what is revoked stays on record with its end: %+v", p)
	}
	p = must[*Person](t)(s.GrantPower(ctx, act.By(admin), p.ID, act.Power{Role: act.Supplier, Supplier: x.ID}))
	if p.Actor(m.now).SupplierID() != x.ID {
		t.Fatalf("%+v", p)
	}
}

func TestWhoMaySeeWhom(t *testing.T) {
	s, _, admin := installed(t)
	ctx := t.Context()
	a := must[*Authority](t)(s.RegisterAuthority(ctx, act.By(admin), city))
	b := must[*Authority](t)(s.RegisterAuthority(ctx, act.By(admin), Authority{Name: "Altro", FiscalCode: "80188230587", NUTS: "IT"}))
	x := must[*Supplier](t)(s.RegisterSupplier(ctx, act.By(admin), acme))
	bidder := act.Actor{Kind: act.KindPerson, ID: "b", Powers: []act.Power{{Role: act.Supplier, Supplier: x.ID}}}
	rival := act.Actor{Kind: act.KindPerson, ID: "r", Powers: []act.Power{{Role: act.Supplier, Supplier: "rival"}}}
	rup := act.Actor{Kind: act.KindPerson, ID: "u", Powers: []act.Power{{Role: act.RUP, Authority: a.ID}}}

	must[*Authority](t)(s.Authority(ctx, act.Nobody(), a.ID))
	page := must[[]*Authority](t)(s.Authorities(ctx, act.Nobody(), "", 1))
	rest := must[[]*Authority](t)(s.Authorities(ctx, act.Nobody(), page[0].ID, 10))
	if len(page) != 1 || len(rest) != 1 || page[0].ID == rest[0].ID || page[0].ID != min(a.ID, b.ID) {
		t.Fatalf("%+v %+v", page, rest)
	}
	refused[[]*Authority](t, "not-permitted")(s.Authorities(ctx, act.Time(), "", 1))
	must[*Supplier](t)(s.Supplier(ctx, bidder, x.ID))
	must[*Supplier](t)(s.Supplier(ctx, admin, x.ID))
	for _, who := range []act.Actor{rival, rup, act.Nobody()} {
		y, err := s.Supplier(ctx, who, x.ID)
		p, err2 := s.Person(ctx, who, admin.ID)
		if fault.Of(err).Code != "not-found" || fault.Of(err2).Code != "not-found" || y != nil || p != nil {
			t.Errorf("%s sees %v %v", who.ID, y, p)
		}
		refused[*Person](t, "not-found")(s.GrantPower(ctx, act.By(who), admin.ID, act.Power{Role: act.Administrator}))
		if _, err := s.RegisterSupplier(ctx, act.By(who), acme); err == nil {
			t.Errorf("%s registers a supplier", who.ID)
		}
	}
}

// The administrator stays without business powers even where somebody has
// written the administrator's name into a tender's team.
func TestAT095TheAdministratorHasNoBusinessPowers(t *testing.T) {
	_, _, admin := installed(t)
	platform := []act.Action{act.IssueToken, act.RegisterAuthority, act.RegisterPerson, act.GrantPower, act.RevokePower, act.ErasePerson,
		act.ViewPerson, act.RegisterSupplier, act.ViewSupplier, act.SubscribeWebhook, act.ListWebhooks, act.EndWebhook}
	team := act.Team{RUP: admin.ID, Seggio: []string{admin.ID}, Commission: []string{admin.ID}}
	for _, a := range act.Actions() {
		if slices.Contains(act.RolesOf(a), act.Anonymous) {
			continue // what the public may do
		}
		for _, kind := range []string{"authority", "supplier", "person", "tender", "question", "bid", "opening", "evaluation", "document"} {
			_, err := act.Permit(admin, a, act.Subject{Type: kind, ID: "1", Authority: "city", Tender: "t", Lot: "l", Supplier: "acme",
				Team: team, Published: true, Opened: true, Invited: []string{"acme"}})
			if (err == nil) != slices.Contains(platform, a) {
				t.Errorf("%s on %s: %v", a, kind, err)
			}
		}
	}
}
