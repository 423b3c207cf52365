package tender

import (
	"regexp"
	"sync"
	"time"
	_ "time/tzdata" // Italian time must not depend on the machine's files

	"sigillo/internal/fault"
)

// Rome is the zone of Italian legal time.
var Rome = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return zone
})

var instantForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})$`)

// ParseInstant reads an instant of a timetable, RFC 3339 with offset, to the
// millisecond at most. The offset is Z or the one Italy has at that instant: a
// wall time that the change to summer time skips does not exist, one that
// comes twice in autumn is ambiguous, and both are refused. Returns UTC.
func ParseInstant(s string) (time.Time, error) {
	if len(s) > 40 || !instantForm.MatchString(s) {
		return time.Time{}, badInstant("bad-instant", "Scriva data, ora e fuso, per esempio 2027-01-15T12:00:00+01:00.",
			"Write date, time and offset, such as 2027-01-15T12:00:00+01:00.")
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.UTC().Year() < 2000 || t.UTC().Year() > 2100 {
		return time.Time{}, badInstant("bad-instant", "Questa data non esiste o è fuori dagli anni 2000-2100.", "This date does not exist or is outside the years 2000-2100.")
	}
	local := t.In(Rome())
	if s[len(s)-1] != 'Z' {
		_, given := t.Zone()
		if _, italian := local.Zone(); given != italian {
			wall := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), Rome())
			if wall.Hour() != t.Hour() && (given == 3600 || given == 7200) {
				return time.Time{}, badInstant("time-does-not-exist", "Quest'ora non esiste: è saltata dal passaggio all'ora legale.",
					"This time does not exist: the change to summer time skips it.")
			}
			return time.Time{}, badInstant("wrong-offset", "Usi l'ora italiana con il suo scarto in quel giorno (+01:00 o +02:00), oppure Z.",
				"Use Italian time with its offset on that day (+01:00 or +02:00), or Z.")
		}
	}
	if ambiguous(local) {
		return time.Time{}, badInstant("time-is-ambiguous", "Quest'ora capita due volte (fine dell'ora legale): scelga un'altra ora.",
			"This time comes twice (end of summer time): choose another.")
	}
	return t.UTC(), nil
}

// ambiguous: an hour earlier or later the clocks in Rome show the same time.
func ambiguous(local time.Time) bool {
	for _, other := range []time.Time{local.Add(-time.Hour), local.Add(time.Hour)} {
		if other.Hour() == local.Hour() && other.Day() == local.Day() {
			return true
		}
	}
	return false
}

func badInstant(code, it, en string) error {
	return &fault.Fault{Kind: fault.Invalid, Code: code, Text: fault.Text{IT: it, EN: en}}
}

// InRome writes an instant for people, with the name of the zone: 15/01/2027
// 12:00:00 CET.
func InRome(t time.Time) string { return t.In(Rome()).Format("02/01/2006 15:04:05 MST") }

// InRomeExactly is InRome with milliseconds, for receipts.
func InRomeExactly(t time.Time) string { return t.In(Rome()).Format("02/01/2006 15:04:05.000 MST") }
