package feed

import "time"

// Outcome is what became of the last attempt.
type Outcome string

// The outcomes.
const (
	NotTried    Outcome = ""
	Delivered   Outcome = "delivered"   // answered with 2xx
	Gone        Outcome = "gone"        // answered with 410
	Redirected  Outcome = "redirected"  // answered with 3xx: redirects are not followed
	Refused     Outcome = "refused"     // answered with anything else
	Slow        Outcome = "timeout"     // not answered in time
	Private     Outcome = "private"     // the name leads to an address that is not public
	Untrusted   Outcome = "untrusted"   // the certificate is not good
	Unreachable Outcome = "unreachable" // no connection, or it broke off
)

// Outcomes lists them.
func Outcomes() []Outcome {
	return []Outcome{NotTried, Delivered, Gone, Redirected, Refused, Slow, Private, Untrusted, Unreachable}
}

// Course is how far a webhook has been told, and how that goes.
type Course struct {
	// Passed is the number of the last change that is done with.
	Passed int64
	// Due is when the next attempt may be made.
	Due time.Time
	// Attempts that have failed one after the other, and since when.
	Attempts     int
	FailingSince *time.Time
	// Outcome of the last attempt, and the status it was answered with, if it was.
	Outcome Outcome
	Status  int
	// Delivered counts changes, DeliveredAt is when the last one was.
	Delivered   int64
	DeliveredAt *time.Time
}

// The time between attempts doubles from the first to the longest. After
// patience the webhook is given up.
const (
	first    = 5 * time.Second
	longest  = 6 * time.Hour
	patience = 3 * 24 * time.Hour
)

// delivered notes that the change of a number got through.
func (c *Course) delivered(n int64, status int, at time.Time) {
	*c = Course{Passed: n, Due: at, Outcome: Delivered, Status: status, Delivered: c.Delivered + 1, DeliveredAt: &at}
}

// failed notes that it did not. jitter gives a number below its argument: so
// that those who failed together do not all come again together.
func (c *Course) failed(o Outcome, status int, at time.Time, jitter func(int64) int64) {
	if c.FailingSince == nil {
		c.FailingSince = &at
	}
	wait := min(first<<min(c.Attempts, 20), longest)
	wait = wait/2 + time.Duration(jitter(int64(wait/2)+1))
	c.Attempts, c.Outcome, c.Status, c.Due = c.Attempts+1, o, status, at.Add(wait)
	if last := c.FailingSince.Add(patience); at.Before(last) && c.Due.After(last) {
		c.Due = last // one attempt is made when patience ends
	}
}

// end tells whether, and why, it is over with this webhook.
func (c *Course) end(at time.Time) (End, bool) {
	switch {
	case c.Outcome == Gone:
		return GoneAway, true
	case c.FailingSince != nil && !at.Before(c.FailingSince.Add(patience)):
		return Exhausted, true
	}
	return "", false
}
