package client

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sigillo/docs"
	"sigillo/internal/fault"
)

// Upload sends one sealed file in parts, over links that break: what has
// arrived is not sent again, today or after a restart.
type Upload struct {
	Bid, Envelope string
	Digest        docs.Hash
	Parts         []docs.Part // of the whole file
	Size          int64
	// Tell is called as bytes go; it may be nil. It is not called by two
	// goroutines at once.
	Tell func(Progress)
	// Workers is how many parts go at once; 0 means 4.
	Workers int
	// Patience is the longest wait before trying again; 0 means five seconds.
	Patience time.Duration

	through atomic.Bool // this store takes parts through the platform only
}

// Progress is how far an upload is.
type Progress struct {
	Sent, Size int64 // bytes; what was there already counts as sent
	// Speed in bytes a second over the last half minute, 0 when not known.
	Speed int64
	// Broken is how many times the link gave way.
	Broken int
}

// Left is how long the rest takes at this speed, 0 when not known.
func (p Progress) Left() time.Duration {
	if p.Speed <= 0 {
		return 0
	}
	return time.Duration((p.Size-p.Sent)/p.Speed+1) * time.Second
}

// uploadState is what the platform says of an upload.
type uploadState struct {
	ID     string `json:"id"`
	Stored []struct {
		Number int       `json:"number"`
		SHA256 docs.Hash `json:"sha256"`
	} `json:"stored"`
}

// Do uploads until the file is whole, then reads the bid into out. What the
// platform refuses ends it; a link that breaks does not, until ctx ends.
func (u *Upload) Do(ctx context.Context, c *Client, file io.ReaderAt, out any) error {
	var state uploadState
	if err := u.keep(ctx, func() error {
		return c.Do(ctx, http.MethodPost, "/v1/bids/"+u.Bid+"/uploads",
			map[string]any{"envelope": u.Envelope, "digest": u.Digest.String(), "size": u.Size}, &state)
	}); err != nil {
		return err
	}
	m := &meter{u: u, began: time.Now()}
	var missing []docs.Part
	for _, p := range u.Parts {
		if slices.ContainsFunc(state.Stored, func(s struct {
			Number int       `json:"number"`
			SHA256 docs.Hash `json:"sha256"`
		}) bool {
			return s.Number == p.Number && s.SHA256 == p.SHA256
		}) {
			m.had += p.Size
		} else {
			missing = append(missing, p)
		}
	}
	if err := u.send(ctx, c, state.ID, file, missing, m); err != nil {
		return err
	}
	return u.keep(ctx, func() error { return c.Do(ctx, http.MethodPost, "/v1/uploads/"+state.ID+"/finish", nil, out) })
}

// send puts the missing parts, several at once, the first of them first: it
// shows whether the file is what it should be, and stops the others if not.
func (u *Upload) send(ctx context.Context, c *Client, id string, file io.ReaderAt, missing []docs.Part, m *meter) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	queue := make(chan docs.Part)
	var group sync.WaitGroup
	workers := u.Workers
	if workers == 0 {
		workers = 4
	}
	for range min(workers, len(missing)) {
		group.Go(func() {
			for p := range queue {
				if err := u.part(ctx, c, id, file, p, m); err != nil {
					stop(err)
					return
				}
			}
		})
	}
	for _, p := range missing {
		select {
		case queue <- p:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(queue)
	group.Wait()
	return context.Cause(ctx)
}

func (u *Upload) part(ctx context.Context, c *Client, id string, file io.ReaderAt, p docs.Part, m *meter) error {
	path := fmt.Sprintf("/v1/uploads/%s/parts/%d", id, p.Number)
	first := true
	return u.keep(ctx, func() error {
		if !first {
			m.broke()
		}
		first = false
		var at struct {
			Direct  bool              `json:"direct"`
			URL     string            `json:"url"`
			Headers map[string]string `json:"headers"`
		}
		if !u.through.Load() {
			if err := c.Do(ctx, http.MethodPost, path+"/address", map[string]string{"sha256": p.SHA256.String()}, &at); err != nil {
				return err
			}
			u.through.Store(!at.Direct)
		}
		body := &metered{r: io.NewSectionReader(file, int64(p.Number-1)*docs.PartSize, p.Size), m: m}
		var err error
		if at.Direct {
			if err = putDirect(ctx, c, at.URL, at.Headers, p.Size, body); err == nil {
				err = c.Do(ctx, http.MethodPost, path+"/stored", nil, nil)
			}
		} else {
			err = c.Put(ctx, path, p.SHA256, p.Size, body, nil)
		}
		if err != nil {
			m.back(body)
		}
		return err
	})
}

// putDirect puts a part straight to the object store, which checks its digest.
func putDirect(ctx context.Context, c *Client, url string, headers map[string]string, size int64, body io.Reader) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, url, body)
	if err != nil {
		return err
	}
	r.ContentLength = size
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	h := c.HTTP
	if h == nil {
		h = http.DefaultClient
	}
	resp, err := h.Do(r)
	if err != nil {
		return broken(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode >= 400 {
		return broken(fmt.Errorf("the object store answers %s", resp.Status))
	}
	return nil
}

func broken(err error) error {
	return fault.New(fault.Unavailable, "no-answer", "Il collegamento si è interrotto: si riprova.", "The link broke: trying again.").Because(err)
}

// keep tries again what a broken link or a busy platform has stopped, ever more
// patiently, and gives up only when ctx ends or the platform refuses.
func (u *Upload) keep(ctx context.Context, do func() error) error {
	most := u.Patience
	if most == 0 {
		most = 5 * time.Second
	}
	wait := min(200*time.Millisecond, most)
	for {
		err := do()
		f := fault.Of(err)
		if f == nil {
			return nil
		}
		again := f.Kind == fault.Unavailable || f.Kind == fault.TooMany || f.Kind == fault.Internal || f.Code == "truncated-upload" || f.Code == "wrong-digest" || f.Code == "too-slow"
		if !again {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
		wait = min(2*wait, most)
	}
}

// meter adds up what all workers send.
type meter struct {
	u     *Upload
	began time.Time

	mu        sync.Mutex
	had, sent int64
	failed    int
	marks     []mark // of the last half minute
}

type mark struct {
	at   time.Time
	sent int64
}

func (m *meter) add(b *metered, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b.void {
		return
	}
	b.n += n
	m.sent += n
	now := time.Now()
	done := m.had+m.sent == m.u.Size
	if len(m.marks) > 0 && now.Sub(m.marks[len(m.marks)-1].at) < 100*time.Millisecond && !done {
		return
	}
	m.marks = append(m.marks, mark{now, m.sent})
	for len(m.marks) > 2 && now.Sub(m.marks[0].at) > 30*time.Second {
		m.marks = m.marks[1:]
	}
	if m.u.Tell == nil {
		return
	}
	p := Progress{Sent: m.had + m.sent, Size: m.u.Size, Broken: m.failed}
	if span := now.Sub(m.marks[0].at).Milliseconds(); span > 200 {
		p.Speed = max(0, (m.sent-m.marks[0].sent)*1000/span)
	}
	m.u.Tell(p)
}

// back takes back what was sent of a part that did not arrive. An answer that
// comes before the body is through leaves the link still reading it: what it
// reads from here on counts no more.
func (m *meter) back(b *metered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b.void = true
	m.sent -= b.n
	m.marks = nil
}

func (m *meter) broke() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed++
}

// metered is the body of one attempt at one part.
type metered struct {
	r io.Reader
	m *meter

	n    int64 // guarded by m.mu, like void
	void bool
}

func (b *metered) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if n > 0 {
		b.m.add(b, int64(n))
	}
	return n, err
}

// Measure reads a sealed file and tells its parts and digest.
func Measure(file io.ReaderAt, size int64) ([]docs.Part, docs.Hash, error) {
	parts := make([]docs.Part, docs.PartCount(size))
	errs := make([]error, len(parts))
	var group sync.WaitGroup
	turns := make(chan struct{}, 4)
	for i := range parts {
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			length := docs.PartLength(size, i+1)
			sum := sha256.New()
			n, err := io.CopyBuffer(struct{ io.Writer }{sum}, io.NewSectionReader(file, int64(i)*docs.PartSize, length), make([]byte, 1<<20))
			if err == nil && n != length {
				err = io.ErrUnexpectedEOF
			}
			parts[i], errs[i] = docs.Part{Number: i + 1, Size: length, SHA256: docs.Hash(sum.Sum(nil))}, err
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, docs.Hash{}, err
		}
	}
	return parts, docs.PartsDigest(parts), nil
}
