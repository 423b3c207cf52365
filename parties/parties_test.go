package parties

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sigillo/audit"
	"sigillo/internal/act"
	"sigillo/internal/fault"
)

var noon = time.Date(2027, 1, 15, 11, 0, 0, 0, time.UTC)

func TestFiscalCodes(t *testing.T) {
	// Public codes of public bodies, and the same with a digit changed.
	for code, want := range map[string]bool{
		"80188230587": true, "97584460584": true, "01307110484": true, "80188230588": false, "01307110494": false,
		"00000000000": false, "": false, "0130711048": false, "013071104840": false, "0130711048A": false, "٠١٣٠٧١١٠٤٨٤": false,
	} {
		if FiscalCode(code) != want {
			t.Errorf("%s: want %v", code, want)
		}
	}
}

func TestOneWrongDigitIsAlwaysFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := []byte("01307110484")
		i := rapid.IntRange(0, 10).Draw(t, "place")
		d := byte('0' + rapid.IntRange(0, 9).Draw(t, "digit"))
		if code[i] == d {
			return
		}
		code[i] = d
		if FiscalCode(string(code)) {
			t.Fatalf("%s passes", code)
		}
	})
}

func TestPowersHoldFromTheirGrantToTheirEnd(t *testing.T) {
	p := &Person{ID: "p", Kind: act.KindPerson, Name: "Ada", Email: "ada@x.example"}
	rup := act.Power{Role: act.RUP, Authority: "city"}
	if err := p.Grant(rup, noon); err != nil {
		t.Fatal(err)
	}
	if fault.Of(p.Grant(rup, noon)).Code != "already-granted" {
		t.Fatal("granted twice")
	}
	end := noon.Add(time.Hour)
	if err := p.Revoke(rup, end); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]bool{noon.Add(-time.Nanosecond): false, noon: true, end.Add(-time.Nanosecond): true, end: false} {
		if p.Actor(at).Wears(act.RUP, "city") != want {
			t.Errorf("%s: want %v", at, want)
		}
	}
	if fault.Of(p.Revoke(rup, end)).Code != "not-granted" || len(p.Powers) != 1 {
		t.Fatal("what is over stays on record, and is not ended twice")
	}
	if err := p.Grant(rup, end); err != nil || len(p.Powers) != 2 {
		t.Fatal("a power can be given again", err)
	}
}

func TestPowersFitTheirRole(t *testing.T) {
	for _, c := range []struct {
		power act.Power
		ok    bool
	}{
		{act.Power{Role: act.Drafter, Authority: "a"}, true}, {act.Power{Role: act.Drafter}, false}, {act.Power{Role: act.Drafter, Authority: "a", Supplier: "s"}, false},
		{act.Power{Role: act.Supplier, Supplier: "s"}, true}, {act.Power{Role: act.Supplier, Authority: "a"}, false}, {act.Power{Role: act.Supplier}, false},
		{act.Power{Role: act.Administrator}, true}, {act.Power{Role: act.Administrator, Authority: "a"}, false},
		{act.Power{Role: act.Clock}, false}, {act.Power{Role: act.Anonymous}, false}, {act.Power{Role: "emperor", Authority: "a"}, false},
	} {
		p := &Person{}
		if err := p.Grant(c.power, noon); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.power, err)
		}
	}
}

// digitBy computes the check digit as D.M. 23-12-1976 words it: the digits in
// odd places, the doubled digits in even places, and how many of those exceed 4.
func digitBy(ten string) byte {
	x, y, z := 0, 0, 0
	for i, c := range []byte(ten) {
		d := int(c - '0')
		if i%2 == 0 {
			x += d
			continue
		}
		y += 2 * d
		if d >= 5 {
			z++
		}
	}
	return byte('0' + (10-(x+y+z)%10)%10)
}

func TestTheCheckDigitIsTheDecrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ten := rapid.StringMatching(`[0-9]{9}[1-9]`).Draw(t, "ten")
		for d := byte('0'); d <= '9'; d++ {
			if FiscalCode(ten+string(d)) != (d == digitBy(ten)) {
				t.Fatalf("%s%c", ten, d)
			}
		}
	})
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"Comune di Forlì": true, "עיריית רומא": true, "\u200fבלדיה\u200f": true, "🌉": true, "👩‍💻 Studio": true, "3M": true, "Banchi & Lavagne": true,
		strings.Repeat("é", 300): true, strings.Repeat("é", 301): false,
		"": false, " a": false, "a\u00a0": false, "a\nb": false, "a\x00b": false, "a\u0085b": false, "a\u2028b": false, "a\xff": false,
		"a\u202eb": false, "a\u2066b": false, "a\u2069b": false, "\u200b": false, "\u200f": false, "--": false,
	} {
		if err := (&Person{Name: name, Email: "a@b.it", Kind: act.KindPerson}).Check(); (err == nil) != want {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for email, want := range map[string]bool{
		"ada@comune.example": true, "d'angelo@comune.example": true, "josé+gare@comune.example": true, "a@b-c.d.it": true,
		"": false, "ada": false, "ada@localhost": false, "@b.it": false, "a b@c.it": false, "a\x00@b.it": false, "a\xff@b.it": false,
		"a\u202e@b.it": false, "a\u200b@b.it": false, "a@b@c.it": false, "a@b.it\nBcc: x@y.it": false, strings.Repeat("a", 250) + "@b.it": false,
	} {
		if err := (&Person{Name: "Ada", Email: email, Kind: act.KindPerson}).Check(); (err == nil) != want {
			t.Errorf("%q: %v", email, err)
		}
	}
}

// pointers lists the faulty places of a fault, with repetitions.
func pointers(err error) string {
	var all []string
	for _, f := range fault.Of(err).Fields {
		all = append(all, f.Pointer)
	}
	return strings.Join(all, " ")
}

func TestEveryFaultyPlaceIsToldOnce(t *testing.T) {
	for want, err := range map[string]error{
		"/name /fiscal_code /nuts":     (&Authority{FiscalCode: "1", NUTS: "FR1"}).Check(),
		"/name /country /tax_id /size": (&Supplier{Country: "Italia", TaxID: "!", Size: "huge"}).Check(),
		"/tax_id":                      (&Supplier{Name: "A", Country: "IT", TaxID: "!", Size: "micro"}).Check(),
		"/country":                     (&Supplier{Name: "A", Country: "EL", TaxID: "094019245", Size: "micro"}).Check(),
		"/name /email /kind":           (&Person{Kind: act.KindClock}).Check(),
		"/kind":                        (&Person{Name: "A", Email: "a@b.it", Kind: act.KindAnonymous}).Check(),
		"/role":                        (&Person{}).Grant(act.Power{Role: act.Clock}, noon),
		"/authority /supplier":         (&Person{}).Grant(act.Power{Role: act.Supplier, Authority: "a"}, noon),
	} {
		if err == nil || pointers(err) != want {
			t.Errorf("want %s, got %v", want, err)
		}
	}
}

func TestCountries(t *testing.T) {
	codes := strings.Fields(countries)
	if len(codes) != 249 || !slices.IsSorted(codes) || len(slices.Compact(slices.Clone(codes))) != 249 {
		t.Errorf("%d codes", len(codes))
	}
	for code, want := range map[string]bool{"IT": true, "AD": true, "ZW": true, "GR": true, "GB": true, "EL": false, "UK": false, "XX": false, "it": false, "": false, "T ": false, " ": false} {
		if err := (&Supplier{Name: "A", Country: code, TaxID: "01307110484", Size: "small"}).Check(); (err == nil) != want {
			t.Errorf("%q: %v", code, err)
		}
	}
}

func TestSubjects(t *testing.T) {
	if s := (&Authority{ID: "a"}).Subject(); s.Type != "authority" || s.Authority != "a" || !s.Public {
		t.Error(s)
	}
	if s := (&Supplier{ID: "s"}).Subject(); s.Type != "supplier" || s.Supplier != "s" || s.Authority != "" || s.Public {
		t.Error(s)
	}
	if s := (&Person{ID: "p"}).Subject(); s.Type != "person" || s.ID != "p" || s.Authority != "" || s.Public {
		t.Error(s)
	}
}

// What passes Check can be hashed into the register and reads back the same.
func FuzzCheck(f *testing.F) {
	f.Add("Comune 🌉 של רומא", "01307110484", "ITI14", "a@b.it", "IT")
	f.Add("\xff", "\x00", "IT\n", "a\xff@b.it", "I\xff")
	f.Add("\ufffd", "AB12", "IT", "\ufffd@b.it", "FR")
	f.Fuzz(func(t *testing.T, name, code, nuts, email, country string) {
		for _, x := range []interface {
			act.Thing
			Check() error
		}{
			&Authority{Name: name, FiscalCode: code, NUTS: nuts}, &Person{Name: name, Email: email, Kind: act.KindPerson},
			&Supplier{Name: name, Country: country, TaxID: code, Size: "micro"},
		} {
			if err := x.Check(); err != nil {
				if fault.Of(err).Kind != fault.Invalid || pointers(err) == "" {
					t.Fatal(err)
				}
				continue
			}
			if _, err := audit.Hash(x); err != nil {
				t.Fatalf("%+v passes and cannot be hashed: %v", x, err)
			}
			text, err := json.Marshal(x)
			again := reflect.New(reflect.TypeOf(x).Elem()).Interface()
			if err != nil || json.Unmarshal(text, again) != nil || !reflect.DeepEqual(again, x) {
				t.Fatalf("%+v reads back as %+v", x, again)
			}
		}
	})
}
