package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sigillo/docs"
	"sigillo/internal/client"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
	"sigillo/tender"
)

type benchUploadCommand struct {
	Size     int64  `default:"256" help:"Size of the envelope, in MiB."`
	Rounds   int    `default:"4" help:"How often each way is gone, by turns."`
	Breaks   int    `default:"0" help:"How often the link breaks in the middle of a part."`
	Database string `env:"SIGILLO_DATABASE,TEST_DATABASE_URL" help:"PostgreSQL server to make a database on; SQLite without."`
	Objects  string `env:"SIGILLO_OBJECTS,TEST_S3_URL" help:"S3 store to make a bucket on; a folder without."`
	JSON     bool   `name:"json" help:"Write the report as JSON."`
}

// uploadReport holds speeds in MiB a second. Ratio is the platform's to the
// store's alone, 1 is as fast.
type uploadReport struct {
	Size     int64   `json:"mib"`
	Rounds   int     `json:"rounds"`
	Straight float64 `json:"straight"`
	Platform float64 `json:"platform"`
	Ratio    float64 `json:"ratio"`
	Broken   int     `json:"broken"`
}

// Run uploads a sealed envelope through the platform and, by turns, the same
// parts in the same way straight to the same store: the same number at once,
// each with its digest. Every upload is of other bytes, and its digest is
// checked from the store at the end.
func (c *benchUploadCommand) Run(w *world) error {
	ground, err := newGround(w.ctx, c.Database, c.Objects)
	if err != nil {
		return err
	}
	ground.settings.MaxUpload = 64 << 30
	defer ground.drop()
	f, err := newField(w.ctx, ground)
	if err != nil {
		return err
	}
	defer f.stop()
	t, err := f.publish(w.ctx)
	if err != nil {
		return err
	}
	r, err := f.enrol(w.ctx, 1)
	if err != nil {
		return err
	}
	if err := r.draft(w.ctx, t); err != nil {
		return err
	}
	var straight, platform []time.Duration
	broken := 0
	for range c.Rounds {
		file, u, err := c.envelope(t, r)
		if err != nil {
			return err
		}
		took, err := c.straight(w.ctx, f.p.vault, file, u)
		if err == nil {
			straight = append(straight, took)
			os.Remove(file.Name())
			file.Close()
			if file, u, err = c.envelope(t, r); err == nil {
				took, err = c.through(w.ctx, f, r, file, u, &broken)
				platform = append(platform, took)
			}
		}
		if file != nil {
			os.Remove(file.Name())
			file.Close()
		}
		if err != nil {
			return err
		}
	}
	speed := func(all []time.Duration) float64 {
		slices.Sort(all)
		return float64(c.Size) / all[len(all)/2].Seconds()
	}
	report := uploadReport{Size: c.Size, Rounds: c.Rounds, Straight: speed(straight), Platform: speed(platform), Broken: broken}
	report.Ratio = report.Platform / report.Straight
	if c.JSON {
		return json.NewEncoder(w.out).Encode(report)
	}
	fmt.Fprintln(w.out, fault.T("caricare %d MiB: dalla piattaforma %.0f MiB/s, direttamente %.0f: %.2f (interruzioni: %d; impronte giuste)",
		"uploading %d MiB: through the platform %.0f MiB/s, straight %.0f: %.2f (broken links: %d; digests right)",
		report.Size, report.Platform, report.Straight, report.Ratio, report.Broken).In(w.lang))
	return nil
}

// envelope seals one of the size asked for.
func (c *benchUploadCommand) envelope(t *published, r *rival) (*os.File, *client.Upload, error) {
	size := c.Size << 20
	body := func() io.Reader { return io.LimitReader(&pattern{}, size) }
	n, digest, check, err := seal.Measure(body())
	if err != nil {
		return nil, nil, err
	}
	l := t.Lots[0]
	contents := seal.Contents{Label: seal.Label{Authority: t.Buyer.ID, Tender: t.ID, Lot: l.ID, Envelope: "A", Supplier: r.supplier},
		Items: []seal.Item{{Name: "relazione.bin", Kind: "other", Size: n, SHA256: digest}}}
	recipient := ""
	for _, k := range t.Keys {
		if k.Lot == l.ID && k.Envelope == tender.Administrative {
			recipient = k.Recipient
		}
	}
	f, err := os.CreateTemp("", "sigillo-bench-*.age")
	if err != nil {
		return nil, nil, err
	}
	_, err = seal.Seal(f, t.Custody.Policy(recipient), contents, []seal.Source{{Check: check, Open: func() (io.ReadCloser, error) { return io.NopCloser(body()), nil }}})
	if err != nil {
		return f, nil, err
	}
	u, err := measured(f.Name())
	return f, u, err
}

// pattern is a document without end.
type pattern struct{ at byte }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		p.at += 7
		b[i] = p.at
	}
	return len(b), nil
}

// through uploads by the client protocol; the time runs until the platform has
// noted the envelope.
func (c *benchUploadCommand) through(ctx context.Context, f *field, r *rival, file *os.File, u *client.Upload, broken *int) (time.Duration, error) {
	u.Bid, u.Envelope = r.bid, "A"
	u.Tell = func(p client.Progress) { *broken = max(*broken, p.Broken) }
	api := *r.api
	link := &breaking{base: api.HTTP.Transport}
	link.left.Store(int32(c.Breaks))
	api.HTTP = &http.Client{Transport: link}
	var b bidState
	began := time.Now()
	if err := u.Do(ctx, &api, file, &b); err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took, c.right(ctx, f.p.vault, u)
}

// right reads the file from the store and compares its digest.
func (c *benchUploadCommand) right(ctx context.Context, vault docs.Vault, u *client.Upload) error {
	r, n, err := vault.Open(ctx, docs.AreaSealed, u.Digest)
	if err != nil {
		return err
	}
	defer r.Close()
	sum := docs.NewPartsHash()
	if _, err := io.Copy(sum, r); err != nil {
		return err
	}
	if n != u.Size || sum.Digest() != u.Digest {
		return errors.New("what is stored is not what was sent")
	}
	return nil
}

// straight puts the same parts to the store itself: where it gives addresses,
// to those, as a client of the store does; else by calling it.
func (c *benchUploadCommand) straight(ctx context.Context, vault docs.Vault, file *os.File, u *client.Upload) (time.Duration, error) {
	began := time.Now()
	up, err := vault.Begin(ctx, docs.AreaSealed, u.Digest, u.Size)
	if err != nil {
		return 0, err
	}
	queue := make(chan docs.Part, len(u.Parts))
	for _, p := range u.Parts {
		queue <- p
	}
	close(queue)
	errs := make([]error, 4)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			for p := range queue {
				if err := c.part(ctx, vault, up, file, p); err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	err = vault.Finish(ctx, up)
	return time.Since(began), err
}

func (c *benchUploadCommand) part(ctx context.Context, vault docs.Vault, up docs.Upload, file *os.File, p docs.Part) error {
	body := io.NewSectionReader(file, int64(p.Number-1)*docs.PartSize, p.Size)
	at, err := vault.Address(ctx, up, p.Number, p.SHA256, time.Hour)
	if err != nil {
		return err
	}
	if at == nil {
		return vault.PutPart(ctx, up, p.Number, p.SHA256, body)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, at.URL, body)
	if err != nil {
		return err
	}
	r.ContentLength = p.Size
	for k, v := range at.Header {
		r.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return fmt.Errorf("the object store answers %s", resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// breaking is a link that gives way in the middle of a part, so many times.
type breaking struct {
	left atomic.Int32
	base http.RoundTripper
}

func (b *breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPut || r.ContentLength < 1000 || b.left.Add(-1) < 0 {
		return b.base.RoundTrip(r)
	}
	bent := r.Clone(r.Context())
	bent.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(r.Body, rand.Int64N(r.ContentLength)), gaveWay{}), r.Body}
	return b.base.RoundTrip(bent)
}

type gaveWay struct{}

func (gaveWay) Read([]byte) (int, error) { return 0, errors.New("the link broke") }
