package tender

import (
	"fmt"
	"time"
)

// Day is a civil day in Italy.
type Day struct {
	Year  int
	Month time.Month
	Date  int
}

// DayOf is the day in Rome at an instant.
func DayOf(t time.Time) Day {
	y, m, d := t.In(Rome()).Date()
	return Day{y, m, d}
}

// String is the ISO 8601 date.
func (d Day) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Date) }

// Compare: -1 when earlier, 0, 1.
func (d Day) Compare(o Day) int { return d.utc().Compare(o.utc()) }

// Add moves by whole days.
func (d Day) Add(days int) Day {
	y, m, n := d.utc().AddDate(0, 0, days).Date()
	return Day{y, m, n}
}

// Midnight is the instant at which the day begins in Rome. Italy never changes
// the clocks at midnight, so it always exists, once.
func (d Day) Midnight() time.Time {
	return time.Date(d.Year, d.Month, d.Date, 0, 0, 0, 0, Rome()).UTC()
}

func (d Day) utc() time.Time { return time.Date(d.Year, d.Month, d.Date, 0, 0, 0, 0, time.UTC) }

// MarshalText writes the ISO date.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the ISO date.
func (d *Day) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return err
	}
	y, m, n := t.Date()
	*d = Day{y, m, n}
	return nil
}

// holiday is one fixed public holiday and the year it is one from (L.
// 260/1949, L. 54/1977, L. 336/2000; 4 October again from 2026, L. 151/2025).
type holiday struct {
	month time.Month
	date  int
	since int
}

var holidays = []holiday{
	{time.January, 1, 1949}, {time.January, 6, 1986}, {time.April, 25, 1949}, {time.May, 1, 1949}, {time.June, 2, 2001},
	{time.August, 15, 1949}, {time.October, 4, 2026}, {time.November, 1, 1949}, {time.December, 8, 1949},
	{time.December, 25, 1949}, {time.December, 26, 1949},
}

// IsHoliday tells whether the day is a national public holiday.
func (d Day) IsHoliday() bool {
	for _, h := range holidays {
		if d.Month == h.month && d.Date == h.date && d.Year >= h.since {
			return true
		}
	}
	e := easter(d.Year)
	return d == e || d == e.Add(1)
}

// IsWorkingDay: not a public holiday, a Saturday or a Sunday (Reg. (CEE,
// Euratom) 1182/71 art. 2).
func (d Day) IsWorkingDay() bool {
	w := d.utc().Weekday()
	return w != time.Saturday && w != time.Sunday && !d.IsHoliday()
}

// easter is Easter Sunday by the anonymous Gregorian computus.
func easter(year int) Day {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return Day{year, time.Month(n / 31), n%31 + 1}
}

// TermEnds is the last day of a term of calendar days: the day of the event
// does not count, and a term that would end on a day that is not a working day
// ends with the next working day (Reg. 1182/71 art. 3 par. 1 and 4).
func TermEnds(start Day, days int) Day {
	end := start.Add(days)
	for !end.IsWorkingDay() {
		end = end.Add(1)
	}
	return end
}

// EarliestDeadline is the first instant at which a minimum term has wholly run:
// the end of its last day, midnight in Rome (Reg. 1182/71 art. 3 par. 2). This
// is the strict reading; a deadline during the last day would cut it short.
func EarliestDeadline(from time.Time, days int) time.Time {
	if days <= 0 {
		return from
	}
	return TermEnds(DayOf(from), days).Add(1).Midnight()
}
