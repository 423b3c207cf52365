package tender

import (
	"strings"
	"testing"
	"time"

	"sigillo/internal/fault"
)

func TestEaster(t *testing.T) {
	for _, want := range []string{"2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01", "2030-04-21"} {
		var year int
		for _, c := range want[:4] {
			year = year*10 + int(c-'0')
		}
		if got := easter(year).String(); got != want {
			t.Errorf("Easter %d: got %s, want %s", year, got, want)
		}
	}
}

func TestTermEndsRollsOverHolidays(t *testing.T) {
	day := func(s string) Day {
		var d Day
		if err := d.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		start string
		days  int
		want  string
		why   string
	}{
		{"2026-11-23", 30, "2026-12-23", "Wednesday"},
		{"2026-11-25", 30, "2026-12-28", "25 and 26 December, then a Sunday"},
		{"2027-02-26", 30, "2027-03-30", "Easter Sunday and Monday"},
		{"2026-09-04", 30, "2026-10-05", "4 October is a holiday again, and a Sunday"},
		{"2027-09-04", 30, "2027-10-05", "Monday 4 October 2027 is a holiday"},
		{"2025-09-04", 30, "2025-10-06", "in 2025 it was not: Saturday and Sunday"},
		{"2028-02-27", 2, "2028-02-29", "leap day"},
	} {
		if got := TermEnds(day(c.start), c.days).String(); got != c.want {
			t.Errorf("%s + %d: got %s, want %s (%s)", c.start, c.days, got, c.want, c.why)
		}
	}
}

func TestEarliestDeadlineCountsCivilDaysAcrossSummerTime(t *testing.T) {
	from := time.Date(2027, 3, 10, 9, 0, 0, 0, time.UTC) // winter time
	got := EarliestDeadline(from, 30)                    // 9 April ends in summer time
	if want := time.Date(2027, 4, 9, 22, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestInstants(t *testing.T) {
	for s, code := range map[string]string{
		"2027-01-15T12:00:00+01:00": "", "2027-07-15T12:00:00+02:00": "", "2027-01-15T11:00:00Z": "", "2027-01-15T11:00:00.250Z": "",
		"2027-03-28T02:30:00+01:00": "time-does-not-exist", "2027-03-28T02:30:00+02:00": "time-does-not-exist",
		"2026-10-25T02:30:00+02:00": "time-is-ambiguous", "2026-10-25T02:30:00+01:00": "time-is-ambiguous", "2026-10-25T00:30:00Z": "time-is-ambiguous",
		"2026-10-25T01:59:59+02:00": "", "2026-10-25T03:00:00+01:00": "",
		"2027-07-15T12:00:00+01:00": "wrong-offset", "2027-01-15T12:00:00-05:00": "wrong-offset",
		"2027-01-15": "bad-instant", "2027-01-15T12:00:00": "bad-instant", "2027-02-30T12:00:00+01:00": "bad-instant", "1999-01-15T12:00:00Z": "bad-instant",
		"2027-01-15T12:00:00.0001Z": "bad-instant", "2027-01-15t12:00:00z": "bad-instant", "tomorrow": "bad-instant", strings.Repeat("9", 100): "bad-instant",
	} {
		got, err := ParseInstant(s)
		switch f := fault.Of(err); {
		case code == "" && err != nil, code != "" && (f == nil || f.Code != code):
			t.Errorf("%s: got %v, want %q", s, err, code)
		case err == nil && got.Location() != time.UTC:
			t.Errorf("%s: not UTC", s)
		}
	}
}

func FuzzParseInstant(f *testing.F) {
	f.Add("2027-01-15T12:00:00+01:00")
	f.Add("2026-10-25T02:30:00+02:00")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseInstant(s)
		if err != nil {
			return
		}
		if again, err := ParseInstant(got.Format("2006-01-02T15:04:05.999Z07:00")); err != nil || !again.Equal(got) {
			t.Fatalf("%q does not survive a round trip: %v", s, err)
		}
	})
}
