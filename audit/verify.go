package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sigillo/internal/fault"
)

// Problem is one thing wrong with an export.
type Problem struct {
	Line  int    // in the file, from 1
	Entry string // id, where it can still be read
	Code  string
	Text  fault.Text
}

// Report is the outcome of verifying an export.
type Report struct {
	Origin    string
	Authority string
	Size      uint64   // entries
	Sealed    []string // tenders whose bidders' acts are left out
	First     time.Time
	Last      time.Time
	Root      [32]byte
	Problems  []Problem
	Warnings  []Problem
}

// OK tells whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// maxLine bounds one line; maxProblems stops a file that is wrong throughout.
const (
	maxLine     = 1 << 20
	maxProblems = 1000
)

type verifier struct {
	Report
	keys     note.Verifiers
	tree     Tree
	line     int
	origin   string
	header   [32]byte
	seen     map[string]bool   // ids of entries
	states   map[string]*State // by object, as the last entry left it
	closed   bool
	withhold bool
}

// Verify recomputes an export from its bytes alone: every leaf, the root, its
// signature, and for every object that each act starts from the state the act
// before it left. Memory grows with the number of entries' ids and objects,
// not with their contents. An error means the file could not be read at all.
func Verify(r io.Reader, keys note.Verifiers) (*Report, error) {
	v := &verifier{keys: keys, seen: map[string]bool{}, states: map[string]*State{}}
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		text, err := readLine(in)
		if err == io.EOF {
			break
		}
		v.line++
		if errors.Is(err, errLong) || errors.Is(err, errUnended) {
			v.problem("", "bad-line", "La riga è troppo lunga o tronca.", "The line is too long or cut off.")
			break
		}
		if err != nil {
			return nil, err
		}
		v.take(text)
		if len(v.Problems) >= maxProblems {
			break
		}
	}
	if !v.closed {
		v.problem("", "no-checkpoint", "Manca il checkpoint firmato: il file è tronco.", "The signed checkpoint is missing: the file is cut off.")
	}
	v.Size, v.Root = v.tree.Size(), v.tree.Root()
	return &v.Report, nil
}

var (
	errLong    = errors.New("line too long")
	errUnended = errors.New("line without an end")
)

func readLine(in *bufio.Reader) ([]byte, error) {
	var all []byte
	for {
		part, err := in.ReadSlice('\n')
		all = append(all, part...)
		switch {
		case err == bufio.ErrBufferFull && len(all) <= maxLine:
			continue
		case err == io.EOF && len(all) == 0:
			return nil, io.EOF
		case err == io.EOF:
			return nil, errUnended
		case len(all) > maxLine:
			return nil, errLong
		case err != nil:
			return nil, err
		}
		return all[:len(all)-1], nil
	}
}

func (v *verifier) problem(entry, code, it, en string, args ...any) {
	v.Problems = append(v.Problems, Problem{v.line, entry, code, fault.T(it, en, args...)})
}

func (v *verifier) take(text []byte) {
	switch {
	case v.closed:
		v.problem("", "after-the-end", "Ci sono righe dopo il checkpoint.", "There are lines after the checkpoint.")
	case v.line == 1:
		v.first(text)
	case bytes.HasPrefix(text, []byte(`{"checkpoint":`)):
		v.last(text)
	default:
		v.entry(text)
	}
}

// strict decodes a line and demands that its bytes are canonical, so that no
// byte of the file can change without being seen.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	again, err := Canonical(into)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, text) {
		return errors.New("not canonical")
	}
	return nil
}

func (v *verifier) first(text []byte) {
	var h Header
	if err := strict(text, &h); err != nil || h.Format != Format {
		v.problem("", "bad-header", "La prima riga non è l'intestazione di un'esportazione.", "The first line is not the header of an export.")
		return
	}
	v.Origin, v.Authority, v.Sealed, v.header = h.Origin, h.Authority, h.Sealed, sha256.Sum256(text)
}

func (v *verifier) entry(text []byte) {
	var l line
	var leaf, salt [32]byte
	if err := strict(text, &l); err != nil || !decode(l.Leaf, &leaf) {
		v.problem("", "bad-line", "La riga non è una voce del registro.", "The line is not an entry of the register.")
		return
	}
	if want := v.tree.Size(); l.Index != want {
		v.problem("", "out-of-sequence", "Qui doveva stare la voce %d, c'è la %d: una voce è stata tolta, aggiunta o spostata.",
			"Entry %d was expected here, there is %d: an entry was dropped, added or moved.", want, l.Index)
	}
	v.tree.Add(leaf)
	if !decode(l.Salt, &salt) || Leaf(salt, l.Entry) != leaf {
		v.problem(idOf(l.Entry), "changed-entry", "La voce %d è stata modificata: la sua impronta non corrisponde.",
			"Entry %d was changed: its hash does not match.", l.Index)
	}
	e, err := Open(l.Entry)
	if err != nil {
		v.problem(idOf(l.Entry), "bad-entry", "La voce %d non è ben formata: %s.", "Entry %d is not well formed: %s.", l.Index, err.Error())
		return
	}
	v.follow(e)
}

// idOf reads the id of an entry that may be malformed.
func idOf(body []byte) string {
	var e struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	return e.ID
}

// follow checks what entries say of each other.
func (v *verifier) follow(e Entry) {
	if v.seen[e.ID] {
		v.problem(e.ID, "duplicate-entry", "La voce compare due volte.", "The entry appears twice.")
	}
	v.seen[e.ID] = true
	if v.First.IsZero() {
		v.First = e.At
	}
	if e.At.Before(v.Last) {
		v.Warnings = append(v.Warnings, Problem{v.line, e.ID, "clock-went-back", fault.T(
			"L'istante precede quello della voce prima.", "The instant is before that of the entry above.")})
	}
	v.Last = e.At
	for _, c := range e.Changes() {
		object := c.Object.Type + " " + c.Object.ID
		last, known := v.states[object]
		if c.Before != nil && known && last != nil && last.Hash != c.Before.Hash {
			v.problem(e.ID, "broken-history", "L'atto su %s parte da uno stato che nessuna voce ha lasciato: manca o è cambiata una voce.",
				"The act on %s starts from a state that no entry left: an entry is missing or changed.", object)
		}
		if c.Before != nil && !known && !elsewhere(c.Object) {
			v.problem(e.ID, "broken-history", "L'atto su %s è il primo che si vede, ma l'oggetto esisteva già: manca una voce.",
				"The act on %s is the first to be seen, yet the object existed before: an entry is missing.", object)
		}
		v.states[object] = c.After
	}
}

// elsewhere: objects that begin as part of another act, or in the register of
// the platform, before any entry of the authority names them.
func elsewhere(o Object) bool {
	return o.Type == "opening" || o.Type == "evaluation" || o.Type == "authority"
}

func (v *verifier) last(text []byte) {
	v.closed = true
	var t trailer
	if err := strict(text, &t); err != nil {
		v.problem("", "bad-line", "La riga del checkpoint non è ben formata.", "The checkpoint line is not well formed.")
		return
	}
	c, err := OpenCheckpoint(t.Checkpoint, v.keys)
	if err != nil {
		v.problem("", "bad-signature", "Il checkpoint non è firmato dalla chiave attesa: %s.", "The checkpoint is not signed by the expected key: %s.", fmt.Sprint(err))
		return
	}
	if c.Origin != v.Origin || c.Header != v.header {
		v.problem("", "changed-header", "L'intestazione non è quella firmata.", "The header is not the signed one.")
	}
	if c.Size != v.tree.Size() {
		v.problem("", "wrong-size", "Il checkpoint firma %d voci, il file ne ha %d: ne sono state tolte o aggiunte.",
			"The checkpoint signs %d entries, the file has %d: some were dropped or added.", c.Size, v.tree.Size())
	} else if c.Root != v.tree.Root() {
		v.problem("", "wrong-root", "La radice firmata non è quella delle voci: una voce è stata cambiata o spostata.",
			"The signed root is not that of the entries: an entry was changed or moved.")
	}
}
