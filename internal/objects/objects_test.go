package objects

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"sigillo/docs"
	"sigillo/internal/fault"
	"sigillo/internal/objects/vaulttest"
)

func TestDir(t *testing.T) {
	vaulttest.Run(t, func(t *testing.T) docs.Vault {
		d, err := NewDir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}

func TestS3(t *testing.T) {
	address := vaulttest.Service(t).String()
	vaulttest.Run(t, func(t *testing.T) docs.Vault {
		v, err := Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		return v
	})
}

func TestDirParts(t *testing.T) {
	vaulttest.RunParts(t, func(t *testing.T) func() docs.Vault {
		at := t.TempDir()
		return func() docs.Vault {
			d, err := NewDir(at)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
	})
}

func TestS3Parts(t *testing.T) {
	address := vaulttest.Service(t).String()
	vaulttest.RunParts(t, func(t *testing.T) func() docs.Vault {
		return func() docs.Vault {
			v, err := Open(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	})
}

func TestAddressesNeverShowTheirSecret(t *testing.T) {
	for _, address := range []string{"s3://key:HUSH@127.0.0.1:1/b?tls=false", "s3://key:HUSH@bad host/b", "s3://key:HUSH@%zz/b"} {
		if _, err := Open(t.Context(), address); err == nil || strings.Contains(err.Error(), "HUSH") {
			t.Errorf("got %v", err)
		}
	}
}

func TestDirKeepsFilesReadOnlyAndNoLeftovers(t *testing.T) {
	at := t.TempDir()
	d, err := NewDir(at)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte("x")
	h := docs.Hash(sha256.Sum256(body))
	if err := d.Put(t.Context(), docs.Papers, h, 1, bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(at, "papers", h.String()[:2], h.String()))
	if err != nil || info.Mode().Perm() != 0o400 {
		t.Fatal(info, err)
	}
	if left, _ := os.ReadDir(filepath.Join(at, "tmp")); len(left) != 0 {
		t.Fatal("temporary files are left")
	}
}

func TestDirSweepsWhatAKilledProgramLeft(t *testing.T) {
	at := t.TempDir()
	if _, err := NewDir(at); err != nil {
		t.Fatal(err)
	}
	old, fresh := filepath.Join(at, "tmp", "old"), filepath.Join(at, "tmp", "fresh")
	for _, name := range []string{old, fresh} {
		if err := os.WriteFile(name, []byte("half a bid"), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-abandoned - time.Minute)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	if _, err := NewDir(at); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an abandoned file stays: %v", err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Errorf("an upload under way lost its file: %v", err)
	}
}

func TestDirThatFailsIsUnavailable(t *testing.T) {
	at := t.TempDir()
	d, err := NewDir(at)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(at, "tmp")); err != nil {
		t.Fatal(err)
	}
	err = d.Put(t.Context(), docs.Papers, docs.Hash(sha256.Sum256([]byte("x"))), 1, strings.NewReader("x"))
	if f := fault.Of(err); f == nil || f.Kind != fault.Unavailable || strings.Contains(f.Text.EN, at) {
		t.Fatalf("got %v", err)
	}
}

// A shorter retention that races a longer one must not win.
func TestDirRetentionIsNeverShortened(t *testing.T) {
	d, err := NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := docs.Hash(sha256.Sum256([]byte("x")))
	if err := d.Put(t.Context(), docs.AreaSealed, h, 1, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	longest := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	var wg sync.WaitGroup
	for n := range 24 {
		wg.Go(func() {
			if err := d.Retain(t.Context(), docs.AreaSealed, h, longest.AddDate(0, 0, -n)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if until, err := d.retained(docs.AreaSealed, h); err != nil || !until.Equal(longest) {
		t.Fatal(until, err)
	}
}

func TestS3RefusesABucketWithoutObjectLock(t *testing.T) {
	u := vaulttest.Service(t)
	secret, _ := u.User.Password()
	client, err := minio.New(u.Host, &minio.Options{Creds: credentials.NewStaticV4(u.User.Username(), secret, ""), Secure: u.Query().Get("tls") != "false"})
	if err != nil {
		t.Fatal("TEST_S3_URL names no store")
	}
	if err := client.MakeBucket(t.Context(), strings.Trim(u.Path, "/"), minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), u.String()); err == nil || !strings.Contains(err.Error(), "Object Lock") {
		t.Fatalf("got %v", err)
	}
}

// A failed upload must not leave parts that nobody lists and somebody pays.
func TestS3LeavesNoPartsBehind(t *testing.T) {
	v, err := Open(t.Context(), vaulttest.Service(t).String())
	if err != nil {
		t.Fatal(err)
	}
	s, size := v.(*S3), int64(40<<20)
	ctx, cancel := context.WithCancel(t.Context())
	r := io.MultiReader(io.LimitReader(rand.Reader, 20<<20), cutter(cancel))
	if err := s.Put(ctx, docs.AreaSealed, docs.Hash{1}, size, r); err == nil {
		t.Fatal("half an upload is taken")
	}
	for part := range s.client.ListIncompleteUploads(t.Context(), s.bucket, s.key(docs.AreaSealed, docs.Hash{1}), true) {
		t.Errorf("left behind: %s %v", part.Key, part.Err)
	}
}

// cutter is a line that goes dead together with its request.
type cutter func()

func (c cutter) Read([]byte) (int, error) { c(); return 0, io.ErrUnexpectedEOF }

// BenchmarkDirPut shows what proving and linking cost over a plain write and
// flush of the same bytes.
func BenchmarkDirPut(b *testing.B) {
	const size = 1 << 20
	b.Run("plain", func(b *testing.B) {
		at, body := b.TempDir(), make([]byte, size)
		b.SetBytes(size)
		for i := 0; b.Loop(); i++ {
			f, err := os.Create(filepath.Join(at, hex.EncodeToString([]byte{byte(i), byte(i >> 8), byte(i >> 16)})))
			if err != nil {
				b.Fatal(err)
			}
			f.Write(body)
			f.Sync()
			f.Close()
		}
	})
	b.Run("vault", func(b *testing.B) {
		d, err := NewDir(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		body := make([]byte, size)
		b.SetBytes(size)
		for b.Loop() {
			rand.Read(body[:16])
			if err := d.Put(b.Context(), docs.Papers, docs.Hash(sha256.Sum256(body)), size, bytes.NewReader(body)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
