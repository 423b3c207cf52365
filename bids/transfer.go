package bids

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
	"sigillo/tender"
)

// Transfer is the upload of one sealed envelope, part by part. It survives
// broken connections, restarts of the bidder's program and of the platform, and
// it is the evidence of how the upload went (INC-10).
type Transfer struct {
	ID        string          `json:"id"`
	Version   int             `json:"version"`
	Bid       string          `json:"bid"`
	Envelope  tender.Envelope `json:"envelope"`
	Digest    docs.Hash       `json:"digest"` // parts digest of the whole
	Size      int64           `json:"size"`   // bytes
	Store     string          `json:"store"`  // the object store's own name of it
	BegunAt   time.Time       `json:"begun_at"`
	Parts     []PartRecord    `json:"parts,omitempty"`
	Interrupt []Interruption  `json:"interruptions,omitempty"`
	EndedAt   *time.Time      `json:"ended_at,omitempty"`
	Dropped   bool            `json:"dropped,omitempty"` // abandoned, and collected

	bid *Bid
}

// PartRecord is one part that arrived: when its first and last byte came, by
// the platform's clock. A part that went straight to the object store is known
// by when the bidder's program said it was there.
type PartRecord struct {
	Number int       `json:"number"`
	Size   int64     `json:"size"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to"`
	Direct bool      `json:"direct,omitempty"`
}

// Interruption is a part that did not arrive whole.
type Interruption struct {
	Number int       `json:"number"`
	At     time.Time `json:"at"`
	Code   string    `json:"code"`
	Bytes  int64     `json:"bytes"` // that had come
}

// maxInterruptions are kept one by one; further ones change nothing of the
// picture.
const maxInterruptions = 1000

// Attach gives the transfer its bid; the store does it on loading.
func (t *Transfer) Attach(b *Bid) *Transfer { t.bid = b; return t }

// Subject is the bidder's own.
func (t *Transfer) Subject() act.Subject {
	s := t.bid.Subject()
	s.Type, s.ID, s.Version, s.State = "transfer", t.ID, t.Version, "begun"
	switch {
	case t.Dropped:
		s.State = "dropped"
	case t.EndedAt != nil:
		s.State = "ended"
	}
	return s
}

func (t *Transfer) upload() docs.Upload {
	return docs.Upload{Area: docs.AreaSealed, Hash: t.Digest, Size: t.Size, ID: t.Store}
}

// open refuses a transfer that takes no more parts: ended, dropped, or begun
// too late for a deadline that has passed.
func (t *Transfer) open(now time.Time) error {
	if t.EndedAt != nil || t.Dropped {
		return fault.New(fault.Conflict, "upload-ended", "Questo caricamento è finito: ne inizi un altro se serve.", "This upload has ended: begin another one if needed.")
	}
	if err := t.bid.accepting(now); err != nil && !t.bid.mayContest(t.BegunAt, now) {
		return err
	}
	return nil
}

// Begin starts the upload of an envelope (begin-upload), or finds the one that
// was begun for the same bytes.
func (s *Service) Begin(ctx context.Context, call act.Call, id string, e tender.Envelope, digest docs.Hash, size int64) (*Transfer, error) {
	b, err := s.visible(ctx, call.Actor, act.BeginUpload, id)
	if err != nil {
		return nil, err
	}
	if _, ok := b.tender.Policy(b.LotID, e); !ok {
		return nil, fault.New(fault.Invalid, "no-such-envelope", "Questo lotto non prevede la busta %s.", "This lot has no envelope %s.", string(e))
	}
	mine, err := s.read.Transfers(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, t := range mine {
		if t.Envelope == e && t.Digest == digest && t.Size == size && t.EndedAt == nil && !t.Dropped {
			return t, nil
		}
	}
	u, err := s.vault.Begin(ctx, docs.AreaSealed, digest, size)
	if err != nil {
		return nil, err
	}
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Transfer]{
		Action: act.BeginUpload, New: true,
		Load: func(tx Tx) (*Transfer, error) {
			b, err := tx.Bid(id)
			if err != nil {
				return nil, err
			}
			if err := b.accepting(tx.Now()); err != nil {
				return nil, err
			}
			return &Transfer{ID: act.NewID(), Bid: id, Envelope: e, Digest: digest, Size: size, Store: u.ID, BegunAt: tx.Now(), bid: b}, nil
		},
		Change: func(*Transfer, time.Time) (act.Facts, error) {
			return act.Facts{Data: map[string]string{"envelope": string(e), "digest": digest.String()}}, nil
		},
		Save: Tx.SaveTransfer, Restore: restoreTransfer,
	})
}

func restoreTransfer(tx Tx, t *Transfer) error {
	b, err := tx.Bid(t.Bid)
	t.bid = b
	return err
}

// Transfer returns an upload (view-upload) with the parts that are stored.
func (s *Service) Transfer(ctx context.Context, who act.Actor, id string) (*Transfer, []docs.Part, error) {
	t, err := s.read.Transfer(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if err := act.See(who, act.ViewUpload, t); err != nil {
		return nil, nil, err
	}
	if t.EndedAt != nil || t.Dropped {
		return t, nil, nil
	}
	parts, err := s.vault.Stored(ctx, t.upload())
	return t, parts, err
}

// addressTime is how long an address to put a part to is good for.
const addressTime = 2 * time.Hour

// Address tells where the bidder's program may put a part itself (address-part);
// nil when it must come through the platform.
func (s *Service) Address(ctx context.Context, who act.Actor, id string, n int, sum docs.Hash) (*docs.Address, error) {
	t, err := s.read.Transfer(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := act.See(who, act.AddressPart, t); err != nil {
		return nil, err
	}
	now, err := s.read.Now()
	if err != nil {
		return nil, err
	}
	if err := t.open(now); err != nil {
		return nil, err
	}
	return s.vault.Address(ctx, t.upload(), n, sum, addressTime)
}

// Part stores one part that comes through the platform (store-part). The first
// part shows whether the file is a sealed envelope for this purpose; if not,
// nothing of it is kept. A part that breaks off is recorded as such.
func (s *Service) Part(ctx context.Context, call act.Call, id string, n int, sum docs.Hash, r io.Reader) (*Transfer, error) {
	t, err := s.read.Transfer(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := act.See(call.Actor, act.StorePart, t); err != nil {
		return nil, err
	}
	from, err := s.read.Now()
	if err != nil {
		return nil, err
	}
	if err := t.open(from); err != nil {
		return nil, err
	}
	measured := &counted{r: r}
	body := io.Reader(measured)
	if n == 1 {
		if body, err = t.inspected(measured); err != nil {
			return nil, err
		}
	}
	if err := s.vault.PutPart(ctx, t.upload(), n, sum, body); err != nil {
		s.interrupted(context.WithoutCancel(ctx), call.Actor, id, Interruption{Number: n, Code: fault.Of(err).Code, Bytes: measured.n})
		return nil, err
	}
	return s.record(ctx, call, act.StorePart, id, PartRecord{Number: n, From: from})
}

// inspected looks at the front of the first part before it is stored.
func (t *Transfer) inspected(r io.Reader) (io.Reader, error) {
	policy, _ := t.bid.tender.Policy(t.bid.LotID, t.Envelope)
	return inspected(r, t.bid.label(t.Envelope), policy)
}

// NotePart notes a part that the bidder's program has put to the object store
// itself (note-part).
func (s *Service) NotePart(ctx context.Context, call act.Call, id string, n int) (*Transfer, error) {
	return s.record(ctx, call, act.NotePart, id, PartRecord{Number: n, Direct: true})
}

func (s *Service) record(ctx context.Context, call act.Call, action act.Action, id string, p PartRecord) (*Transfer, error) {
	return s.transfer(ctx, call, action, id, func(t *Transfer, now time.Time) (act.Facts, error) {
		if err := t.open(now); err != nil {
			return act.Facts{}, err
		}
		if p.Number < 1 || p.Number > docs.PartCount(t.Size) {
			return act.Facts{}, fault.Missing("part")
		}
		p.To, p.Size = now, docs.PartLength(t.Size, p.Number)
		t.Parts = append(slices.DeleteFunc(slices.Clone(t.Parts), func(old PartRecord) bool { return old.Number == p.Number }), p)
		return act.Facts{Data: map[string]string{"part": fmt.Sprint(p.Number)}}, nil
	})
}

// interrupted records a part that broke off. That the record fails changes
// nothing for the bidder.
func (s *Service) interrupted(ctx context.Context, who act.Actor, id string, i Interruption) {
	s.transfer(ctx, act.By(who), act.StorePart, id, func(t *Transfer, now time.Time) (act.Facts, error) {
		if i.At = now; len(t.Interrupt) < maxInterruptions {
			t.Interrupt = append(slices.Clone(t.Interrupt), i)
		}
		return act.Facts{Data: map[string]string{"part": fmt.Sprint(i.Number), "broken": i.Code}}, nil
	})
}

func (s *Service) transfer(ctx context.Context, call act.Call, action act.Action, id string, f func(*Transfer, time.Time) (act.Facts, error)) (*Transfer, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Transfer]{
		Action:  action,
		Load:    func(tx Tx) (*Transfer, error) { return tx.Transfer(id) },
		Change:  f,
		Save:    Tx.SaveTransfer,
		Restore: restoreTransfer,
	})
}

// FinishUpload makes one file of the parts and notes the envelope in the draft
// (finish-upload). A file that turns out not to be a sealed envelope for this
// purpose is not noted.
func (s *Service) FinishUpload(ctx context.Context, call act.Call, id string) (*Bid, error) {
	t, err := s.read.Transfer(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := act.See(call.Actor, act.FinishUpload, t.bid); err != nil {
		return nil, err
	}
	if t.EndedAt == nil {
		err := s.vault.Finish(ctx, t.upload())
		if err == nil {
			err = s.inspectStored(ctx, t)
		}
		if f := fault.Of(err); f != nil {
			s.Shown(context.WithoutCancel(ctx), t.Bid, act.FinishUpload, f)
			return nil, err
		}
	}
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Bid]{
		Action: act.FinishUpload,
		Load: func(tx Tx) (*Bid, error) {
			if t, err = tx.Transfer(id); err != nil {
				return nil, err
			}
			return t.bid, nil
		},
		Also: func(*Bid) []act.Thing { return []act.Thing{t} },
		Change: func(b *Bid, now time.Time) (act.Facts, error) {
			if t.Dropped {
				return act.Facts{}, t.open(now)
			}
			if t.EndedAt == nil {
				t.EndedAt = &now
			}
			return act.Facts{Data: map[string]string{"envelope": string(t.Envelope), "digest": t.Digest.String()}},
				b.Put(Upload{Envelope: t.Envelope, SHA256: t.Digest, Size: t.Size, UploadedAt: now, BegunAt: t.BegunAt})
		},
		Save: func(tx Tx, b *Bid) error {
			if err := tx.SaveTransfer(t); err != nil {
				return err
			}
			return tx.SaveBid(b)
		},
		Restore: restore,
	})
}

// inspectStored looks at a file whose parts went straight to the object store.
func (s *Service) inspectStored(ctx context.Context, t *Transfer) error {
	r, _, err := s.vault.Open(ctx, docs.AreaSealed, t.Digest)
	if err != nil {
		return err
	}
	defer r.Close()
	policy, _ := t.bid.tender.Policy(t.bid.LotID, t.Envelope)
	return seal.Inspect(io.LimitReader(r, headerWindow), t.bid.label(t.Envelope), policy.Threshold, len(policy.Custodians))
}

// abandonedAfter is when an unfinished upload is collected.
const abandonedAfter = 7 * 24 * time.Hour

// Collect drops uploads that nobody has gone on with (drop-upload), in the name
// of the clock, and what the object store holds of uploads nobody knows of.
func (s *Service) Collect(ctx context.Context, now time.Time) error {
	before := now.Add(-abandonedAfter)
	stale, err := s.read.AbandonedTransfers(ctx, before)
	if err != nil {
		return err
	}
	for _, t := range stale {
		if err := s.vault.Drop(ctx, t.upload()); err != nil {
			return err
		}
		_, err := s.transfer(ctx, act.By(act.Time()), act.DropUpload, t.ID, func(t *Transfer, _ time.Time) (act.Facts, error) {
			if t.EndedAt != nil || t.Dropped {
				return act.Facts{}, fault.New(fault.Conflict, "upload-ended", "Già finito.", "It has ended already.")
			}
			t.Dropped = true
			return act.Facts{}, nil
		})
		if f := fault.Of(err); f != nil && f.Kind != fault.Conflict {
			return err
		}
	}
	_, err = s.vault.Sweep(ctx, before.Add(-24*time.Hour))
	return err
}

// counted tells how many bytes have come.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
