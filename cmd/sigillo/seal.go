package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigillo/bids"
	"sigillo/docs"
	"sigillo/internal/client"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
	"sigillo/internal/signature"
	"sigillo/tender"
)

// server is how the tools of suppliers reach a platform.
type server struct {
	Server string `env:"SIGILLO_SERVER" default:"http://127.0.0.1:8080" help:"Address of the platform."`
	Token  string `env:"SIGILLO_TOKEN" help:"Token to sign in with; better given by the environment."`
}

func (s server) client(lang string) *client.Client {
	return &client.Client{Base: strings.TrimRight(s.Server, "/"), Token: s.Token, Lang: lang, HTTP: &http.Client{Transport: client.Link(8)}}
}

type sealCommand struct {
	server
	Tender   string            `required:"" help:"Id of the tender, or a file with its published form (then no network is needed)."`
	Lot      int               `required:"" help:"Number of the lot."`
	Envelope string            `required:"" enum:"A,B,C" help:"A administrative, B technical, C economic."`
	Supplier string            `required:"" help:"Id of the supplier who bids; of a group, the lead."`
	Document []string          `help:"KIND=FILE, repeated; kinds as in the tender's list of required documents." sep:"none"`
	Offer    map[string]string `help:"Structured answers: discount=12.5 labour_cost=1000.00 safety_cost=50.00."`
	Out      string            `required:"" short:"o" help:"File to write."`
	Trust    string            `env:"SIGILLO_TRUST" help:"File with the certificates that signers may chain to: PEM, or an ETSI trusted list (XML)."`
	Keys     string            `help:"Fingerprint of the keys as printed in the notice; with another one nothing is sealed."`
	Force    bool              `help:"Seal although a check of the documents complains."`
}

// Run seals on this computer; nothing in clear leaves it.
func (c *sealCommand) Run(w *world) error {
	t, err := fetchTender(w.ctx, c.client(w.lang), c.Tender)
	if err != nil {
		return err
	}
	e := envelope{tender: t, lot: c.Lot, kind: tender.Envelope(c.Envelope), supplier: c.Supplier, offer: c.Offer}
	for _, d := range c.Document {
		kind, path, ok := strings.Cut(d, "=")
		if !ok {
			return fmt.Errorf("--document %q: write KIND=FILE", d)
		}
		e.files = append(e.files, file{kind, path})
	}
	if got := t.fingerprint(); c.Keys != "" && strings.ReplaceAll(c.Keys, " ", "") != strings.ReplaceAll(got, " ", "") {
		return fault.New(fault.Conflict, "other-keys", "Le chiavi ricevute hanno l'impronta %s, non quella del bando: non si sigilla nulla.",
			"The keys received have the fingerprint %s, not that of the notice: nothing is sealed.", got)
	}
	if e.trust, err = readTrust(c.Trust); err != nil {
		return err
	}
	findings, err := e.check()
	if err != nil {
		return err
	}
	blocked := false
	for _, f := range findings {
		fmt.Fprintf(w.err, "%s: %s\n", f.Severity, f.Text.In(w.lang))
		blocked = blocked || f.Severity == docs.Blocking
	}
	if blocked && !c.Force {
		return fault.New(fault.Invalid, "preflight", "La busta non è stata sigillata: corregga i documenti, o usi --force.",
			"The envelope was not sealed: correct the documents, or use --force.")
	}
	size, err := e.seal(c.Out)
	if err != nil {
		return err
	}
	u, err := measured(c.Out)
	if err != nil {
		return err
	}
	tellCustody(w, t)
	fmt.Fprintln(w.out, fault.T("Sigillata %s: %d byte, impronta %s", "Sealed %s: %d bytes, digest %s", c.Out, size, u.Digest).In(w.lang))
	return nil
}

// published is what the tools need of a tender.
type published struct {
	ID        string           `json:"id"`
	Title     string           `json:"title"`
	Buyer     tender.Buyer     `json:"buyer"`
	Lots      []tender.Lot     `json:"lots"`
	Keys      []tender.Key     `json:"keys"`
	Custody   tender.Custody   `json:"custody"`
	Timetable tender.Timetable `json:"timetable"`
	Version   int              `json:"version"`
}

// tellCustody says to whom the envelope was sealed: the fingerprints are to be
// compared with those printed in the notice.
func tellCustody(w *world, t *published) {
	if t.Custody.Mode == tender.Rehearsal {
		fmt.Fprintln(w.err, fault.T("Gara di prova: la piattaforma può aprire da sola.", "Rehearsal: the platform can open alone.").In(w.lang))
		return
	}
	fmt.Fprintln(w.err, fault.T("Aprono la piattaforma e %d di questi custodi; confronti le impronte con quelle del bando:",
		"The platform and %d of these custodians open; compare the fingerprints with those in the notice:", t.Custody.Threshold).In(w.lang))
	for _, c := range t.Custody.Custodians {
		fmt.Fprintf(w.err, "  %s  %s\n", seal.Fingerprint(c.Recipient), c.Name)
	}
	fmt.Fprintln(w.err, fault.T("Tutte insieme: %s", "All together: %s", t.fingerprint()).In(w.lang))
}

func fetchTender(ctx context.Context, c *client.Client, id string) (*published, error) {
	t := new(published)
	if text, err := os.ReadFile(id); err == nil {
		return t, json.Unmarshal(text, t)
	}
	return t, c.Do(ctx, "GET", "/v1/tenders/"+id, nil, t)
}

// fingerprint of all the keys an envelope for this tender is sealed to.
func (t *published) fingerprint() string { return tender.KeysFingerprint(t.Keys, t.Custody) }

func (t *published) lot(number int) (*tender.Lot, error) {
	for i := range t.Lots {
		if t.Lots[i].Number == number {
			return &t.Lots[i], nil
		}
	}
	return nil, fault.New(fault.Invalid, "no-such-lot", "La gara non ha il lotto %d.", "The tender has no lot %d.", number)
}

type file struct{ kind, path string }

// envelope is one envelope about to be sealed.
type envelope struct {
	tender   *published
	lot      int
	kind     tender.Envelope
	supplier string
	files    []file
	offer    map[string]string
	trust    *signature.Trust
}

// check looks at the documents as the officials will: what is missing, what is
// not what it says, what smells of a price outside the economic envelope.
func (e *envelope) check() ([]docs.Finding, error) {
	l, err := e.tender.lot(e.lot)
	if err != nil {
		return nil, err
	}
	spec, ok := l.Spec(e.kind)
	if !ok {
		return nil, fault.New(fault.Invalid, "no-such-envelope", "Questo lotto non prevede la busta %s.", "This lot has no envelope %s.", string(e.kind))
	}
	var all []docs.Finding
	say := func(code string, s docs.Severity, it, en string, args ...any) {
		all = append(all, docs.Finding{Code: code, Severity: s, Text: fault.T(it, en, args...)})
	}
	for _, r := range spec.Required {
		if !r.Optional && !slices.ContainsFunc(e.files, func(f file) bool { return f.kind == r.Kind }) {
			say("missing-document", docs.Blocking, "Manca «%s» (%s).", "%q (%s) is missing.", r.Title, r.Kind)
		}
	}
	for _, f := range e.files {
		v, err := e.preflight(l, f)
		if err != nil {
			return nil, err
		}
		for _, x := range v.Findings {
			say(x.Code, x.Severity, "%[1]s: %[2]s", "%[1]s: %[3]s", filepath.Base(f.path), x.Text.IT, x.Text.EN)
		}
		if e.kind != tender.Economic && f.kind == string(docs.EconomicOffer) {
			say("price-outside-c", docs.Blocking, "%s è l'offerta economica: va nella busta C.", "%s is the economic offer: it belongs into envelope C.", filepath.Base(f.path))
		}
		if n, ok := docs.LotHint(filepath.Base(f.path)); ok && n != e.lot {
			say("another-lot", docs.Warning, "%s sembra del lotto %d, e questa busta è del lotto %d.", "%s seems to belong to lot %d, and this envelope is of lot %d.", filepath.Base(f.path), n, e.lot)
		}
	}
	return all, e.checkOffer(l, say)
}

func (e *envelope) checkOffer(l *tender.Lot, say func(string, docs.Severity, string, string, ...any)) error {
	if e.kind != tender.Economic {
		if len(e.offer) > 0 {
			say("price-outside-c", docs.Blocking, "L'offerta economica va nella busta C.", "The economic offer belongs into envelope C.")
		}
		return nil
	}
	for name, text := range map[string]string{"discount": e.offer["discount"], "labour_cost": e.offer["labour_cost"], "safety_cost": e.offer["safety_cost"]} {
		if err := checkAnswer(name, text, l.Criterion.DiscountDecimals); err != nil {
			f := fault.Of(err)
			say("bad-offer", docs.Blocking, "%[1]s: %[2]s", "%[1]s: %[3]s", name, f.Text.IT, f.Text.EN)
		}
	}
	return nil
}

// preflight runs the officials' checks on a file of this computer.
func (e *envelope) preflight(l *tender.Lot, f file) (docs.Verdict, error) {
	r, err := os.Open(f.path)
	if err != nil {
		return docs.Verdict{}, err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return docs.Verdict{}, err
	}
	return docs.Preflight(filepath.Base(f.path), info.Size(), r, bids.PlaceOf(l, e.kind, f.kind), e.trust, time.Now())
}

// seal writes the envelope beside its final name and renames it when whole.
func (e *envelope) seal(out string) (int64, error) {
	l, err := e.tender.lot(e.lot)
	if err != nil {
		return 0, err
	}
	recipient := ""
	for _, k := range e.tender.Keys {
		if k.Lot == l.ID && k.Envelope == e.kind {
			recipient = k.Recipient
		}
	}
	c := seal.Contents{Offer: e.offer, Label: seal.Label{
		Authority: e.tender.Buyer.ID, Tender: e.tender.ID, Lot: l.ID, Envelope: string(e.kind), Supplier: e.supplier}}
	var sources []seal.Source
	for _, f := range e.files {
		item, source, err := describe(f)
		if err != nil {
			return 0, err
		}
		c.Items, sources = append(c.Items, item), append(sources, source)
	}
	tmp, err := os.CreateTemp(filepath.Dir(out), ".sealing-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(tmp.Name())
	size, err := seal.Seal(tmp, e.tender.Custody.Policy(recipient), c, sources)
	if err == nil {
		err = tmp.Sync()
	}
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return 0, err
	}
	return size, os.Rename(tmp.Name(), out)
}

func describe(f file) (seal.Item, seal.Source, error) {
	r, err := os.Open(f.path)
	if err != nil {
		return seal.Item{}, seal.Source{}, err
	}
	defer r.Close()
	n, digest, check, err := seal.Measure(r)
	if err != nil {
		return seal.Item{}, seal.Source{}, err
	}
	kind := mime.TypeByExtension(filepath.Ext(f.path))
	if kind == "" {
		kind = "application/octet-stream"
	}
	return seal.Item{Name: filepath.Base(f.path), Kind: f.kind, MediaType: kind, Size: n, SHA256: digest},
		seal.Source{Open: func() (io.ReadCloser, error) { return os.Open(f.path) }, Check: check}, nil
}
