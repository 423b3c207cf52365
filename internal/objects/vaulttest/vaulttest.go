// Package vaulttest is the suite that every docs.Vault passes. It knows nothing
// of how objects are kept.
package vaulttest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"sigillo/docs"
	"sigillo/internal/fault"
)

func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func has(t *testing.T, v docs.Vault, h docs.Hash) bool {
	t.Helper()
	r, _, err := v.Open(t.Context(), docs.AreaSealed, h)
	if code(err) == "not-found" {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	return true
}

// Run plays the suite against vaults that open returns, each empty or not.
func Run(t *testing.T, open func(t *testing.T) docs.Vault) {
	put := func(t *testing.T, v docs.Vault, body []byte) (docs.Hash, error) {
		h := digest(body)
		return h, v.Put(t.Context(), docs.AreaSealed, h, int64(len(body)), bytes.NewReader(body))
	}
	for _, size := range []int{0, 1, 4096, 1 << 20, 20<<20 + 7} {
		t.Run("round trip", func(t *testing.T) {
			v, body := open(t), random(size)
			h, err := put(t, v, body)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := put(t, v, body); err != nil {
				t.Fatalf("the same again: %v", err)
			}
			r, n, err := v.Open(t.Context(), docs.AreaSealed, h)
			if err != nil || n != int64(size) {
				t.Fatal(n, err)
			}
			defer r.Close()
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, body) {
				t.Fatal("the bytes changed", err)
			}
		})
	}
	for _, size := range []int{10, 5 << 20, 17 << 20} {
		t.Run("INC-22 what is not as declared is not kept", func(t *testing.T) {
			v, body := open(t), random(size)
			h := digest(body)
			bent := bytes.Clone(body)
			bent[len(bent)-1] ^= 1
			for _, c := range []struct {
				want string
				r    io.Reader
			}{
				{"wrong-digest", bytes.NewReader(bent)},
				{"truncated-upload", bytes.NewReader(body[:size-1])},
				{"truncated-upload", io.MultiReader(bytes.NewReader(body[:size/2]), iotest.ErrReader(errors.New("the line broke")))},
				{"longer-than-declared", io.MultiReader(bytes.NewReader(body), strings.NewReader("x"))},
			} {
				if got := code(v.Put(t.Context(), docs.AreaSealed, h, int64(size), c.r)); got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
				if has(t, v, h) {
					t.Fatalf("after %s something is visible", c.want)
				}
			}
			if err := v.Put(t.Context(), docs.AreaSealed, h, int64(size), bytes.NewReader(body)); err != nil {
				t.Fatalf("the right bytes afterwards: %v", err)
			}
			if got := code(v.Put(t.Context(), docs.AreaSealed, h, int64(size), bytes.NewReader(bent))); got != "wrong-digest" {
				t.Errorf("other bytes under a name that is taken: got %q", got)
			}
		})
	}
	t.Run("nothing is not taken for something", func(t *testing.T) {
		v, body := open(t), random(10)
		h := digest(body)
		for _, c := range []struct {
			want string
			size int64
			body []byte
		}{
			{"wrong-digest", 0, nil},
			{"longer-than-declared", 0, body},
			{"truncated-upload", 10, nil},
			{"truncated-upload", -1, body},
		} {
			if got := code(v.Put(t.Context(), docs.AreaSealed, h, c.size, bytes.NewReader(c.body))); got != c.want {
				t.Errorf("%d bytes, %d declared: got %q, want %q", len(c.body), c.size, got, c.want)
			}
			if has(t, v, h) {
				t.Fatalf("%d bytes, %d declared: something is visible", len(c.body), c.size)
			}
		}
	})
	t.Run("a listing names each object once and stops when told", func(t *testing.T) {
		v, want := open(t), map[docs.Hash]int64{}
		before := time.Now().Add(-time.Minute)
		for n := range 5 {
			h, err := put(t, v, random(100+n))
			if err != nil {
				t.Fatal(err)
			}
			want[h] = int64(100 + n)
		}
		if err := v.List(t.Context(), docs.AreaSealed, func(o docs.Object) error {
			if size, ours := want[o.Hash]; ours && (size != o.Size || o.Modified.Before(before)) {
				t.Errorf("got %+v, want %d bytes of now", o, size)
			}
			delete(want, o.Hash)
			return nil
		}); err != nil || len(want) != 0 {
			t.Fatalf("%d are not listed: %v", len(want), err)
		}
		enough, seen := errors.New("enough"), 0
		if err := v.List(t.Context(), docs.AreaSealed, func(docs.Object) error { seen++; return enough }); !errors.Is(err, enough) || seen != 1 {
			t.Fatal(seen, err)
		}
	})
	t.Run("of many writers all are right", func(t *testing.T) {
		v, body := open(t), random(100_000)
		h := digest(body)
		var wg sync.WaitGroup
		for range 24 {
			wg.Go(func() {
				if err := v.Put(context.WithoutCancel(t.Context()), docs.AreaSealed, h, int64(len(body)), bytes.NewReader(body)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		n := 0
		if err := v.List(t.Context(), docs.AreaSealed, func(o docs.Object) error {
			if o.Hash == h && o.Size == int64(len(body)) {
				n++
			}
			return nil
		}); err != nil || n != 1 {
			t.Fatal(n, err)
		}
	})
	t.Run("areas are apart, what is not there is not found", func(t *testing.T) {
		v := open(t)
		h, err := put(t, v, random(50))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := v.Open(t.Context(), docs.Papers, h); code(err) != "not-found" {
			t.Fatal(err)
		}
		if got := code(v.Remove(t.Context(), docs.Papers, h)); got != "not-found" {
			t.Fatal(got)
		}
	})
	t.Run("a retained object is not removed", func(t *testing.T) {
		v := open(t)
		h, err := put(t, v, random(50))
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Retain(t.Context(), docs.AreaSealed, h, time.Now().Add(2*time.Second)); err != nil {
			t.Fatal(err)
		}
		if got := code(v.Retain(t.Context(), docs.Papers, h, time.Now().Add(time.Hour))); got != "not-found" {
			t.Fatalf("retaining what is not there: got %q", got)
		}
		if err := v.Retain(t.Context(), docs.AreaSealed, h, time.Now().Add(-time.Hour)); err != nil {
			t.Fatalf("a shorter retention changes nothing: %v", err)
		}
		if got := code(v.Remove(t.Context(), docs.AreaSealed, h)); got != "retained" {
			t.Fatalf("got %q", got)
		}
		time.Sleep(4 * time.Second)
		if err := v.Remove(t.Context(), docs.AreaSealed, h); err != nil || has(t, v, h) {
			t.Fatalf("after the retention: %v", err)
		}
	})
	t.Run("a cancelled upload leaves nothing", func(t *testing.T) {
		v, body := open(t), random(8<<20)
		h := digest(body)
		ctx, cancel := context.WithCancel(t.Context())
		r := io.MultiReader(bytes.NewReader(body[:1<<20]), readerFunc(func([]byte) (int, error) { cancel(); return 0, context.Canceled }))
		if v.Put(ctx, docs.AreaSealed, h, int64(len(body)), r) == nil || has(t, v, h) {
			t.Fatal("a cancelled upload was kept")
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
