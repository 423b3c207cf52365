package parties

import (
	"testing"
	"time"

	"pgregory.net/rapid"

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

func FuzzCheck(f *testing.F) {
	f.Add("Comune 🌉 של רומא", "01307110484", "ITI14", "a@b.it", "IT")
	f.Fuzz(func(t *testing.T, name, code, nuts, email, country string) {
		for _, err := range []error{(&Authority{Name: name, FiscalCode: code, NUTS: nuts}).Check(), (&Person{Name: name, Email: email, Kind: act.KindPerson}).Check(),
			(&Supplier{Name: name, Country: country, TaxID: code, Size: "micro"}).Check()} {
			if err != nil && fault.Of(err).Kind != fault.Invalid {
				t.Fatal(err)
			}
		}
	})
}
