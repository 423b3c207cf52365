// Package anchor has somebody who is not the operator vouch for the log: a
// time-stamping authority says when a checkpoint was there (RFC 3161).
//
// It promises that every stamp is an act, and that a checkpoint is stamped
// within the hour of the last one if anything happened, and as soon as possible
// after the deadline of a lot or an opening. An authority that does not answer
// keeps nothing waiting. It does not know how stamps are obtained or verified.
package anchor

import (
	"context"
	"crypto/sha256"
	"strconv"
	"sync/atomic"
	"time"

	"sigillo/internal/act"
)

// Stamp is a time stamp over a checkpoint of the log.
type Stamp struct {
	Size    uint64    `json:"size"`   // of the checkpoint
	Note    string    `json:"note"`   // its bytes, whole: what was stamped
	Token   []byte    `json:"token"`  // RFC 3161, DER
	Digest  []byte    `json:"sha256"` // of the note
	At      time.Time `json:"at"`     // of the act; the token says its own time
	Version int       `json:"version"`
	// Told is how many public facts the log held when it was stamped.
	Told int64 `json:"-"`
}

// Subject of a stamp is the platform's, and for everybody.
func (s *Stamp) Subject() act.Subject {
	return act.Subject{Type: "stamp", ID: strconv.FormatUint(s.Size, 10), Version: s.Version, State: "stamped"}
}

// Authority makes time stamps over SHA-256 digests, verified.
type Authority interface {
	Stamp(ctx context.Context, digest [32]byte) (der []byte, err error)
}

// Tx is what stamps need of a transaction.
type Tx interface {
	act.Tx
	// SaveStamp keeps a new one. Fault, if the checkpoint has one: conflict.
	SaveStamp(*Stamp) error
}

// Reader reads checkpoints and stamps.
type Reader interface {
	// DueStamp is the checkpoint to be stamped, without a token: the newest, if it
	// holds a closing or an opening that the last stamped one does not, or if
	// anything but that stamp has happened since and the last was before the
	// instant given. nil when nothing is due.
	DueStamp(ctx context.Context, before time.Time) (*Stamp, error)
	// Stamps lists them by size, after one.
	Stamps(ctx context.Context, after uint64, limit int) ([]*Stamp, error)
}

// Service has checkpoints stamped.
type Service struct {
	within    act.Within[Tx]
	read      Reader
	authority Authority
	now       func() (time.Time, error)
	// notBefore is when an authority that failed is asked again, in microseconds.
	notBefore atomic.Int64
}

// NewService wires it. authority is nil where there is none.
func NewService(within act.Within[Tx], read Reader, authority Authority, now func() (time.Time, error)) *Service {
	return &Service{within: within, read: read, authority: authority, now: now}
}

// interval is the longest an act waits for a stamp, while there is an authority.
const interval = time.Hour

// pause is how long an authority that failed is left alone.
const pause = time.Minute

// Stamp has a checkpoint stamped if that is due (stamp-checkpoint), and tells
// how many. The authority is asked outside any transaction; of two replicas that
// ask, one is later told that there is a stamp already. Faults: those of the
// authority.
func (s *Service) Stamp(ctx context.Context) (int, error) {
	if s.authority == nil {
		return 0, nil
	}
	now, err := s.now()
	if err != nil {
		return 0, err
	}
	if now.UnixMicro() < s.notBefore.Load() {
		return 0, nil
	}
	due, err := s.read.DueStamp(ctx, now.Add(-interval))
	if err != nil || due == nil {
		return 0, err
	}
	digest := sha256.Sum256([]byte(due.Note))
	due.Digest = digest[:]
	if due.Token, err = s.authority.Stamp(ctx, digest); err != nil {
		s.notBefore.Store(now.Add(pause).UnixMicro())
		return 0, err
	}
	_, err = act.Do(ctx, s.within, act.By(act.Time()), act.Deed[Tx, *Stamp]{
		Action: act.StampCheckpoint, New: true,
		Load: func(Tx) (*Stamp, error) { return due, nil },
		Change: func(d *Stamp, now time.Time) (act.Facts, error) {
			d.Version, d.At = 1, now
			return act.Facts{}, nil
		},
		Save: Tx.SaveStamp,
	})
	return 1, err
}

// Stamps lists stamps by the size of their checkpoint (list-stamps).
func (s *Service) Stamps(ctx context.Context, who act.Actor, after uint64, limit int) ([]*Stamp, error) {
	if _, err := act.Permit(who, act.ListStamps, act.Subject{}); err != nil {
		return nil, err
	}
	return s.read.Stamps(ctx, after, limit)
}
