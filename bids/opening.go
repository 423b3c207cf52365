package bids

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
	"sigillo/internal/writing"
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
	// Shares the custodians have released.
	Shares []Release `json:"shares,omitempty"`
	// Glass is set once the guarantor has been called in.
	Glass *Glass `json:"glass,omitempty"`
	// Unsealed once every envelope has been tried, with so many releases.
	Unsealed bool     `json:"unsealed"`
	Tried    int      `json:"tried,omitempty"`
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
	// Falsity names who dealt or released false shares, by place.
	Falsity *seal.Falsity `json:"falsity,omitempty"`
}

// Release is what one custodian has released for this opening: its pieces,
// encrypted to the sealer.
type Release struct {
	Custodian int       `json:"custodian"` // index in the notice
	Person    string    `json:"person"`    // who did it
	At        time.Time `json:"at"`
	Message   []byte    `json:"message"`
	// Unfit lists the bids whose piece does not fit what the bidder committed to.
	Unfit []string `json:"unfit,omitempty"`
}

// Glass is the call for the guarantor: when, by whom and why.
type Glass struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Kept is the opening with the hashes of the file keys in their places: who may
// read the register need not be able to read the bids.
func (o *Opening) Kept() any {
	kept := *o
	kept.Bids = slices.Clone(o.Bids)
	for i := range kept.Bids {
		if key := kept.Bids[i].FileKey; key != nil {
			sum := sha256.Sum256(key)
			kept.Bids[i].FileKey = sum[:]
		}
	}
	return &kept
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

// Custodian returns the one at an index of the notice.
func (o *Opening) Custodian(index int) tender.Custodian {
	if index < 0 || index >= len(o.tender.Custody.Custodians) {
		return tender.Custodian{}
	}
	return o.tender.Custody.Custodians[index]
}

// Missing tells how many custodians still have to release; 0 when the
// envelopes can be tried.
func (o *Opening) Missing() int {
	c := o.tender.Custody
	if c.Mode == tender.Rehearsal || len(o.Bids) == 0 {
		return 0
	}
	places := map[int]bool{}
	for _, r := range o.Shares {
		for _, p := range c.Places(r.Custodian) {
			places[p] = true
		}
	}
	return max(0, c.Threshold-len(places))
}

// toTry tells whether trying the envelopes may bring something new.
func (o *Opening) toTry() bool {
	if !o.Unsealed {
		return o.Missing() == 0
	}
	return o.Tried < len(o.Shares) && slices.ContainsFunc(o.Bids, func(b Opened) bool { return b.Fault == "cannot-unseal" })
}

// release notes what a custodian released. Who has done so already does it
// again only to mend a piece that did not fit.
func (o *Opening) release(r Release) error {
	for i, old := range o.Shares {
		if old.Custodian != r.Custodian {
			continue
		}
		if len(old.Unfit) == 0 {
			return fault.New(fault.Conflict, "already-released", "Queste quote sono già state rilasciate.", "These shares have already been released.")
		}
		o.Shares = slices.Delete(slices.Clone(o.Shares), i, i+1)
		o.Tried = min(o.Tried, len(o.Shares))
		break
	}
	o.Shares = append(slices.Clone(o.Shares), r)
	return nil
}

// mayRelease: a person's key is used by that person, a recovery key by the
// RUP, a guarantor's only after the glass was broken and the delay is over.
func (o *Opening) mayRelease(index int, person string, now time.Time) error {
	c := o.tender.Custody
	if c.Mode == tender.Rehearsal || index < 0 || index >= len(c.Custodians) {
		return fault.Missing("custodian")
	}
	one := c.Custodians[index]
	if one.Person != "" && one.Person != person || one.Person == "" && person != o.tender.RUP {
		return fault.New(fault.Forbidden, "not-your-key", "Queste quote le rilascia solo chi custodisce la chiave: %s.", "Only the keeper of the key releases these shares: %s.", one.Name)
	}
	if one.Kind != tender.GuarantorKey {
		return nil
	}
	if o.Glass == nil {
		return fault.New(fault.Conflict, "glass-unbroken", "Il garante interviene solo se la stazione appaltante lo chiede.", "The guarantor acts only when the authority calls for it.")
	}
	if from := o.Glass.At.Add(time.Duration(c.Delay) * time.Hour); now.Before(from) {
		return fault.New(fault.Conflict, "guarantor-waits", "Il garante può intervenire dalle %s.", "The guarantor may act from %s.", tender.InRome(from))
	}
	return nil
}

// breakGlass calls the guarantor in.
func (o *Opening) breakGlass(by, reason string, now time.Time) error {
	if !slices.ContainsFunc(o.tender.Custody.Custodians, func(c tender.Custodian) bool { return c.Kind == tender.GuarantorKey }) {
		return fault.New(fault.Conflict, "no-guarantor", "Per questa gara non c'è un garante.", "This tender has no guarantor.")
	}
	if o.Glass != nil || o.Unsealed {
		return fault.New(fault.Conflict, "glass-broken", "Il garante è già stato chiamato, o le buste sono già aperte.", "The guarantor was called already, or the envelopes are open.")
	}
	var fs fault.Fields
	if strings.TrimSpace(reason) == "" || len(reason) > 4000 || !writing.Passage(reason) {
		fs.Add("/reason", "missing", "Scriva il motivo: resta nel registro.", "Write the reason: it stays in the register.")
	}
	if err := fs.Err("bad-reason", "Manca il motivo.", "The reason is missing."); err != nil {
		return err
	}
	o.Glass = &Glass{At: now, By: by, Reason: reason}
	return nil
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
