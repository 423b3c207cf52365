package bids

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/writing"
	"sigillo/tender"
)

// LateAttempt is a submission that came after the deadline.
type LateAttempt struct {
	At           time.Time `json:"at"` // by the clock that decides
	By           int64     `json:"by"` // microseconds after the deadline
	ManifestHash string    `json:"manifest_hash,omitempty"`
	Pressed
}

// Contested is a late submission that is kept sealed until the authority has
// decided whether the platform was at fault (art. 25 c. 2; INC-10, AT-015). It
// is not part of any opening before that.
type Contested struct {
	ID         string     `json:"id"` // says nothing of the bid
	Submission Submission `json:"submission"`
	By         int64      `json:"by"` // microseconds after the deadline
	// BegunAt is when its first upload began: before the deadline.
	BegunAt  time.Time     `json:"begun_at"`
	Decision *LateDecision `json:"decision,omitempty"`
}

// LateDecision is what was decided on a contested bid.
type LateDecision struct {
	Admitted bool      `json:"admitted"`
	Reason   string    `json:"reason"`
	At       time.Time `json:"at"`
	Person   string    `json:"person"`
}

// maxLate bounds how many late attempts of one bid are kept one by one.
const maxLate = 100

// mayContest tells whether what began then may still be taken now, though the
// deadline has passed: it began before, and nothing of the lot is open yet.
func (b *Bid) mayContest(begun, now time.Time) bool {
	l, err := b.Lot()
	if err != nil || !slices.Contains([]tender.State{tender.Published, tender.Closed, tender.Deserted}, l.State) {
		return false
	}
	t := b.tender.Timetable
	return !now.Before(t.Deadline) && begun.Before(t.Deadline) && now.Before(t.OpensAt)
}

// miss notes a submission that came too late, and parks it if its upload had
// begun in time.
func (b *Bid) miss(manifest []Claim, pressed Pressed, now time.Time) (LateAttempt, error) {
	deadline := b.tender.Timetable.Deadline
	if now.Before(deadline) {
		return LateAttempt{}, fault.New(fault.Conflict, "not-late", "Il termine non è scaduto.", "The deadline has not passed.")
	}
	late := LateAttempt{At: now, By: now.Sub(deadline).Microseconds(), Pressed: pressed}
	sent, err := b.submission(manifest, pressed, now)
	if err == nil {
		late.ManifestHash = sent.ManifestHash
		begun := sent.Manifest[0].BegunAt
		for _, u := range sent.Manifest {
			if u.BegunAt.Before(begun) {
				begun = u.BegunAt
			}
		}
		if b.Contested == nil && b.mayContest(begun, now) {
			b.Contested = &Contested{ID: act.NewID(), Submission: sent, By: late.By, BegunAt: begun}
		}
	}
	if len(b.Late) < maxLate {
		b.Late = append(slices.Clone(b.Late), late)
	}
	return late, nil
}

// late records a refused submission and adds to the refusal what was recorded.
func (s *Service) late(ctx context.Context, id string, manifest []Claim, pressed Pressed, refused *fault.Fault) error {
	var late LateAttempt
	b, err := s.change(ctx, act.By(act.Time()), act.RecordLate, id, func(b *Bid, now time.Time) (act.Facts, error) {
		var err error
		if late, err = b.miss(manifest, pressed, now); err != nil {
			return act.Facts{}, err
		}
		data := map[string]string{"late_by_us": strconv.FormatInt(late.By, 10)}
		if late.ManifestHash != "" {
			data["manifest"] = late.ManifestHash
		}
		if b.Contested != nil {
			data["contested"] = b.Contested.ID
		}
		return act.Facts{Data: data}, nil
	})
	if err != nil {
		return refused // the refusal stands, recorded or not
	}
	told := *refused
	told.Text = fault.T("%[1]s Il tentativo delle %[3]s è registrato con le sue prove.", "%[2]s The attempt at %[3]s is recorded with its evidence.",
		refused.Text.IT, refused.Text.EN, tender.InRome(late.At))
	if b.Contested != nil {
		told.Text = fault.T("%[1]s Il caricamento era iniziato in tempo: l'offerta è custodita sigillata come contestata, e la stazione appaltante deciderà.",
			"%[2]s The upload had begun in time: the bid is kept sealed as contested, and the authority will decide.", told.Text.IT, told.Text.EN)
	}
	return &told
}

// ContestedBid is a contested bid as the authority sees it: without a name.
type ContestedBid struct {
	bid *Bid
	*Contested
}

// Subject tells nothing of the bidder.
func (c *ContestedBid) Subject() act.Subject {
	state := "contested"
	if d := c.Decision; d != nil {
		if state = "rejected"; d.Admitted {
			state = "admitted"
		}
	}
	t := c.bid.tender
	return act.Subject{Type: "contested", ID: c.ID, Version: 1, State: state, Authority: t.Buyer.ID, Tender: t.ID, Lot: c.bid.LotID, Team: t.Team()}
}

func (b *Bid) contested() *ContestedBid { return &ContestedBid{b, b.Contested} }

// ContestedFor lists the contested bids for a lot (list-contested), without
// names.
func (s *Service) ContestedFor(ctx context.Context, who act.Actor, tenderID, lot string) ([]*ContestedBid, error) {
	t, err := s.read.Tender(ctx, tenderID)
	if err != nil {
		return nil, err
	}
	at, err := t.At(lot)
	if err != nil {
		return nil, err
	}
	if err := act.See(who, act.ListContested, at); err != nil {
		return nil, err
	}
	all, err := s.read.ContestedBids(ctx, lot)
	if err != nil {
		return nil, err
	}
	var some []*ContestedBid
	for _, b := range all {
		if b.Contested != nil {
			some = append(some, b.contested())
		}
	}
	// Not in the order of the bids, which tells when they were drafted.
	slices.SortFunc(some, func(x, y *ContestedBid) int { return strings.Compare(x.ID, y.ID) })
	return some, nil
}

// DecideLate admits a contested bid to the opening, or not (decide-late). It is
// decided before anything is open, by who does not know whose it is.
func (s *Service) DecideLate(ctx context.Context, call act.Call, tenderID, lot, id string, admit bool, reason string) (*ContestedBid, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *ContestedBid]{
		Action: act.DecideLate,
		Load: func(tx Tx) (*ContestedBid, error) {
			t, err := tx.Tender(tenderID)
			if err != nil {
				return nil, err
			}
			all, err := tx.Nameless(t, lot)
			if err != nil {
				return nil, err
			}
			for _, b := range all {
				if b.Contested != nil && b.Contested.ID == id {
					b, err := tx.Bid(b.ID)
					if err != nil {
						return nil, err
					}
					return b.contested(), nil
				}
			}
			return nil, fault.Missing("bid")
		},
		Change: func(c *ContestedBid, now time.Time) (act.Facts, error) {
			data := map[string]string{"admitted": strconv.FormatBool(admit)}
			return act.Facts{Data: data}, c.decide(LateDecision{admit, reason, now, call.Actor.ID})
		},
		Save: func(tx Tx, c *ContestedBid) error { return tx.SaveBid(c.bid) },
		// A repeated request is answered with what the first one left, which
		// needs no bid.
		Restore: func(tx Tx, c *ContestedBid) error { return nil },
	})
}

func (c *ContestedBid) decide(d LateDecision) error {
	l, err := c.bid.Lot()
	if err != nil {
		return err
	}
	switch {
	case c.Decision != nil:
		return fault.New(fault.Conflict, "already-decided", "È già stato deciso.", "It has been decided already.")
	case l.State != tender.Closed && l.State != tender.Deserted:
		return tender.WrongState(l, act.DecideLate)
	case strings.TrimSpace(d.Reason) == "" || len(d.Reason) > 4000 || !writing.Passage(d.Reason):
		return fault.Fields{{Pointer: "/reason", Code: "missing", Text: fault.T("Motivi la decisione.", "Give the reason of the decision.")}}.
			Err("bad-reason", "Manca il motivo.", "The reason is missing.")
	}
	c.Decision = &d
	return nil
}
