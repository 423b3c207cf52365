package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
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
}

// Run uploads what is not there yet, submits, and says what the platform
// recorded. Run again after any interruption, it finishes or finds it done.
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
	s := submission{api, w.err, w.lang}
	done, err := s.send(w.ctx, b, c.Envelope)
	if err != nil {
		return err
	}
	last := done.Sent[len(done.Sent)-1]
	fmt.Fprintln(w.out, fault.T("INVIATA: offerta %s, invio %d, ricevuta %s, manifesto %s", "SUBMITTED: bid %s, submission %d, received %s, manifest %s",
		done.ID, last.Number, tender.InRome(last.ReceivedAt), last.ManifestHash).In(w.lang))
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
	api  *client.Client
	out  io.Writer
	lang string
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
	sums := map[string][32]byte{}
	for _, e := range names {
		sum, err := hashFile(files[e])
		if err != nil {
			return nil, err
		}
		sums[e] = sum
		manifest = append(manifest, claim{e, hex.EncodeToString(sum[:])})
	}
	if b.State == bids.Submitted && matches(b.Sent[len(b.Sent)-1].Manifest, manifest) {
		return b, nil
	}
	for _, e := range names {
		there := slices.ContainsFunc(b.Uploads, func(u bids.Upload) bool { return string(u.Envelope) == e && u.SHA256 == sums[e] })
		if !there {
			if err := s.upload(ctx, b, e, files[e], sums[e]); err != nil {
				return nil, err
			}
		}
	}
	done := new(bidState)
	key := fmt.Sprintf("submit-%s-%d", b.ID, b.Version)
	return done, s.api.Do(ctx, "POST", "/v1/bids/"+b.ID+"/submit", map[string]any{"manifest": manifest}, done, client.Key(key))
}

func matches(sent []bids.Upload, manifest []claim) bool {
	return len(sent) == len(manifest) && !slices.ContainsFunc(manifest, func(c claim) bool {
		return !slices.ContainsFunc(sent, func(u bids.Upload) bool { return string(u.Envelope) == c.Envelope && u.SHA256.String() == c.SHA256 })
	})
}

func hashFile(path string) ([32]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return [32]byte{}, err
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return [32]byte(sum.Sum(nil)), err
}

func (s submission) upload(ctx context.Context, b *bidState, e, path string, sum [32]byte) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	p := &progress{r: f, out: s.out, what: e, size: info.Size(), began: time.Now(), lang: s.lang}
	if err := s.api.Put(ctx, "/v1/bids/"+b.ID+"/envelopes/"+e, sum, info.Size(), p, b); err != nil {
		return err
	}
	p.tell()
	return nil
}

// progress tells, at most once a second, how much has gone and how long the
// rest will take at the speed so far.
type progress struct {
	r           io.Reader
	out         io.Writer
	what, lang  string
	size, sent  int64
	began, last time.Time
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.sent += int64(n)
	if time.Since(p.last) > time.Second && p.sent < p.size {
		p.last = time.Now()
		p.tell()
	}
	return n, err
}

func (p *progress) tell() {
	took := time.Since(p.began)
	rest := time.Duration(0)
	if p.sent > 0 {
		rest = time.Duration(int64(took) / max(p.sent/1024, 1) * ((p.size - p.sent) / 1024)).Truncate(time.Second)
	}
	speed := p.sent * 1000 / max(took.Milliseconds(), 1) / 1024
	fmt.Fprintln(p.out, strings.TrimSpace(fault.T("Busta %s: %d di %d KiB, %d KiB/s, mancano %s", "Envelope %s: %d of %d KiB, %d KiB/s, %s left",
		p.what, p.sent/1024, (p.size+1023)/1024, speed, rest).In(p.lang)))
}
