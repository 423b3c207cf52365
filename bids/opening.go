package bids

import (
	"slices"
	"time"

	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
	"sigillo/tender"
)

// Opening is the act by which the envelopes of one kind of one lot come open.
// There is one at most for each lot and envelope.
type Opening struct {
	ID       string          `json:"id"`
	Version  int             `json:"version"`
	TenderID string          `json:"tender"`
	LotID    string          `json:"lot"`
	Envelope tender.Envelope `json:"envelope"`
	// OpenedAt is when it was done, Effective the legal instant.
	OpenedAt  time.Time `json:"opened_at"`
	Effective time.Time `json:"effective"`
	// Unsealed once every envelope has been tried.
	Unsealed bool     `json:"unsealed"`
	Bids     []Opened `json:"bids"`

	tender *tender.Tender
}

// Opened is the outcome for one bid. Either Fault says why it could not be
// opened, or Items and Offer say what was inside.
type Opened struct {
	Bid        string    `json:"bid"`
	Supplier   string    `json:"supplier"`
	Submission int       `json:"submission"`
	ReceivedAt time.Time `json:"received_at"`
	SHA256     docs.Hash `json:"sha256"` // of the ciphertext
	Size       int64     `json:"size"`
	// Shared lists the other bids for the lot behind which stands one of the
	// same operators: a matter for the seggio (art. 68 c. 14, DR-07).
	Shared []string `json:"shared,omitempty"`

	// FileKey decrypts this envelope and no other. It is kept instead of a
	// plaintext copy.
	FileKey []byte            `json:"file_key,omitempty"`
	Items   []seal.Item       `json:"items,omitempty"`
	Offer   map[string]string `json:"offer,omitempty"`
	Fault   string            `json:"fault,omitempty"`
}

// Attach gives the opening its tender; the store does it on loading.
func (o *Opening) Attach(t *tender.Tender) *Opening { o.tender = t; return o }

// Subject is what permissions on the opening depend on.
func (o *Opening) Subject() act.Subject {
	s := o.tender.Subject()
	s.Type, s.ID, s.Version, s.Lot, s.State = "opening", o.ID, o.Version, o.LotID, "opened"
	s.Public, s.Published, s.Opened = false, false, true
	if o.Unsealed {
		s.State = "unsealed"
	}
	return s
}

// Of finds a bid in the opening.
func (o *Opening) Of(bid string) (*Opened, error) {
	for i := range o.Bids {
		if o.Bids[i].Bid == bid {
			return &o.Bids[i], nil
		}
	}
	return nil, fault.Missing("bid")
}

// open makes the opening of one kind of envelope for the given bids.
func open(t *tender.Tender, lot string, e tender.Envelope, in []*Bid, effective, now time.Time) *Opening {
	o := &Opening{ID: act.NewID(), TenderID: t.ID, LotID: lot, Envelope: e, OpenedAt: now, Effective: effective, tender: t}
	for _, b := range in {
		sent := b.Current()
		i := slices.IndexFunc(sent.Manifest, func(u Upload) bool { return u.Envelope == e })
		if i < 0 {
			continue
		}
		u := sent.Manifest[i]
		o.Bids = append(o.Bids, Opened{
			Bid: b.ID, Supplier: b.Supplier, Submission: sent.Number, ReceivedAt: sent.ReceivedAt,
			SHA256: u.SHA256, Size: u.Size, Shared: sharing(b, in),
		})
	}
	slices.SortFunc(o.Bids, func(x, y Opened) int {
		if c := x.ReceivedAt.Compare(y.ReceivedAt); c != 0 {
			return c
		}
		if x.Bid < y.Bid {
			return -1
		}
		return 1
	})
	return o
}

func sharing(b *Bid, all []*Bid) []string {
	var ids []string
	for _, other := range all {
		if other.ID != b.ID && slices.ContainsFunc(b.Operators(), func(s string) bool { return slices.Contains(other.Operators(), s) }) {
			ids = append(ids, other.ID)
		}
	}
	return ids
}

// Counting returns the bids that are in: submitted, not withdrawn, confirmed
// where an amendment asked for it.
func Counting(all []*Bid) []*Bid {
	var in []*Bid
	for _, b := range all {
		if b.Current() != nil {
			in = append(in, b)
		}
	}
	return in
}
