package seal

import (
	"bytes"
	"crypto/sha256"
	"io"
	"testing"
	"time"

	"filippo.io/age"
)

func TestNextGoesOnSayingTheEnd(t *testing.T) {
	id := identity(t)
	file := seal(t, id, nil, bytes.Repeat([]byte("x"), 777), []byte("y"))
	head, err := Header(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	key, err := fileKey(head, label, id)
	if err != nil {
		t.Fatal(err)
	}
	o, err := Open(bytes.NewReader(file), key, label)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, nil, io.EOF, io.EOF, io.EOF} {
		if _, _, err := o.Next(); err != want {
			t.Fatalf("call %d: got %v", i+1, err)
		}
	}
}

// BenchmarkAgainstAge does the same work with the age library alone in the
// same iteration and reports its time in ours: sealing, which also checks that
// no document changed, against plain encryption; opening, which checks every
// digest, against decryption and one SHA-256. At 1 they are as fast.
func BenchmarkAgainstAge(b *testing.B) {
	id := identity(b)
	body := make([]byte, 32<<20)
	c := Contents{Label: label, Items: []Item{item("a.pdf", body)}}
	sealed, source := seal(b, id, nil, body), from(body)
	head, err := Header(bytes.NewReader(sealed))
	if err != nil {
		b.Fatal(err)
	}
	key, err := fileKey(head, label, id)
	if err != nil {
		b.Fatal(err)
	}
	compare := func(b *testing.B, theirs, ours func() error) {
		b.SetBytes(2 * int64(len(body)))
		var them, us time.Duration
		for b.Loop() {
			start := time.Now()
			err := theirs()
			middle := time.Now()
			if err == nil {
				err = ours()
			}
			if err != nil {
				b.Fatal(err)
			}
			them, us = them+middle.Sub(start), us+time.Since(middle)
		}
		b.ReportMetric(them.Seconds()/us.Seconds(), "of-age")
	}
	b.Run("seal", func(b *testing.B) {
		compare(b, func() error {
			w, err := age.Encrypt(io.Discard, id.Recipient())
			if err != nil {
				return err
			}
			if _, err := w.Write(body); err != nil {
				return err
			}
			return w.Close()
		}, func() error {
			_, err := Seal(io.Discard, to(id.Recipient().String()), c, []Source{source})
			return err
		})
	})
	b.Run("open", func(b *testing.B) {
		compare(b, func() error {
			r, err := age.Decrypt(bytes.NewReader(sealed), age.NewInjectedFileKeyIdentity(key))
			if err != nil {
				return err
			}
			_, err = io.Copy(sha256.New(), r)
			return err
		}, func() error {
			o, err := Open(bytes.NewReader(sealed), key, label)
			for err == nil {
				_, _, err = o.Next()
			}
			if err == io.EOF {
				return nil
			}
			return err
		})
	})
}
