package objects

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sigillo/docs"
	"sigillo/internal/fault"
)

// An upload is a folder under parts: "begin" says what it is for, "data" is the
// file being filled, and a part is there once a file named by its number and
// digest is. That file is made after the part's bytes are on the disk, so a
// crash leaves no part that is not whole.

// turns keeps two writers of one part apart.
type turns struct {
	seed  maphash.Seed
	locks [64]sync.Mutex
}

func (t *turns) of(id string, n int) *sync.Mutex {
	return &t.locks[maphash.String(t.seed, fmt.Sprint(id, "/", n))%uint64(len(t.locks))]
}

func folderOf(id string) (string, error) {
	if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
		return "", fault.Missing("upload")
	}
	return path.Join("parts", id), nil
}

type begun struct {
	Area docs.Area `json:"area"`
	Hash docs.Hash `json:"hash"`
	Size int64     `json:"size"`
}

// Begin makes the folder of an upload.
func (d *Dir) Begin(_ context.Context, a docs.Area, want docs.Hash, size int64) (docs.Upload, error) {
	if size < 1 || docs.PartCount(size) > docs.MaxParts {
		return docs.Upload{}, errSize
	}
	var random [16]byte
	rand.Read(random[:])
	u := docs.Upload{Area: a, Hash: want, Size: size, ID: hex.EncodeToString(random[:])}
	folder := path.Join("parts", u.ID)
	if err := d.root.MkdirAll(folder, 0o700); err != nil {
		return docs.Upload{}, unavailable(err)
	}
	f, err := d.root.OpenFile(path.Join(folder, "data"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return docs.Upload{}, unavailable(err)
	}
	if err := errors.Join(f.Truncate(size), f.Sync(), f.Close()); err != nil {
		return docs.Upload{}, unavailable(err)
	}
	text, err := json.Marshal(begun{a, want, size})
	if err != nil {
		return docs.Upload{}, err
	}
	if err := d.root.WriteFile(path.Join(folder, "begin"), text, 0o600); err != nil {
		return docs.Upload{}, unavailable(err)
	}
	return u, unavailable(d.flush(folder))
}

var errSize = fault.New(fault.Invalid, "bad-size", "Il file è vuoto o troppo grande per essere caricato a parti.",
	"The file is empty or too large to be uploaded in parts.")

// of finds the folder of an upload and makes sure that it is the one meant.
func (d *Dir) of(u docs.Upload) (string, error) {
	folder, err := folderOf(u.ID)
	if err != nil {
		return "", err
	}
	text, err := d.root.ReadFile(path.Join(folder, "begin"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fault.Missing("upload")
	}
	if err != nil {
		return "", unavailable(err)
	}
	var b begun
	if json.Unmarshal(text, &b) != nil || b != (begun{u.Area, u.Hash, u.Size}) {
		return "", fault.Missing("upload")
	}
	return folder, nil
}

// PutPart writes a part to its place in the file.
func (d *Dir) PutPart(ctx context.Context, u docs.Upload, n int, sum docs.Hash, r io.Reader) error {
	length := docs.PartLength(u.Size, n)
	if length == 0 {
		return fault.Missing("part")
	}
	folder, err := d.of(u)
	if err != nil {
		return err
	}
	turn := d.turns.of(u.ID, n)
	turn.Lock()
	defer turn.Unlock()
	body := proveWhole(&untilDone{ctx, r}, sum, length)
	mark := path.Join(folder, fmt.Sprintf("%d-%s", n, sum))
	if _, err := d.root.Stat(mark); err == nil { // it is there: still take the stream, so that another one is told
		_, err := io.Copy(io.Discard, body)
		return unavailable(err)
	}
	if err := d.unmark(folder, n); err != nil {
		return unavailable(err)
	}
	f, err := d.root.OpenFile(path.Join(folder, "data"), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Missing("upload")
	}
	if err != nil {
		return unavailable(err)
	}
	_, err = io.CopyBuffer(io.NewOffsetWriter(f, int64(n-1)*docs.PartSize), body, make([]byte, 1<<20))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return unavailable(err)
	}
	m, err := d.root.OpenFile(mark, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return unavailable(err)
	}
	return unavailable(errors.Join(m.Close(), d.flush(folder)))
}

// unmark forgets what a part was, before other bytes take its place.
func (d *Dir) unmark(folder string, n int) error {
	names, err := d.marks(folder)
	for _, name := range names {
		if strings.HasPrefix(name, strconv.Itoa(n)+"-") {
			if err := d.root.Remove(path.Join(folder, name)); err != nil {
				return err
			}
		}
	}
	return err
}

func (d *Dir) marks(folder string) ([]string, error) {
	entries, err := fs.ReadDir(d.root.FS(), folder)
	var names []string
	for _, e := range entries {
		if strings.Contains(e.Name(), "-") {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// Address is nil: parts come through the platform.
func (d *Dir) Address(_ context.Context, u docs.Upload, n int, _ docs.Hash, _ time.Duration) (*docs.Address, error) {
	if docs.PartLength(u.Size, n) == 0 {
		return nil, fault.Missing("part")
	}
	return nil, nil
}

// Stored lists the parts that are whole.
func (d *Dir) Stored(_ context.Context, u docs.Upload) ([]docs.Part, error) {
	folder, err := d.of(u)
	if err != nil {
		return nil, err
	}
	names, err := d.marks(folder)
	if errors.Is(err, fs.ErrNotExist) { // finished or dropped just now
		return nil, fault.Missing("upload")
	}
	if err != nil {
		return nil, unavailable(err)
	}
	var all []docs.Part
	for _, name := range names {
		number, digest, _ := strings.Cut(name, "-")
		n, err := strconv.Atoi(number)
		if err != nil {
			continue
		}
		h, err := docs.ParseHash(digest)
		if err != nil {
			continue
		}
		p := docs.Part{Number: n, Size: docs.PartLength(u.Size, n), SHA256: h}
		if info, err := d.root.Stat(path.Join(folder, name)); err == nil {
			p.StoredAt = info.ModTime().UTC()
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(x, y docs.Part) int { return x.Number - y.Number })
	return all, nil
}

// Finish gives the file its name.
func (d *Dir) Finish(ctx context.Context, u docs.Upload) error {
	name := d.name(u.Area, u.Hash)
	parts, err := d.Stored(ctx, u)
	if f := fault.Of(err); f != nil && f.Kind == fault.NotFound {
		if _, there := d.root.Stat(name); there == nil {
			return nil // finished before
		}
	}
	if err != nil {
		return err
	}
	// Even if the object is there already: who only knows its digest must not
	// pass for who has its bytes.
	if err := complete(u, parts); err != nil {
		// Or another call has finished, and was removing them as they were listed.
		if _, err := d.of(u); err != nil {
			if _, there := d.root.Stat(name); there == nil {
				return nil
			}
		}
		return err
	}
	if err := d.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return unavailable(err)
	}
	data := path.Join("parts", u.ID, "data")
	err = d.root.Chmod(data, 0o400)
	if err == nil {
		err = d.root.Link(data, name)
	}
	if errors.Is(err, fs.ErrNotExist) { // another call has finished, or dropped it
		if _, there := d.root.Stat(name); there != nil {
			return fault.Missing("upload")
		}
		err = nil
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return unavailable(err)
	}
	if err := d.flush(path.Dir(name)); err != nil {
		return unavailable(err)
	}
	return d.Drop(ctx, u)
}

// complete refuses what is not yet, or not at all, the file wanted.
func complete(u docs.Upload, parts []docs.Part) error {
	if len(parts) != docs.PartCount(u.Size) {
		return docs.ErrMissingParts
	}
	for i, p := range parts {
		if p.Number != i+1 || p.Size != docs.PartLength(u.Size, p.Number) {
			return docs.ErrMissingParts
		}
	}
	if docs.PartsDigest(parts) != u.Hash {
		return docs.ErrWrongDigest
	}
	return nil
}

// Drop removes the folder of an upload.
func (d *Dir) Drop(_ context.Context, u docs.Upload) error {
	folder, err := folderOf(u.ID)
	if err != nil {
		return nil
	}
	// The saying goes first: without it nobody takes the rest for an upload.
	if err := d.root.Remove(path.Join(folder, "begin")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unavailable(err)
	}
	return unavailable(d.root.RemoveAll(folder))
}

// Sweep removes the folders of uploads begun before the instant.
func (d *Dir) Sweep(ctx context.Context, before time.Time) (int, error) {
	entries, err := fs.ReadDir(d.root.FS(), "parts")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, unavailable(err)
	}
	n := 0
	for _, e := range entries {
		info, err := d.root.Stat(path.Join("parts", e.Name(), "begin"))
		if err == nil && !info.ModTime().Before(before) {
			continue
		}
		if err != nil { // half begun, or half dropped
			if info, err = e.Info(); err != nil || !info.ModTime().Before(before) {
				continue
			}
		}
		if err := d.Drop(ctx, docs.Upload{ID: e.Name()}); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
