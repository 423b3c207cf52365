package audit

import (
	"archive/zip"
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"strings"
)

// proofReader takes the proofs apart: each begins with its version.
type proofReader struct {
	in   *bufio.Reader
	head bool // the next one's first line was read
}

// next is the next proof file; empty at the end. Beyond its bound it is cut,
// and then no proof.
func (p *proofReader) next() string {
	var b strings.Builder
	if p.head {
		b.WriteString(proofVersion + "\n")
	}
	p.head = false
	for {
		line, err := p.in.ReadSlice('\n')
		if string(line) == proofVersion+"\n" && b.Len() > 0 {
			p.head = true
			return b.String()
		}
		if b.Len() <= maxProof {
			b.Write(line)
		}
		if err != nil && err != bufio.ErrBufferFull {
			return b.String()
		}
	}
}

// BundleEntry is an entry of a bundle with the snapshots it left, as whoever
// computes with them needs it. Nothing of it is verified: that is for
// VerifyBundle.
type BundleEntry struct {
	Place
	Entry
	States []Snapshot // those that are not withheld
}

// ReadBundle visits the entries of a bundle in the order of the log, those that
// are not withheld. Faults: not-a-bundle, and those of the visit.
func ReadBundle(r io.ReaderAt, size int64, visit func(BundleEntry) error) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return ErrNotBundle.Because(err)
	}
	entries, err := z.Open(fileEntries)
	if err != nil {
		return ErrNotBundle.Because(err)
	}
	defer entries.Close()
	in := bufio.NewScanner(entries)
	in.Buffer(make([]byte, 64<<10), maxBundleLine)
	for in.Scan() {
		var l bundleLine
		if err := strict(in.Bytes(), &l); err != nil {
			return ErrNotBundle.Because(err)
		}
		if l.Entry == nil {
			continue
		}
		var w wire
		if err := json.Unmarshal(l.Entry, &w); err != nil {
			return ErrNotBundle.Because(err)
		}
		e, err := w.entry()
		if err != nil {
			return ErrNotBundle.Because(err)
		}
		b := BundleEntry{Place: Place{l.Index, e.Tender, l.TenderSeq}, Entry: e}
		for _, s := range l.States {
			if s.Withheld == "" {
				b.States = append(b.States, Snapshot{Object: s.Object, Doc: slices.Clone(s.Snapshot)})
			}
		}
		if err := visit(b); err != nil {
			return err
		}
	}
	if err := in.Err(); err != nil {
		return ErrNotBundle.Because(err)
	}
	return nil
}
