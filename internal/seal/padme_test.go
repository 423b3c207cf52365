package seal

import (
	"bytes"
	"io"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"
)

func TestPadmeHidesTheSizeCheaply(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<40).Draw(t, "n")
		p := Padme(n)
		if p < n || (p-n)*100 > n*12 || Padme(p) != p {
			t.Fatalf("Padme(%d) = %d", n, p)
		}
	})
	for n, want := range map[int64]int64{0: 0, 1: 1, 9: 10, 100: 104, 1000: 1024, 1 << 20: 1 << 20} {
		if Padme(n) != want {
			t.Errorf("Padme(%d) = %d, want %d", n, Padme(n), want)
		}
	}
}

// TestSealedPlaintextsHaveAPaddedSize also is the proof that any age program
// can take an envelope apart with the file key alone.
func TestSealedPlaintextsHaveAPaddedSize(t *testing.T) {
	id := identity(t)
	rapid.Check(t, func(rt *rapid.T) {
		body := bytes.Repeat([]byte("x"), rapid.IntRange(1, 300_000).Draw(rt, "size"))
		file := seal(t, id, nil, body)
		key, err := fileKey(headerOf(t, file), label, id)
		if err != nil {
			rt.Fatal(err)
		}
		r, err := age.Decrypt(bytes.NewReader(file), age.NewInjectedFileKeyIdentity(key))
		if err != nil {
			rt.Fatal(err)
		}
		plain, err := io.ReadAll(r)
		if err != nil {
			rt.Fatal(err)
		}
		used := len(bytes.TrimRight(plain, "\x00"))
		if !bytes.HasPrefix(plain, []byte("sigillo-envelope/2\n")) || !bytes.Equal(plain[used-len(body):used], body) {
			rt.Fatal("the plaintext is not laid out as documented")
		}
		if int64(len(plain)) != Padme(int64(used)) {
			rt.Fatalf("%d bytes are padded to %d", used, len(plain))
		}
	})
}
