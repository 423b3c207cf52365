package objects

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/minio/minio-go/v7"

	"sigillo/docs"
	"sigillo/internal/fault"
)

// An upload is a multipart upload of S3 whose parts carry SHA-256 checksums:
// the store itself refuses a part that is not what was announced, and the
// composite checksum is the name of the object.

const checksumHeader = "x-amz-checksum-sha256"

func (s *S3) core() minio.Core { return minio.Core{Client: s.client} }

// Begin starts a multipart upload.
func (s *S3) Begin(ctx context.Context, a docs.Area, want docs.Hash, size int64) (docs.Upload, error) {
	if size < 1 || docs.PartCount(size) > docs.MaxParts {
		return docs.Upload{}, errSize
	}
	id, err := s.core().NewMultipartUpload(ctx, s.bucket, s.key(a, want), minio.PutObjectOptions{
		ContentType: "application/octet-stream", UserMetadata: map[string]string{"X-Amz-Checksum-Algorithm": "SHA256"},
	})
	return docs.Upload{Area: a, Hash: want, Size: size, ID: id}, answer(err)
}

// PutPart passes a part on.
func (s *S3) PutPart(ctx context.Context, u docs.Upload, n int, sum docs.Hash, r io.Reader) error {
	length := docs.PartLength(u.Size, n)
	if length == 0 {
		return fault.Missing("part")
	}
	p := proveWhole(&untilDone{ctx, r}, sum, length)
	header := http.Header{}
	header.Set(checksumHeader, base64.StdEncoding.EncodeToString(sum[:]))
	_, err := s.core().PutObjectPart(ctx, s.bucket, s.key(u.Area, u.Hash), u.ID, n, p, length,
		minio.PutObjectPartOptions{Sha256Hex: sum.String(), CustomHeader: header})
	if p.done != nil && p.done != io.EOF {
		return p.done
	}
	return ofUpload(err)
}

// ofUpload turns what the store says of an upload into a fault.
func ofUpload(err error) error {
	switch minio.ToErrorResponse(err).Code {
	case "NoSuchUpload":
		return fault.Missing("upload")
	case "XAmzContentChecksumMismatch", "BadDigest", "XAmzContentSHA256Mismatch":
		return docs.ErrWrongDigest.Because(err)
	}
	return answer(err)
}

// Address signs an address at which the store takes exactly this part.
func (s *S3) Address(ctx context.Context, u docs.Upload, n int, sum docs.Hash, valid time.Duration) (*docs.Address, error) {
	if docs.PartLength(u.Size, n) == 0 {
		return nil, fault.Missing("part")
	}
	if s.public == nil {
		return nil, nil
	}
	digest := base64.StdEncoding.EncodeToString(sum[:])
	at, err := s.public.PresignHeader(ctx, http.MethodPut, s.bucket, s.key(u.Area, u.Hash), valid,
		url.Values{"partNumber": {strconv.Itoa(n)}, "uploadId": {u.ID}}, http.Header{checksumHeader: {digest}})
	if err != nil {
		return nil, answer(err)
	}
	return &docs.Address{URL: at.String(), Header: map[string]string{checksumHeader: digest}}, nil
}

func (s *S3) listed(ctx context.Context, u docs.Upload) ([]minio.ObjectPart, error) {
	var all []minio.ObjectPart
	for marker := 0; ; {
		page, err := s.core().ListObjectParts(ctx, s.bucket, s.key(u.Area, u.Hash), u.ID, marker, 1000)
		if err != nil {
			return nil, ofUpload(err)
		}
		all = append(all, page.ObjectParts...)
		if !page.IsTruncated {
			return all, nil
		}
		marker = page.NextPartNumberMarker
	}
}

// Stored lists the parts that the store holds.
func (s *S3) Stored(ctx context.Context, u docs.Upload) ([]docs.Part, error) {
	listed, err := s.listed(ctx, u)
	if err != nil {
		return nil, err
	}
	var all []docs.Part
	for _, p := range listed {
		sum, err := base64.StdEncoding.DecodeString(p.ChecksumSHA256)
		if err != nil || len(sum) != len(docs.Hash{}) || p.Size != docs.PartLength(u.Size, p.PartNumber) {
			continue // not one of ours: it will be put again
		}
		all = append(all, docs.Part{Number: p.PartNumber, Size: p.Size, SHA256: docs.Hash(sum), StoredAt: p.LastModified.UTC()})
	}
	slices.SortFunc(all, func(x, y docs.Part) int { return x.Number - y.Number })
	return all, nil
}

// Finish has the store make the object, which it checks part by part.
func (s *S3) Finish(ctx context.Context, u docs.Upload) error {
	parts, err := s.Stored(ctx, u)
	if err != nil {
		return s.orThere(ctx, u, err)
	}
	// Even if the object is there already: who only knows its digest must not
	// pass for who has its bytes.
	if err := complete(u, parts); err != nil {
		return err
	}
	if _, err := s.stat(ctx, u.Area, u.Hash); err == nil {
		return s.Drop(ctx, u)
	} else if fault.Of(err).Kind != fault.NotFound {
		return err
	}
	listed, err := s.listed(ctx, u)
	if err != nil {
		return s.orThere(ctx, u, err)
	}
	var whole []minio.CompletePart
	for _, p := range listed {
		whole = append(whole, minio.CompletePart{PartNumber: p.PartNumber, ETag: p.ETag, ChecksumSHA256: p.ChecksumSHA256})
	}
	slices.SortFunc(whole, func(x, y minio.CompletePart) int { return x.PartNumber - y.PartNumber })
	_, err = s.core().CompleteMultipartUpload(ctx, s.bucket, s.key(u.Area, u.Hash), u.ID, whole, minio.PutObjectOptions{})
	if err != nil {
		return s.orThere(ctx, u, ofUpload(err))
	}
	return nil
}

// orThere forgives that an upload is gone when the object is there: another call
// finished it.
func (s *S3) orThere(ctx context.Context, u docs.Upload, err error) error {
	if f := fault.Of(err); f.Kind != fault.NotFound {
		return err
	}
	if _, there := s.stat(ctx, u.Area, u.Hash); there == nil {
		return nil
	}
	return err
}

// Drop aborts the multipart upload.
func (s *S3) Drop(ctx context.Context, u docs.Upload) error {
	err := ofUpload(s.core().AbortMultipartUpload(ctx, s.bucket, s.key(u.Area, u.Hash), u.ID))
	if f := fault.Of(err); f != nil && f.Kind == fault.NotFound {
		return nil
	}
	return err
}

// Sweep aborts uploads begun before the instant, as far as the store lists
// them: some do so only by full name, and collect them by themselves.
func (s *S3) Sweep(ctx context.Context, before time.Time) (int, error) {
	n := 0
	for u := range s.client.ListIncompleteUploads(ctx, s.bucket, "", true) {
		if u.Err != nil {
			return n, answer(u.Err)
		}
		if !u.Initiated.Before(before) {
			continue
		}
		if err := s.core().AbortMultipartUpload(ctx, s.bucket, u.Key, u.UploadID); err != nil {
			return n, answer(err)
		}
		n++
	}
	return n, nil
}
