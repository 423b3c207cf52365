// Package health proves how the platform worked: probes taken by every replica,
// and the certificate of a window of time made from them.
//
// It promises that what is missing counts against the platform, that the order
// of probes and the number of replicas change nothing, and whole-number
// arithmetic. It knows nothing of tenders nor of who used the platform: a probe
// holds no count of requests, which before an opening would tell of bids.
package health

import (
	"slices"
	"time"
)

// Every is how often each replica probes.
const Every = 10 * time.Second

// patience is how many probes in a row must be missing, or bad, before it is an
// interruption.
const patience = 3

// Probe is one look of one replica at what it stands on.
type Probe struct {
	At       time.Time `json:"at"` // by the clock that decides
	Replica  string    `json:"replica"`
	Database int64     `json:"database_us"` // round trip, microseconds; -1 when it did not answer
	Objects  int64     `json:"objects_us"`  // of the object store
	Errors   int       `json:"errors"`      // requests answered with 5xx since the last probe
	Slowest  int64     `json:"slowest_us"`  // the slowest request since the last probe
	Clock    string    `json:"clock"`       // synchronised, unsynchronised or unknown
	MaxError int64     `json:"clock_max_error_us,omitempty"`
}

// Good tells whether the platform could do its work.
func (p Probe) Good() bool { return p.Database >= 0 && p.Objects >= 0 }

// Interruption is a stretch in which no replica worked, or none said so.
type Interruption struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Length of the interruption.
func (i Interruption) Length() time.Duration { return i.To.Sub(i.From) }

// Certificate says how the platform worked in a window.
type Certificate struct {
	From          time.Time      `json:"from"`
	To            time.Time      `json:"to"`
	Probes        int            `json:"probes"`
	Interruptions []Interruption `json:"interruptions"`
	// Down is the sum of the interruptions, Availability what is left of the
	// window, in millionths.
	Down         int64 `json:"down_seconds"`
	Availability int64 `json:"availability_ppm"`
	// The worst round trips and request, in microseconds.
	WorstDatabase int64 `json:"worst_database_us"`
	WorstObjects  int64 `json:"worst_objects_us"`
	SlowestAnswer int64 `json:"slowest_answer_us"`
	Errors        int   `json:"errors"`
	// Clock is synchronised only if every probe found it so.
	Clock    string `json:"clock"`
	MaxError int64  `json:"clock_max_error_us"`
}

// Certify makes the certificate of a window, from inclusive to exclusive. The
// window before the first probe and after the last counts as interrupted where
// it is longer than the patience.
func Certify(from, to time.Time, probes []Probe) Certificate {
	c := Certificate{From: from, To: to, Interruptions: []Interruption{}, Clock: "synchronised"}
	var good []time.Time
	for _, p := range probes {
		if p.At.Before(from) || !p.At.Before(to) {
			continue
		}
		c.Probes++
		c.WorstDatabase, c.WorstObjects = max(c.WorstDatabase, p.Database), max(c.WorstObjects, p.Objects)
		c.SlowestAnswer, c.Errors, c.MaxError = max(c.SlowestAnswer, p.Slowest), c.Errors+p.Errors, max(c.MaxError, p.MaxError)
		if p.Clock != "synchronised" && c.Clock != "unsynchronised" {
			c.Clock = p.Clock
		}
		if p.Good() {
			good = append(good, p.At)
		}
	}
	if c.Probes == 0 {
		c.Clock = "unknown"
	}
	slices.SortFunc(good, time.Time.Compare)
	last := from
	for _, at := range append(good, to) {
		if at.Sub(last) > patience*Every {
			c.Interruptions = append(c.Interruptions, Interruption{last, at})
		}
		last = at
	}
	down := time.Duration(0)
	for _, i := range c.Interruptions {
		down += i.Length()
	}
	c.Down = int64(down / time.Second)
	c.Availability = 1_000_000
	if window := to.Sub(from).Milliseconds(); window > 0 {
		c.Availability -= down.Milliseconds() * 1_000_000 / window
	}
	return c
}

// Remedy is how an extension is computed from interruptions before a deadline
// (art. 25 c. 2; DR-48 leaves the formula to the platform). It is a proposal to
// the RUP, never an act.
type Remedy struct {
	ValidFrom string        // day
	Window    time.Duration // before the deadline in which interruptions count
	Margin    time.Duration // added to the time lost
	Round     time.Duration // rounded up to
}

// Current remedy: what was lost in the last 24 hours, an hour more, and quarters
// of an hour.
var Current = Remedy{ValidFrom: "2026-01-01", Window: 24 * time.Hour, Margin: time.Hour, Round: 15 * time.Minute}

// Propose tells by how much to extend; 0 when nothing was lost.
func (r Remedy) Propose(c Certificate, deadline time.Time) time.Duration {
	lost := time.Duration(0)
	for _, i := range c.Interruptions {
		from, to := i.From, i.To
		if start := deadline.Add(-r.Window); from.Before(start) {
			from = start
		}
		if to.After(deadline) {
			to = deadline
		}
		if to.After(from) {
			lost += to.Sub(from)
		}
	}
	if lost == 0 {
		return 0
	}
	all := lost + r.Margin
	return (all + r.Round - 1) / r.Round * r.Round
}
