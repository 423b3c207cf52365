package objects

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"

	"sigillo/audit"
	"sigillo/docs"
	"sigillo/internal/fault"
)

// Store is a vault of documents with a shelf for the log beside it.
type Store interface {
	docs.Vault
	// Log is where the log lies open. No document is in its area, and nothing of
	// it in theirs.
	Log() audit.Shelf
}

// place is where something lies, inside the log's area whatever the path says.
func place(at string) string { return path.Join("log", path.Join("/", at)) }

// largest bounds what is read from a shelf into memory, in bytes.
const largest = 1 << 20

func readAll(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, largest+1))
	if err == nil && len(body) > largest {
		err = errors.New("what lies on the shelf is too large")
	}
	return body, err
}

// Log is a folder of the directory.
func (d *Dir) Log() audit.Shelf { return dirShelf{d} }

type dirShelf struct{ *Dir }

// Read reads a file.
func (d dirShelf) Read(_ context.Context, at string) ([]byte, error) {
	f, err := d.root.Open(place(at))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Missing("document")
	}
	if err != nil {
		return nil, unavailable(err)
	}
	body, err := readAll(f)
	return body, unavailable(errors.Join(err, f.Close()))
}

// Write gives a file its name once it is whole and on the disk.
func (d dirShelf) Write(ctx context.Context, at string, body []byte) error {
	tmp, name, err := d.prepare(ctx, at, body)
	if err != nil {
		return unavailable(err)
	}
	defer d.root.Remove(tmp)
	if err := d.root.Link(tmp, name); errors.Is(err, fs.ErrExist) {
		if err := sameThere(ctx, d, at, body); err != nil {
			return err
		}
	} else if err != nil {
		return unavailable(err)
	}
	return unavailable(d.flush(path.Dir(name)))
}

func (d dirShelf) prepare(ctx context.Context, at string, body []byte) (tmp, name string, err error) {
	name = place(at)
	if err := d.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return "", "", err
	}
	tmp, err = d.write(&untilDone{ctx, bytes.NewReader(body)}, 0o400)
	return tmp, name, err
}

// sameThere refuses what lies at a path already, if it is something else.
func sameThere(ctx context.Context, s audit.Shelf, at string, body []byte) error {
	there, err := s.Read(ctx, at)
	if err == nil && !bytes.Equal(there, body) {
		err = audit.ErrPublishedOtherwise
	}
	return err
}

// Swap renames a new file over the old one. One program owns the directory, so
// looking and renaming are one step.
func (d dirShelf) Swap(ctx context.Context, at string, old, body []byte) error {
	d.swapping.Lock()
	defer d.swapping.Unlock()
	if err := stillThere(ctx, d, at, old); err != nil {
		return err
	}
	tmp, name, err := d.prepare(ctx, at, body)
	if err != nil {
		return unavailable(err)
	}
	if err := d.root.Rename(tmp, name); err != nil {
		return unavailable(errors.Join(err, d.root.Remove(tmp)))
	}
	return unavailable(d.flush(path.Dir(name)))
}

// stillThere refuses a swap if not old, but something else or nothing, lies
// there.
func stillThere(ctx context.Context, s audit.Shelf, at string, old []byte) error {
	there, err := s.Read(ctx, at)
	if f := fault.Of(err); f != nil && f.Kind == fault.NotFound {
		there, err = nil, nil
	}
	if err == nil && (!bytes.Equal(there, old) || (there == nil) != (old == nil)) {
		err = audit.ErrPublishedMeanwhile
	}
	return err
}

// Log is a prefix of the bucket.
func (s *S3) Log() audit.Shelf { return s3Shelf{s} }

type s3Shelf struct{ *S3 }

// Read reads an object.
func (s s3Shelf) Read(ctx context.Context, at string) ([]byte, error) {
	body, _, err := s.read(ctx, at)
	return body, err
}

// read also tells the object's tag.
func (s s3Shelf) read(ctx context.Context, at string) ([]byte, string, error) {
	o, err := s.client.GetObject(ctx, s.bucket, place(at), minio.GetObjectOptions{})
	if err != nil {
		return nil, "", answer(err)
	}
	defer o.Close()
	body, err := readAll(o)
	if err != nil {
		return nil, "", answer(err)
	}
	info, err := o.Stat()
	return body, info.ETag, answer(err)
}

// Write makes an object where there is none.
func (s s3Shelf) Write(ctx context.Context, at string, body []byte) error {
	options := described(at)
	options.SetMatchETagExcept("*")
	err := s.put(ctx, at, body, options)
	if refused(err) {
		return sameThere(ctx, s, at, body)
	}
	return answer(err)
}

// Swap replaces the object that was read, and no other: the store compares its
// tag.
func (s s3Shelf) Swap(ctx context.Context, at string, old, body []byte) error {
	options := described(at)
	if old == nil {
		options.SetMatchETagExcept("*")
	} else {
		there, tag, err := s.read(ctx, at)
		if f := fault.Of(err); f != nil && f.Kind != fault.NotFound {
			return err
		}
		if err != nil || !bytes.Equal(there, old) {
			return audit.ErrPublishedMeanwhile
		}
		options.SetMatchETag(tag)
	}
	err := s.put(ctx, at, body, options)
	if refused(err) {
		return audit.ErrPublishedMeanwhile.Because(err)
	}
	return answer(err)
}

func (s s3Shelf) put(ctx context.Context, at string, body []byte, options minio.PutObjectOptions) error {
	_, err := s.client.PutObject(ctx, s.bucket, place(at), bytes.NewReader(body), int64(len(body)), options)
	return err
}

// refused tells whether the store did not find what the request presumed.
func refused(err error) bool {
	code := minio.ToErrorResponse(err).Code
	return code == "PreconditionFailed" || code == "ConditionalRequestConflict"
}

// described has the bucket say of an object what the API says of it too, so
// that the log can be read from it directly.
func described(at string) minio.PutObjectOptions {
	o := minio.PutObjectOptions{Checksum: minio.ChecksumSHA256, ContentType: "text/plain; charset=utf-8", CacheControl: "public, max-age=31536000, immutable"}
	if strings.HasPrefix(at, "tile/") {
		o.ContentType = "application/octet-stream"
	}
	if at == audit.CheckpointPath {
		o.CacheControl = "public, max-age=1"
	}
	return o
}
