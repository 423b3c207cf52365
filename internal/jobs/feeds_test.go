package jobs

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// hooks is a world in which one receiver hangs.
type hooks struct {
	derived, delivered atomic.Int64
	hangs              chan bool
}

func (h *hooks) Derive(context.Context) (int, error) { h.derived.Add(1); return 0, nil }
func (h *hooks) Deliver(context.Context) (int, error) {
	if h.delivered.Add(1) == 1 {
		<-h.hangs
	}
	return 0, nil
}

func TestOneReceiverThatHangsKeepsNobodyElseWaiting(t *testing.T) {
	b := bell(&lots{stage: map[string]int{}})
	h := &hooks{hangs: make(chan bool)}
	b.Tell(t.Context(), h)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); h.delivered.Load() < 2*lanes || h.derived.Load() < 4; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("the others wait:", h.delivered.Load(), h.derived.Load())
		}
	}
	close(h.hangs)
	b.Stop()
}
