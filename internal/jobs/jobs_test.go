package jobs

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/tender"
)

var noon = time.Date(2027, 1, 15, 11, 0, 0, 0, time.UTC)

// lots is work whose data is how far each lot is: 0 open, 1 closed, 2 opened.
type lots struct {
	mu    sync.Mutex
	stage map[string]int
	done  []string
	fail  map[string]error
}

func (l *lots) Due(context.Context, time.Time) ([]tender.Due, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []tender.Due
	for id, n := range l.stage {
		if n < 2 {
			all = append(all, tender.Due{Action: []act.Action{act.CloseLot, act.OpenAdministrative}[n], Lot: id, At: noon})
		}
	}
	return all, nil
}

func (l *lots) Perform(_ context.Context, d tender.Due) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.fail[d.Lot]; err != nil {
		return err
	}
	n := slices.Index([]act.Action{act.CloseLot, act.OpenAdministrative}, d.Action)
	if l.stage[d.Lot] != n {
		return fault.New(fault.Conflict, "wrong-state", "già fatto", "done already")
	}
	l.stage[d.Lot]++
	l.done = append(l.done, string(d.Action)+" "+d.Lot)
	return nil
}

func (l *lots) Unfinished(context.Context) ([]string, error) { return nil, nil }
func (l *lots) Finish(context.Context, string) error         { return nil }
func (l *lots) Scrub(context.Context, time.Time) error       { return nil }
func (l *lots) Collect(context.Context, time.Time) error     { return nil }

func bell(w Work) *Bell {
	return New(w, func() (time.Time, error) { return noon, nil }, slog.New(slog.DiscardHandler))
}

func TestAT050OneRingDoesAllMoreRingsDoNothing(t *testing.T) {
	w := &lots{stage: map[string]int{"a": 0, "b": 1}, fail: map[string]error{"c": errors.New("x")}}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { bell(w).Ring(t.Context()) })
	}
	wg.Wait()
	slices.Sort(w.done)
	if got := w.done; !slices.Equal(got, []string{"close-lot a", "open-administrative a", "open-administrative b"}) {
		t.Fatal(got)
	}
}

func TestOneThatFailsDoesNotStopTheOthersAndIsTriedAgain(t *testing.T) {
	w := &lots{stage: map[string]int{"bad": 0, "good": 0}, fail: map[string]error{"bad": errors.New("the disk is full")}}
	b := bell(w)
	b.Ring(t.Context())
	if w.stage["good"] != 2 || w.stage["bad"] != 0 {
		t.Fatal(w.stage)
	}
	w.fail = nil
	b.Ring(t.Context())
	if w.stage["bad"] != 2 {
		t.Fatal(w.stage)
	}
}

// panicking work must not silence the bell for good.
type panicking struct {
	lots
	rings chan bool
}

func (p *panicking) Unfinished(context.Context) ([]string, error) {
	p.rings <- true
	panic("boom")
}

func TestTheBellSurvivesAPanic(t *testing.T) {
	w := &panicking{rings: make(chan bool, 10)}
	b := bell(w)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer b.Stop()
	for range 2 {
		select {
		case <-w.rings:
		case <-time.After(10 * time.Second):
			t.Fatal("after a panic the bell is silent")
		}
	}
}

func TestWithoutAClockNothingIsDone(t *testing.T) {
	w := &lots{stage: map[string]int{"a": 0}}
	New(w, func() (time.Time, error) { return time.Time{}, errors.New("no clock") }, slog.New(slog.DiscardHandler)).Ring(t.Context())
	if len(w.done) != 0 {
		t.Fatal(w.done)
	}
}
