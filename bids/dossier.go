package bids

import (
	"context"
	"time"

	"sigillo/internal/act"
)

// Dossier is all that the platform recorded of how one bid came in: what a
// court asks for when an upload is contested (INC-10, INC-11, art. 25 c. 2).
type Dossier struct {
	Bid       string        `json:"bid"`
	Tender    Named         `json:"tender"`
	Lot       Named         `json:"lot"`
	Supplier  Named         `json:"supplier"`
	Deadline  time.Time     `json:"deadline"`
	DraftedAt time.Time     `json:"drafted_at"`
	Uploads   []*Transfer   `json:"uploads"`
	Messages  []*Message    `json:"messages"`
	Sent      []Submission  `json:"sent"`
	Withdrawn *time.Time    `json:"withdrawn,omitempty"`
	Late      []LateAttempt `json:"late,omitempty"`
	Contested *Contested    `json:"contested,omitempty"`
	Damaged   []Damage      `json:"damaged,omitempty"`
}

// DossierKind is the kind of statement a dossier is signed as.
const DossierKind = "upload-dossier"

// Dossier puts together what is recorded of a bid (view-dossier).
func (s *Service) Dossier(ctx context.Context, who act.Actor, id string) (Dossier, error) {
	b, err := s.visible(ctx, who, act.ViewDossier, id)
	if err != nil {
		return Dossier{}, err
	}
	l, err := b.Lot()
	if err != nil {
		return Dossier{}, err
	}
	name, err := s.read.SupplierName(ctx, b.Supplier)
	if err != nil {
		return Dossier{}, err
	}
	d := Dossier{Bid: b.ID, Tender: Named{b.TenderID, b.tender.Title}, Lot: Named{l.ID, l.Title}, Supplier: Named{b.Supplier, name},
		Deadline: b.tender.Timetable.Deadline, DraftedAt: b.CreatedAt, Sent: b.Sent, Withdrawn: b.Withdrawn, Late: b.Late, Contested: b.Contested, Damaged: b.Damaged}
	if d.Uploads, err = s.read.Transfers(ctx, id); err != nil {
		return Dossier{}, err
	}
	d.Messages, err = s.read.Messages(ctx, id)
	return d, err
}
