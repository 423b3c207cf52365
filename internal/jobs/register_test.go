package jobs

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// pages is a register that may be away for a while.
type pages struct {
	integrated, published atomic.Int64
	away                  atomic.Bool
	stuck                 chan struct{}
}

func (p *pages) Integrate(context.Context) (int, error) {
	p.integrated.Add(1)
	if p.away.Load() {
		return 0, errors.New("the disk is full")
	}
	return 1, nil
}

func (p *pages) Publish(context.Context) (int, error) {
	p.published.Add(1)
	<-p.stuck
	return 0, nil
}

func TestTheLogGoesOnWhilePublishingIsStuckAndSaysAFailureOnce(t *testing.T) {
	var log bytes.Buffer
	b := New(&lots{stage: map[string]int{}}, func() (time.Time, error) { return noon, nil }, slog.New(slog.NewTextHandler(&log, nil)))
	p := &pages{stuck: make(chan struct{})}
	p.away.Store(true)
	b.Keep(t.Context(), p)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := func(n int64) {
		for want, begun := p.integrated.Load()+n, time.Now(); p.integrated.Load() < want; time.Sleep(10 * time.Millisecond) {
			if time.Since(begun) > 10*time.Second {
				t.Fatal("the log stands still")
			}
		}
	}
	began := time.Now()
	after(5)
	if took := time.Since(began); took > 4*time.Second {
		t.Error("five pulses took", took)
	}
	p.away.Store(false)
	after(3)
	close(p.stuck)
	b.Stop()
	if p.published.Load() != 1 {
		t.Error("publishing, while it was stuck, began", p.published.Load(), "times")
	}
	if text := log.String(); strings.Count(text, "not done") != 1 || strings.Count(text, "done again") != 1 {
		t.Error(text)
	}
}
