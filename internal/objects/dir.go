package objects

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"sigillo/docs"
	"sigillo/internal/fault"
)

// Dir keeps objects as read-only files. A file gets its name only once its
// bytes are proven and on the disk.
type Dir struct{ root *os.Root }

// NewDir opens, or makes, a directory store.
func NewDir(at string) (*Dir, error) {
	if err := os.MkdirAll(at, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(at)
	if err != nil {
		return nil, err
	}
	return &Dir{root}, root.MkdirAll("tmp", 0o700)
}

func (d *Dir) name(a docs.Area, h docs.Hash) string {
	s := h.String()
	return path.Join(string(a), s[:2], s)
}

// Put writes to a temporary file, proves it, flushes it and links it to its
// name; of many writers one links, and all are right.
func (d *Dir) Put(ctx context.Context, a docs.Area, want docs.Hash, size int64, r io.Reader) error {
	var random [16]byte
	rand.Read(random[:])
	tmp := path.Join("tmp", hex.EncodeToString(random[:]))
	f, err := d.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	defer d.root.Remove(tmp)
	_, err = io.Copy(f, prove(&untilDone{ctx, r}, want, size))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return only(err)
	}
	name := d.name(a, want)
	if err := d.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	if err := d.root.Link(tmp, name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.flush(path.Dir(name))
}

// only unwraps a joined error of one.
func only(err error) error {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f
	}
	return err
}

// flush makes a new name survive a power cut.
func (d *Dir) flush(folder string) error {
	f, err := d.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Open reads an object.
func (d *Dir) Open(_ context.Context, a docs.Area, h docs.Hash) (docs.File, int64, error) {
	f, err := d.root.Open(d.name(a, h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fault.Missing("document")
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// retention stands beside the object as the time before which Remove refuses.
func (d *Dir) retention(a docs.Area, h docs.Hash) string { return d.name(a, h) + ".retain" }

// Retain notes until when the object must be kept. It binds this program, not
// the owner of the machine.
func (d *Dir) Retain(_ context.Context, a docs.Area, h docs.Hash, until time.Time) error {
	if _, err := d.root.Stat(d.name(a, h)); errors.Is(err, fs.ErrNotExist) {
		return fault.Missing("document")
	}
	if old, err := d.retained(a, h); err != nil || !old.Before(until) {
		return err
	}
	return d.root.WriteFile(d.retention(a, h), []byte(until.UTC().Format(time.RFC3339Nano)), 0o600)
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
	until, err := d.retained(a, h)
	if err != nil {
		return err
	}
	if time.Now().Before(until) {
		return docs.ErrRetained
	}
	err = d.root.Remove(d.name(a, h))
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Missing("document")
	}
	return err
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
