package seal

import (
	"bytes"
	"io"
	"testing"

	"pgregory.net/rapid"
)

func TestDocumentReadsAnywhere(t *testing.T) {
	id := identity(t)
	first, second := bytes.Repeat([]byte("uno "), 40_000), bytes.Repeat([]byte("due!"), 50_000)
	file := seal(t, id, map[string]string{"discount": "1"}, first, second)
	key, err := fileKey(headerOf(t, file), label, id)
	if err != nil {
		t.Fatal(err)
	}
	item, r, err := Document(bytes.NewReader(file), int64(len(file)), key, label, 1)
	if err != nil || item.Size != int64(len(second)) {
		t.Fatal(item, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(second)).Draw(t, "at")
		n := rapid.IntRange(0, len(second)-at).Draw(t, "n")
		got := make([]byte, n)
		if m, err := r.ReadAt(got, int64(at)); m != n || err != nil && err != io.EOF || !bytes.Equal(got, second[at:at+n]) {
			t.Fatal(m, err)
		}
	})
	if n, err := r.ReadAt(make([]byte, 10), item.Size); n != 0 || err != io.EOF {
		t.Fatal("it reads beyond its end", n, err)
	}
	other := label
	other.Supplier = "rival"
	for name, f := range map[string]func() error{
		"foreign-envelope": func() error {
			_, _, err := Document(bytes.NewReader(file), int64(len(file)), key, other, 0)
			return err
		},
		"damaged-envelope": func() error {
			_, _, err := Document(bytes.NewReader(file), int64(len(file)), key, label, 2)
			return err
		},
	} {
		if got := code(f()); got != name {
			t.Errorf("got %q, want %q", got, name)
		}
	}
	if _, _, err := Document(bytes.NewReader(file[:len(file)-1]), int64(len(file)-1), key, label, 0); code(err) != "damaged-envelope" {
		t.Errorf("cut off: %v", err)
	}
}
