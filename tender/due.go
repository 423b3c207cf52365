package tender

import (
	"time"

	"sigillo/internal/act"
)

// Due is something that an instant brings about.
type Due struct {
	Action act.Action
	Tender string
	Lot    string
	// At is the legal instant: what is done late is still done as of it.
	At time.Time
}

// Due lists what is due for the tender at the instant. It is a pure function
// of the data: a tick of the clock that is missed, doubled or late changes
// nothing of what it returns next.
func (t *Tender) Due(now time.Time) []Due {
	var all []Due
	for _, l := range t.Lots {
		switch {
		case l.State == Published && !now.Before(t.Timetable.Deadline):
			all = append(all, Due{act.CloseLot, t.ID, l.ID, t.Timetable.Deadline})
		case l.State == Closed && !now.Before(t.Timetable.OpensAt):
			all = append(all, Due{act.OpenAdministrative, t.ID, l.ID, t.Timetable.OpensAt})
		case l.State == Revoked && l.KeysDestroyedAt == nil:
			all = append(all, Due{act.DestroyKeys, t.ID, l.ID, now})
		}
	}
	return all
}

// DestroyKeys notes that the platform's private keys of a revoked lot are gone:
// its bids stay sealed for ever (AT-045). It returns the keys, to be named in
// the register.
func (t *Tender) DestroyKeys(lot string, at time.Time) ([]Key, error) {
	l, err := t.Lot(lot)
	if err != nil {
		return nil, err
	}
	if l.State != Revoked || l.KeysDestroyedAt != nil {
		return nil, WrongState(l, act.DestroyKeys)
	}
	l.KeysDestroyedAt = &at
	var gone []Key
	for _, k := range t.Keys {
		if k.Lot == lot {
			gone = append(gone, k)
		}
	}
	return gone, nil
}

// Close takes a lot past its deadline, as of the deadline: to closed when at
// least the minimum of bids is in, else to deserted.
func (t *Tender) Close(lot string, bids int, at time.Time) (time.Time, error) {
	l, err := t.Lot(lot)
	if err != nil {
		return time.Time{}, err
	}
	deadline := t.Timetable.Deadline
	if at.Before(deadline) || l.State != Published {
		return time.Time{}, WrongState(l, act.CloseLot)
	}
	to := Closed
	if bids < l.MinimumBids {
		to, l.EndReason = Deserted, "too few bids"
	}
	if err := l.Move(act.CloseLot, to); err != nil {
		return time.Time{}, err
	}
	l.ClosedAt = &deadline
	return deadline, nil
}
