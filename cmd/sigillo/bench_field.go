package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"sigillo/bids"
	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/client"
	"sigillo/internal/seal"
	"sigillo/internal/store"
	"sigillo/parties"
	"sigillo/tender"
)

// field is a platform on which tenders are out and suppliers stand ready, with
// every envelope sealed and uploaded.
type field struct {
	*story
	admin act.Actor
	stop  func()
}

// rival is a supplier ready to submit.
type rival struct {
	supplier string
	email    string // of its representative
	api      *client.Client
	bid      string
	manifest []claim
}

// workers that prepare at once; the suppliers themselves are as many as they are.
const workers = 16

// newField assembles a platform whose clock goes back 45 days, so that a
// tender whose legal terms are over by now can be published on it.
func newField(ctx context.Context, at *ground) (*field, error) {
	clock := newRacingClock(time.Now().Add(-45 * 24 * time.Hour))
	p, err := assemble(ctx, at.settings, clock.Now, true, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	base, stop, err := listen(p.api)
	if err != nil {
		return nil, err
	}
	f := &field{stop: func() { stop(); p.store.Close() }}
	f.story = &story{w: &world{ctx, io.Discard, io.Discard, "en"}, p: p, clock: clock, logins: &memory{Logins: map[string]string{}}, rehearsal: true,
		api: base, persons: map[string]string{}, suppliers: map[string]string{}, bidOf: map[string]string{}}
	if err := f.cast(ctx); err != nil {
		f.stop()
		return nil, err
	}
	admin, err := p.store.Person(ctx, f.persons["administrator"])
	if err != nil {
		f.stop()
		return nil, err
	}
	f.admin = admin.Actor(clock.Now())
	return f, nil
}

// listen serves a handler on a port of loopback.
func listen(h http.Handler) (*client.Client, func(), error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	many := client.Link(4096)
	stop := func() { server.Close(); many.CloseIdleConnections() }
	return &client.Client{Base: "http://" + listener.Addr().String(), Lang: "en", HTTP: &http.Client{Transport: many}}, stop, nil
}

// publish puts a tender out: one lot, at the lowest price, envelopes A and C.
func (f *field) publish(ctx context.Context) (*published, error) {
	var papers []map[string]any
	for name, kind := range map[string]docs.Kind{"bando.pdf": docs.Notice, "disciplinare.pdf": docs.BiddingDocuments, "capitolato.pdf": docs.TechnicalSpecifications} {
		paper, err := f.paper(ctx, kind, name, name)
		if err != nil {
			return nil, err
		}
		papers = append(papers, paper)
	}
	terms := f.terms(at(tender.EarliestDeadline(f.clock.Now(), 30), 1, 12), papers, map[string]any{"mode": tender.Rehearsal})
	terms["lots"], terms["no_lots_reason"] = terms["lots"].([]any)[1:], "Prova di carico."
	t := new(published)
	if err := f.do(ctx, "drafter", "POST", "/v1/authorities/"+f.authority+"/tenders", terms, t); err != nil {
		return nil, err
	}
	return t, f.do(ctx, "signatory", "POST", "/v1/tenders/"+t.ID+"/publish", nil, t)
}

// enrol registers a supplier with its representative, who signs in.
func (f *field) enrol(ctx context.Context, i int) (*rival, error) {
	x, err := f.p.parties.RegisterSupplier(ctx, act.By(f.admin), parties.Supplier{
		Name: fmt.Sprintf("Concorrente %d", i), Country: "IT", TaxID: withCheckDigit(fmt.Sprintf("%010d0", 1_000_000+i)), Size: "small"})
	if err != nil {
		return nil, err
	}
	p, err := f.p.parties.RegisterPerson(ctx, act.By(f.admin), parties.Person{Kind: act.KindPerson, Name: fmt.Sprintf("Legale %d", i), Email: fmt.Sprintf("l%d@concorrenti.example", i)})
	if err == nil {
		p, err = f.p.parties.GrantPower(ctx, act.By(f.admin), p.ID, act.Power{Role: act.Supplier, Supplier: x.ID})
	}
	if err != nil {
		return nil, err
	}
	r := &rival{supplier: x.ID, email: p.Email}
	return r, r.signIn(ctx, f.p, f.api)
}

// signIn opens a session on a platform; those of long ago are over.
func (r *rival) signIn(ctx context.Context, p *platform, api *client.Client) error {
	token, _, err := p.identity.DemoLogin(ctx, r.email)
	r.api = api.As(token)
	return err
}

// draft opens the rival's bid for the first lot.
func (r *rival) draft(ctx context.Context, t *published) error {
	var b bidState
	err := r.api.Do(ctx, "POST", fmt.Sprintf("/v1/tenders/%s/lots/%s/bids", t.ID, t.Lots[0].ID), bidRequest{Form: bids.Single}, &b)
	r.bid = b.ID
	return err
}

// ready drafts the rival's bid for the first lot, seals every envelope and
// uploads it.
func (r *rival) ready(ctx context.Context, t *published) error {
	if err := r.draft(ctx, t); err != nil {
		return err
	}
	for _, spec := range t.Lots[0].Envelopes {
		file, err := sealSmall(t, spec, r.supplier)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(file)
		if err := r.api.Put(ctx, "/v1/bids/"+r.bid+"/envelopes/"+string(spec.Envelope), sum, int64(len(file)), bytes.NewReader(file), nil); err != nil {
			return err
		}
		r.manifest = append(r.manifest, claim{string(spec.Envelope), hex.EncodeToString(sum[:])})
	}
	return nil
}

// sealSmall seals an envelope with a line of text for every document.
func sealSmall(t *published, spec tender.EnvelopeSpec, supplier string) ([]byte, error) {
	c := seal.Contents{Label: seal.Label{Authority: t.Buyer.ID, Tender: t.ID, Lot: t.Lots[0].ID, Envelope: string(spec.Envelope), Supplier: supplier}}
	var sources []seal.Source
	for _, r := range spec.Required {
		text := r.Title + " di " + supplier
		size, digest, check, err := seal.Measure(strings.NewReader(text))
		if err != nil {
			return nil, err
		}
		c.Items = append(c.Items, seal.Item{Name: r.Kind + ".txt", Kind: r.Kind, MediaType: "text/plain", Size: size, SHA256: digest})
		sources = append(sources, seal.Source{Check: check, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }})
	}
	if spec.Envelope == tender.Economic {
		c.Offer = map[string]string{"discount": "5", "labour_cost": "10.00", "safety_cost": "1.00"}
	}
	recipient := ""
	for _, k := range t.Keys {
		if k.Lot == t.Lots[0].ID && k.Envelope == spec.Envelope {
			recipient = k.Recipient
		}
	}
	var out bytes.Buffer
	_, err := seal.Seal(&out, t.Custody.Policy(recipient), c, sources)
	return out.Bytes(), err
}

// setTerm moves a tender's deadline and opening to instants of the present: the
// law asks for 30 days, a bench cannot wait for them. It is an act of the RUP
// like any other, but skips the rules of a real extension.
func setTerm(ctx context.Context, s *store.Store, rup, id string, deadline, opens time.Time) error {
	p, err := s.Person(ctx, rup)
	if err != nil {
		return err
	}
	now, err := s.Now()
	if err != nil {
		return err
	}
	_, err = act.Do(ctx, store.Acts[bids.Tx](s), act.By(p.Actor(now)), act.Deed[bids.Tx, *tender.Tender]{
		Action: act.ExtendDeadline,
		Load:   func(tx bids.Tx) (*tender.Tender, error) { return tx.Tender(id) },
		Change: func(t *tender.Tender, _ time.Time) (act.Facts, error) {
			t.Timetable.Deadline, t.Timetable.OpensAt = deadline.UTC(), opens.UTC()
			return act.Facts{}, nil
		},
		Save: bids.Tx.SaveTender,
	})
	return err
}
