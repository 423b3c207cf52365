package seal

import (
	"encoding/binary"
	"io"

	"filippo.io/age"
)

// Document gives one document of an envelope for reading anywhere in it, so that
// a program that jumps about, as those for PDF and archives do, needs no copy in
// clear. Every piece read is authenticated by the encryption; the document's
// digest is not checked, which the opening did. Faults: damaged-envelope,
// foreign-envelope; an error of r is returned as it is.
func Document(r io.ReaderAt, size int64, fileKey []byte, want Label, index int) (Item, io.ReaderAt, error) {
	if len(fileKey) != len(part{}) {
		return Item{}, nil, damaged("the file key has the wrong length")
	}
	plain, _, err := age.DecryptReaderAt(r, size, age.NewInjectedFileKeyIdentity(fileKey))
	if err != nil {
		return Item{}, nil, damaged("the header does not fit the file key")
	}
	front := make([]byte, len(magic)+lengthSize)
	if _, err := plain.ReadAt(front, 0); err != nil {
		return Item{}, nil, damaged("it does not decrypt")
	}
	length := binary.BigEndian.Uint32(front[len(magic):])
	if string(front[:len(magic)]) != magic || length > maxHead {
		return Item{}, nil, damaged("it is not of this format")
	}
	head := make([]byte, length)
	if _, err := plain.ReadAt(head, int64(len(front))); err != nil {
		return Item{}, nil, damaged("it does not decrypt")
	}
	c, err := decode(head)
	if err != nil {
		return Item{}, nil, damaged(err.Error())
	}
	if c.Label != want {
		return Item{}, nil, foreign()
	}
	if index < 0 || index >= len(c.Items) {
		return Item{}, nil, damaged("it has no such document")
	}
	at := int64(len(front)) + int64(length)
	for _, item := range c.Items[:index] {
		at += item.Size
	}
	return c.Items[index], io.NewSectionReader(plain, at, c.Items[index].Size), nil
}
