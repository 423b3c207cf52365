package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/award"
	"sigillo/bids"
	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/client"
	"sigillo/internal/fault"
	"sigillo/internal/money"
	"sigillo/tender"
)

// castOrder is the order in which the logins are printed.
var castOrder = []string{"drafter", "rup", "signatory", "seggio", "commissioner-1", "commissioner-2", "commissioner-3", "auditor",
	"supplier-arredi", "supplier-legno", "supplier-gruppo", "administrator"}

// story plays a tender of an invented Tuscan city, from draft to standstill,
// through the HTTP API alone.
type story struct {
	w      *world
	p      *platform
	clock  *racingClock
	pace   time.Duration
	folder string
	logins *memory
	api    *client.Client
	step   int
	// rehearsal: the platform opens alone; else the RUP's key is needed.
	rehearsal bool
	keys      map[string]heldKey
	warned    bool // the checks of the documents have been shown at work

	authority string
	persons   map[string]string
	suppliers map[string]string
	tender    *published
	bidOf     map[string]string // bid ids by lot number and supplier
}

func (s *story) say(it, en string, args ...any) {
	fmt.Fprintf(s.w.out, "    %s\n", fault.T(it, en, args...).In(s.w.lang))
}

func (s *story) chapter(it, en string) {
	s.step++
	fmt.Fprintf(s.w.out, "\n[%2d/12] %s  %s\n", s.step, tender.InRome(s.clock.Now()), fault.Text{IT: it, EN: en}.In(s.w.lang))
}

// as signs a person in anew: sessions do not outlive a race of the clock.
func (s *story) as(ctx context.Context, who string) (*client.Client, error) {
	var session struct {
		Token string `json:"token"`
	}
	err := s.api.Do(ctx, "POST", "/v1/sessions", map[string]string{"email": s.logins.Logins[who]}, &session)
	return s.api.As(session.Token), err
}

// do performs one request as somebody.
func (s *story) do(ctx context.Context, who, method, path string, in, out any, options ...client.Option) error {
	c, err := s.as(ctx, who)
	if err != nil {
		return err
	}
	if err := c.Do(ctx, method, path, in, out, options...); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// refused expects a request to be refused, and shows how.
func (s *story) refused(ctx context.Context, who, method, path string, in any, code string) error {
	err := s.do(ctx, who, method, path, in, nil)
	if f := fault.Of(err); f == nil || f.Code != code {
		return fmt.Errorf("%s %s should have been refused with %s: %w", method, path, code, err)
	}
	s.say("✗ rifiutato come si deve: %s", "✗ refused as it should be: %s", fault.Of(err).Text.In(s.w.lang))
	return nil
}

func (s *story) race(ctx context.Context, at time.Time) error {
	hours := int(at.Sub(s.clock.Now()).Round(time.Hour).Hours())
	s.say("… l'orologio corre: %d giorni e %d ore …", "… the clock races: %d days and %d hours …", hours/24, hours%24)
	done := make(chan error, 1)
	go func() { done <- s.clock.RunTo(ctx, at, s.pace) }()
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			s.say("  %s", "  %s", tender.InRome(s.clock.Now()))
		}
	}
}

func (s *story) tell(ctx context.Context) error {
	s.persons, s.suppliers, s.bidOf = map[string]string{}, map[string]string{}, map[string]string{}
	for _, chapter := range []func(context.Context) error{
		s.cast, s.draft, s.publish, s.clarify, s.submit, s.secrecy, s.close, s.admissions, s.technical, s.economic, s.award, s.verify,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) cast(ctx context.Context) error {
	s.chapter("Una città, la sua gente, tre concorrenti", "A city, its people, three competitors")
	admin, err := s.p.parties.Install(ctx, "Amministrazione della piattaforma", "admin@sigillo.example")
	if err != nil {
		return err
	}
	s.logins.Logins["administrator"], s.persons["administrator"] = admin.Email, admin.ID
	var city struct{ ID, Name string }
	if err := s.do(ctx, "administrator", "POST", "/v1/authorities", map[string]any{
		"name": "Comune di Pietrafonda sull'Arno", "fiscal_code": "01234560488", "nuts": "ITI14", "qualified": true}, &city); err != nil {
		return err
	}
	s.authority = city.ID
	for _, x := range []struct{ key, name, tax string }{
		{"supplier-arredi", "Arredi Valdarno S.r.l.", "02345670480"}, {"supplier-legno", "Legnoscuola Soc. Coop.", "03456780482"},
		{"supplier-gruppo", "Banchi & Lavagne S.p.A.", "04567890484"}, {"mandante", "Officina Marchi di Lea Marchi", "05678900486"},
	} {
		var r struct{ ID string }
		if err := s.do(ctx, "administrator", "POST", "/v1/suppliers", map[string]any{"name": x.name, "country": "IT", "tax_id": withCheckDigit(x.tax), "size": "small"}, &r); err != nil {
			return err
		}
		s.suppliers[x.key] = r.ID
	}
	for _, x := range []struct {
		key, name, email string
		role             act.Role
	}{
		{"drafter", "Irene Bandini", "irene.bandini@pietrafonda.example", act.Drafter}, {"rup", "Guido Lapi", "guido.lapi@pietrafonda.example", act.RUP},
		{"signatory", "Marta Corsi", "marta.corsi@pietrafonda.example", act.Signatory}, {"seggio", "Neri Fabbri", "neri.fabbri@pietrafonda.example", act.Seggio},
		{"commissioner-1", "Ada Tosi", "ada.tosi@pietrafonda.example", act.Commissioner}, {"commissioner-2", "Lapo Renzoni", "lapo.renzoni@pietrafonda.example", act.Commissioner},
		{"commissioner-3", "Zoe Nuti", "zoe.nuti@pietrafonda.example", act.Commissioner}, {"auditor", "Elio Salvi", "elio.salvi@revisori.example", act.Auditor},
		{"supplier-arredi", "Bice Donati", "bice@arredivaldarno.example", act.Supplier}, {"supplier-legno", "Ugo Mei", "ugo@legnoscuola.example", act.Supplier},
		{"supplier-gruppo", "Pia Sarti", "pia@banchilavagne.example", act.Supplier},
	} {
		if err := s.person(ctx, x.key, x.name, x.email, x.role); err != nil {
			return err
		}
	}
	s.say("%s: funzionaria, RUP, dirigente, seggio, commissione, revisore; quattro operatori economici.",
		"%s: officer, RUP, signatory, seggio, commission, auditor; four economic operators.", city.Name)
	return nil
}

func (s *story) person(ctx context.Context, key, name, email string, role act.Role) error {
	var p struct{ ID string }
	if err := s.do(ctx, "administrator", "POST", "/v1/persons", map[string]any{"kind": "person", "name": name, "email": email}, &p); err != nil {
		return err
	}
	power := map[string]any{"role": role}
	if role == act.Supplier {
		power["supplier"] = s.suppliers[key]
	} else {
		power["authority"] = s.authority
	}
	s.persons[key], s.logins.Logins[key] = p.ID, email
	return s.do(ctx, "administrator", "POST", "/v1/persons/"+p.ID+"/powers", power, nil)
}

// withCheckDigit replaces the last digit of a partita IVA by its check digit.
func withCheckDigit(s string) string {
	sum := 0
	for i, c := range []byte(s[:10]) {
		d := int(c - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return s[:10] + fmt.Sprint((10-sum%10)%10)
}

// local writes an instant as officers do: Italian time with its offset.
func local(t time.Time) string { return t.In(tender.Rome()).Format("2006-01-02T15:04:05Z07:00") }

// at is a civil hour of the day some days after an instant.
func at(t time.Time, days, hour int) time.Time {
	return tender.DayOf(t).Add(days).Midnight().In(tender.Rome()).Add(time.Duration(hour) * time.Hour)
}

func (s *story) terms(deadline time.Time, papers []map[string]any, custody map[string]any) map[string]any {
	required := func(kind docs.Kind, title string) map[string]any {
		return map[string]any{"kind": kind, "title": title, "signed": true}
	}
	a := map[string]any{"envelope": "A", "required": []any{required(docs.Application, "Domanda di partecipazione"), required(docs.ESPD, "DGUE")}}
	b := map[string]any{"envelope": "B", "required": []any{required(docs.TechnicalOffer, "Relazione tecnica")}}
	c := map[string]any{"envelope": "C", "required": []any{required(docs.EconomicOffer, "Offerta economica")}}
	return map[string]any{
		"reference": "PF-2026-041", "title": "Fornitura di arredi per le scuole del Comune di Pietrafonda sull'Arno",
		"description": "Banchi, sedie, armadi e lavagne, con montaggio.", "procedure": "open", "nature": "supplies", "rup": s.persons["rup"],
		"exclusion_grounds": []string{"corruption", "crime-org", "finan-laund", "fraud", "human-traffic", "socsec-pay", "tax-pay", "terr-offence"},
		"timetable":         map[string]any{"questions_until": local(at(deadline, -12, 12)), "deadline": local(deadline), "opens_at": local(deadline.Add(22 * time.Hour))},
		"papers":            papers,
		"custody":           custody,
		"lots": []any{
			map[string]any{"title": "Scuole primarie e secondarie", "cig": "U000001227", "cpv": "39160000-1", "nuts": "ITI14", "envelopes": []any{a, b, c},
				"amounts": map[string]any{"base": "182400.00", "labour": "9600.00", "safety": "1200.00"},
				"criterion": map[string]any{"method": "price-quality", "technical_points": 70, "economic_points": 30, "minimum_technical": 40,
					"formula": "linear", "discount_decimals": 3, "rounding": map[string]any{"mode": "half-up", "decimals": 2},
					"technical": []any{map[string]any{"title": "Durata e sicurezza dei materiali", "points": 40}, map[string]any{"title": "Servizio dopo la consegna", "points": 20},
						map[string]any{"title": "Parità di genere (art. 108 c. 7)", "points": 10}}}},
			map[string]any{"title": "Scuole dell'infanzia", "cig": "U0000022FA", "cpv": "39161000-8", "nuts": "ITI14", "envelopes": []any{a, c},
				"amounts":   map[string]any{"base": "58300.00", "labour": "2900.00", "safety": "400.00"},
				"criterion": map[string]any{"method": "lowest-price", "discount_decimals": 3}},
		},
	}
}

func (s *story) draft(ctx context.Context) error {
	s.chapter("La bozza, i documenti, il controllo", "The draft, the papers, the check")
	var papers []map[string]any
	for _, d := range []struct {
		kind        docs.Kind
		name, title string
	}{
		{docs.Notice, "bando.pdf", "Bando di gara"}, {docs.BiddingDocuments, "disciplinare.pdf", "Disciplinare di gara"},
		{docs.TechnicalSpecifications, "capitolato.pdf", "Capitolato speciale"},
	} {
		paper, err := s.paper(ctx, d.kind, d.name, d.title)
		if err != nil {
			return err
		}
		papers = append(papers, paper)
	}
	deadline := at(tender.EarliestDeadline(s.clock.Now(), 30), 1, 12)
	for !tender.DayOf(deadline).IsWorkingDay() {
		deadline = at(deadline, 1, 12)
	}
	custody, err := s.custody()
	if err != nil {
		return err
	}
	terms := s.terms(deadline, papers, custody)
	incomplete := s.terms(at(s.clock.Now(), 20, 12), papers[1:], custody)
	var t published
	if err := s.do(ctx, "drafter", "POST", "/v1/authorities/"+s.authority+"/tenders", incomplete, &t, client.Key("demo-tender")); err != nil {
		return err
	}
	var report struct {
		Findings []struct{ Severity, Article, Pointer, Text string }
	}
	if err := s.do(ctx, "drafter", "GET", "/v1/tenders/"+t.ID+"/check", nil, &report); err != nil {
		return err
	}
	for _, f := range report.Findings {
		s.say("%s %s [%s]: %s", "%s %s [%s]: %s", f.Severity, f.Pointer, f.Article, f.Text)
	}
	if err := s.do(ctx, "drafter", "PUT", "/v1/tenders/"+t.ID, terms, &t, client.IfVersion(t.Version)); err != nil {
		return err
	}
	s.tender = &t
	if err := s.tryKeys(ctx); err != nil {
		return err
	}
	s.say("Corretta: ora il controllo passa.", "Corrected: now the check passes.")
	return nil
}

func (s *story) paper(ctx context.Context, kind docs.Kind, name, title string) (map[string]any, error) {
	it, _ := tender.BidRule()
	body, err := pdf(title, "Comune di Pietrafonda sull'Arno: fornitura di arredi per le scuole, in due lotti.", it,
		"Le buste si sigillano sul computer dell'operatore economico; nessuno le può aprire prima dell'ora fissata.")
	if err != nil {
		return nil, err
	}
	c, err := s.as(ctx, "drafter")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	err = c.Put(ctx, "/v1/authorities/"+s.authority+"/documents?name="+name, sum, int64(len(body)), bytes.NewReader(body), nil)
	return map[string]any{"sha256": hex.EncodeToString(sum[:]), "name": name, "title": title, "kind": kind, "media_type": "application/pdf", "size": len(body), "language": "it"}, err
}

func (s *story) publish(ctx context.Context) error {
	s.chapter("La dirigente pubblica", "The signatory publishes")
	if err := s.refused(ctx, "drafter", "POST", "/v1/tenders/"+s.tender.ID+"/publish", nil, "not-permitted"); err != nil {
		return err
	}
	if err := s.do(ctx, "signatory", "POST", "/v1/tenders/"+s.tender.ID+"/publish", nil, s.tender, client.Key("demo-publish")); err != nil {
		return err
	}
	s.say("Pubblicata con %d chiavi di busta; scadenza %s.", "Published with %d envelope keys; deadline %s.", len(s.tender.Keys), tender.InRome(s.tender.Timetable.Deadline))
	return nil
}

func (s *story) clarify(ctx context.Context) error {
	s.chapter("Un chiarimento, anonimo e pubblico", "A clarification, anonymous and public")
	if err := s.race(ctx, s.clock.Now().Add(4*24*time.Hour)); err != nil {
		return err
	}
	var q struct{ ID string }
	path := "/v1/tenders/" + s.tender.ID + "/questions"
	if err := s.do(ctx, "supplier-legno", "POST", path, map[string]string{"text": "I banchi del lotto 1 possono avere il piano in legno riciclato?"}, &q); err != nil {
		return err
	}
	if err := s.do(ctx, "rup", "POST", path+"/"+q.ID+"/answer", map[string]string{"answer": "Sì, purché conforme alla UNI EN 1729."}, nil); err != nil {
		return err
	}
	s.say("Domanda e risposta sono visibili a tutti; il nome di chi ha chiesto a nessuno.", "Question and answer are visible to all; who asked, to nobody.")
	return nil
}

// offer is what one supplier sends for one lot.
type offer struct {
	who      string
	lot      int
	discount string
	request  bidRequest
}

func (s *story) submit(ctx context.Context) error {
	s.chapter("Tre concorrenti sigillano e inviano", "Three competitors seal and submit")
	group := bidRequest{Form: bids.Group, Members: []bids.Member{
		{Supplier: s.suppliers["supplier-gruppo"], Share: money.MustPercent("70"), Part: "Fornitura e consegna"},
		{Supplier: s.suppliers["mandante"], Share: money.MustPercent("30"), Part: "Montaggio"}}}
	for _, o := range []offer{
		{"supplier-arredi", 1, "11.250", bidRequest{Form: bids.Single}}, {"supplier-arredi", 2, "8.400", bidRequest{Form: bids.Single}},
		{"supplier-legno", 1, "9.000", bidRequest{Form: bids.Single}}, {"supplier-legno", 2, "10.125", bidRequest{Form: bids.Single}},
		{"supplier-gruppo", 1, "17.500", group},
	} {
		if err := s.send(ctx, o); err != nil {
			return err
		}
	}
	s.say("Legnoscuola ci ripensa e sostituisce l'offerta per il lotto 1: conterà solo l'ultima.", "Legnoscuola thinks again and replaces its bid for lot 1: only the last will count.")
	return s.send(ctx, offer{"supplier-legno", 1, "14.800", bidRequest{Form: bids.Single}})
}

func (s *story) send(ctx context.Context, o offer) error {
	c, err := s.as(ctx, o.who)
	if err != nil {
		return err
	}
	l, err := s.tender.lot(o.lot)
	if err != nil {
		return err
	}
	b, err := ownBid(ctx, c, s.tender, l, o.request)
	if err != nil {
		return err
	}
	s.bidOf[fmt.Sprint(o.lot, o.who)] = b.ID
	folder, err := os.MkdirTemp("", "sigillo-offerta-*") // on the supplier's side: not in the platform's folder
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	files := map[string]string{}
	for _, spec := range l.Envelopes {
		if files[string(spec.Envelope)], err = s.sealOne(folder, o, spec); err != nil {
			return err
		}
	}
	done, err := (submission{api: c, out: nowhere{}, lang: s.w.lang}).send(ctx, b, files)
	if err != nil {
		return err
	}
	last := done.Sent[len(done.Sent)-1]
	s.say("✓ lotto %d, %s: %d buste, invio %d ricevuto %s", "✓ lot %d, %s: %d envelopes, submission %d received %s",
		o.lot, strings.TrimPrefix(o.who, "supplier-"), len(files), last.Number, tender.InRome(last.ReceivedAt))
	return nil
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func (s *story) sealOne(folder string, o offer, spec tender.EnvelopeSpec) (string, error) {
	e := envelope{tender: s.tender, lot: o.lot, kind: spec.Envelope, supplier: s.suppliers[o.who]}
	for _, r := range spec.Required {
		text := "Documento di " + o.who + "."
		if spec.Envelope == tender.Economic {
			text = "Ribasso offerto: " + o.discount + " %."
		}
		body, err := pdf(r.Title, text)
		if err != nil {
			return "", err
		}
		path := filepath.Join(folder, r.Kind+".pdf")
		if r.Kind == string(docs.EconomicOffer) {
			path = filepath.Join(folder, "offerta-economica.pdf")
		}
		if err := os.WriteFile(path, body, 0o600); err != nil {
			return "", err
		}
		e.files = append(e.files, file{r.Kind, path})
	}
	if spec.Envelope == tender.Economic {
		e.offer = map[string]string{"discount": o.discount, "labour_cost": "9100.00", "safety_cost": "850.00"}
	}
	findings, err := e.check()
	if err != nil {
		return "", err
	}
	for _, f := range findings {
		if f.Severity == docs.Blocking {
			return "", fmt.Errorf("envelope %s: %s", spec.Envelope, f.Text.EN)
		}
		if !s.warned && f.Severity == docs.Warning {
			s.warned = true
			s.say("▲ il controllo avverte prima di sigillare: %s", "▲ the check warns before sealing: %s", f.Text.In(s.w.lang))
		}
	}
	out := filepath.Join(folder, string(spec.Envelope)+".age")
	_, err = e.seal(out)
	return out, err
}

func (s *story) secrecy(ctx context.Context) error {
	s.chapter("Chi prova a sbirciare", "Those who try to peek")
	if err := s.refused(ctx, "rup", "GET", "/v1/bids/"+s.bidOf["1supplier-arredi"], nil, "not-found"); err != nil {
		return err
	}
	if err := s.refused(ctx, "signatory", "GET", fmt.Sprintf("/v1/tenders/%s/lots/%s/evaluation", s.tender.ID, s.tender.Lots[0].ID), nil, "not-found"); err != nil {
		return err
	}
	c, err := s.as(ctx, "supplier-arredi")
	if err != nil {
		return err
	}
	plain := []byte("%PDF-1.7 il mio prezzo in chiaro")
	err = c.Put(ctx, "/v1/bids/"+s.bidOf["1supplier-arredi"]+"/envelopes/C", sha256.Sum256(plain), int64(len(plain)), bytes.NewReader(plain), nil)
	if f := fault.Of(err); f == nil || f.Code != "not-sealed" {
		return fmt.Errorf("an envelope in clear should have been refused: %w", err)
	}
	s.say("✗ rifiutato come si deve: %s", "✗ refused as it should be: %s", fault.Of(err).Text.In(s.w.lang))
	return nil
}

func (s *story) close(ctx context.Context) error {
	s.chapter("La scadenza, poi l'apertura: fa tutto l'orologio", "The deadline, then the opening: the clock does it all")
	if err := s.race(ctx, s.tender.Timetable.Deadline.Add(time.Second)); err != nil {
		return err
	}
	if err := s.waitFor(ctx, tender.Closed); err != nil {
		return err
	}
	s.say("Lotti chiusi con effetto dalle %s.", "Lots closed with effect from %s.", tender.InRome(s.tender.Timetable.Deadline))
	if err := s.refused(ctx, "supplier-legno", "POST", "/v1/bids/"+s.bidOf["1supplier-legno"]+"/withdraw", nil, "deadline-passed"); err != nil {
		return err
	}
	if err := s.race(ctx, s.tender.Timetable.OpensAt.Add(time.Second)); err != nil {
		return err
	}
	if err := s.waitFor(ctx, tender.AdministrativeOpened); err != nil {
		return err
	}
	for i := range s.tender.Lots {
		if err := s.release(ctx, i, tender.Administrative); err != nil {
			return err
		}
	}
	s.say("Buste amministrative aperte; B e C restano sigillate.", "Administrative envelopes open; B and C stay sealed.")
	return nil
}

// waitFor waits until the bell has taken every lot to a state.
func (s *story) waitFor(ctx context.Context, want tender.State) error {
	for range 300 {
		if err := s.api.Do(ctx, "GET", "/v1/tenders/"+s.tender.ID, nil, s.tender); err != nil {
			return err
		}
		there := true
		for _, l := range s.tender.Lots {
			there = there && l.State == want
		}
		if there {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("the lots did not reach %s in time", want)
}

func (s *story) lotPath(i int, more string) string {
	return fmt.Sprintf("/v1/tenders/%s/lots/%s/%s", s.tender.ID, s.tender.Lots[i].ID, more)
}

func (s *story) admissions(ctx context.Context) error {
	s.chapter("Ammissioni e nomina della commissione", "Admissions and appointment of the commission")
	panel := map[string]any{"seggio": []string{s.persons["seggio"]},
		"commission": []string{s.persons["commissioner-1"], s.persons["commissioner-2"], s.persons["commissioner-3"]}}
	if err := s.do(ctx, "signatory", "POST", "/v1/tenders/"+s.tender.ID+"/panel", panel, nil); err != nil {
		return err
	}
	for i := range s.tender.Lots {
		var e struct {
			Admissions []award.Admission `json:"admissions"`
		}
		if err := s.do(ctx, "seggio", "GET", s.lotPath(i, "evaluation"), nil, &e); err != nil {
			return err
		}
		for _, a := range e.Admissions {
			if err := s.do(ctx, "seggio", "POST", s.lotPath(i, "admissions/"+a.Bid), map[string]string{"verdict": "admitted"}, nil); err != nil {
				return err
			}
		}
		if err := s.do(ctx, "seggio", "POST", s.lotPath(i, "conclude-admissions"), nil, nil); err != nil {
			return err
		}
		s.say("Lotto %d: %d offerte ammesse.", "Lot %d: %d bids admitted.", i+1, len(e.Admissions))
	}
	return nil
}

func (s *story) technical(ctx context.Context) error {
	s.chapter("Le offerte tecniche, valutate alla cieca sul prezzo", "The technical offers, judged without knowing the price")
	if err := s.refused(ctx, "commissioner-1", "POST", s.lotPath(0, "open-economic"), nil, "wrong-state"); err != nil {
		return err
	}
	if err := s.do(ctx, "commissioner-1", "POST", s.lotPath(0, "open-technical"), nil, nil); err != nil {
		return err
	}
	if err := s.release(ctx, 0, tender.Technical); err != nil {
		return err
	}
	points := map[string][]string{"supplier-arredi": {"34", "17.5", "8"}, "supplier-legno": {"36.5", "15", "10"}, "supplier-gruppo": {"29", "14", "6"}}
	for _, who := range []string{"supplier-arredi", "supplier-legno", "supplier-gruppo"} {
		var scores []map[string]string
		for i, c := range s.tender.Lots[0].Criterion.Technical {
			scores = append(scores, map[string]string{"criterion": c.ID, "points": points[who][i], "reason": "Secondo la relazione tecnica e i campioni."})
		}
		if err := s.do(ctx, "commissioner-2", "POST", s.lotPath(0, "scores/"+s.bidOf["1"+who]), map[string]any{"scores": scores}, nil); err != nil {
			return err
		}
		s.say("%s: %s punti", "%s: %s points", strings.TrimPrefix(who, "supplier-"), strings.Join(points[who], " + "))
	}
	if err := s.do(ctx, "commissioner-1", "POST", s.lotPath(0, "lock-scores"), nil, nil); err != nil {
		return err
	}
	s.say("Punteggi bloccati: ora non cambiano più, e solo ora si possono aprire i prezzi.", "Scores locked: they cannot change any more, and only now may prices be opened.")
	return nil
}

func (s *story) economic(ctx context.Context) error {
	s.chapter("I prezzi e la graduatoria", "The prices and the ranking")
	names := map[string]string{}
	for key, id := range s.suppliers {
		names[id] = strings.TrimPrefix(key, "supplier-")
	}
	for i, who := range []string{"commissioner-1", "seggio"} {
		if err := s.do(ctx, who, "POST", s.lotPath(i, "open-economic"), nil, nil); err != nil {
			return err
		}
		if err := s.release(ctx, i, tender.Economic); err != nil {
			return err
		}
		var e struct {
			Ranking award.Ranking `json:"ranking"`
		}
		if err := s.do(ctx, who, "POST", s.lotPath(i, "rank"), nil, &e); err != nil {
			return err
		}
		s.rows(i, e.Ranking.Rows, names)
		if err := s.do(ctx, who, "POST", s.lotPath(i, "propose-award"), map[string]string{"bid": e.Ranking.Rows[0].Bid}, nil); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) rows(i int, rows []award.Row, names map[string]string) {
	points := money.Rounding{Mode: money.HalfUp, Decimals: 2}
	for _, r := range rows {
		s.say("Lotto %d, %d° %-7s ribasso %7s %%, prezzo %12s", "Lot %d, no. %d %-7s discount %7s %%, price %12s",
			i+1, r.Rank, names[r.Supplier], r.Discount, r.Price.Italian())
		if s.tender.Lots[i].Criterion.Method == tender.PriceQuality {
			s.say("        punti: tecnico %s + economico %s = %s", "        points: technical %s + economic %s = %s",
				points.Text(r.Technical), points.Text(r.Economic), points.Text(r.Total))
		}
	}
}

func (s *story) award(ctx context.Context) error {
	s.chapter("Verifiche, aggiudicazione, comunicazioni, stand still", "Checks, award, notices, standstill")
	for i := range s.tender.Lots {
		if err := s.do(ctx, "rup", "POST", s.lotPath(i, "verify-award"), map[string]any{"passed": true, "report": "FVOE consultato: requisiti confermati."}, nil); err != nil {
			return err
		}
		if err := s.do(ctx, "signatory", "POST", s.lotPath(i, "award"), map[string]string{"reason": "Si approva la proposta."}, nil); err != nil {
			return err
		}
		var e struct {
			Standstill time.Time `json:"standstill_until"`
		}
		if err := s.do(ctx, "rup", "POST", s.lotPath(i, "notify-award"), nil, &e); err != nil {
			return err
		}
		s.say("Lotto %d aggiudicato e comunicato; il contratto non prima del %s (art. 18 c. 3).", "Lot %d awarded and notified; no contract before %s (art. 18 c. 3).", i+1, tender.InRome(e.Standstill))
	}
	return nil
}

func (s *story) verify(ctx context.Context) error {
	s.chapter("Il revisore esporta il registro e lo verifica da sé", "The auditor exports the register and verifies it on his own")
	c, err := s.as(ctx, "auditor")
	if err != nil {
		return err
	}
	path := filepath.Join(s.folder, "registro.jsonl")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := c.Get(ctx, "/v1/authorities/"+s.authority+"/audit", f); err != nil {
		return err
	}
	var key struct{ Key string }
	if err := c.Do(ctx, "GET", "/v1/log-key", nil, &key); err != nil {
		return err
	}
	verifier, err := note.NewVerifier(key.Key)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, 0); err != nil {
		return err
	}
	report, err := audit.Verify(f, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	if err := tell(s.w, report); err != nil {
		return err
	}
	if err := s.recompute(ctx, c, key.Key); err != nil {
		return err
	}
	s.say("Da rifare quando vuole: sigillo verify %s --key '%s'", "To repeat at will: sigillo verify %s --key '%s'", path, key.Key)
	return nil
}

// recompute has the tender's bundle verified, and everything in it computed
// again.
func (s *story) recompute(ctx context.Context, c *client.Client, key string) error {
	path := filepath.Join(s.folder, "fascicolo.zip")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = c.Get(ctx, "/v1/authorities/"+s.authority+"/audit/bundle?tender="+s.tender.ID, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	var told bytes.Buffer
	again := recomputeCommand{logKey{key}, path}
	if err := again.Run(&world{ctx, &told, s.w.err, s.w.lang}); err != nil {
		return errors.Join(err, errors.New(told.String()))
	}
	lines := strings.Split(strings.TrimSpace(told.String()), "\n")
	s.say("Il fascicolo della gara è in fascicolo.zip, con le prove e un programma Python che lo verifica. %s",
		"The bundle of the tender is fascicolo.zip, with its proofs and a Python program that verifies it. %s", lines[len(lines)-1])
	return nil
}
