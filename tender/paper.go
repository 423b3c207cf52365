package tender

import (
	"context"
	"io"
	"slices"
	"time"

	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/writing"
)

// Paper is a document an authority has stored; a tender lists it by its hash.
type Paper struct {
	Hash      docs.Hash `json:"sha256"`
	Authority string    `json:"authority"`
	Size      int64     `json:"size"`
	StoredAt  time.Time `json:"stored_at"`
}

// Subject is the authority's own.
func (p *Paper) Subject() act.Subject {
	return act.Subject{Type: "paper", ID: p.Hash.String(), Version: 1, State: "stored", Authority: p.Authority}
}

// StorePaper keeps a document of the authority (store-document): first the
// bytes, under their hash, then the act. A file that is not what its name says
// is refused; what was stored of it is listed nowhere.
func (s *Service) StorePaper(ctx context.Context, call act.Call, authority, name string, h docs.Hash, size int64, r io.Reader) (*Paper, error) {
	p := &Paper{Hash: h, Authority: authority, Size: size}
	if err := act.See(call.Actor, act.StoreDocument, p); err != nil {
		return nil, err
	}
	if !writing.FileName(name) {
		return nil, fault.New(fault.Invalid, "bad-file-name", "Indichi il nome del file, senza barre né caratteri di controllo.",
			"State the file's name, without slashes or control characters.").At("query:name", "malformed", fault.T("non valido", "invalid"))
	}
	if err := s.vault.Put(ctx, docs.Papers, h, size, r); err != nil {
		return nil, err
	}
	if err := s.examine(ctx, name, h); err != nil {
		return nil, err
	}
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Paper]{
		Action: act.StoreDocument, New: true,
		Load:   func(tx Tx) (*Paper, error) { p.StoredAt = tx.Now(); return p, nil },
		Change: func(*Paper, time.Time) (act.Facts, error) { return act.Facts{}, nil },
		Save:   Tx.SavePaper,
	})
}

// FetchPaper opens a document listed by the tender (fetch-document).
// Confidential ones go to the authority's staff and to suppliers only, and who
// fetched them is recorded before they see them. Of public ones nobody notes who
// reads them.
func (s *Service) FetchPaper(ctx context.Context, call act.Call, id string, h docs.Hash) (docs.Document, io.ReadCloser, int64, error) {
	t, err := s.visible(ctx, call.Actor, act.ViewTender, id)
	if err != nil {
		return docs.Document{}, nil, 0, err
	}
	i := slices.IndexFunc(t.Papers, func(d docs.Document) bool { return d.Hash == h })
	if i < 0 {
		return docs.Document{}, nil, 0, fault.Missing("document")
	}
	if t.Papers[i].Confidential {
		if err := s.fetched(ctx, call, t, t.Papers[i]); err != nil {
			return docs.Document{}, nil, 0, err
		}
	}
	r, size, err := s.vault.Open(ctx, docs.Papers, h)
	return t.Papers[i], r, size, err
}

// Fetched is a confidential document that somebody has seen. It is a thing of
// its own, so that reading locks nothing of the tender.
type Fetched struct {
	Hash   docs.Hash `json:"sha256"`
	Tender string    `json:"tender"`
	of     *Tender
	by     string // supplier
}

// Subject is the tender's, for whoever is a supplier.
func (f *Fetched) Subject() act.Subject {
	s := f.of.Subject()
	s.Type, s.ID, s.Version, s.State = "document", f.Hash.String(), 1, "confidential"
	s.Public, s.Invited = false, append(slices.Clone(f.of.Invited), f.by)
	return s
}

func (s *Service) fetched(ctx context.Context, call act.Call, t *Tender, d docs.Document) error {
	f := &Fetched{d.Hash, t.ID, t, call.Actor.SupplierID()}
	call.Key = "" // every time is one more
	_, err := act.Do(ctx, s.within, call, act.Deed[Tx, *Fetched]{
		Action: act.FetchDocument, New: true,
		Load:   func(Tx) (*Fetched, error) { return f, nil },
		Change: func(*Fetched, time.Time) (act.Facts, error) { return act.Facts{}, nil },
		Save:   func(Tx, *Fetched) error { return nil },
	})
	return err
}

func (s *Service) examine(ctx context.Context, name string, h docs.Hash) error {
	f, size, err := s.vault.Open(ctx, docs.Papers, h)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, x := range docs.Examine(name, size, f) {
		if x.Severity == docs.Blocking {
			return &fault.Fault{Kind: fault.Invalid, Code: x.Code, Text: x.Text}
		}
	}
	return nil
}
