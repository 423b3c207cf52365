package bids

import (
	"context"
	"fmt"
	"time"

	"sigillo/audit"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/tender"
)

// Receipt is what a bidder holds after sending a bid or withdrawing it. It is
// made from what is committed, and from nothing else: once somebody has it, no
// crash loses what it says. Signed, it proves itself without the platform.
type Receipt struct {
	Number string `json:"number"`
	// Says is what happened: submission or withdrawal.
	Says      string          `json:"says"`
	Authority Named           `json:"authority"`
	Tender    Named           `json:"tender"`
	Reference string          `json:"reference,omitempty"`
	Lot       Named           `json:"lot"`
	CIG       string          `json:"cig,omitempty"`
	Supplier  Named           `json:"supplier"`
	Members   []Member        `json:"members,omitempty"`
	Bid       string          `json:"bid"`
	Sending   int             `json:"sending,omitempty"` // of a submission, from 1
	Envelopes []ReceivedEntry `json:"envelopes,omitempty"`
	// ManifestHash is the one in the register's entry.
	ManifestHash string `json:"manifest_hash,omitempty"`
	// ReceivedAt is the legal instant, to the microsecond.
	ReceivedAt time.Time `json:"received_at"`
	Pressed
	Deadline time.Time `json:"deadline"`
	Rule     string    `json:"rule"`
}

// Named is an identifier with the name people know.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// ReceivedEntry is one sealed envelope that was received.
type ReceivedEntry struct {
	Envelope tender.Envelope `json:"envelope"`
	Digest   string          `json:"digest"` // parts digest of the sealed file
	Size     int64           `json:"size"`   // bytes
}

// The kinds of statement a receipt is signed as.
const (
	SubmissionReceipt = "bid-receipt"
	WithdrawalReceipt = "withdrawal-receipt"
)

// Receipt makes the one for a sending, from 1; 0 is the withdrawal.
func (b *Bid) receipt(sending int, supplier string) (Receipt, error) {
	l, err := b.Lot()
	if err != nil {
		return Receipt{}, err
	}
	rule, _ := tender.BidRule()
	t := b.tender
	r := Receipt{
		Says: "submission", Authority: Named{t.Buyer.ID, t.Buyer.Name}, Tender: Named{t.ID, t.Title}, Reference: t.Reference,
		Lot: Named{l.ID, l.Title}, CIG: l.CIG, Supplier: Named{b.Supplier, supplier}, Members: b.Members, Bid: b.ID, Sending: sending,
		Deadline: t.Timetable.Deadline, Rule: rule, Number: fmt.Sprintf("%d-%s-%d", l.Number, b.ID[len(b.ID)-8:], sending),
	}
	switch {
	case sending == 0 && b.Withdrawn != nil:
		r.Says, r.ReceivedAt = "withdrawal", *b.Withdrawn
		r.Number = fmt.Sprintf("%d-%s-R%d", l.Number, b.ID[len(b.ID)-8:], len(b.Sent))
		return r, nil
	case sending < 1 || sending > len(b.Sent):
		return Receipt{}, fault.Missing("receipt")
	}
	sent := b.Sent[sending-1]
	r.ReceivedAt, r.Pressed, r.ManifestHash = sent.ReceivedAt, sent.Pressed, sent.ManifestHash
	for _, u := range sent.Manifest {
		r.Envelopes = append(r.Envelopes, ReceivedEntry{u.Envelope, u.SHA256.String(), u.Size})
	}
	return r, nil
}

// Kind is the kind of statement the receipt is signed as.
func (r Receipt) Kind() string {
	if r.Says == "withdrawal" {
		return WithdrawalReceipt
	}
	return SubmissionReceipt
}

// Deed is the act the receipt is for, as the register knows it.
func (r Receipt) Deed() audit.Deed {
	d := audit.Deed{Action: string(act.SubmitBid), Type: "bid", ID: r.Bid, At: r.ReceivedAt, Data: map[string]string{"manifest": r.ManifestHash}}
	if r.Says == "withdrawal" {
		d.Action, d.Data = string(act.WithdrawBid), nil
	}
	return d
}

// Receipt returns the one for a sending of a bid, from 1; 0 is that of the
// withdrawal (view-receipt).
func (s *Service) Receipt(ctx context.Context, who act.Actor, id string, sending int) (Receipt, error) {
	b, err := s.visible(ctx, who, act.ViewReceipt, id)
	if err != nil {
		return Receipt{}, err
	}
	name, err := s.read.SupplierName(ctx, b.Supplier)
	if err != nil {
		return Receipt{}, err
	}
	return b.receipt(sending, name)
}
