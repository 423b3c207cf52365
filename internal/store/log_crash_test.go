package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sigillo/audit"
	"sigillo/internal/fault"
	"sigillo/internal/objects"
	"sigillo/internal/objects/vaulttest"
	"sigillo/internal/store/storetest"
)

var errKilled = errors.New("killed")

// killer stops a program at a step drawn at random, and counts where it did.
type killer struct {
	mu   sync.Mutex
	left int // steps to live
	at   map[string]int
}

func (k *killer) after(step string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left--
	if k.left >= 0 {
		return nil
	}
	k.at[step]++
	return errKilled
}

// missed is a step at which nobody has been killed yet, or "".
func (k *killer) missed() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, step := range []string{"leaves", "tiles", "checkpoint", "commit", "signature", "before a tile", "after a tile",
		"before a checkpoint", "after a checkpoint", "before the checkpoint", "after the checkpoint", "before the mark"} {
		if k.at[step] == 0 {
			return step
		}
	}
	return ""
}

func (k *killer) revive() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left = rand.IntN(14)
}

// mortalShelf is a shelf whose program is killed before or after it writes.
type mortalShelf struct {
	audit.Shelf
	k *killer
}

func (m mortalShelf) around(step string, do func() error) error {
	if err := m.k.after("before " + step); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return m.k.after("after " + step)
}

func (m mortalShelf) Write(ctx context.Context, path string, body []byte) error {
	step := "a checkpoint"
	if _, err := audit.ParseTile(path); err == nil {
		step = "a tile"
	}
	return m.around(step, func() error { return m.Shelf.Write(ctx, path, body) })
}

func (m mortalShelf) Swap(ctx context.Context, path string, old, body []byte) error {
	return m.around("the checkpoint", func() error { return m.Shelf.Swap(ctx, path, old, body) })
}

// mortalSource is killed before it notes what is published.
type mortalSource struct {
	*Store
	k *killer
}

func (m mortalSource) MarkPublished(ctx context.Context, size uint64) error {
	if err := m.k.after("before the mark"); err != nil {
		return err
	}
	return m.Store.MarkPublished(ctx, size)
}

// reader watches the log from outside.
type reader struct {
	shelf audit.Shelf
	log   note.Verifier
}

func (r reader) Height() int                      { return 8 }
func (r reader) SaveTiles([]tlog.Tile, [][]byte)  {}
func (r reader) tile(path string) ([]byte, error) { return r.shelf.Read(context.Background(), path) }
func (r reader) checkpoint(at string) (audit.Checkpoint, error) {
	text, err := r.shelf.Read(context.Background(), at)
	if err != nil {
		return audit.Checkpoint{}, err
	}
	return audit.OpenCheckpoint(string(text), note.VerifierList(r.log))
}

func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		data, err := r.tile(audit.Tile{Level: t.L, N: uint64(t.N), Width: t.W}.Path())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Path(), err)
		}
		all = append(all, data)
	}
	return all, nil
}

// TestKilledAnywhereTheLogGoesOn: two programs integrate and publish, each
// killed again and again at every step, while four writers commit and give up.
// All that was committed is in the log and nothing else; no published
// checkpoint has a wrong root or goes back; from the published tiles alone all
// are proven to be one history.
func TestKilledAnywhereTheLogGoesOn(t *testing.T) {
	for name, on := range map[string]func(t *testing.T) (dsn, objects string){
		"sqlite+dir":  func(t *testing.T) (string, string) { return storetest.SQLite(t), t.TempDir() },
		"postgres+s3": func(t *testing.T) (string, string) { return storetest.Postgres(t), vaulttest.Service(t).String() },
	} {
		t.Run(name, func(t *testing.T) {
			dsn, address := on(t)
			crashLoop(t, dsn, address, 3*time.Second)
		})
	}
}

func crashLoop(t *testing.T, dsn, address string, lasting time.Duration) {
	s := open(t, dsn, nil)
	signer, verifier := logKeys(t)
	vault, err := objects.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	shelf := vault.Log()
	ctx, stop := context.WithTimeout(t.Context(), 15*lasting)
	defer stop()
	var committed atomic.Int64
	var restarts atomic.Int64
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				e := enteredAs(w*1_000_000 + i)
				tx := s.db.Begin()
				err := tx.Exec(insertEntry, e.tender, e.body, e.salt[:], e.leaf[:], noon.UnixMicro()).Error
				hold(5)
				if err == nil && i%10 == 9 {
					err = tx.Rollback().Error
				} else if err == nil {
					if err = tx.Commit().Error; err == nil {
						committed.Add(1)
					}
				}
				if err != nil {
					t.Error(err)
				}
				hold(8)
			}
		})
	}
	k := &killer{at: map[string]int{}}
	all.Go(func() { // on a busy machine it takes longer until all has happened
		time.Sleep(lasting)
		for ctx.Err() == nil && k.missed() != "" {
			time.Sleep(20 * time.Millisecond)
		}
		stop()
	})
	for range 2 {
		all.Go(func() {
			for ctx.Err() == nil {
				k.revive()
				_, err := s.integrate(context.Background(), signer, 1+rand.IntN(50), k.after)
				if err == nil {
					_, err = audit.NewPublisher(mortalSource{s, k}, mortalShelf{shelf, k}, verifier).Publish(context.Background())
				}
				if errors.Is(err, errKilled) {
					restarts.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			}
		})
	}
	look := reader{shelf, verifier}
	all.Go(func() { // somebody outside
		var last audit.Checkpoint
		for ctx.Err() == nil {
			c, err := look.checkpoint(audit.CheckpointPath)
			if f := fault.Of(err); f != nil && f.Kind == fault.NotFound {
				continue
			}
			if err != nil {
				t.Error(err)
				return
			}
			if c.Size < last.Size {
				t.Errorf("the checkpoint goes back from %d to %d", last.Size, c.Size)
			}
			if c.Size > last.Size && last.Size > 0 { // all it speaks of is there already
				look.consistent(t, last, c)
			}
			last = c
			time.Sleep(5 * time.Millisecond)
		}
	})
	all.Wait()
	integrateAll(t, s, signer, Batch)
	for {
		n, err := audit.NewPublisher(s, shelf, verifier).Publish(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	leaves := leavesOf(t, s)
	if n := count(t, s, "audit_entry"); int64(len(leaves)) != n || n != committed.Load() {
		t.Fatalf("%d committed, %d rows, %d leaves", committed.Load(), n, len(leaves))
	}
	var sizes []uint64
	if err := s.db.Raw("SELECT size FROM audit_checkpoint ORDER BY size").Scan(&sizes).Error; err != nil {
		t.Fatal(err)
	}
	var last audit.Checkpoint
	for _, size := range sizes {
		c, err := look.checkpoint("checkpoints/" + strconv.FormatUint(size, 10))
		if err != nil {
			t.Fatal("checkpoint", size, err)
		}
		if c.Size != size || c.Root != rootAt(leaves, size) {
			t.Fatal("wrong root at", size)
		}
		if last.Size > 0 {
			look.consistent(t, last, c)
		}
		last = c
	}
	if newest, err := look.checkpoint(audit.CheckpointPath); err != nil || newest.Size != last.Size || newest.Size != uint64(len(leaves)) {
		t.Fatal(newest.Size, last.Size, len(leaves), err)
	}
	t.Logf("%d leaves, %d checkpoints, %d restarts: %v", len(leaves), len(sizes), restarts.Load(), k.at)
	if step := k.missed(); step != "" {
		t.Errorf("never killed at %q", step)
	}
}

// consistent proves from published tiles alone that one checkpoint continues
// another, with the client of the Go checksum database.
func (r reader) consistent(t *testing.T, a, b audit.Checkpoint) {
	tree := tlog.Tree{N: int64(b.Size), Hash: tlog.Hash(b.Root)}
	p, err := tlog.ProveTree(tree.N, int64(a.Size), tlog.TileHashReader(tree, r))
	if err == nil {
		err = tlog.CheckTree(p, tree.N, tree.Hash, int64(a.Size), tlog.Hash(a.Root))
	}
	if err != nil {
		t.Errorf("from %d to %d: %v", a.Size, b.Size, err)
	}
}

func TestADatabaseThatWasSetBackPublishesNothing(t *testing.T) {
	signer, verifier := logKeys(t)
	vault, err := objects.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	publish := func(s *Store) error {
		_, err := audit.NewPublisher(s, vault.Log(), verifier).Publish(t.Context())
		return err
	}
	clock := func() time.Time { return noon }
	s := open(t, storetest.SQLite(t), clock)
	fill(t, s, 0, 300)
	integrateAll(t, s, signer, 100)
	if err := publish(s); err != nil {
		t.Fatal(err)
	}
	shorter := open(t, storetest.SQLite(t), clock)
	fill(t, shorter, 0, 200)
	integrateAll(t, shorter, signer, 100)
	if err := publish(shorter); !errors.Is(err, audit.ErrForked) {
		t.Fatal("shorter:", err)
	}
	other := open(t, storetest.SQLite(t), clock)
	fill(t, other, 1, 400)
	integrateAll(t, other, signer, 100)
	if err := publish(other); !errors.Is(err, audit.ErrForked) {
		t.Fatal("another history:", err)
	}
	_, stranger := logKeys(t)
	if _, err := audit.NewPublisher(s, vault.Log(), stranger).Publish(t.Context()); err != nil {
		t.Fatal("nothing to publish, nothing to refuse:", err)
	}
	fill(t, s, 300, 1)
	integrateAll(t, s, signer, 100)
	if _, err := audit.NewPublisher(s, vault.Log(), stranger).Publish(t.Context()); !errors.Is(err, audit.ErrForked) {
		t.Fatal("another key:", err)
	}
	if err := publish(s); err != nil {
		t.Fatal(err)
	}
}

// TestAnEmptiedShelfIsFilledAgain: the shelf and not the database says how far
// it got.
func TestAnEmptiedShelfIsFilledAgain(t *testing.T) {
	signer, verifier := logKeys(t)
	s := open(t, storetest.SQLite(t), func() time.Time { return noon })
	for i, n := range []int{300, 7} {
		fill(t, s, i*1000, n)
		integrateAll(t, s, signer, Batch)
		vault, err := objects.Open(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := audit.NewPublisher(s, vault.Log(), verifier).Publish(t.Context()); err != nil {
			t.Fatal(err)
		}
		look := reader{vault.Log(), verifier}
		c, err := look.checkpoint(audit.CheckpointPath)
		if err != nil {
			t.Fatal(err)
		}
		tree := tlog.Tree{N: int64(c.Size), Hash: tlog.Hash(c.Root)}
		for index := range tree.N {
			if _, err := tlog.ProveRecord(tree.N, index, tlog.TileHashReader(tree, look)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
