// Package witness keeps watch over logs: it signs a checkpoint only if the log
// has done nothing but grow since the last one it signed (C2SP tlog-witness and
// tlog-cosignature).
//
// It promises that it never signs two histories of one log, nor a smaller size
// after a larger one, whatever it is asked by how many at once and whenever it is
// killed: what it signed last is on disk before anybody gets the signature. On
// Linux that holds for several processes on one folder too; elsewhere one process
// at a time keeps a folder. It does not know what entries are, trusts nothing of
// the log but its signature, and cannot know that its folder was set back.
package witness

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/internal/fault"
)

// Witness watches logs.
type Witness struct {
	folder string
	signer *cosignature.Signer
	logs   map[string]note.Verifier // by origin

	mu sync.Mutex // over reading the last checkpoint and keeping the next one
}

// New makes a witness that keeps what it has signed in a folder. private is its
// Ed25519 key as package note writes it; logs are those it watches. Faults:
// bad-witness-key, log-twice; otherwise the folder cannot be made.
func New(folder, private string, logs ...note.Verifier) (*Witness, error) {
	signer, err := cosignature.NewSignerForCosignatureV1(private)
	if err != nil {
		return nil, fault.New(fault.Invalid, "bad-witness-key", "La chiave del testimone non è valida.", "The witness's key is not valid.").Because(err)
	}
	w := &Witness{folder: folder, signer: signer, logs: map[string]note.Verifier{}}
	for _, l := range logs {
		if w.logs[l.Name()] != nil {
			return nil, fault.New(fault.Invalid, "log-twice", "Il registro %s è indicato con due chiavi: ne lasci una.",
				"The log %s is named with two keys: leave one.", l.Name())
		}
		w.logs[l.Name()] = l
	}
	return w, os.MkdirAll(folder, 0o700)
}

// path is where the last checkpoint of a log lies.
func (w *Witness) path(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return filepath.Join(w.folder, hex.EncodeToString(sum[:])+".checkpoint")
}

// last is the checkpoint it signed last, nil before the first.
func (w *Witness) last(log note.Verifier) (*audit.Checkpoint, []byte, error) {
	text, err := os.ReadFile(w.path(log.Name()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	c, err := audit.OpenCheckpoint(string(text), note.VerifierList(log, w.signer.Verifier()))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", w.path(log.Name()), err)
	}
	return &c, text, nil
}

// keep puts a checkpoint in place whole, or not at all.
func (w *Witness) keep(origin string, text []byte) error {
	// One name, so that what a killed process left behind is written over.
	f, err := os.OpenFile(w.path(origin)+".next", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), w.path(origin)); err != nil {
		return err
	}
	folder, err := os.Open(w.folder)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// refusal is why nothing was signed, as the protocol says it.
type refusal struct {
	status int
	size   uint64 // of the last checkpoint signed; with 409
	why    string
}

func (r *refusal) Error() string { return r.why }

// add signs a checkpoint, and gives the line of its signature.
func (w *Witness) add(q request) ([]byte, error) {
	log := w.logs[q.origin()]
	if log == nil {
		return nil, &refusal{404, 0, "this log is not watched here"}
	}
	n, err := note.Open([]byte(q.checkpoint), note.VerifierList(log))
	var unsigned *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	if errors.As(err, &unsigned) || errors.As(err, &invalid) {
		return nil, &refusal{403, 0, "the log's signature is missing or wrong"}
	}
	if err != nil {
		return nil, &refusal{400, 0, "not a signed note"}
	}
	own, err := note.Sign(&note.Note{Text: n.Text, Sigs: n.Sigs}) // the log's signature, and nobody else's
	if err != nil {
		return nil, err
	}
	c, err := audit.OpenCheckpoint(string(own), note.VerifierList(log))
	if err != nil || q.old > c.Size {
		return nil, &refusal{400, 0, "not a checkpoint, or smaller than the old size"}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	held, err := lock(filepath.Join(w.folder, "lock"))
	if err != nil {
		return nil, err
	}
	defer held.Close()
	last, _, err := w.last(log)
	if err != nil {
		return nil, err
	}
	var old audit.Checkpoint
	if last != nil {
		old = *last
	} else {
		old.Root = new(audit.Tree).Root()
	}
	if q.old != old.Size {
		return nil, &refusal{409, old.Size, "the old size is another"}
	}
	if err := continues(old, c, q.proof); err != nil {
		return nil, &refusal{422, 0, err.Error()}
	}
	signed, err := note.Sign(&note.Note{Text: n.Text, Sigs: n.Sigs}, w.signer)
	if err != nil {
		return nil, err
	}
	if err := w.keep(c.Origin, signed); err != nil {
		return nil, err
	}
	return bytes.TrimPrefix(signed, own), nil
}

// continues checks that a tree is the beginning of the next.
func continues(old, next audit.Checkpoint, proof [][32]byte) error {
	if old.Size == next.Size {
		if len(proof) > 0 || old.Root != next.Root {
			return errors.New("another tree of the same size")
		}
		return nil
	}
	if err := audit.CheckConsistency(proof, old.Size, old.Root, next.Size, next.Root); err != nil {
		return errors.New("the proof does not lead from the old tree to the new one")
	}
	return nil
}
