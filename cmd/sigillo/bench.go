package main

import (
	"context"
	"sync"
	"sync/atomic"
)

// benchCommand measures the platform where it is going to stand. Its figures
// are reported and never asserted: what is asserted are counts.
type benchCommand struct {
	Rush   rushCommand        `cmd:"" help:"Many suppliers submit in the last minute: nothing late, nothing lost, and how long they waited."`
	Upload benchUploadCommand `cmd:"" help:"Uploading through the platform against the same parts straight to the same store."`
	Seal   benchSealCommand   `cmd:"" help:"Sealing and opening against plain age, as a ratio in one run."`
}

// parallel does n things with some workers, and ends early at the first that
// fails.
func parallel(ctx context.Context, n, workers int, f func(context.Context, int) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, workers) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := f(ctx, i); err != nil {
					stop(err)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}
