package audit

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"os"

	"sigillo/internal/fault"
)

// What verifying has to remember of each entry is its id, and of each object the
// state it was left in. Both grow with the register; so once there is much of
// them, they are written to files instead, in partitions by id or object, and
// each partition is gone through by itself in the end. What is found is the same:
// one id, and one object, is in one partition, in order.

// memory is how many ids and objects are remembered before they are written out:
// some 50 MB.
const memory = 1 << 18

// partitions is how many files: each of them is remembered whole in the end.
const partitions = 128

// seen is one entry, or one change of one object by it, as far as later ones
// are compared with it.
type seen struct {
	Line   int
	At     int64
	Entry  string
	Change bool // of an object; else the entry itself
	Known  bool // not an act, but what was remembered of the object before
	Object Object
	Before string // hash, empty for none
	After  string
	Exists bool
	Unseen uint64
	Sealed bool // of a tender of which acts are left out
}

// key is what a partition is chosen by, and what is compared within.
func (s seen) key() string {
	if !s.Change {
		return s.Entry
	}
	return s.Object.Type + "\x00" + s.Object.ID
}

// spill is the files.
type spill struct {
	files []*os.File
	out   []*bufio.Writer
	err   error
}

func newSpill() (*spill, error) {
	s := &spill{}
	for range partitions {
		f, err := os.CreateTemp("", "sigillo-verify-*")
		if err != nil {
			s.close()
			return nil, unwritable(err)
		}
		// Gone with the process, too, where the system can.
		os.Remove(f.Name())
		s.files, s.out = append(s.files, f), append(s.out, bufio.NewWriterSize(f, 16<<10))
	}
	return s, nil
}

func unwritable(err error) error {
	return fault.New(fault.Unavailable, "no-room", "Non c'è posto per i file temporanei della verifica: liberi spazio, o indichi un'altra cartella con TMPDIR.",
		"There is no room for the temporary files of the verification: free some, or name another folder by TMPDIR.").Because(err)
}

func (s *spill) close() {
	for _, f := range s.files {
		f.Close()
		os.Remove(f.Name())
	}
}

// put writes one to its partition.
func (s *spill) put(x seen) {
	h := fnv.New32a()
	io.WriteString(h, x.key())
	out := s.out[h.Sum32()%partitions]
	flags := byte(0)
	for i, set := range []bool{x.Change, x.Known, x.Exists, x.Sealed} {
		if set {
			flags |= 1 << i
		}
	}
	var b []byte
	b = append(b, flags)
	for _, n := range []uint64{uint64(x.Line), uint64(x.At + 1), uint64(x.Object.Version), x.Unseen} {
		b = binary.AppendUvarint(b, n)
	}
	for _, t := range []string{x.Entry, x.Object.Type, x.Object.ID, x.Before, x.After} {
		b = append(binary.AppendUvarint(b, uint64(len(t))), t...)
	}
	if _, err := out.Write(b); err != nil && s.err == nil {
		s.err = unwritable(err)
	}
}

// each goes through one partition after the other.
func (s *spill) each(begin func(), visit func(seen)) error {
	for i, f := range s.files {
		if err := errors.Join(s.err, s.out[i].Flush()); err != nil {
			return unwritable(err)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return unwritable(err)
		}
		begin()
		in := bufio.NewReaderSize(f, 64<<10)
		for {
			x, err := get(in)
			if err == io.EOF {
				break
			}
			if err != nil {
				return unwritable(err)
			}
			visit(x)
		}
	}
	return nil
}

func get(in *bufio.Reader) (x seen, err error) {
	flags, err := in.ReadByte()
	if err != nil {
		return x, err
	}
	for i, set := range []*bool{&x.Change, &x.Known, &x.Exists, &x.Sealed} {
		*set = flags>>i&1 == 1
	}
	var n [4]uint64
	for i := range n {
		if n[i], err = binary.ReadUvarint(in); err != nil {
			return x, io.ErrUnexpectedEOF
		}
	}
	x.Line, x.At, x.Object.Version, x.Unseen = int(n[0]), int64(n[1])-1, int(n[2]), n[3]
	for _, t := range []*string{&x.Entry, &x.Object.Type, &x.Object.ID, &x.Before, &x.After} {
		size, err := binary.ReadUvarint(in)
		if err != nil {
			return x, io.ErrUnexpectedEOF
		}
		b := make([]byte, size)
		if _, err := io.ReadFull(in, b); err != nil {
			return x, io.ErrUnexpectedEOF
		}
		*t = string(b)
	}
	return x, nil
}
