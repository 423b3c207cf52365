// Package objects keeps the bytes of documents and sealed envelopes, and the
// published log: in a directory on one machine, or in any S3 store with Object
// Lock.
//
// It promises that an object is either whole, with its digest proven, or not
// there, and that it is never overwritten, but for the log's newest checkpoint.
// It does not know what the bytes mean. A directory cannot stop the machine's
// owner from deleting a file: where that matters, use Object Lock.
package objects

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"net/url"
	"strings"

	"sigillo/docs"
	"sigillo/internal/fault"
)

// Open opens the store an address names: a path, or
// s3://ACCESS:SECRET@host:port/bucket?tls=true&region=eu-south-1. Where
// bidders may reach the store themselves, public=https://its.name says so.
func Open(ctx context.Context, address string) (Store, error) {
	if !strings.HasPrefix(address, "s3://") {
		return NewDir(strings.TrimPrefix(address, "dir:"))
	}
	u, err := url.Parse(address)
	if err != nil { // the address holds a secret: say nothing of it
		return nil, errors.New("the address of the object store is not well formed")
	}
	secret, _ := u.User.Password()
	return NewS3(ctx, S3Config{
		Endpoint: u.Host, Bucket: strings.Trim(u.Path, "/"), AccessKey: u.User.Username(), SecretKey: secret,
		Region: u.Query().Get("region"), TLS: u.Query().Get("tls") != "false", Public: u.Query().Get("public"),
	})
}

// unavailable hides a technical failure behind a fault that says what to do;
// what is a fault already, and the caller's own going away, stay as they are.
func unavailable(err error) error {
	var f *fault.Fault
	switch {
	case errors.As(err, &f):
		return f
	case err == nil || errors.Is(err, context.Canceled):
		return err
	}
	return fault.New(fault.Unavailable, "store-unavailable", "L'archivio dei documenti non risponde: riprovi tra poco.",
		"The store of documents does not answer: try again shortly.").Because(err)
}

// proving passes bytes on while it measures them, and turns the end of a
// stream that is not what was declared into a fault before anybody sees an
// end: what reads from it can then not take the object for whole.
type proving struct {
	r    io.Reader
	want docs.Hash
	left int64
	sum  digester
	done error
}

// digester is how the bytes of an area are hashed.
type digester interface {
	io.Writer
	Digest() docs.Hash
}

type whole struct{ hash.Hash }

func (w whole) Digest() docs.Hash { return docs.Hash(w.Sum(nil)) }

// prove hashes sealed files part by part, all others as a whole.
func prove(a docs.Area, r io.Reader, want docs.Hash, size int64) *proving {
	if a == docs.AreaSealed {
		return &proving{r: r, want: want, left: size, sum: docs.NewPartsHash()}
	}
	return proveWhole(r, want, size)
}

func proveWhole(r io.Reader, want docs.Hash, size int64) *proving {
	return &proving{r: r, want: want, left: size, sum: whole{sha256.New()}}
}

func (p *proving) Read(b []byte) (int, error) {
	if p.done != nil {
		return 0, p.done
	}
	if len(b) == 0 {
		return 0, nil
	}
	// The last byte is held back until the digest is proven.
	if int64(len(b)) > p.left {
		b = b[:max(p.left, 1)]
	}
	if p.left == 0 {
		return 0, p.finish()
	}
	n, err := p.r.Read(b)
	p.sum.Write(b[:n])
	p.left -= int64(n)
	if p.left == 0 && n > 0 {
		if end := p.finish(); end != io.EOF {
			return 0, end
		}
		return n, nil
	}
	switch {
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		p.done = docs.ErrTruncated.Because(err)
		return n, p.done
	case err != nil:
		p.done = err
		var f *fault.Fault
		if !errors.As(err, &f) {
			p.done = docs.ErrTruncated.Because(err)
		}
		return n, p.done
	}
	return n, nil
}

func (p *proving) finish() error {
	var one [1]byte
	n, err := io.ReadFull(p.r, one[:])
	switch {
	case n > 0:
		p.done = docs.ErrLonger
	case err != io.EOF:
		p.done = docs.ErrTruncated.Because(err)
	case p.sum.Digest() != p.want:
		p.done = docs.ErrWrongDigest
	default:
		p.done = io.EOF
	}
	return p.done
}
