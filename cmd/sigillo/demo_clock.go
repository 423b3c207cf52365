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
	rate   int64     // virtual nanoseconds in a real one
	finish time.Time // where a race ends; it is not overrun
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
	t := c.base.Add(time.Since(c.anchor) * time.Duration(c.rate))
	if !c.finish.IsZero() && t.After(c.finish) {
		return c.finish
	}
	return t
}

func (c *racingClock) set(rate int64, finish time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.anchor, c.rate, c.finish = c.now(), time.Now(), rate, finish
}

// RunTo races to an instant in about the given real time, then runs at its
// own pace again.
func (c *racingClock) RunTo(ctx context.Context, at time.Time, in time.Duration) error {
	ahead := at.Sub(c.Now())
	if ahead <= 0 {
		return nil
	}
	c.set(max(1, int64(ahead/in)), at)
	defer c.set(1, time.Time{})
	for c.Now().Before(at) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}
