package audit

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/mod/sumdb/note"

	"sigillo/internal/fault"
)

// Shelf is where a log lies open to everybody, under the paths of C2SP
// tlog-tiles. Every implementation passes the same suite of tests.
type Shelf interface {
	// Read gets what lies at a path. Fault: not found.
	Read(ctx context.Context, path string) ([]byte, error)
	// Write puts something at a path for ever. Writing the same again is fine.
	// Fault: published-otherwise.
	Write(ctx context.Context, path string, body []byte) error
	// Swap replaces what lies at a path, old, by something else; old is nil where
	// nothing lies yet. Of many who swap the same, one does. Fault:
	// published-meanwhile.
	Swap(ctx context.Context, path string, old, body []byte) error
}

// The faults every shelf answers with.
var (
	ErrPublishedOtherwise = fault.New(fault.Conflict, "published-otherwise", "Con questo nome è già pubblicato altro: quanto è pubblicato non si cambia.",
		"Something else is published under this name: what is published does not change.")
	ErrPublishedMeanwhile = fault.New(fault.Stale, "published-meanwhile", "Un'altra replica ha pubblicato nel frattempo.",
		"Another replica has published meanwhile.")
)

// Where checkpoints lie: the newest, and every one under its size.
const (
	CheckpointPath    = "checkpoint"
	checkpointsFolder = "checkpoints/"
)

// Source is a log whose checkpoints are signed.
type Source interface {
	// Unpublished lists the notes of signed checkpoints that are not published,
	// from the smallest.
	Unpublished(ctx context.Context, limit int) ([]string, error)
	// Signed is the note of the checkpoint of that size. Fault: not found.
	Signed(ctx context.Context, size uint64) (string, error)
	// MarkPublished notes that this checkpoint is.
	MarkPublished(ctx context.Context, size uint64) error
	// Tiles reads the tiles of the log, as wide as is asked for.
	Tiles(ctx context.Context) TileReader
}

// Publisher lays a log open: hashes and checkpoints, and no entry. It may be
// stopped anywhere and run in many replicas at once.
type Publisher struct {
	source Source
	shelf  Shelf
	log    note.Verifier
}

// NewPublisher makes a publisher of the log whose checkpoints that key signs.
func NewPublisher(source Source, shelf Shelf, log note.Verifier) *Publisher {
	return &Publisher{source, shelf, log}
}

// ErrForked says that what is published is the log of another history.
var ErrForked = fault.New(fault.Internal, "forked-log",
	"Il registro pubblicato non è l'inizio di quello in archivio: l'archivio è stato riportato indietro o modificato. Non pubblichi nulla prima di averne trovato la causa.",
	"The published log is not the beginning of the one in the database: the database was set back or changed. Publish nothing before the cause is found.")

const (
	publishAtOnce = 100 // checkpoints in one run, so that a run comes to an end
	tilesAtOnce   = 64  // tiles in memory
)

// Publish lays open every checkpoint that was signed and is not published yet,
// in their order: first its tiles, then the checkpoint under its size, and the
// mutable checkpoint last, so that whoever reads it finds all it speaks of. It
// tells how many. What another replica is publishing is left to it. Fault:
// forked-log.
func (p *Publisher) Publish(ctx context.Context) (int, error) {
	pending, err := p.source.Unpublished(ctx, publishAtOnce)
	if err != nil || len(pending) == 0 {
		return 0, err
	}
	// The shelf and not the database says how far it got: it may be another one
	// than before.
	shown, size, err := p.shown(ctx)
	if err != nil {
		return 0, err
	}
	for i, text := range pending {
		c, _, err := openNote(text, p.log, nil)
		if err != nil {
			return i, err
		}
		if c.Size > size {
			err := p.show(ctx, shown, size, text, c)
			if errors.Is(err, ErrPublishedMeanwhile) {
				return i, nil
			}
			if err != nil {
				return i, err
			}
			shown, size = []byte(text), c.Size
		}
		if err := p.source.MarkPublished(ctx, c.Size); err != nil {
			return i, err
		}
	}
	return len(pending), nil
}

// shown is the checkpoint that is published, nil when none is, and its size.
func (p *Publisher) shown(ctx context.Context) ([]byte, uint64, error) {
	text, err := p.shelf.Read(ctx, CheckpointPath)
	if f := fault.Of(err); f != nil && f.Kind == fault.NotFound {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	c, _, err := openNote(string(text), p.log, nil)
	if err != nil {
		return nil, 0, ErrForked.Because(err)
	}
	ours, err := p.source.Signed(ctx, c.Size)
	if f := fault.Of(err); f != nil && f.Kind != fault.NotFound {
		return nil, 0, err
	}
	if err != nil || !sameStatement(ours, string(text)) {
		return nil, 0, ErrForked.Because(fmt.Errorf("published up to %d", c.Size))
	}
	return text, c.Size, nil
}

func (p *Publisher) show(ctx context.Context, old []byte, from uint64, text string, c Checkpoint) error {
	read := p.source.Tiles(ctx)
	if root, err := RootOf(c.Size, read); err != nil || root != c.Root {
		return ErrForked.Because(errors.Join(err, fmt.Errorf("the tiles of size %d have another root than the checkpoint", c.Size)))
	}
	tiles, err := NewTiles(from, c.Size)
	if err != nil {
		return err
	}
	for len(tiles) > 0 {
		some := tiles[:min(len(tiles), tilesAtOnce)]
		tiles = tiles[len(some):]
		data, err := read.all(some)
		if err != nil {
			return err
		}
		for i, t := range some {
			if err := p.shelf.Write(ctx, t.Path(), data[i]); err != nil {
				return err
			}
		}
	}
	if err := p.keep(ctx, text, c.Size); err != nil {
		return err
	}
	return p.shelf.Swap(ctx, CheckpointPath, old, []byte(text))
}

// keep lays a checkpoint under its size. One with other cosignatures may lie
// there already, from a run that was stopped: it says the same.
func (p *Publisher) keep(ctx context.Context, text string, size uint64) error {
	path := checkpointsFolder + strconv.FormatUint(size, 10)
	err := p.shelf.Write(ctx, path, []byte(text))
	if !errors.Is(err, ErrPublishedOtherwise) {
		return err
	}
	there, unread := p.shelf.Read(ctx, path)
	if unread != nil || !sameStatement(string(there), text) {
		return err
	}
	return nil
}
