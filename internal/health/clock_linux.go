package health

import "golang.org/x/sys/unix"

// Clock tells whether the machine's clock is disciplined, and its largest error
// in microseconds, as the kernel says (adjtimex).
func Clock() (string, int64) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	switch {
	case err != nil:
		return "unknown", 0
	case state == unix.TIME_ERROR:
		return "unsynchronised", t.Maxerror
	}
	return "synchronised", t.Maxerror
}
