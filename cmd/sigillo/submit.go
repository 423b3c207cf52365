package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sigillo/bids"
	"sigillo/internal/client"
	"sigillo/internal/fault"
	"sigillo/tender"
)

type submitCommand struct {
	server
	Tender   string            `required:"" help:"Id of the tender."`
	Lot      int               `required:"" help:"Number of the lot."`
	Envelope map[string]string `required:"" help:"Sealed files: A=a.age B=b.age C=c.age."`
	Receipt  string            `default:"." help:"Folder for the receipt."`
}

// Run uploads what is not there yet, submits, and keeps the receipt. Run again
// after any interruption, it finishes or finds it done.
func (c *submitCommand) Run(w *world) error {
	api := c.client(w.lang)
	t, err := fetchTender(w.ctx, api, c.Tender)
	if err != nil {
		return err
	}
	l, err := t.lot(c.Lot)
	if err != nil {
		return err
	}
	left := time.Until(t.Timetable.Deadline).Truncate(time.Second)
	fmt.Fprintln(w.err, fault.T("Scadenza %s (tra %s).", "Deadline %s (in %s).", tender.InRome(t.Timetable.Deadline), left).In(w.lang))
	b, err := ownBid(w.ctx, api, t, l, bidRequest{Form: bids.Single})
	if err != nil {
		return err
	}
	s := submission{api: api, out: w.err, lang: w.lang, deadline: t.Timetable.Deadline}
	done, err := s.send(w.ctx, b, c.Envelope)
	if err != nil {
		return err
	}
	last := done.Sent[len(done.Sent)-1]
	fmt.Fprintln(w.out, fault.T("INVIATA: offerta %s, invio %d, ricevuta %s, manifesto %s", "SUBMITTED: bid %s, submission %d, received %s, manifest %s",
		done.ID, last.Number, tender.InRome(last.ReceivedAt), last.ManifestHash).In(w.lang))
	path, err := s.keepReceipt(w.ctx, done.ID, last.Number, c.Receipt)
	if err != nil {
		return err
	}
	fmt.Fprintln(w.out, fault.T("Ricevuta firmata: %s (si verifica con «sigillo verify receipt»)", "Signed receipt: %s (check it with “sigillo verify receipt”)", path).In(w.lang))
	return nil
}

// bidState is what the tools need of a bid.
type bidState struct {
	ID      string            `json:"id"`
	Version int               `json:"version"`
	Lot     string            `json:"lot"`
	State   bids.State        `json:"state"`
	Uploads []bids.Upload     `json:"uploads"`
	Sent    []bids.Submission `json:"sent"`
}

type bidRequest struct {
	Form    bids.Form     `json:"form"`
	Members []bids.Member `json:"members,omitempty"`
}

// ownBid finds the caller's bid for the lot, or drafts one.
func ownBid(ctx context.Context, api *client.Client, t *published, l *tender.Lot, r bidRequest) (*bidState, error) {
	after := ""
	for {
		var page struct {
			Items []bidState `json:"items"`
			Next  string     `json:"next"`
		}
		if err := api.Do(ctx, "GET", "/v1/bids?limit=100&after="+after, nil, &page); err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(page.Items, func(b bidState) bool { return b.Lot == l.ID }); i >= 0 {
			return &page.Items[i], nil
		}
		if after = page.Next; after == "" {
			b := new(bidState)
			return b, api.Do(ctx, "POST", fmt.Sprintf("/v1/tenders/%s/lots/%s/bids", t.ID, l.ID), r, b)
		}
	}
}

// submission sends one bid, telling how far it is.
type submission struct {
	api      *client.Client
	out      io.Writer
	lang     string
	deadline time.Time // by which the rest of an upload must be through; zero for none
}

// keepReceipt fetches the signed receipt of a sending and writes it to a
// folder, as JSON to be verified and as PDF to be read.
func (s submission) keepReceipt(ctx context.Context, bid string, sending int, folder string) (string, error) {
	name := fmt.Sprintf("ricevuta-%s-%d", bid[len(bid)-8:], sending)
	var path string
	for _, form := range []string{".pdf", ".json"} {
		var b bytes.Buffer
		address := fmt.Sprintf("/v1/bids/%s/receipts/%d", bid, sending)
		if form == ".pdf" {
			address += "/pdf"
		}
		if err := s.api.Get(ctx, address, &b); err != nil {
			return "", err
		}
		path = filepath.Join(folder, name+form)
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			return "", err
		}
	}
	return path, nil
}

type claim struct {
	Envelope string `json:"envelope"`
	SHA256   string `json:"sha256"`
}

// send uploads sealed files and submits them. If the very same files have been
// submitted already, it says so by returning the bid as it is.
func (s submission) send(ctx context.Context, b *bidState, files map[string]string) (*bidState, error) {
	var names []string
	for e := range files {
		names = append(names, e)
	}
	slices.Sort(names)
	var manifest []claim
	uploads := map[string]*client.Upload{}
	for _, e := range names {
		u, err := measured(files[e])
		if err != nil {
			return nil, err
		}
		u.Bid, u.Envelope = b.ID, e
		uploads[e] = u
		manifest = append(manifest, claim{e, u.Digest.String()})
	}
	if b.State == bids.Submitted && matches(b.Sent[len(b.Sent)-1].Manifest, manifest) {
		return b, nil
	}
	for _, e := range names {
		there := slices.ContainsFunc(b.Uploads, func(u bids.Upload) bool { return string(u.Envelope) == e && u.SHA256 == uploads[e].Digest })
		if !there {
			if err := s.upload(ctx, b, uploads[e], files[e]); err != nil {
				return nil, err
			}
		}
	}
	return s.submit(ctx, b, manifest)
}

// submit sends the manifest. When no answer comes, it is not known whether the
// bid was received: the same request is asked again until it is, and the
// platform answers what it answered, or would have answered, the first time.
func (s submission) submit(ctx context.Context, b *bidState, manifest []claim) (*bidState, error) {
	pressed := time.Now().UTC()
	key := fmt.Sprintf("submit-%s-%d-%d", b.ID, b.Version, pressed.UnixNano())
	body := map[string]any{"manifest": manifest, "pressed_at": pressed.Format(time.RFC3339Nano)}
	wait := 200 * time.Millisecond
	for {
		done := new(bidState)
		err := s.api.Do(ctx, "POST", "/v1/bids/"+b.ID+"/submit", body, done, client.Key(key))
		if err == nil {
			return done, nil
		}
		if k := fault.Of(err).Kind; k != fault.Unavailable && k != fault.Internal && k != fault.TooMany {
			return nil, err
		}
		fmt.Fprintln(s.out, fault.T("Non sappiamo ancora se è arrivata: non chiuda, stiamo controllando.", "We do not know yet whether it has arrived: do not close, we are checking.").In(s.lang))
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(wait):
		}
		wait = min(2*wait, 3*time.Second)
	}
}

func matches(sent []bids.Upload, manifest []claim) bool {
	return len(sent) == len(manifest) && !slices.ContainsFunc(manifest, func(c claim) bool {
		return !slices.ContainsFunc(sent, func(u bids.Upload) bool { return string(u.Envelope) == c.Envelope && u.SHA256.String() == c.SHA256 })
	})
}

// measured opens a sealed file and digests it part by part.
func measured(path string) (*client.Upload, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	u := &client.Upload{Size: info.Size()}
	u.Parts, u.Digest, err = client.Measure(f, info.Size())
	return u, err
}

func (s submission) upload(ctx context.Context, b *bidState, u *client.Upload, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var last time.Time
	u.Tell = func(p client.Progress) {
		if p.Sent < p.Size && time.Since(last) < time.Second {
			return
		}
		last = time.Now()
		s.tell(u.Envelope, p)
	}
	return u.Do(ctx, s.api, f, b)
}

// tell says how far an upload is, at what speed, when it will end, and whether
// that is before the deadline.
func (s submission) tell(envelope string, p client.Progress) {
	line := fault.T("Busta %s: %d di %d KiB, %d KiB/s", "Envelope %s: %d of %d KiB, %d KiB/s", envelope, p.Sent>>10, (p.Size+1023)>>10, p.Speed>>10)
	if left := p.Left(); p.Sent < p.Size && left > 0 {
		more := fault.T(", mancano %s", ", %s left", left)
		if end := time.Now().Add(left); !s.deadline.IsZero() && end.After(s.deadline) {
			more = fault.T(", mancano %s: A QUESTA VELOCITÀ FINISCE DOPO IL TERMINE", ", %s left: AT THIS SPEED IT ENDS AFTER THE DEADLINE", left)
		}
		line.IT, line.EN = line.IT+more.IT, line.EN+more.EN
	}
	if p.Broken > 0 {
		more := fault.T(" (riprese: %d)", " (resumed: %d)", p.Broken)
		line.IT, line.EN = line.IT+more.IT, line.EN+more.EN
	}
	fmt.Fprintln(s.out, line.In(s.lang))
}
