package bids

import (
	"context"
	"io"
	"slices"
	"time"

	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/tender"
)

// Damage is a sealed envelope that is no longer what the receipt says. Found
// before the opening, the bidder can still send it again; found when it may,
// nobody can say that the bidder sent it so (INC-17, AT-040).
type Damage struct {
	Envelope tender.Envelope `json:"envelope"`
	Digest   docs.Hash       `json:"digest"` // of the receipt
	FoundAt  time.Time       `json:"found_at"`
	Code     string          `json:"code"` // altered-in-store or lost-in-store
}

// scrubEvery is how often a stored envelope is read and hashed anew.
const scrubEvery = 24 * time.Hour

// keptAfterOpening is how long the object store is told to refuse the removal
// of a submitted envelope: the bids bind for 180 days (art. 17 c. 4, DR-41).
const keptAfterOpening = 180 * 24 * time.Hour

// Scrub reads and hashes every envelope that counts and was not read for a day,
// asks the object store to keep it, and reports what is damaged (report-damage).
// Several replicas share the work: each envelope is claimed.
func (s *Service) Scrub(ctx context.Context, now time.Time) error {
	all, err := s.read.BidsToScrub(ctx)
	if err != nil {
		return err
	}
	for _, b := range all {
		sent := b.Current()
		if sent == nil && b.Contested != nil {
			sent = &b.Contested.Submission
		}
		if sent == nil {
			continue
		}
		for _, u := range sent.Manifest {
			mine, err := s.read.ClaimScrub(ctx, u.SHA256, now, now.Add(-scrubEvery))
			if err != nil {
				return err
			}
			if !mine {
				continue
			}
			if err := s.scrub(ctx, b, u); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) scrub(ctx context.Context, b *Bid, u Upload) error {
	f := fault.Of(s.intact(ctx, u.SHA256))
	switch {
	case f == nil:
		return s.vault.Retain(ctx, docs.AreaSealed, u.SHA256, b.tender.Timetable.OpensAt.Add(keptAfterOpening))
	case ours(f):
		return f
	case slices.ContainsFunc(b.Damaged, func(d Damage) bool { return d.Digest == u.SHA256 }):
		return nil
	}
	_, err := s.change(ctx, act.By(act.Time()), act.ReportDamage, b.ID, func(b *Bid, now time.Time) (act.Facts, error) {
		b.Damaged = append(slices.Clone(b.Damaged), Damage{u.Envelope, u.SHA256, now, f.Code})
		return act.Facts{Data: map[string]string{"digest": u.SHA256.String(), "code": f.Code}}, nil
	})
	if err != nil {
		return err
	}
	s.Shown(ctx, b.ID, act.ReportDamage, fault.New(fault.Conflict, f.Code,
		"La busta %s che la piattaforma custodisce si è danneggiata: la carichi e la invii di nuovo prima del termine.",
		"The envelope %s that the platform keeps was damaged: upload and submit it again before the deadline.", string(u.Envelope)))
	return nil
}

// intact reads a stored envelope through: altered-in-store when it no longer
// has its digest, lost-in-store when it is gone.
func (s *Service) intact(ctx context.Context, h docs.Hash) error {
	_, err := fromStore(ctx, s.vault, h, func(r io.Reader) (struct{}, error) {
		sum := docs.NewPartsHash()
		if _, err := io.Copy(sum, r); err != nil {
			return struct{}{}, err
		}
		if sum.Digest() != h {
			return struct{}{}, errAltered
		}
		return struct{}{}, nil
	})
	return err
}

var errAltered = fault.New(fault.Conflict, "altered-in-store", "La busta custodita non ha più la sua impronta.",
	"The stored envelope no longer has its digest.")
