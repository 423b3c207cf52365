package vaulttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"sigillo/docs"
)

// digest names a sealed file.
func digest(body []byte) docs.Hash {
	h := docs.NewPartsHash()
	h.Write(body)
	return h.Digest()
}

// cut gives part n of a body, with its digest.
func cut(body []byte, n int) ([]byte, docs.Hash) {
	from := (n - 1) * docs.PartSize
	part := body[from : from+int(docs.PartLength(int64(len(body)), n))]
	return part, docs.Hash(sha256.Sum256(part))
}

// RunParts plays the suite of uploads in parts. open returns the same store
// every time within one test, as a restarted program finds it.
func RunParts(t *testing.T, open func(t *testing.T) func() docs.Vault) {
	body := random(2*docs.PartSize + 12_345)
	put := func(t *testing.T, v docs.Vault, u docs.Upload, body []byte, n int) error {
		part, sum := cut(body, n)
		return v.PutPart(t.Context(), u, n, sum, bytes.NewReader(part))
	}
	begin := func(t *testing.T, v docs.Vault, body []byte) docs.Upload {
		t.Helper()
		u, err := v.Begin(t.Context(), docs.AreaSealed, digest(body), int64(len(body)))
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	whole := func(t *testing.T, v docs.Vault, body []byte) {
		t.Helper()
		r, n, err := v.Open(t.Context(), docs.AreaSealed, digest(body))
		if err != nil || n != int64(len(body)) {
			t.Fatal(n, err)
		}
		defer r.Close()
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, body) {
			t.Fatal("the bytes changed", err)
		}
	}
	t.Run("any order, again, after a restart", func(t *testing.T) {
		again := open(t)
		v, body := again(), random(2*docs.PartSize+1)
		u := begin(t, v, body)
		for _, n := range []int{3, 1, 1} {
			if err := put(t, v, u, body, n); err != nil {
				t.Fatal(n, err)
			}
		}
		if got := code(v.Finish(t.Context(), u)); got != "missing-parts" {
			t.Fatalf("finished with a part missing: %q", got)
		}
		if has(t, v, u.Hash) {
			t.Fatal("an unfinished file is visible")
		}
		v = again()
		stored, err := v.Stored(t.Context(), u)
		if err != nil || len(stored) != 2 || stored[0].Number != 1 || stored[1].Number != 3 || stored[1].Size != 1 || stored[0].StoredAt.IsZero() {
			t.Fatal(stored, err)
		}
		if _, sum := cut(body, 1); stored[0].SHA256 != sum {
			t.Fatal("a part has another digest")
		}
		if err := put(t, v, u, body, 2); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := v.Finish(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
		whole(t, v, body)
	})
	t.Run("a small file is one part, named by its SHA-256", func(t *testing.T) {
		v, body := open(t)(), random(777)
		u := begin(t, v, body)
		if u.Hash != docs.Hash(sha256.Sum256(body)) {
			t.Fatal("not the SHA-256")
		}
		if err := errors.Join(put(t, v, u, body, 1), v.Finish(t.Context(), u)); err != nil {
			t.Fatal(err)
		}
		whole(t, v, body)
	})
	t.Run("INC-22 a part that is not as declared is not kept", func(t *testing.T) {
		v := open(t)()
		u := begin(t, v, body)
		part, sum := cut(body, 1)
		bent := bytes.Clone(part)
		bent[17] ^= 1
		for _, c := range []struct {
			want string
			n    int
			r    io.Reader
		}{
			{"wrong-digest", 1, bytes.NewReader(bent)},
			{"truncated-upload", 1, bytes.NewReader(part[:len(part)-1])},
			{"truncated-upload", 1, io.MultiReader(bytes.NewReader(part[:1000]), iotest.ErrReader(errors.New("the line broke")))},
			{"longer-than-declared", 1, io.MultiReader(bytes.NewReader(part), bytes.NewReader([]byte("x")))},
			{"not-found", 4, bytes.NewReader(part)}, {"not-found", 0, bytes.NewReader(part)},
		} {
			if got := code(v.PutPart(t.Context(), u, c.n, sum, c.r)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		}
		if stored, err := v.Stored(t.Context(), u); err != nil || len(stored) > 0 {
			t.Fatal(stored, err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := v.PutPart(gone, u, 1, sum, bytes.NewReader(part)); err == nil {
			t.Error("stored for somebody who has gone")
		}
		// A part that was right is replaced by another that is right by itself:
		// the whole is then not what was announced.
		if err := put(t, v, u, body, 1); err != nil {
			t.Fatal(err)
		}
		if err := v.PutPart(t.Context(), u, 1, docs.Hash(sha256.Sum256(bent)), bytes.NewReader(bent)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(put(t, v, u, body, 2), put(t, v, u, body, 3)); err != nil {
			t.Fatal(err)
		}
		if got := code(v.Finish(t.Context(), u)); got != "wrong-digest" {
			t.Fatalf("got %q", got)
		}
		if has(t, v, u.Hash) {
			t.Fatal("a wrong file is visible")
		}
		if err := errors.Join(put(t, v, u, body, 1), v.Finish(t.Context(), u)); err != nil {
			t.Fatal(err)
		}
		whole(t, v, body)
	})
	t.Run("AT-024 thirty broken links", func(t *testing.T) {
		v, body := open(t)(), random(2*docs.PartSize+999)
		u := begin(t, v, body)
		for i := range 30 {
			part, sum := cut(body, i%3+1)
			at := rand.IntN(len(part))
			err := v.PutPart(t.Context(), u, i%3+1, sum, io.MultiReader(bytes.NewReader(part[:at]), iotest.ErrReader(errors.New("the line broke"))))
			if err == nil {
				t.Fatal("half a part is taken for a whole one")
			}
		}
		var group sync.WaitGroup
		for n := 1; n <= 3; n++ {
			for range 2 { // two programs of the same bidder
				group.Go(func() {
					if err := put(t, v, u, body, n); err != nil {
						t.Error(err)
					}
				})
			}
		}
		group.Wait()
		if err := v.Finish(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		whole(t, v, body)
	})
	t.Run("finished by many at once", func(t *testing.T) {
		v, body := open(t)(), random(docs.PartSize+5)
		u := begin(t, v, body)
		if err := errors.Join(put(t, v, u, body, 1), put(t, v, u, body, 2)); err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if err := v.Finish(t.Context(), u); err != nil && code(err) != "not-found" {
					t.Error(err)
				}
			})
		}
		group.Wait()
		whole(t, v, body)
		twin := begin(t, v, body) // the same file once more
		if got := code(v.Finish(t.Context(), twin)); got != "missing-parts" {
			t.Fatalf("who knows a digest passes for who has the bytes: %q", got)
		}
		if err := errors.Join(put(t, v, twin, body, 1), put(t, v, twin, body, 2), v.Finish(t.Context(), twin)); err != nil {
			t.Fatal("a file that is there already", err)
		}
		whole(t, v, body)
	})
	t.Run("dropped and swept", func(t *testing.T) {
		v, body := open(t)(), random(2*docs.PartSize+3)
		u := begin(t, v, body)
		if err := put(t, v, u, body, 1); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(v.Drop(t.Context(), u), v.Drop(t.Context(), u)); err != nil {
			t.Fatal(err)
		}
		if got := code(put(t, v, u, body, 2)); got != "not-found" {
			t.Fatalf("a dropped upload takes parts: %q", got)
		}
		if got := code(v.Finish(t.Context(), u)); got != "not-found" {
			t.Fatalf("a dropped upload ends well: %q", got)
		}
		for _, bad := range []string{"", "..", "../../etc", "a/b"} {
			odd := u
			odd.ID = bad
			if err := put(t, v, odd, body, 1); err == nil {
				t.Errorf("the upload %q is there", bad)
			}
		}
		if _, err := v.Sweep(t.Context(), time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Begin(t.Context(), docs.AreaSealed, u.Hash, 0); code(err) != "bad-size" {
			t.Errorf("an empty file: %v", err)
		}
	})
	t.Run("straight to the store", func(t *testing.T) {
		v, body := open(t)(), random(docs.PartSize+100)
		u := begin(t, v, body)
		part, sum := cut(body, 1)
		at, err := v.Address(t.Context(), u, 1, sum, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if at == nil {
			t.Skip("this store takes parts through the platform only")
		}
		send := func(b []byte, bend func(*http.Request)) int {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, at.URL, bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range at.Header {
				r.Header.Set(k, v)
			}
			bend(r)
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			return resp.StatusCode
		}
		bent := bytes.Clone(part)
		bent[5] ^= 1
		other := "x-amz-checksum-sha256"
		for name, status := range map[string]int{
			"other bytes":       send(bent, func(*http.Request) {}),
			"fewer bytes":       send(part[:100], func(*http.Request) {}),
			"no checksum":       send(part, func(r *http.Request) { r.Header.Del(other) }),
			"another part":      send(part, func(r *http.Request) { q := r.URL.Query(); q.Set("partNumber", "2"); r.URL.RawQuery = q.Encode() }),
			"another's address": send(part, func(r *http.Request) { r.URL.Path += "0" }),
		} {
			if status < 400 {
				t.Errorf("%s are taken (%d)", name, status)
			}
		}
		if status := send(part, func(*http.Request) {}); status != http.StatusOK {
			t.Fatalf("the right bytes: %d", status)
		}
		if err := errors.Join(put(t, v, u, body, 2), v.Finish(t.Context(), u)); err != nil {
			t.Fatal(err)
		}
		whole(t, v, body)
	})
}
