package objects

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"sigillo/docs"
	"sigillo/internal/fault"
)

// Dir keeps objects as read-only files. A file gets its name only once its
// bytes are proven and on the disk.
type Dir struct {
	root *os.Root
	// keeping makes one step of looking at a retention and acting on it. One
	// program owns the directory; several replicas need an S3 store.
	keeping  sync.Mutex
	swapping sync.Mutex // the same for what is replaced on the log's shelf
	turns    turns
}

// abandoned is the age at which an upload's temporary file has no writer any
// more: the program was killed while it wrote.
const abandoned = 24 * time.Hour

// NewDir opens, or makes, a directory store.
func NewDir(at string) (*Dir, error) {
	if err := os.MkdirAll(at, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(at)
	if err != nil {
		return nil, err
	}
	d := &Dir{root: root, turns: turns{seed: maphash.MakeSeed()}}
	if err := errors.Join(root.MkdirAll("tmp", 0o700), d.sweep(time.Now().Add(-abandoned))); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return d, nil
}

// sweep drops temporary files last written before the instant.
func (d *Dir) sweep(before time.Time) error {
	files, err := fs.ReadDir(d.root.FS(), "tmp")
	if err != nil {
		return err
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil && info.ModTime().Before(before) {
			if err := d.root.Remove(path.Join("tmp", f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

func (d *Dir) name(a docs.Area, h docs.Hash) string {
	s := h.String()
	return path.Join(string(a), s[:2], s)
}

// Put writes to a temporary file, proves it, flushes it and links it to its
// name; of many writers one links, and all are right.
func (d *Dir) Put(ctx context.Context, a docs.Area, want docs.Hash, size int64, r io.Reader) error {
	tmp, err := d.write(prove(a, &untilDone{ctx, r}, want, size), 0o400)
	if err != nil {
		return unavailable(err)
	}
	defer d.root.Remove(tmp)
	name := d.name(a, want)
	if err := d.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return unavailable(err)
	}
	if err := d.root.Link(tmp, name); err != nil && !errors.Is(err, fs.ErrExist) {
		return unavailable(err)
	}
	return unavailable(d.flush(path.Dir(name)))
}

// write fills a temporary file and flushes it; if that fails, none is left.
func (d *Dir) write(r io.Reader, mode fs.FileMode) (string, error) {
	var random [16]byte
	rand.Read(random[:])
	tmp := path.Join("tmp", hex.EncodeToString(random[:]))
	f, err := d.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, d.root.Remove(tmp))
	}
	return tmp, nil
}

// flush makes a new name survive a power cut: the folder that holds it, and
// those above, which may be as new. It does so also for the writer who came
// second, since the first may not have got here yet.
func (d *Dir) flush(folder string) error {
	for {
		f, err := d.root.Open(folder)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil || folder == "." {
			return err
		}
		folder = path.Dir(folder)
	}
}

// Open reads an object.
func (d *Dir) Open(_ context.Context, a docs.Area, h docs.Hash) (docs.File, int64, error) {
	f, err := d.root.Open(d.name(a, h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fault.Missing("document")
	}
	if err != nil {
		return nil, 0, unavailable(err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, unavailable(errors.Join(err, f.Close()))
	}
	return f, info.Size(), nil
}

// retention stands beside the object as the time before which Remove refuses.
func (d *Dir) retention(a docs.Area, h docs.Hash) string { return d.name(a, h) + ".retain" }

// Retain notes until when the object must be kept. It binds this program, not
// the owner of the machine.
func (d *Dir) Retain(_ context.Context, a docs.Area, h docs.Hash, until time.Time) error {
	d.keeping.Lock()
	defer d.keeping.Unlock()
	if _, err := d.root.Stat(d.name(a, h)); errors.Is(err, fs.ErrNotExist) {
		return fault.Missing("document")
	}
	if old, err := d.retained(a, h); err != nil || !old.Before(until) {
		return unavailable(err)
	}
	// Whole or not at all: half a date would forbid the next retention.
	tmp, err := d.write(strings.NewReader(until.UTC().Format(time.RFC3339Nano)), 0o600)
	if err != nil {
		return unavailable(err)
	}
	if err := d.root.Rename(tmp, d.retention(a, h)); err != nil {
		return unavailable(errors.Join(err, d.root.Remove(tmp)))
	}
	return unavailable(d.flush(path.Dir(d.name(a, h))))
}

func (d *Dir) retained(a docs.Area, h docs.Hash) (time.Time, error) {
	text, err := d.root.ReadFile(d.retention(a, h))
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, string(text))
}

// List names what an area holds.
func (d *Dir) List(ctx context.Context, a docs.Area, visit func(docs.Object) error) error {
	err := fs.WalkDir(d.root.FS(), string(a), func(name string, e fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		h, bad := docs.ParseHash(path.Base(name))
		if e.IsDir() || bad != nil {
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return visit(docs.Object{Hash: h, Size: info.Size(), Modified: info.ModTime()})
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Remove drops an object that need not be kept.
func (d *Dir) Remove(_ context.Context, a docs.Area, h docs.Hash) error {
	d.keeping.Lock()
	defer d.keeping.Unlock()
	until, err := d.retained(a, h)
	if err != nil {
		return unavailable(err)
	}
	if time.Now().Before(until) {
		return docs.ErrRetained
	}
	err = d.root.Remove(d.name(a, h))
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Missing("document")
	}
	return unavailable(err)
}

// untilDone stops reading when the context ends.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
