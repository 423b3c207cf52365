package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"sigillo/docs"
	"sigillo/internal/fault"
)

// S3Config says where a bucket is and how to enter.
type S3Config struct {
	Endpoint, Bucket, AccessKey, SecretKey, Region string
	TLS                                            bool
	// Public is the address at which bidders reach the store, https://host:port;
	// without it, what they upload comes through the platform.
	Public string
}

// S3 keeps objects in a bucket with versioning and Object Lock.
type S3 struct {
	client *minio.Client
	public *minio.Client // signs addresses for bidders
	bucket string
}

// NewS3 opens a bucket, and makes it, with Object Lock, if there is none.
func NewS3(ctx context.Context, c S3Config) (*S3, error) {
	client, err := minio.New(c.Endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""), Secure: c.TLS, Region: c.Region, TrailingHeaders: true,
	})
	if err != nil {
		return nil, errors.New("the configuration of the object store is not valid")
	}
	there, err := client.BucketExists(ctx, c.Bucket)
	if err != nil {
		return nil, fmt.Errorf("reaching bucket %q at %s: %w", c.Bucket, c.Endpoint, err)
	}
	if !there {
		err = client.MakeBucket(ctx, c.Bucket, minio.MakeBucketOptions{Region: c.Region, ObjectLocking: true})
		if code := minio.ToErrorResponse(err).Code; err != nil && code != "BucketAlreadyOwnedByYou" {
			return nil, fmt.Errorf("making bucket %q: %w", c.Bucket, err)
		}
	}
	// Better no start than a bid whose retention fails when it is submitted.
	if _, _, _, _, err := client.GetObjectLockConfig(ctx, c.Bucket); minio.ToErrorResponse(err).Code == "ObjectLockConfigurationNotFoundError" {
		return nil, fmt.Errorf("bucket %q has no Object Lock: name another one, and it is made with it", c.Bucket)
	}
	public, err := c.publicClient(ctx, client)
	if err != nil {
		return nil, err
	}
	return &S3{client, public, c.Bucket}, nil
}

// publicClient signs for the address that bidders use, nil when there is none.
// It never calls it, so
// the bucket's region is asked of the other one.
func (c S3Config) publicClient(ctx context.Context, client *minio.Client) (*minio.Client, error) {
	if c.Public == "" {
		return nil, nil
	}
	u, err := url.Parse(c.Public)
	if err != nil || u.Host == "" {
		return nil, errors.New("the public address of the object store is not well formed")
	}
	region, err := client.GetBucketLocation(ctx, c.Bucket)
	if err != nil {
		return nil, fmt.Errorf("asking for the region of bucket %q: %w", c.Bucket, err)
	}
	return minio.New(u.Host, &minio.Options{Creds: credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""), Secure: u.Scheme == "https", Region: region})
}

func (s *S3) key(a docs.Area, h docs.Hash) string { return path.Join(string(a), h.String()) }

// partSize bounds the memory of an upload; larger objects go in parts.
const partSize = 16 << 20

// Put streams the object to its name. The stream fails before its end unless
// the digest is proven, and a failed upload leaves nothing.
func (s *S3) Put(ctx context.Context, a docs.Area, want docs.Hash, size int64, r io.Reader) error {
	if _, err := s.stat(ctx, a, want); err == nil {
		// It is there: still take the stream, so that a client who sends
		// something else is told.
		_, err := io.Copy(io.Discard, prove(a, r, want, size))
		return err
	} else if fault.Of(err).Kind != fault.NotFound {
		return err
	}
	p := prove(a, r, want, size)
	if size == 0 { // the client sends nothing, so it would not ask the stream either
		if _, err := p.Read(make([]byte, 1)); err != io.EOF {
			return err
		}
	}
	options := minio.PutObjectOptions{PartSize: partSize, Checksum: minio.ChecksumSHA256, ContentType: "application/octet-stream"}
	options.SetMatchETagExcept("*")
	_, err := s.client.PutObject(ctx, s.bucket, s.key(a, want), p, size, options)
	if p.done != nil && p.done != io.EOF {
		return p.done
	}
	if code := minio.ToErrorResponse(err).Code; code == "PreconditionFailed" || code == "ConditionalRequestConflict" {
		return nil // somebody else has just stored the same bytes
	}
	return answer(err)
}

// answer turns what the store said into a fault.
func answer(err error) error {
	if minio.ToErrorResponse(err).Code == "NoSuchKey" {
		return fault.Missing("document")
	}
	return unavailable(err)
}

func (s *S3) stat(ctx context.Context, a docs.Area, h docs.Hash) (minio.ObjectInfo, error) {
	info, err := s.client.StatObject(ctx, s.bucket, s.key(a, h), minio.StatObjectOptions{})
	return info, answer(err)
}

// Open reads an object.
func (s *S3) Open(ctx context.Context, a docs.Area, h docs.Hash) (docs.File, int64, error) {
	info, err := s.stat(ctx, a, h)
	if err != nil {
		return nil, 0, err
	}
	o, err := s.client.GetObject(ctx, s.bucket, s.key(a, h), minio.GetObjectOptions{})
	return o, info.Size, answer(err)
}

// Retain sets a compliance retention: until then not even the owner of the
// bucket can remove the object.
func (s *S3) Retain(ctx context.Context, a docs.Area, h docs.Hash, until time.Time) error {
	info, err := s.stat(ctx, a, h)
	if err != nil {
		return err
	}
	_, old, err := s.client.GetObjectRetention(ctx, s.bucket, s.key(a, h), info.VersionID)
	if err == nil && old != nil && !old.Before(until) {
		return nil
	}
	mode := minio.Compliance
	until = until.UTC().Truncate(time.Second).Add(time.Second)
	return answer(s.client.PutObjectRetention(ctx, s.bucket, s.key(a, h), minio.PutObjectRetentionOptions{
		Mode: &mode, RetainUntilDate: &until, VersionID: info.VersionID,
	}))
}

// List names what an area holds.
func (s *S3) List(ctx context.Context, a docs.Area, visit func(docs.Object) error) error {
	ctx, stop := context.WithCancel(ctx) // ends the listing when visit does
	defer stop()
	for o := range s.client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: string(a) + "/", Recursive: true}) {
		if o.Err != nil {
			return answer(o.Err)
		}
		h, err := docs.ParseHash(path.Base(o.Key))
		if err != nil {
			continue
		}
		if err := visit(docs.Object{Hash: h, Size: o.Size, Modified: o.LastModified}); err != nil {
			return err
		}
	}
	return nil
}

// Remove drops the object's version, if no retention is on it.
func (s *S3) Remove(ctx context.Context, a docs.Area, h docs.Hash) error {
	info, err := s.stat(ctx, a, h)
	if err != nil {
		return err
	}
	err = s.client.RemoveObject(ctx, s.bucket, s.key(a, h), minio.RemoveObjectOptions{VersionID: info.VersionID})
	if code := minio.ToErrorResponse(err).Code; code == "AccessDenied" || code == "ObjectLocked" || code == "InvalidRequest" {
		return docs.ErrRetained.Because(err)
	}
	return answer(err)
}
