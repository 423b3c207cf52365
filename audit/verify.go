package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sigillo/internal/fault"
)

// Problem is one thing wrong with an export.
type Problem struct {
	Line  int    // in the file, from 1
	Index int64  // of the entry in the log, from 0; -1 where the line names none
	Entry string // id, where it can still be read
	Code  string // stable, for programs
	Text  fault.Text
}

// Report is the outcome of verifying an export.
type Report struct {
	Origin    string
	Authority string
	Tender    string   // set when the export is of one tender only
	Size      uint64   // leaves found in the file, withheld ones too
	Withheld  uint64   // leaves whose entry may not be read
	Sealed    []string // tenders whose bidders' acts are left out
	First     time.Time
	Last      time.Time
	Root      [32]byte // over the leaves found in the file
	Problems  []Problem
	Warnings  []Problem
	Unlisted  int // problems and warnings beyond the first thousand of each
}

// OK tells whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// maxProblems bounds what is listed of a file that is wrong throughout.
const maxProblems = 1000

// Verify recomputes an export from its bytes alone: every leaf, the order, the
// root, the checkpoint's signature over root, header and withheld lines, and
// for every object that each act starts from the state the act before it left.
// Every byte of the file counts. An error means the file could not be read; all
// that is wrong with its contents is in the report.
//
// Memory does not grow with the export: what has to be remembered of a large one
// lies in temporary files meanwhile, some 200 bytes for each act.
//
// The codes of problems, all of which make the report not OK:
//
//	bad-header       the first line is not a header
//	changed-header   the header is not the signed one
//	bad-line         not a line of the format; line-too-long: over 1 MiB
//	not-canonical    readable, but other bytes than the canonical ones
//	unknown-field    a field the format does not know
//	bad-entry        the leaf matches, but the entry breaks the format
//	changed-entry    body, salt or leaf changed: the leaf does not match
//	missing-entry    indices are skipped and never come
//	moved-entry      an index comes later than its place
//	added-entry      an index comes a second time
//	duplicate-entry  an id comes a second time
//	broken-history   an act does not start from the state left before (below)
//	wrong-size       the checkpoint signs another number of entries
//	wrong-root       the checkpoint signs other entries or another order
//	changed-withheld the withheld lines are not the signed ones
//	wrong-key, bad-signature, bad-checkpoint   as in OpenCheckpoint
//	no-checkpoint    the file is cut off; cut-line: its last line has no end
//	after-the-end    something follows the checkpoint
//
// A forger who makes indices and leaves right again after a change is found by
// wrong-size or wrong-root, since those are signed; broken-history then often
// names the place.
//
// History is broken when the hash of an act's Before differs from that of the
// After of the last act seen on that object, or its version is lower, or when
// the first act seen on an object has a Before at all. It is not held against
// an act where an unseen one may lie between: when, since the object was last
// seen (or at all, if it was not), an entry was withheld or could not be read,
// or when the act belongs to a tender the header lists as sealed.
//
// A clock that goes back (clock-went-back) is a warning: the order is that of
// the log, and transactions that overlap commit in another order than they
// began.
func Verify(r io.Reader, keys note.Verifiers) (*Report, error) {
	v := newVerifier(keys)
	return v.verify(r)
}

func (v *verifier) verify(r io.Reader) (*Report, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		text, err := readLine(in)
		if err == io.EOF {
			break
		}
		v.line++
		switch {
		case err == nil:
			v.take(text)
		case v.closed && (errors.Is(err, errLong) || errors.Is(err, errUnended)):
			v.afterTheEnd()
		case errors.Is(err, errLong):
			v.unseen++
			v.problem(noIndex, "", "line-too-long", fault.T("La riga supera 1 MiB.", "The line is longer than 1 MiB."))
		case errors.Is(err, errUnended):
			v.problem(noIndex, "", "cut-line", fault.T("L'ultima riga è tronca.", "The last line is cut off."))
		default:
			return nil, fault.New(fault.Unavailable, "unreadable", "Il file non si può leggere: riprovi.", "The file cannot be read: try again.").Because(err)
		}
	}
	if err := v.settle(); err != nil {
		return nil, err
	}
	v.end()
	return &v.Report, nil
}

type verifier struct {
	Report
	keys     note.Verifiers
	tree     Tree
	line     int
	next     uint64 // the index expected
	gaps     []gap  // indices skipped so far, in rising order
	unseen   uint64 // entries withheld or unreadable
	header   [32]byte
	withheld hash.Hash
	seen     map[[16]byte]struct{}
	left     map[thing]trace
	sealed   map[string]bool // tenders of which acts are left out
	closed   bool

	most    int    // ids and objects that are remembered
	spilled *spill // where they are beyond that
	unable  error
}

func newVerifier(keys note.Verifiers) verifier {
	v := verifier{keys: keys, withheld: sha256.New(), sealed: map[string]bool{}, most: memory}
	v.forget()
	return v
}

// gap is a run of indices that were skipped at a line.
type gap struct {
	from, to uint64
	line     int
}

type thing struct{ kind, id string }

// trace is what the last visible act on an object left of it.
type trace struct {
	hash    string
	exists  bool
	version int
	unseen  uint64 // how many entries could not be read by then
}

var (
	errLong    = errors.New("line too long")
	errUnended = errors.New("line without an end")
)

// readLine returns the next line without its end. It skips the rest of a line
// that is too long, so that reading can go on after it.
func readLine(in *bufio.Reader) ([]byte, error) {
	var all []byte
	long := false
	for {
		part, err := in.ReadSlice('\n')
		if long = long || len(all)+len(part) > maxLine; !long {
			all = append(all, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(all) == 0 && !long:
			return nil, io.EOF
		case err != nil && err != io.EOF:
			return nil, err
		case long:
			return nil, errLong
		case err == io.EOF:
			return nil, errUnended
		}
		return all[:len(all)-1], nil
	}
}

const noIndex = -1

func (v *verifier) problem(index int64, entry, code string, text fault.Text) {
	v.list(&v.Problems, Problem{v.line, index, entry, code, text})
}

func (v *verifier) list(list *[]Problem, p Problem) {
	if len(*list) == maxProblems {
		v.Unlisted++
		return
	}
	*list = append(*list, p)
}

func (v *verifier) afterTheEnd() {
	v.problem(noIndex, "", "after-the-end", fault.T("C'è altro dopo il checkpoint.", "Something follows the checkpoint."))
}

func (v *verifier) take(text []byte) {
	switch {
	case v.closed:
		v.afterTheEnd()
	case v.line == 1:
		v.first(text)
	case bytes.HasPrefix(text, []byte(`{"checkpoint":`)):
		v.last(text)
	default:
		v.leaf(text)
	}
}

func (v *verifier) first(text []byte) {
	var h headerLine
	err := exact(text, &h)
	at, malformed := time.Parse(instant, h.ProducedAt)
	if err != nil || malformed != nil || at.UTC().Format(instant) != h.ProducedAt || h.Format != Format || h.Origin == "" {
		v.problem(noIndex, "", "bad-header", fault.T("La prima riga non è l'intestazione di un'esportazione.", "The first line is not the header of an export."))
	}
	v.Origin, v.Authority, v.Tender, v.Sealed, v.header = h.Origin, h.Scope.Authority, h.Scope.Tender, h.Sealed, sha256.Sum256(text)
	for _, tender := range h.Sealed {
		v.sealed[tender] = true
	}
}

func (v *verifier) leaf(text []byte) {
	index, r, ok := oneLine(text)
	intact := ok && Leaf(r.Salt, r.Body) == r.Leaf
	reason := ""
	var wrong error
	if !intact && !(ok && json.Valid(r.Body)) {
		index, r, reason, ok, wrong = parseLine(text)
		intact = ok && Leaf(r.Salt, r.Body) == r.Leaf
	}
	if !ok {
		v.unseen++
		v.problem(noIndex, "", "bad-line", fault.T("La riga non è una voce del registro.", "The line is not an entry of the register."))
		return
	}
	at := int64(index)
	if wrong != nil {
		v.malformed(at, "", wrong)
	}
	v.place(index, r)
	v.tree.Add(r.Leaf)
	if reason != "" {
		v.Withheld++
		v.unseen++
		v.withheld.Write(append(text, '\n'))
		return
	}
	if !intact {
		v.problem(at, idOf(r.Body), "changed-entry", fault.T("La voce %d è stata modificata: corpo, sale o impronta non corrispondono.",
			"Entry %d was changed: body, salt or leaf do not match.", index))
	}
	e, err := Open(r.Body)
	if err != nil {
		v.unseen++
		v.malformed(at, idOf(r.Body), err)
		return
	}
	v.follow(at, e)
}

func (v *verifier) malformed(at int64, id string, err error) {
	f := fault.Of(err)
	v.problem(at, id, f.Code, f.Text)
}

// place checks an index against those that came before. A gap is not told at
// once: what is only moved fills it later.
func (v *verifier) place(index uint64, r Record) {
	switch {
	case index == v.next:
		v.next++
	case index > v.next:
		if len(v.gaps) < maxProblems {
			v.gaps = append(v.gaps, gap{v.next, index, v.line})
		}
		v.next = index + 1
	default:
		for i, g := range v.gaps {
			if g.from <= index && index < g.to {
				v.gaps = slices.Replace(v.gaps, i, i+1, slices.DeleteFunc([]gap{{g.from, index, g.line}, {index + 1, g.to, g.line}},
					func(g gap) bool { return g.from == g.to })...)
				v.problem(int64(index), idOf(r.Body), "moved-entry", fault.T("La voce %d non è al suo posto.", "Entry %d is not in its place.", index))
				return
			}
		}
		v.problem(int64(index), idOf(r.Body), "added-entry", fault.T("La voce %d c'è già: questa è stata aggiunta.",
			"Entry %d is there already: this one was added.", index))
	}
}

// follow checks what entries say of each other.
func (v *verifier) follow(at int64, e Entry) {
	v.remember(seen{Line: v.line, At: at, Entry: e.ID})
	if v.First.IsZero() || e.At.Before(v.First) {
		v.First = e.At
	}
	if e.At.Before(v.Last) {
		v.list(&v.Warnings, Problem{v.line, at, e.ID, "clock-went-back", fault.T(
			"L'istante precede quello di una voce prima.", "The instant is before that of an earlier entry.")})
	} else {
		v.Last = e.At
	}
	sealed := v.sealed[e.Tender]
	v.remember(changed(v.line, at, e.ID, Change{Object: e.Object, Before: e.Before, After: e.After}, v.unseen, sealed))
	for _, c := range e.Also {
		v.remember(changed(v.line, at, e.ID, c, v.unseen, sealed))
	}
}

func changed(line int, at int64, entry string, c Change, unseen uint64, sealed bool) seen {
	x := seen{Line: line, At: at, Entry: entry, Change: true, Object: c.Object, Unseen: unseen, Sealed: sealed}
	if c.Before != nil {
		x.Before = c.Before.Hash
	}
	if c.After != nil {
		x.After = c.After.Hash
	}
	return x
}

// remember compares what is seen with what was, now or, where there is too much
// to remember, in the end.
func (v *verifier) remember(x seen) {
	if v.spilled != nil {
		v.spilled.put(x)
		return
	}
	v.compare(x)
	if len(v.seen)+len(v.left) > v.most {
		v.unable = errors.Join(v.unable, v.spillAll())
	}
}

// spillAll writes out what is remembered, and has all that follows written.
func (v *verifier) spillAll() (err error) {
	if v.spilled, err = newSpill(); err != nil {
		v.most = math.MaxInt // told in the end; until then on as before
		return err
	}
	for id := range v.seen {
		v.spilled.put(seen{Known: true, Entry: uuid(id)})
	}
	for object, t := range v.left {
		v.spilled.put(seen{Change: true, Known: true, Object: Object{Type: object.kind, ID: object.id, Version: t.version}, After: t.hash, Exists: t.exists, Unseen: t.unseen})
	}
	v.seen, v.left = nil, nil
	return nil
}

// settle compares what was written out.
func (v *verifier) settle() error {
	if v.spilled == nil {
		return v.unable
	}
	defer v.spilled.close()
	return errors.Join(v.unable, v.spilled.each(v.forget, v.compare))
}

func (v *verifier) forget() { v.seen, v.left = map[[16]byte]struct{}{}, map[thing]trace{} }

func (v *verifier) compare(x seen) {
	if x.Change {
		v.history(x)
		return
	}
	id := bytesOf(x.Entry)
	if _, twice := v.seen[id]; twice {
		v.list(&v.Problems, Problem{x.Line, x.At, x.Entry, "duplicate-entry", fault.T("La voce compare due volte.", "The entry appears twice.")})
	}
	v.seen[id] = struct{}{}
}

// bytesOf is a UUID in its 16 bytes; Check has seen to its form.
func bytesOf(id string) (b [16]byte) {
	hex.Decode(b[:], []byte(id[:8]+id[9:13]+id[14:18]+id[19:23]+id[24:]))
	return b
}

func uuid(b [16]byte) string {
	t := hex.EncodeToString(b[:])
	return t[:8] + "-" + t[8:12] + "-" + t[12:16] + "-" + t[16:20] + "-" + t[20:]
}

func (v *verifier) history(x seen) {
	object := thing{x.Object.Type, x.Object.ID}
	last, known := v.left[object]
	if x.Known {
		v.left[object] = trace{x.After, x.Exists, x.Object.Version, x.Unseen}
		return
	}
	excused := x.Unseen > last.unseen || x.Sealed
	broken := func(it, en string) {
		v.list(&v.Problems, Problem{x.Line, x.At, x.Entry, "broken-history", fault.T(it, en, object.kind, object.id)})
	}
	switch {
	case excused:
	case known && x.Before != "" && (!last.exists || x.Before != last.hash),
		known && x.Object.Version < last.version:
		broken("L'atto su %s %s parte da uno stato che nessuna voce ha lasciato: manca o è cambiata una voce.",
			"The act on %s %s starts from a state that no entry left: an entry is missing or changed.")
	case !known && x.Before != "":
		broken("L'atto su %s %s è il primo che si vede, ma l'oggetto esisteva già: manca una voce.",
			"The act on %s %s is the first to be seen, yet the object existed before: an entry is missing.")
	}
	now := trace{last.hash, last.exists, x.Object.Version, x.Unseen}
	switch {
	case x.After != "":
		now.hash, now.exists = strings.Clone(x.After), true // not the whole entry with it
	case x.Before != "": // the act ended the object
		now.hash, now.exists = "", false
	case !known: // merely named: what follows may be its creation or its first change
		return
	}
	if !known {
		object = thing{strings.Clone(object.kind), strings.Clone(object.id)}
	}
	v.left[object] = now
}

func (v *verifier) last(text []byte) {
	v.closed = true
	var t trailer
	if err := exact(text, &t); err != nil {
		v.problem(noIndex, "", "bad-checkpoint", ErrBadCheckpoint.Text)
		return
	}
	c, err := OpenCheckpoint(t.Checkpoint, v.keys)
	if err != nil {
		v.malformed(noIndex, "", err)
		return
	}
	want := extensions(v.header, v.withheld)
	if len(c.Extensions) != len(want) {
		v.problem(noIndex, "", "bad-checkpoint", ErrBadCheckpoint.Text)
		return
	}
	if c.Origin != v.Origin || c.Extensions[0] != want[0] {
		v.problem(noIndex, "", "changed-header", fault.T("L'intestazione non è quella firmata.", "The header is not the signed one."))
	}
	if c.Extensions[1] != want[1] {
		v.problem(noIndex, "", "changed-withheld", fault.T("Le voci non leggibili non sono quelle firmate: una voce è stata nascosta, o ne è cambiato il motivo.",
			"The withheld entries are not the signed ones: an entry was hidden, or its reason changed."))
	}
	if c.Size != v.tree.Size() {
		v.problem(noIndex, "", "wrong-size", fault.T("Il checkpoint firma %d voci, il file ne ha %d: ne sono state tolte o aggiunte.",
			"The checkpoint signs %d entries, the file has %d: some were dropped or added.", c.Size, v.tree.Size()))
	} else if c.Root != v.tree.Root() {
		v.problem(noIndex, "", "wrong-root", fault.T("La radice firmata non è quella delle voci: una voce è stata cambiata o spostata.",
			"The signed root is not that of the entries: an entry was changed or moved."))
	}
}

// end tells what can be told only after the last line.
func (v *verifier) end() {
	if !v.closed {
		v.problem(noIndex, "", "no-checkpoint", fault.T("Manca il checkpoint firmato: il file è tronco.", "The signed checkpoint is missing: the file is cut off."))
	}
	for _, g := range v.gaps {
		v.list(&v.Problems, Problem{g.line, int64(g.from), "", "missing-entry", fault.T("Mancano le voci da %d a %d: sono state tolte.",
			"Entries %d to %d are missing: they were dropped.", g.from, g.to-1)})
	}
	slices.SortStableFunc(v.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Code, b.Code))
	})
	v.Size, v.Root = v.tree.Size(), v.tree.Root()
}
