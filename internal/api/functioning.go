package api

import (
	"context"
	"sync"
	"time"

	"sigillo/bids"
	"sigillo/internal/fault"
	"sigillo/internal/health"
	"sigillo/tender"
)

// FunctioningKind is the kind of statement a functioning certificate is signed
// as.
const FunctioningKind = "functioning-certificate"

// Functioning says how the platform worked while a tender took bids.
type Functioning struct {
	Tender   bids.Named `json:"tender"`
	Deadline time.Time  `json:"deadline"`
	health.Certificate
	// Extension that the interruptions before the deadline would call for; a
	// proposal to the RUP.
	Extension string `json:"proposed_extension,omitempty"`
}

// DossierBody is a dossier with how the platform worked meanwhile.
type DossierBody struct {
	bids.Dossier
	Functioning *health.Certificate `json:"functioning,omitempty"`
}

func (a *API) functioning(ctx context.Context, t *tender.Tender, from, to string) (Functioning, error) {
	var fs fault.Fields
	now, err := a.s.Now()
	if err != nil {
		return Functioning{}, err
	}
	begin, end := t.CreatedAt, now
	if t.PublishedAt != nil {
		begin = *t.PublishedAt
	}
	if t.Timetable.Deadline.After(begin) && t.Timetable.Deadline.Before(end) {
		end = t.Timetable.Deadline
	}
	for _, x := range []struct {
		name, text string
		into       *time.Time
	}{{"query:from", from, &begin}, {"query:to", to, &end}} {
		if x.text == "" {
			continue
		}
		if *x.into, err = time.Parse(time.RFC3339, x.text); err != nil {
			fs.Add(x.name, "bad-instant", "Scriva un istante RFC 3339.", "Write an RFC 3339 instant.")
		}
	}
	begin, end = begin.UTC().Truncate(time.Second), end.UTC().Truncate(time.Second)
	if len(fs) == 0 && (!begin.Before(end) || end.Sub(begin) > 400*24*time.Hour) {
		fs.Add("query:to", "bad-window", "La finestra è vuota o più lunga di 400 giorni.", "The window is empty or longer than 400 days.")
	}
	if err := fs.Err("bad-window", "Finestra non valida.", "Invalid window."); err != nil {
		return Functioning{}, err
	}
	c, err := a.certify(ctx, begin, end)
	if err != nil {
		return Functioning{}, err
	}
	f := Functioning{Tender: bids.Named{ID: t.ID, Name: t.Title}, Deadline: t.Timetable.Deadline, Certificate: c}
	if extra := health.Current.Propose(c, t.Timetable.Deadline); extra > 0 {
		f.Extension = extra.String()
	}
	return f, nil
}

func (a *API) certify(ctx context.Context, from, to time.Time) (health.Certificate, error) {
	probes, err := a.s.Probes.Probes(ctx, from, to)
	return health.Certify(from, to, probes), err
}

// around certifies the time from a bid's first upload to its last sending, or
// attempt; nil when nothing was uploaded.
func (a *API) around(ctx context.Context, d bids.Dossier) (*health.Certificate, error) {
	var from, to time.Time
	span := func(at time.Time) {
		if at.IsZero() {
			return
		}
		if from.IsZero() || at.Before(from) {
			from = at
		}
		if at.After(to) {
			to = at
		}
	}
	for _, u := range d.Uploads {
		span(u.BegunAt)
		for _, p := range u.Parts {
			span(p.To)
		}
		for _, i := range u.Interrupt {
			span(i.At)
		}
	}
	for _, s := range d.Sent {
		span(s.ReceivedAt)
	}
	for _, l := range d.Late {
		span(l.At)
	}
	if from.IsZero() {
		return nil, nil
	}
	c, err := a.certify(ctx, from.Truncate(time.Second), to.Add(time.Minute).Truncate(time.Second))
	return &c, err
}

// work counts what the probes ask for: failures and the slowest answer, and
// never how many asked.
type work struct {
	mu      sync.Mutex
	errors  int
	slowest time.Duration
}

func (w *work) note(status int, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if status >= 500 {
		w.errors++
	}
	w.slowest = max(w.slowest, took)
}

// Served tells of the requests since it was last asked.
func (a *API) Served() (errors int, slowest time.Duration) {
	a.work.mu.Lock()
	defer a.work.mu.Unlock()
	errors, slowest = a.work.errors, a.work.slowest
	a.work.errors, a.work.slowest = 0, 0
	return errors, slowest
}
