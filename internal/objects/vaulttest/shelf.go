package vaulttest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"sigillo/audit"
	"sigillo/internal/fault"
)

// RunShelf checks a shelf for the log. make is called for a new one.
func RunShelf(t *testing.T, make func(t *testing.T) audit.Shelf) {
	t.Run("write once", func(t *testing.T) {
		s, ctx := make(t), t.Context()
		if _, err := s.Read(ctx, "tile/0/000"); fault.Of(err) == nil || fault.Of(err).Kind != fault.NotFound {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Write(ctx, "tile/0/000", []byte("one")); err != nil {
				t.Fatal("the same again is fine:", err)
			}
		}
		if err := s.Write(ctx, "tile/0/000", []byte("two")); !errors.Is(err, audit.ErrPublishedOtherwise) {
			t.Fatal(err)
		}
		if err := s.Write(ctx, "tile/0/000.p/1", []byte("part")); err != nil {
			t.Fatal("a partial tile lies beside the full one:", err)
		}
		if err := s.Write(ctx, "tile/0/x001/067", []byte("deep")); err != nil {
			t.Fatal(err)
		}
		if body, err := s.Read(ctx, "tile/0/000"); err != nil || string(body) != "one" {
			t.Fatal(string(body), err)
		}
	})
	t.Run("of many who write only one does", func(t *testing.T) {
		s := make(t)
		var done, refused atomic.Int64
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				switch err := s.Write(t.Context(), "checkpoints/1", fmt.Append(nil, i)); {
				case err == nil:
					done.Add(1)
				case errors.Is(err, audit.ErrPublishedOtherwise):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if done.Load() != 1 || refused.Load() != 7 {
			t.Fatal(done.Load(), refused.Load())
		}
	})
	t.Run("swap", func(t *testing.T) {
		s, ctx := make(t), t.Context()
		at := audit.CheckpointPath
		for _, x := range []struct {
			old, body string
			want      error
		}{
			{"something", "1", audit.ErrPublishedMeanwhile},
			{"", "1", nil},
			{"", "2", audit.ErrPublishedMeanwhile},
			{"2", "3", audit.ErrPublishedMeanwhile},
			{"1", "2", nil},
			{"1", "3", audit.ErrPublishedMeanwhile},
		} {
			var old []byte
			if x.old != "" {
				old = []byte(x.old)
			}
			if err := s.Swap(ctx, at, old, []byte(x.body)); !errors.Is(err, x.want) {
				t.Fatal(x, err)
			}
		}
		if body, err := s.Read(ctx, at); err != nil || string(body) != "2" {
			t.Fatal(string(body), err)
		}
	})
	t.Run("of many who swap only one does", func(t *testing.T) {
		s := make(t)
		for _, old := range [][]byte{nil, bytes.Repeat([]byte("x"), 100)} {
			if old != nil {
				if there, err := s.Read(t.Context(), "checkpoint"); err != nil {
					t.Fatal(err)
				} else if err := s.Swap(t.Context(), "checkpoint", there, old); err != nil {
					t.Fatal(err)
				}
			}
			var done atomic.Int64
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					if err := s.Swap(t.Context(), "checkpoint", old, fmt.Append(nil, "by ", i)); err == nil {
						done.Add(1)
					} else if !errors.Is(err, audit.ErrPublishedMeanwhile) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if done.Load() != 1 {
				t.Fatal(done.Load(), "swapped")
			}
		}
	})
}
