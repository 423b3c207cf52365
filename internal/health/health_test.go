package health

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2027, 1, 15, 11, 0, 0, 0, time.UTC)

// steady probes every ten seconds between two instants.
func steady(from, to time.Time) []Probe {
	var all []Probe
	for at := from; at.Before(to); at = at.Add(Every) {
		all = append(all, Probe{At: at, Replica: "a", Database: 300, Objects: 900, Clock: "synchronised"})
	}
	return all
}

func TestCertify(t *testing.T) {
	start := noon.Add(-6 * time.Hour)
	outage := append(steady(start, noon.Add(-2*time.Hour)), steady(noon.Add(-2*time.Hour+37*time.Minute), noon)...)
	bad := steady(start, noon)
	for i := range bad {
		if at := bad[i].At; !at.Before(noon.Add(-time.Hour)) && at.Before(noon.Add(-50*time.Minute)) {
			bad[i].Database, bad[i].Errors = -1, 4
		}
	}
	other := steady(noon.Add(-time.Hour), noon.Add(-50*time.Minute))
	for name, c := range map[string]struct {
		probes        []Probe
		interruptions int
		down          time.Duration
	}{
		"all is well":                        {steady(start, noon), 0, 0},
		"INC-14 37 minutes":                  {outage, 1, 37*time.Minute + Every},
		"INC-09 the database is away":        {bad, 1, 10*time.Minute + Every},
		"another replica was working":        {append(slices.Clone(bad), other...), 0, 0},
		"nobody ever looked":                 {nil, 1, 6 * time.Hour},
		"two probes missed are no outage":    {append(steady(start, noon.Add(-time.Hour)), steady(noon.Add(-time.Hour+2*Every), noon)...), 0, 0},
		"the end is missing":                 {steady(start, noon.Add(-10*time.Minute)), 1, 10*time.Minute + Every},
		"probes of another day do not count": {steady(start.AddDate(0, 0, -1), noon.AddDate(0, 0, -1)), 1, 6 * time.Hour},
	} {
		got := Certify(start, noon, c.probes)
		if len(got.Interruptions) != c.interruptions || time.Duration(got.Down)*time.Second != c.down {
			t.Errorf("%s: %d interruptions, %ds down: %v", name, len(got.Interruptions), got.Down, got.Interruptions)
		}
	}
	if got := Certify(start, noon, bad); got.Errors == 0 || got.WorstObjects != 900 {
		t.Errorf("%+v", got)
	}
}

func TestAT018AnUnsynchronisedClockIsSaid(t *testing.T) {
	probes := steady(noon.Add(-time.Hour), noon)
	probes[7].Clock, probes[7].MaxError = "unsynchronised", 16_000_000
	probes[9].Clock = "unknown"
	if got := Certify(noon.Add(-time.Hour), noon, probes); got.Clock != "unsynchronised" || got.MaxError != 16_000_000 {
		t.Fatalf("%+v", got)
	}
}

func TestINC14ProposedExtension(t *testing.T) {
	start := noon.AddDate(0, 0, -10)
	gap := func(from, to time.Duration) Certificate {
		return Certify(start, noon, append(steady(start, noon.Add(-from)), steady(noon.Add(-to), noon)...))
	}
	for name, c := range map[string]struct {
		certificate Certificate
		want        time.Duration
	}{
		"nothing":                 {Certify(start, noon, steady(start, noon)), 0},
		"37 minutes":              {gap(2*time.Hour, 2*time.Hour-37*time.Minute), 105 * time.Minute},
		"three days before":       {gap(75*time.Hour, 74*time.Hour), 0},
		"across the window's end": {gap(25*time.Hour, 23*time.Hour), 2 * time.Hour},
	} {
		if got := Current.Propose(c.certificate, noon); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestCertificateIsAFunctionOfTheSetOfProbes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		to := noon.Add(time.Duration(rapid.Int64Range(1, int64(6*time.Hour)).Draw(t, "window")))
		probes := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Probe {
			return Probe{At: noon.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(7*time.Hour)).Draw(t, "at"))), Database: rapid.Int64Range(-1, 9).Draw(t, "db")}
		})).Draw(t, "probes")
		c := Certify(noon, to, probes)
		again := slices.Clone(probes)
		slices.Reverse(again)
		if d := Certify(noon, to, again); d.Down != c.Down || !slices.Equal(d.Interruptions, c.Interruptions) {
			t.Fatal("the order counts")
		}
		last := noon
		for _, i := range c.Interruptions {
			if i.From.Before(last) || i.To.After(to) || i.Length() <= patience*Every {
				t.Fatalf("%v", c.Interruptions)
			}
			last = i.To
		}
		if c.Availability < 0 || c.Availability > 1_000_000 || (len(c.Interruptions) == 0) != (c.Availability == 1_000_000) {
			t.Fatalf("%+v", c)
		}
		if extra := Current.Propose(c, to); extra < 0 || extra%Current.Round != 0 || extra > 0 && extra < Current.Margin {
			t.Fatal(extra)
		}
	})
}
