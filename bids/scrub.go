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
//
// It works by digests: no bid is read unless its envelope is damaged.
func (s *Service) Scrub(ctx context.Context, now time.Time) error {
	before := now.Add(-scrubEvery)
	due, err := s.read.ScrubDue(ctx, before)
	if err != nil {
		return err
	}
	for _, e := range due {
		mine, err := s.read.ClaimScrub(ctx, e.Digest, now, before)
		if err != nil {
			return err
		}
		if mine {
			if err := s.scrub(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// Stored is a submitted envelope as the daily pass knows it.
type Stored struct {
	Digest  docs.Hash
	Bid     string
	OpensAt time.Time
}

func (s *Service) scrub(ctx context.Context, e Stored) error {
	f := fault.Of(s.intact(ctx, e.Digest))
	switch {
	case f == nil:
		return s.vault.Retain(ctx, docs.AreaSealed, e.Digest, e.OpensAt.Add(keptAfterOpening))
	case ours(f):
		return f
	}
	var which tender.Envelope
	_, err := s.change(ctx, act.By(act.Time()), act.ReportDamage, e.Bid, func(b *Bid, now time.Time) (act.Facts, error) {
		sent := b.Current()
		if sent == nil && b.Contested != nil {
			sent = &b.Contested.Submission
		}
		i := -1
		if sent != nil {
			i = slices.IndexFunc(sent.Manifest, func(u Upload) bool { return u.SHA256 == e.Digest })
		}
		if i < 0 || slices.ContainsFunc(b.Damaged, func(d Damage) bool { return d.Digest == e.Digest }) {
			return act.Facts{}, errNothingNew
		}
		which = sent.Manifest[i].Envelope
		b.Damaged = append(slices.Clone(b.Damaged), Damage{which, e.Digest, now, f.Code})
		return act.Facts{Data: map[string]string{"digest": e.Digest.String(), "code": f.Code}}, nil
	})
	if known := fault.Of(err); known != nil && known.Code == errNothingNew.Code {
		return nil // told already, or of a sending that no longer counts
	}
	if err != nil {
		return err
	}
	s.Shown(ctx, e.Bid, act.ReportDamage, fault.New(fault.Conflict, f.Code,
		"La busta %s che la piattaforma custodisce si è danneggiata: la carichi e la invii di nuovo prima del termine.",
		"The envelope %s that the platform keeps was damaged: upload and submit it again before the deadline.", string(which)))
	return nil
}

var errNothingNew = fault.New(fault.Conflict, "nothing-new", "Già segnalato.", "Reported already.")

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
