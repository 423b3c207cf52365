package seal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"filippo.io/age"

	"sigillo/internal/fault"
)

// Opened is an envelope being read.
type Opened struct {
	Contents Contents
	src      *source
	plain    io.Reader
	next     int
	item     *itemReader
	read     int64 // plaintext bytes up to the end of the current item
	end      error // the answer of Next once the padding was looked at
}

// Open reads an envelope with its file key. Its label must be the one wanted.
// Faults: damaged-envelope, foreign-envelope; neither tells what was inside.
// An error of r itself is returned as it is, here and by what Open returns.
func Open(r io.Reader, fileKey []byte, want Label) (*Opened, error) {
	if len(fileKey) != 16 {
		return nil, damaged("the file key has the wrong length")
	}
	o := &Opened{src: &source{r: r}}
	var err error
	if o.plain, err = age.Decrypt(o.src, age.NewInjectedFileKeyIdentity(fileKey)); err != nil {
		return nil, o.broken("the header does not fit the file key")
	}
	front := make([]byte, len(magic)+lengthSize)
	if _, err := io.ReadFull(o.plain, front); err != nil {
		return nil, o.broken("it does not decrypt")
	}
	length := binary.BigEndian.Uint32(front[len(magic):])
	if string(front[:len(magic)]) != magic || length > maxHead {
		return nil, damaged("it is not of this format")
	}
	head := make([]byte, length)
	if _, err := io.ReadFull(o.plain, head); err != nil {
		return nil, o.broken("it does not decrypt")
	}
	o.read = int64(len(front)) + int64(length)
	if o.Contents, err = decode(head); err != nil {
		return nil, damaged(err.Error())
	}
	if o.Contents.Label != want {
		return nil, foreign()
	}
	return o, nil
}

// damaged takes a fixed reason and never a library's error, whose text could
// quote what was being read.
func damaged(reason string) error {
	return fault.New(fault.Conflict, "damaged-envelope", "La busta è danneggiata e non si apre.",
		"The envelope is damaged and does not open.").Because(errors.New(reason))
}

// broken tells a failure of the store underneath from damage.
func (o *Opened) broken(reason string) error {
	if o.src.err != nil {
		return o.src.err
	}
	return damaged(reason)
}

// Next returns the next document; what was not read of the one before is
// skipped and checked all the same. A document is proven only when its reader
// has said io.EOF. At the end, after checking the padding, Next returns io.EOF.
// Fault: damaged-envelope.
func (o *Opened) Next() (Item, io.Reader, error) {
	if o.item != nil {
		if _, err := io.Copy(io.Discard, o.item); err != nil {
			return Item{}, nil, err
		}
	}
	if o.next == len(o.Contents.Items) {
		if o.end == nil {
			o.end = o.padding()
		}
		return Item{}, nil, o.end
	}
	item := o.Contents.Items[o.next]
	o.next++
	o.read += item.Size
	o.item = &itemReader{from: o, r: io.LimitReader(o.plain, item.Size), item: item, sum: sha256.New()}
	return item, o.item, nil
}

func (o *Opened) padding() error {
	buf := make([]byte, 32<<10)
	for left := Padme(o.read) - o.read; ; {
		n, err := o.plain.Read(buf)
		left -= int64(n)
		for _, b := range buf[:n] {
			if b != 0 {
				return damaged("the padding is not zero")
			}
		}
		switch {
		case left < 0 || err == io.EOF && left > 0:
			return damaged("the padding is not of its length")
		case err == io.EOF:
			return io.EOF
		case err != nil:
			return o.broken("it does not decrypt")
		}
	}
}

type itemReader struct {
	from *Opened
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
			err = damaged("a document does not have its digest")
		}
	} else if err != nil {
		err = i.from.broken("it does not decrypt")
	}
	i.err = err
	return n, err
}
