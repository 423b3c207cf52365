package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"

	"filippo.io/age"

	"sigillo/internal/fault"
)

// Opened is an envelope being read.
type Opened struct {
	Contents Contents
	plain    io.Reader
	next     int
	item     *itemReader
	read     int64 // plaintext bytes before the current item
}

// Open reads an envelope with its file key. Its label must be the one wanted.
// Faults: damaged-envelope, foreign-envelope, cannot-unseal; none tells what
// was inside.
func Open(r io.Reader, fileKey []byte, want Label) (*Opened, error) {
	if len(fileKey) != 16 {
		return nil, damaged(errors.New("file key of the wrong length"))
	}
	plain, err := age.Decrypt(r, age.NewInjectedFileKeyIdentity(fileKey))
	if err != nil {
		return nil, damaged(err)
	}
	front := make([]byte, len(magic)+4)
	if _, err := io.ReadFull(plain, front); err != nil {
		return nil, damaged(err)
	}
	length := binary.BigEndian.Uint32(front[len(magic):])
	if string(front[:len(magic)]) != magic || length > maxHead {
		return nil, damaged(errors.New("not an envelope of this format"))
	}
	head := make([]byte, length)
	if _, err := io.ReadFull(plain, head); err != nil {
		return nil, damaged(err)
	}
	o := &Opened{plain: plain, read: int64(len(front)) + int64(length)}
	d := json.NewDecoder(bytes.NewReader(head))
	d.DisallowUnknownFields()
	if d.Decode(&o.Contents) != nil || d.More() || o.Contents.Check() != nil {
		return nil, damaged(errors.New("contents are not well formed"))
	}
	if o.Contents.Label != want {
		return nil, fault.New(fault.Conflict, "foreign-envelope", "La busta è stata sigillata per un'altra gara, lotto, busta o operatore.",
			"The envelope was sealed for another tender, lot, envelope or supplier.")
	}
	return o, nil
}

func damaged(err error) error {
	return fault.New(fault.Conflict, "damaged-envelope", "La busta è danneggiata e non si apre.", "The envelope is damaged and does not open.").Because(hide(err))
}

// hide keeps the kind of a cause and drops its text, which could quote what it
// was reading. A failure of the store underneath is passed on as it is.
func hide(err error) error {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f
	}
	return errors.New("unreadable")
}

// Next returns the next document; what was not read of the one before is
// skipped and checked all the same. At the end, after checking the padding, it
// returns io.EOF.
func (o *Opened) Next() (Item, io.Reader, error) {
	if o.item != nil {
		if _, err := io.Copy(io.Discard, o.item); err != nil {
			return Item{}, nil, err
		}
	}
	if o.next == len(o.Contents.Items) {
		return Item{}, nil, o.padding()
	}
	item := o.Contents.Items[o.next]
	o.next++
	o.read += item.Size
	o.item = &itemReader{r: io.LimitReader(o.plain, item.Size), item: item, sum: sha256.New()}
	return item, o.item, nil
}

func (o *Opened) padding() error {
	buf := make([]byte, 32<<10)
	var n int64
	for {
		k, err := o.plain.Read(buf)
		n += int64(k)
		for _, b := range buf[:k] {
			if b != 0 {
				return damaged(errors.New("padding is not zero"))
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return damaged(err)
		}
	}
	if o.read+n != Padme(o.read) {
		return damaged(errors.New("padding is not of its length"))
	}
	return io.EOF
}

type itemReader struct {
	r    io.Reader
	item Item
	sum  hash.Hash
	n    int64
	err  error
}

func (i *itemReader) Read(p []byte) (int, error) {
	if i.err != nil {
		return 0, i.err
	}
	n, err := i.r.Read(p)
	i.sum.Write(p[:n])
	i.n += int64(n)
	if err == io.EOF {
		if i.n != i.item.Size || hex.EncodeToString(i.sum.Sum(nil)) != i.item.SHA256 {
			err = damaged(errors.New("a document does not have its digest"))
		}
	} else if err != nil {
		err = damaged(err)
	}
	i.err = err
	return n, err
}
