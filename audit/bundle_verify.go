package audit

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sigillo/internal/fault"
)

// BundleReport is the outcome of verifying a bundle. Lines are those of
// entries.jsonl; 0 where the problem is with another file. Size and Root are
// those of the log's checkpoint.
type BundleReport struct {
	Report
	From, To  string // of the period, empty where it has no end
	Entries   uint64
	Documents int
}

// VerifyBundle checks a bundle from its bytes and the log's key alone. An error
// means that the file cannot be read, or is no bundle; all that is wrong with
// its contents is in the report. Memory grows as with Verify.
//
// Besides the codes of Verify there are:
//
//	other-archive      a byte of the zip is not the one its contents give
//	bad-manifest       a manifest is not one; missing-file, unexpected-file,
//	changed-file       a file is not there, not listed, or not what was listed
//	bad-statement      the platform's statement is no statement of a bundle
//	statement-altered  or does not fit its signature, or the manifest
//	bad-proof          a proof is no proof, is missing, or of another checkpoint
//	not-proven         a proof does not lead to the signed root
//	changed-snapshot   a snapshot does not have the hash the entry left
//	missing-entry      the acts of a tender are not numbered without gaps
//	foreign-entry      an entry is not of this authority or tender
//	other-table        entries.csv says something else than entries.jsonl
func VerifyBundle(r io.ReaderAt, size int64, log note.Verifier) (*BundleReport, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, ErrNotBundle.Because(err)
	}
	v := &bundleReader{log: log, files: map[string]*zip.File{}, verifier: newVerifier(nil)}
	for _, f := range z.File {
		if f.Method != zip.Store || v.files[f.Name] != nil {
			return nil, ErrNotBundle.Because(errors.New("a compressed file, or two of one name"))
		}
		v.files[f.Name] = f
	}
	for _, name := range []string{fileEntries, fileProofs, fileManifest, fileStatement, fileTagManifest, fileCheckpoint, fileBagit} {
		if v.files[name] == nil {
			return nil, ErrNotBundle.Because(errors.New("no " + name))
		}
	}
	v.archive(z, r, size)
	v.manifests()
	v.promised()
	v.note()
	if err := v.lines(); err != nil {
		return nil, err
	}
	if err := v.settle(); err != nil {
		return nil, err
	}
	return &BundleReport{Report: v.Report, From: v.said.From, To: v.said.To, Entries: v.entries, Documents: v.documents}, nil
}

type bundleReader struct {
	verifier
	log        note.Verifier
	files      map[string]*zip.File
	sums       map[string]string // of the payload, as the manifest has them
	said       promise
	text       string // of the checkpoint
	checkpoint Checkpoint
	entries    uint64
	documents  int
	numbers    map[string]uint64 // last number of each tender
}

func (v *bundleReader) wrong(code, it, en string, args ...any) {
	v.problem(noIndex, "", code, fault.T(it, en, args...))
}

// archive packs the contents anew and compares every byte.
func (v *bundleReader) archive(z *zip.Reader, r io.ReaderAt, size int64) {
	var files []packed
	for _, f := range z.File {
		files = append(files, packed{f.Name, f.Open})
	}
	sorted := slices.IsSortedFunc(files, func(a, b packed) int { return strings.Compare(a.name, b.name) })
	again, is := sha256.New(), sha256.New()
	err := pack(again, files)
	if _, unread := io.Copy(is, io.NewSectionReader(r, 0, size)); unread != nil || err != nil || !sorted || !bytes.Equal(again.Sum(nil), is.Sum(nil)) {
		v.wrong("other-archive", "L'archivio zip è stato alterato o rifatto con un altro programma: i suoi byte non sono quelli che il contenuto dà.",
			"The zip archive was altered or made anew by another program: its bytes are not those its contents give.")
	}
}

// maxTag bounds what is read at once of a bundle.
const maxTag = 64 << 20

func (v *bundleReader) read(name string) []byte {
	in, err := v.files[name].Open()
	if err != nil {
		return nil
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxTag))
	if err != nil && !errors.Is(err, zip.ErrChecksum) { // told by archive already
		return nil
	}
	return text
}

func (v *bundleReader) manifests() {
	var ok bool
	v.sums = v.manifest(fileManifest, func(name string) bool { return strings.HasPrefix(name, "data/") })
	v.manifest(fileTagManifest, func(name string) bool { return !strings.HasPrefix(name, "data/") && name != fileTagManifest })
	if ok = string(v.read(fileBagit)) == bagit; !ok {
		v.wrong("changed-file", "%s non è quello di un fascicolo.", "%s is not that of a bundle.", fileBagit)
	}
}

// manifest compares the files that belong to a manifest with it.
func (v *bundleReader) manifest(of string, belongs func(string) bool) map[string]string {
	sums, ok := readManifest(string(v.read(of)))
	if !ok {
		v.wrong("bad-manifest", "%s non è un elenco di impronte (RFC 8493).", "%s is not a list of digests (RFC 8493).", of)
		return nil
	}
	for name := range sums {
		if v.files[name] == nil || !belongs(name) {
			v.wrong("missing-file", "Manca il file %s, che %s elenca.", "The file %s, listed by %s, is missing.", name, of)
		}
	}
	for name, f := range v.files {
		if !belongs(name) {
			continue
		}
		sum, listed := sums[name]
		if !listed {
			v.wrong("unexpected-file", "%s non elenca il file %s.", "%s does not list the file %s.", of, name)
			continue
		}
		document, is := strings.CutPrefix(name, folderDocuments)
		if is {
			v.documents++
		}
		if got := sumOf(f); got != sum || is && document != sum {
			v.wrong("changed-file", "Il file %s è cambiato: la sua impronta è %s.", "The file %s was changed: its digest is %s.", name, got)
		}
	}
	return sums
}

func sumOf(f *zip.File) string {
	in, err := f.Open()
	if err != nil {
		return ""
	}
	defer in.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, in); err != nil && !errors.Is(err, zip.ErrChecksum) {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// promised reads what the platform has signed of the bundle.
func (v *bundleReader) promised() {
	text := v.read(fileStatement)
	s, err := ParseStatement(text)
	if err == nil {
		var canonical []byte
		if canonical, err = Canonical(s); err == nil && string(canonical)+"\n" != string(text) {
			err = ErrNotCanonical
		}
	}
	if err != nil || s.Kind != BundleKind || exact(s.Body, &v.said) != nil || v.said.Format != BundleFormat {
		v.wrong("bad-statement", "%s non è la dichiarazione di un fascicolo.", "%s is not the statement of a bundle.", fileStatement)
		return
	}
	if err := s.Verify(note.VerifierList(v.log)); err != nil {
		v.wrong(ErrNotSigned.Code, "La dichiarazione del fascicolo non è firmata dalla chiave attesa, o è stata alterata.",
			"The statement of the bundle is not signed by the expected key, or was altered.")
	}
	if v.said.Manifest != digest(v.read(fileManifest)) {
		v.wrong(ErrNotSigned.Code, "L'elenco dei file non è quello che la piattaforma ha firmato: il fascicolo è stato rifatto.",
			"The list of files is not the one the platform signed: the bundle was made anew.")
	}
	v.Authority, v.Tender, v.Sealed = v.said.Authority, v.said.Tender, v.said.Sealed
	for _, t := range v.Sealed {
		v.sealed[t] = true
	}
	if v.said.From != "" {
		v.unseen = 1 // what was before the period is not seen
	}
}

func (v *bundleReader) note() {
	v.text = string(v.read(fileCheckpoint))
	c, _, err := openNote(v.text, v.log, nil)
	if err != nil {
		v.malformed(noIndex, "", err)
	}
	v.checkpoint, v.Origin, v.Size, v.Root = c, c.Origin, c.Size, c.Root
}

// lines walks entries and proofs side by side.
func (v *bundleReader) lines() error {
	entries, err := v.files[fileEntries].Open()
	if err != nil {
		return ErrNotBundle.Because(err)
	}
	defer entries.Close()
	proofs, err := v.files[fileProofs].Open()
	if err != nil {
		return ErrNotBundle.Because(err)
	}
	defer proofs.Close()
	pieces := &proofReader{in: bufio.NewReaderSize(proofs, 64<<10)}
	in := bufio.NewScanner(entries)
	in.Buffer(make([]byte, 64<<10), maxBundleLine)
	sum := sha256.New()
	rows, err := newTable(sum, entryColumns)
	if err != nil {
		return err
	}
	v.numbers = map[string]uint64{}
	last := int64(noIndex)
	for in.Scan() {
		v.line++
		v.entries++
		p, e, leaf, ok := v.take(in.Bytes())
		piece := pieces.next()
		if !ok {
			v.unseen++
			continue
		}
		if int64(p.Index) <= last {
			v.problem(int64(p.Index), "", "moved-entry", fault.T("La voce %d non è al suo posto.", "Entry %d is not in its place.", p.Index))
		}
		last = int64(p.Index)
		v.proven(p, leaf, piece)
		v.numbered(p)
		if err := rows.row(entryRow(p, e)...); err != nil {
			return err
		}
	}
	if err := in.Err(); err != nil {
		v.wrong("bad-line", "%s non si legge fino alla fine.", "%s cannot be read to its end.", fileEntries)
	}
	v.line = 0
	if pieces.next() != "" {
		v.wrong("bad-proof", "Ci sono prove di troppo.", "There are too many proofs.")
	}
	if err := rows.end(); err != nil {
		return err
	}
	v.conclude(sum)
	return nil
}

// take reads one line: where it stands, the entry unless it is withheld, and
// the leaf.
func (v *bundleReader) take(text []byte) (p Place, e *Entry, leaf [32]byte, ok bool) {
	bad := func() (Place, *Entry, [32]byte, bool) {
		v.wrong("bad-line", "La riga non è una voce del fascicolo.", "The line is not an entry of the bundle.")
		return Place{}, nil, leaf, false
	}
	var l bundleLine
	if strict(text, &l) != nil || l.Index > maxWhole || !decode(l.Leaf, &leaf) {
		return bad()
	}
	at := int64(l.Index)
	if again, err := Canonical(l); err != nil || !bytes.Equal(again, text) {
		v.malformed(at, "", ErrNotCanonical)
	}
	p = Place{l.Index, l.Tender, l.TenderSeq}
	if l.Entry == nil {
		if l.Salt != "" || l.States != nil || l.Tender == "" {
			return bad()
		}
		v.Withheld++
		v.unseen++
		v.within(at, "", v.said.Authority, l.Tender)
		return p, nil, leaf, true
	}
	r := Record{Body: l.Entry, Leaf: leaf}
	if l.Tender != "" || !decode(l.Salt, &r.Salt) {
		return bad()
	}
	if Leaf(r.Salt, r.Body) != leaf {
		v.problem(at, idOf(r.Body), "changed-entry", fault.T("La voce %d è stata modificata: corpo, sale o impronta non corrispondono.",
			"Entry %d was changed: body, salt or leaf do not match.", l.Index))
	}
	opened, err := Open(r.Body)
	if err != nil {
		v.unseen++
		v.malformed(at, idOf(r.Body), err)
		return p, nil, leaf, true
	}
	p.Tender = opened.Tender
	v.within(at, opened.ID, opened.Tenant, opened.Tender)
	v.follow(at, opened)
	v.states(at, opened, l.States)
	return p, &opened, leaf, true
}

func (v *bundleReader) within(at int64, id, tenant, tender string) {
	if tenant != v.said.Authority || v.said.Tender != "" && tender != v.said.Tender {
		v.problem(at, id, "foreign-entry", fault.T("La voce %d non è di questa stazione appaltante o di questa gara.",
			"Entry %d is not of this authority or of this tender.", at))
	}
}

// states checks that each snapshot is what the entry says an object was left
// as.
func (v *bundleReader) states(at int64, e Entry, all []shownWire) {
	for _, s := range all {
		changes := e.Changes()
		i := slices.IndexFunc(changes, func(c Change) bool { return c.Object == s.Object })
		fits := i >= 0 && (s.Withheld != "" && reasonCode.MatchString(s.Withheld) && s.Salt == "" && s.Snapshot == nil)
		if i >= 0 && s.Withheld == "" {
			snap := Snapshot{Doc: s.Snapshot}
			fits = decode(s.Salt, &snap.Salt) && changes[i].After != nil && snap.Hash() == changes[i].After.Hash
		}
		if !fits {
			v.problem(at, e.ID, "changed-snapshot", fault.T("L'oggetto %s %s nella voce %d non è quello che l'atto ha lasciato: la sua impronta salata non corrisponde.",
				"The object %s %s in entry %d is not what the act left: its salted hash does not match.", s.Object.Type, s.Object.ID, at))
		}
	}
}

func (v *bundleReader) proven(p Place, leaf [32]byte, piece string) {
	proof, err := ParseProof(piece)
	if err != nil || proof.Note != v.text || proof.Index != p.Index {
		v.problem(int64(p.Index), "", "bad-proof", fault.T("Manca la prova della voce %d, o è di un'altra.", "The proof of entry %d is missing, or of another.", p.Index))
		return
	}
	if err := CheckInclusion(proof.Hashes, p.Index, leaf, v.checkpoint.Size, v.checkpoint.Root); err != nil {
		v.malformed(int64(p.Index), "", err)
	}
}

// numbered checks that the acts of each tender are all there, one after the
// other. How many there are in the end is signed.
func (v *bundleReader) numbered(p Place) {
	if p.Tender == "" || v.sealed[p.Tender] {
		if p.TenderSeq != 0 {
			v.problem(int64(p.Index), "", "bad-line", fault.T("La voce %d ha un numero che non le spetta.", "Entry %d has a number it should not have.", p.Index))
		}
		return
	}
	last, known := v.numbers[p.Tender]
	if v.numbers[p.Tender] = p.TenderSeq; p.TenderSeq == last+1 || !known && v.said.From != "" && p.TenderSeq > 0 {
		return
	}
	v.problem(int64(p.Index), "", "missing-entry", fault.T("Gara %s: dopo l'atto %d viene il %d. Mancano voci, o sono state spostate.",
		"Tender %s: act %d is followed by %d. Entries are missing, or were moved.", p.Tender, last, p.TenderSeq))
}

func (v *bundleReader) conclude(rows hash.Hash) {
	if v.entries != v.said.Entries || v.Withheld != v.said.Withheld {
		v.wrong("wrong-size", "La piattaforma ha firmato %d voci, il fascicolo ne ha %d.", "The platform signed %d entries, the bundle has %d.", v.said.Entries, v.entries)
	}
	if v.sums[fileEntryCSV] != hex.EncodeToString(rows.Sum(nil)) {
		v.wrong("other-table", "%s non dice lo stesso di %s.", "%s does not say the same as %s.", fileEntryCSV, fileEntries)
	}
}
