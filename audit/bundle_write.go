package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sigillo/internal/fault"
)

// BundleWriter puts a bundle together. Entries and documents are given in the
// order of the log; what they become lies in scratch files, because a manifest
// comes before what it speaks of. Memory grows with the number of documents
// only.
type BundleWriter struct {
	head       BundleHead
	checkpoint Checkpoint

	entries, rows, proofs, listed *spool
	entryTable, documentTable     table

	count, withheld, untold uint64
	documents               map[string]int64 // those to be included, and their sizes
	known                   map[BundleDocument]struct{}
}

// spool is a scratch file that is measured as it is written.
type spool struct {
	file Scratch
	out  *bufio.Writer
	sum  hash.Hash
	size int64
}

func (s *spool) Write(b []byte) (int, error) {
	s.sum.Write(b)
	s.size += int64(len(b))
	return s.out.Write(b)
}

func (s *spool) digest() string { return hex.EncodeToString(s.sum.Sum(nil)) }

func (s *spool) open() (io.ReadCloser, error) {
	if err := s.out.Flush(); err != nil {
		return nil, err
	}
	_, err := s.file.Seek(0, io.SeekStart)
	return io.NopCloser(s.file), err
}

// NewBundleWriter begins a bundle. log is the key its checkpoint is signed by.
func NewBundleWriter(h BundleHead, log note.Verifier, scratch func() (Scratch, error)) (*BundleWriter, error) {
	c, _, err := openNote(h.Note, log, nil)
	if err != nil {
		return nil, err
	}
	h.Sealed = slices.Sorted(slices.Values(h.Sealed))
	b := &BundleWriter{head: h, checkpoint: c, documents: map[string]int64{}, known: map[BundleDocument]struct{}{}}
	for _, s := range []**spool{&b.entries, &b.rows, &b.proofs, &b.listed} {
		file, err := scratch()
		if err != nil {
			return nil, errors.Join(err, b.Close())
		}
		*s = &spool{file: file, out: bufio.NewWriterSize(file, 64<<10), sum: sha256.New()}
	}
	if b.entryTable, err = newTable(b.rows, entryColumns); err == nil {
		b.documentTable, err = newTable(b.listed, documentColumns)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Close drops the scratch files.
func (b *BundleWriter) Close() error {
	var errs []error
	for _, s := range []*spool{b.entries, b.rows, b.proofs, b.listed} {
		if s != nil {
			errs = append(errs, s.file.Close())
		}
	}
	return errors.Join(errs...)
}

// Entry adds an entry with the bytes as they were stored, the snapshots it left
// and the hashes that lead from its leaf to the checkpoint.
func (b *BundleWriter) Entry(p Place, r Record, states []Shown, proof [][32]byte) error {
	if !json.Valid(r.Body) || bytes.ContainsAny(r.Body, "\n\r") {
		return fault.Hidden(errors.New("a stored entry is not one line of JSON"))
	}
	l := bundleLine{Entry: r.Body, Index: p.Index, Leaf: b64(r.Leaf), Salt: b64(r.Salt), TenderSeq: p.TenderSeq}
	for _, s := range states {
		w := shownWire{Object: s.Object, Withheld: s.Withheld}
		if s.Withheld == "" {
			w.Salt, w.Snapshot = b64(s.Salt), s.Doc
		} else {
			b.untold++
		}
		l.States = append(l.States, w)
	}
	e, err := Open(r.Body)
	if err != nil { // the row has no cells then: the reader must find what is wrong, not the writer
		return b.put(p, l, nil, proof)
	}
	return b.put(p, l, &e, proof)
}

// Withheld adds an entry that this reader may count and not read.
func (b *BundleWriter) Withheld(p Place, leaf [32]byte, proof [][32]byte) error {
	b.withheld++
	return b.put(p, bundleLine{Index: p.Index, Leaf: b64(leaf), Tender: p.Tender, TenderSeq: p.TenderSeq}, nil, proof)
}

func (b *BundleWriter) put(p Place, l bundleLine, e *Entry, proof [][32]byte) error {
	text, err := l.text()
	if err != nil {
		return fault.Hidden(err)
	}
	if len(text) >= maxBundleLine {
		return fault.Hidden(errors.New("an entry and its snapshots are too long for a bundle"))
	}
	b.count++
	if _, err := b.entries.Write(append(text, '\n')); err != nil {
		return err
	}
	if err := b.entryTable.row(entryRow(p, e)...); err != nil {
		return err
	}
	_, err = io.WriteString(b.proofs, Proof{Index: p.Index, Hashes: proof, Note: b.head.Note}.Text())
	return err
}

// Document lists a document, once however often it is spoken of.
func (b *BundleWriter) Document(d BundleDocument) error {
	if _, twice := b.known[d]; twice {
		return nil
	}
	b.known[d] = struct{}{}
	included := "no"
	if d.Reason == "" {
		included = "sì"
		b.documents[d.SHA256] = d.Size
	}
	return b.documentTable.row(d.SHA256, strconv.FormatInt(d.Size, 10), d.Kind, d.Name, d.Tender, d.Bid, included, d.Reason)
}

// Write writes the archive. open opens a document that is included; one that is
// not what its name says breaks the archive off.
func (b *BundleWriter) Write(w io.Writer, signer note.Signer, open func(sha256 string) (io.ReadCloser, error)) error {
	if err := errors.Join(b.entryTable.end(), b.documentTable.end()); err != nil {
		return err
	}
	readme, err := b.readme()
	if err != nil {
		return err
	}
	var files []packed
	var manifest, tags strings.Builder
	var total int64
	add := func(name, sum string, size int64, open func() (io.ReadCloser, error)) {
		files = append(files, packed{name, open})
		manifest.WriteString(manifestLine(sum, name))
		total += size
	}
	text := func(name string, body []byte) {
		add(name, digest(body), int64(len(body)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil })
	}
	spooled := func(name string, s *spool) { add(name, s.digest(), s.size, s.open) }
	text(fileReadme, readme)
	text(fileCheckpoint, []byte(b.head.Note))
	spooled(fileDocumentCSV, b.listed)
	sums := make([]string, 0, len(b.documents))
	for sum := range b.documents {
		sums = append(sums, sum)
	}
	slices.Sort(sums)
	for _, sum := range sums {
		add(folderDocuments+sum, sum, b.documents[sum], func() (io.ReadCloser, error) { return proven(sum, b.documents[sum], open) })
	}
	spooled(fileEntryCSV, b.rows)
	spooled(fileEntries, b.entries)
	spooled(fileProofs, b.proofs)
	text(fileVerifier, bundleVerifier)

	statement, err := b.statement(manifest.String(), signer)
	if err != nil {
		return err
	}
	info := bagInfo(b.head, b.checkpoint, total, len(files))
	tag := func(name, body string) packed {
		if name != fileTagManifest {
			tags.WriteString(manifestLine(digest([]byte(body)), name))
		}
		return packed{name, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }}
	}
	all := append([]packed{tag(fileBagInfo, info), tag(fileBagit, bagit)}, files...)
	all = append(all, tag(fileManifest, manifest.String()), tag(fileStatement, statement))
	return pack(w, append(all, tag(fileTagManifest, tags.String())))
}

func (b *BundleWriter) statement(manifest string, signer note.Signer) (string, error) {
	p := b.head.promise()
	p.Entries, p.Withheld, p.Manifest = b.count, b.withheld, digest([]byte(manifest))
	s, err := Sign(BundleKind, p, signer)
	if err != nil {
		return "", err
	}
	text, err := Canonical(s)
	return string(text) + "\n", err
}

// proven opens a document and breaks off at its end if it is another.
func proven(sum string, size int64, open func(string) (io.ReadCloser, error)) (io.ReadCloser, error) {
	r, err := open(sum)
	if err != nil {
		return nil, err
	}
	return &provenReader{r, sha256.New(), sum, size}, nil
}

// provenReader passes a document on while it measures it.
type provenReader struct {
	io.ReadCloser
	hash.Hash
	want string
	left int64
}

func (p *provenReader) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	p.Hash.Write(b[:n])
	p.left -= int64(n)
	if err == io.EOF && (p.left != 0 || hex.EncodeToString(p.Sum(nil)) != p.want) {
		return n, fault.Hidden(fmt.Errorf("the document %s is not what it was", p.want))
	}
	return n, err
}
