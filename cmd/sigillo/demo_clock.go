package main

import (
	"context"
	"sync"
	"time"
)

// racingClock is the clock of the demonstration. It runs like any other, and
// races when it is told to, always forward.
type racingClock struct {
	mu     sync.Mutex
	base   time.Time // what it showed at anchor
	anchor time.Time
	rate   int64 // virtual nanoseconds in a real one
}

func newRacingClock(at time.Time) *racingClock {
	return &racingClock{base: at, anchor: time.Now(), rate: 1}
}

// Now is what the clock shows.
func (c *racingClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *racingClock) now() time.Time {
	return c.base.Add(time.Since(c.anchor) * time.Duration(c.rate))
}

func (c *racingClock) setRate(rate int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.anchor, c.rate = c.now(), time.Now(), rate
}

// RunTo races to an instant in about the given real time, then runs at its
// own pace again. It may arrive a little after, never before.
func (c *racingClock) RunTo(ctx context.Context, at time.Time, in time.Duration) error {
	ahead := at.Sub(c.Now())
	if ahead <= 0 {
		return nil
	}
	c.setRate(max(1, int64(ahead/in)))
	defer c.setRate(1)
	for c.Now().Before(at) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}
