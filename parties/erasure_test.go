package parties

import (
	"testing"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// TestWhoMayBeForgotten: nobody in power, nobody whose acts must still be
// attributed, unless the processing is unlawful or somebody orders it.
func TestWhoMayBeForgotten(t *testing.T) {
	power := act.Power{Role: act.RUP, Authority: "city"}
	ended := func(ago int) []Membership {
		until := noon.AddDate(-ago, 0, 0)
		return []Membership{{Power: power, Since: until.AddDate(-1, 0, 0), Until: &until}}
	}
	later := noon.Add(time.Second)
	for _, c := range []struct {
		name   string
		powers []Membership
		ground Ground
		want   string
	}{
		{"registered by mistake", nil, NoLongerNeeded, ""},
		{"in power", []Membership{{Power: power, Since: noon}}, Ordered, "still-empowered"},
		{"in power until later", []Membership{{Power: power, Since: noon, Until: &later}}, Ordered, "still-empowered"},
		{"four years after", ended(4), NoLongerNeeded, "still-kept"},
		{"four years after, unlawful", ended(4), Unlawful, ""},
		{"four years after, ordered", ended(4), Ordered, ""},
		{"five years after", ended(5), NoLongerNeeded, ""},
		{"one of two powers still kept", append(ended(6), ended(1)...), NoLongerNeeded, "still-kept"},
		{"for no ground", nil, "curiosity", "bad-ground"},
	} {
		p := &Person{ID: "p", Kind: act.KindPerson, Name: "Ada", Email: "ada@example.it", Powers: c.powers}
		err := p.Erase(c.ground, noon)
		if f := fault.Of(err); (f == nil) != (c.want == "") || f != nil && f.Code != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
		if gone := p.Name == "" && p.Email == "" && p.ErasedAt != nil; gone != (err == nil) {
			t.Errorf("%s: left %+v", c.name, p)
		}
		if err == nil {
			if f := fault.Of(p.Erase(c.ground, noon)); f == nil || f.Code != "already-erased" {
				t.Errorf("%s: twice: %v", c.name, f)
			}
			if f := fault.Of(p.Grant(power, noon)); f == nil || f.Code != "already-erased" {
				t.Errorf("%s: given a power: %v", c.name, f)
			}
		}
	}
}

func TestErasingIsAnActThatTakesTheSnapshotsAlong(t *testing.T) {
	m := newMemory()
	s := NewService(m.within, reader{m})
	admin := act.By(act.Actor{Kind: act.KindPerson, ID: "admin", Powers: []act.Power{{Role: act.Administrator}}})
	p, err := s.RegisterPerson(t.Context(), admin, Person{Kind: act.KindPerson, Name: "Ada", Email: "ada@example.it"})
	if err != nil {
		t.Fatal(err)
	}
	refused[*Person](t, "bad-ground")(s.ErasePerson(t.Context(), admin, p.ID, "curiosity"))
	if len(m.erased) != 0 || len(m.entries) != 1 {
		t.Fatal(m.erased, len(m.entries))
	}
	if p, err = s.ErasePerson(t.Context(), admin, p.ID, Ordered); err != nil || p.Subject().State != "erased" {
		t.Fatal(p, err)
	}
	last := m.entries[len(m.entries)-1]
	if len(m.erased) != 1 || m.erased[0] != "person "+p.ID || last.Action != "erase-person" || last.Data["ground"] != "ordered" || last.Before == nil {
		t.Fatal(m.erased, last)
	}
}
