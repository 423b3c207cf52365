package objects

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigillo/docs"
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
	address := os.Getenv("TEST_S3_URL")
	if address == "" {
		if os.Getenv("SIGILLO_REQUIRE_SERVICES") != "" {
			t.Fatal("TEST_S3_URL is not set, and services are required")
		}
		t.Skip("SKIPPED: no S3 store; set TEST_S3_URL=s3://ACCESS:SECRET@host:port/bucket?tls=false")
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("TEST_S3_URL is not a URL")
	}
	var b [6]byte
	rand.Read(b[:])
	u.Path += "-" + hex.EncodeToString(b[:])
	vaulttest.Run(t, func(t *testing.T) docs.Vault {
		v, err := Open(t.Context(), u.String())
		if err != nil {
			t.Fatal(err)
		}
		return v
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
