package bids

import (
	"context"
	"io"
	"slices"
	"time"

	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
	"sigillo/tender"
)

// Due lists what the clock owes now.
func (s *Service) Due(ctx context.Context, now time.Time) ([]tender.Due, error) {
	return s.read.Due(ctx, now)
}

// Perform does one thing that is due, in the name of the clock. Done already,
// or not due after all, is a wrong-state fault and changes nothing.
func (s *Service) Perform(ctx context.Context, d tender.Due) error {
	switch d.Action {
	case act.CloseLot:
		_, err := s.close(ctx, d)
		return err
	case act.DestroyKeys:
		return s.destroyKeys(ctx, d)
	}
	_, err := s.openLot(ctx, act.By(act.Time()), d.Tender, d.Lot, act.OpenAdministrative)
	return err
}

func (s *Service) close(ctx context.Context, d tender.Due) (*tender.AtLot, error) {
	var in int
	return act.Do(ctx, s.within, act.By(act.Time()), act.Deed[Tx, *tender.AtLot]{
		Action: act.CloseLot,
		Load: func(tx Tx) (*tender.AtLot, error) {
			t, err := tx.Tender(d.Tender)
			if err != nil {
				return nil, err
			}
			all, err := tx.Nameless(t, d.Lot)
			if err != nil {
				return nil, err
			}
			in = len(Counting(all))
			return t.At(d.Lot)
		},
		Change: func(a *tender.AtLot, now time.Time) (act.Facts, error) {
			effective, err := a.Tender.Close(d.Lot, in, now)
			return act.Facts{Effective: &effective}, err
		},
		Save: func(tx Tx, a *tender.AtLot) error { return tx.SaveTender(a.Tender) },
	})
}

// destroyKeys makes sure that the bids for a revoked lot stay sealed for ever.
// The entry names every key by its fingerprint, and by the digest of the wrapped
// private half that is no more.
func (s *Service) destroyKeys(ctx context.Context, d tender.Due) error {
	var tx Tx
	_, err := act.Do(ctx, s.within, act.By(act.Time()), act.Deed[Tx, *tender.AtLot]{
		Action: act.DestroyKeys,
		Load: func(x Tx) (*tender.AtLot, error) {
			tx = x
			t, err := tx.Tender(d.Tender)
			if err != nil {
				return nil, err
			}
			return t.At(d.Lot)
		},
		Change: func(a *tender.AtLot, now time.Time) (act.Facts, error) {
			keys, err := a.Tender.DestroyKeys(d.Lot, now)
			if err != nil {
				return act.Facts{}, err
			}
			gone, err := tx.DestroyKeys(d.Lot)
			data := map[string]string{}
			for _, k := range keys {
				data["recipient_"+string(k.Envelope)] = seal.Fingerprint(k.Recipient)
				data["wrapped_"+string(k.Envelope)] = gone[k.Envelope]
			}
			return act.Facts{Data: data}, err
		},
		Save: func(tx Tx, a *tender.AtLot) error { return tx.SaveTender(a.Tender) },
	})
	return err
}

// gate says which envelope an action opens and the state it leads to.
var gate = map[act.Action]struct {
	envelope tender.Envelope
	to       tender.State
}{
	act.OpenAdministrative: {tender.Administrative, tender.AdministrativeOpened},
	act.OpenTechnical:      {tender.Technical, tender.TechnicalOpened},
	act.OpenEconomic:       {tender.Economic, tender.EconomicOpened},
}

// OpenTechnical opens the technical envelopes of the admitted bids
// (open-technical).
func (s *Service) OpenTechnical(ctx context.Context, call act.Call, tenderID, lot string) (*Opening, error) {
	return s.openLot(ctx, call, tenderID, lot, act.OpenTechnical)
}

// OpenEconomic opens the economic envelopes of the bids still in the race
// (open-economic); with a technical envelope in play, only after its scores
// are locked.
func (s *Service) OpenEconomic(ctx context.Context, call act.Call, tenderID, lot string) (*Opening, error) {
	return s.openLot(ctx, call, tenderID, lot, act.OpenEconomic)
}

func (s *Service) openLot(ctx context.Context, call act.Call, tenderID, lot string, action act.Action) (*Opening, error) {
	g := gate[action]
	var o *Opening
	var in []*Bid
	_, err := act.Do(ctx, s.within, call, act.Deed[Tx, *tender.AtLot]{
		Action: action,
		Load: func(tx Tx) (*tender.AtLot, error) {
			t, err := tx.Tender(tenderID)
			if err != nil {
				return nil, err
			}
			if in, err = openable(tx, t, lot, action); err != nil {
				return nil, err
			}
			return t.At(lot)
		},
		Change: func(a *tender.AtLot, now time.Time) (act.Facts, error) {
			effective := now
			if action == act.OpenAdministrative {
				if effective = a.Tender.Timetable.OpensAt; now.Before(effective) {
					return act.Facts{}, tender.WrongState(a.Lot, action)
				}
			}
			if action == act.OpenEconomic && a.Lot.Has(tender.Technical) && a.Lot.State != tender.ScoresLocked {
				return act.Facts{}, tender.WrongState(a.Lot, action)
			}
			if err := a.Lot.Move(action, g.to); err != nil {
				return act.Facts{}, err
			}
			o = open(a.Tender, lot, g.envelope, in, effective, now)
			return act.Facts{Effective: &effective, Data: map[string]string{"opening": o.ID}}, nil
		},
		Save: func(tx Tx, a *tender.AtLot) error {
			if err := tx.SaveTender(a.Tender); err != nil {
				return err
			}
			return tx.SaveOpening(o)
		},
		Made: func() []act.Thing { return []act.Thing{o} },
	})
	if err != nil {
		return nil, err
	}
	committed, err := s.openingOf(ctx, tenderID, lot, g.envelope)
	if err != nil {
		return nil, err
	}
	return s.Unseal(ctx, committed.ID)
}

func openable(tx Tx, t *tender.Tender, lot string, action act.Action) ([]*Bid, error) {
	all, err := tx.BidsOf(t, lot)
	if err != nil || action == act.OpenAdministrative {
		return Counting(all), err
	}
	eligible, err := tx.Eligible(lot)
	return slices.DeleteFunc(Counting(all), func(b *Bid) bool { return !slices.Contains(eligible, b.ID) }), err
}

func (s *Service) openingOf(ctx context.Context, tenderID, lot string, e tender.Envelope) (*Opening, error) {
	all, err := s.read.Openings(ctx, tenderID)
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		if o.LotID == lot && o.Envelope == e {
			return o, nil
		}
	}
	return nil, fault.Missing("opening")
}

// Unfinished lists openings that are committed but whose envelopes have not
// been tried, for instance because the program died in between.
func (s *Service) Unfinished(ctx context.Context) ([]string, error) { return s.read.Sealed(ctx) }

// Unseal tries every envelope of a committed opening, outside any transaction,
// and records the outcome (unseal-envelopes). One that cannot be opened does
// not stop the others. Doing it again changes nothing.
func (s *Service) Unseal(ctx context.Context, id string) (*Opening, error) {
	o, err := s.read.Opening(ctx, id)
	if err != nil || !o.toTry() {
		return o, err
	}
	results, err := s.tryAll(ctx, o)
	if err != nil {
		return nil, err
	}
	tried := len(o.Shares)
	done, err := act.Do(ctx, s.within, act.By(act.Time()), act.Deed[Tx, *Opening]{
		Action: act.UnsealEnvelopes,
		Load:   func(tx Tx) (*Opening, error) { return tx.Opening(id) },
		Change: func(o *Opening, _ time.Time) (act.Facts, error) {
			if !o.toTry() || len(o.Shares) != tried {
				return act.Facts{}, errUnsealed
			}
			o.Bids, o.Unsealed, o.Tried = results, true, tried
			return act.Facts{Data: map[string]string{"envelope": string(o.Envelope)}}, nil
		},
		Save: Tx.SaveOpening,
	})
	if fault.Of(err) != nil && fault.Of(err).Code == errUnsealed.Code {
		return s.read.Opening(ctx, id)
	}
	return done, err
}

var errUnsealed = fault.New(fault.Conflict, "already-unsealed", "Le buste sono già state aperte.", "The envelopes have already been unsealed.")

// tryAll opens each envelope. A fault of one bid is its outcome; a fault of
// the sealer or of the object store as a whole is an error, to be tried again.
func (s *Service) tryAll(ctx context.Context, o *Opening) ([]Opened, error) {
	results := slices.Clone(o.Bids)
	if len(results) == 0 {
		return results, nil
	}
	request, faults, err := s.request(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, r := range o.Shares {
		request.Messages = append(request.Messages, r.Message)
	}
	keys, err := s.sealer.Release(ctx, request)
	if err != nil {
		return nil, err
	}
	for i := range results {
		b := &results[i]
		if b.FileKey != nil {
			continue // opened by an earlier trial
		}
		if b.Fault = faults[i]; b.Fault == "" && keys[i].Err != nil {
			b.Fault = fault.Of(keys[i].Err).Code
		}
		if b.Fault != "" {
			// Is it the bidder's doing, or did the store lose or alter it?
			if err := s.intact(ctx, b.SHA256); ours(err) {
				return nil, err
			} else if err != nil {
				b.Fault = fault.Of(err).Code
			}
		}
		if f := keys[i].Falsity; len(f.Dealt)+len(f.Released) > 0 {
			b.Falsity = &f
		}
		if b.Fault != "" {
			continue
		}
		contents, err := s.examine(ctx, o.label(b), b.SHA256, keys[i].FileKey)
		if ours(err) {
			return nil, err
		}
		if err != nil {
			b.Fault = fault.Of(err).Code
			continue
		}
		b.FileKey, b.Items, b.Offer = keys[i].FileKey, contents.Items, contents.Offer
	}
	return results, nil
}

// request gathers what the sealer is asked about an opening. The faults are
// those of envelopes that are lost or have no header, by index.
func (s *Service) request(ctx context.Context, o *Opening) (Request, []string, error) {
	wrapped, err := s.read.WrappedKey(ctx, o.LotID, o.Envelope)
	if err != nil {
		return Request{}, nil, err
	}
	r := Request{Scope: Scope{o.tender.Buyer.ID, o.TenderID, o.LotID, string(o.Envelope)}, Wrapped: wrapped}
	faults := make([]string, len(o.Bids))
	for i, b := range o.Bids {
		header, err := s.header(ctx, b.SHA256)
		if ours(err) {
			return Request{}, nil, err
		}
		if err != nil {
			faults[i] = fault.Of(err).Code
		}
		r.Envelopes = append(r.Envelopes, Sealed{b.Supplier, header})
	}
	return r, faults, nil
}

// ours tells a failure of the platform, to be tried again, from a fault of one
// envelope, to be recorded.
func ours(err error) bool {
	f := fault.Of(err)
	return f != nil && (f.Kind == fault.Internal || f.Kind == fault.Unavailable)
}

func (o *Opening) label(b *Opened) seal.Label {
	return seal.Label{Authority: o.tender.Buyer.ID, Tender: o.TenderID, Lot: o.LotID, Envelope: string(o.Envelope), Supplier: b.Supplier}
}

func (s *Service) header(ctx context.Context, h docs.Hash) ([]byte, error) {
	return fromStore(ctx, s.vault, h, seal.Header)
}

// examine reads the whole envelope once: the ciphertext must have its hash,
// every document inside must have its own.
func (s *Service) examine(ctx context.Context, want seal.Label, h docs.Hash, fileKey []byte) (seal.Contents, error) {
	return fromStore(ctx, s.vault, h, func(r io.Reader) (seal.Contents, error) { return readThrough(r, fileKey, want, h) })
}

// fromStore reads a stored envelope. When the store fails, that is what is
// told, whatever the reading made of it; one that is gone is told as such.
func fromStore[T any](ctx context.Context, vault docs.Vault, h docs.Hash, read func(io.Reader) (T, error)) (T, error) {
	var none T
	r, _, err := vault.Open(ctx, docs.AreaSealed, h)
	if f := fault.Of(err); f != nil && f.Kind == fault.NotFound {
		return none, fault.New(fault.Conflict, "lost-in-store", "La busta non è più nell'archivio.", "The envelope is no longer in the store.")
	}
	if err != nil {
		return none, err
	}
	defer r.Close()
	source := &watched{r: r}
	out, err := read(source)
	if source.err != nil {
		return none, fault.New(fault.Unavailable, "store-unavailable", "L'archivio delle buste non risponde: si riproverà.",
			"The store of envelopes does not answer: it will be tried again.").Because(source.err)
	}
	return out, err
}

// watched remembers a failure of the reader underneath, so that it is never
// taken for damage done by a bidder.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

func readThrough(r io.Reader, fileKey []byte, want seal.Label, h docs.Hash) (seal.Contents, error) {
	sum := newAlongside()
	tee := io.TeeReader(r, sum)
	contents, fault := readContents(tee, fileKey, want)
	_, err := io.Copy(io.Discard, tee)
	if digest := sum.Digest(); err == nil && digest != h {
		// Whatever else seems wrong with it, it is not what the bidder sent.
		return seal.Contents{}, errAltered
	}
	if fault == nil {
		fault = err
	}
	return contents, fault
}

func readContents(r io.Reader, fileKey []byte, want seal.Label) (seal.Contents, error) {
	envelope, err := seal.Open(r, fileKey, want)
	if err != nil {
		return seal.Contents{}, err
	}
	for {
		_, item, err := envelope.Next()
		if err == io.EOF {
			return envelope.Contents, nil
		}
		if err == nil {
			_, err = io.Copy(io.Discard, item)
		}
		if err != nil {
			return seal.Contents{}, err
		}
	}
}

// Opening returns an opening to whoever may see it (view-opening).
func (s *Service) Opening(ctx context.Context, who act.Actor, id string) (*Opening, error) {
	o, err := s.read.Opening(ctx, id)
	if err != nil {
		return nil, err
	}
	return o, act.See(who, act.ViewOpening, o)
}

// Openings lists those of a tender that the actor may see.
func (s *Service) Openings(ctx context.Context, who act.Actor, tenderID string) ([]*Opening, error) {
	all, err := s.read.Openings(ctx, tenderID)
	return slices.DeleteFunc(all, func(o *Opening) bool { return act.See(who, act.ViewOpening, o) != nil }), err
}

// Read streams one document of an opened bid (read-envelope). Reading is an
// act: the register says who saw which document, and when.
func (s *Service) Read(ctx context.Context, call act.Call, id, bid string, index int) (seal.Item, io.ReadCloser, error) {
	var found Opened
	var at time.Time
	o, err := s.look(ctx, call, act.ReadEnvelope, id, bid, index, &found, &at)
	if err != nil {
		return seal.Item{}, nil, err
	}
	r, _, err := s.vault.Open(ctx, docs.AreaSealed, found.SHA256)
	if err != nil {
		return seal.Item{}, nil, err
	}
	envelope, err := seal.Open(r, found.FileKey, o.label(&found))
	if err != nil {
		r.Close()
		return seal.Item{}, nil, err
	}
	for i := 0; ; i++ {
		item, body, err := envelope.Next()
		if err != nil {
			r.Close()
			return seal.Item{}, nil, err
		}
		if i == index {
			return item, struct {
				io.Reader
				io.Closer
			}{body, r}, nil
		}
	}
}

// Finish unseals an opening that was left unfinished.
func (s *Service) Finish(ctx context.Context, id string) error {
	_, err := s.Unseal(ctx, id)
	return err
}
