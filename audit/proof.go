package audit

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sigillo/internal/fault"
)

// ErrNotProven says that a proof does not lead to the root.
var ErrNotProven = fault.New(fault.Invalid, "not-proven",
	"La prova non porta alla radice firmata: la voce non è nel registro, o la prova è di un'altra voce.",
	"The proof does not lead to the signed root: the entry is not in the log, or the proof is of another entry.")

// ProveInclusion gives the hashes that lead from the leaf at an index, from 0,
// to the root of a tree of the given size (RFC 6962, 2.1.1).
func ProveInclusion(index, size uint64, read TileReader) ([][32]byte, error) {
	if index >= size || size > maxSize {
		return nil, errSize
	}
	return hashes(tlog.ProveRecord(int64(size), int64(index), Hashes(size, read)))
}

// CheckInclusion refuses a proof that does not lead to the root. Fault:
// not-proven.
func CheckInclusion(proof [][32]byte, index uint64, leaf [32]byte, size uint64, root [32]byte) error {
	if index >= size || size > maxSize {
		return ErrNotProven
	}
	if err := tlog.CheckRecord(path(proof), int64(size), tlog.Hash(root), int64(index), tlog.Hash(leaf)); err != nil {
		return ErrNotProven.Because(err)
	}
	return nil
}

// ProveConsistency gives the hashes that prove a tree of size m to be the
// beginning of one of size n (RFC 6962, 2.1.2). Of nothing everything is a
// continuation, and needs no hash.
func ProveConsistency(m, n uint64, read TileReader) ([][32]byte, error) {
	if m > n || n > maxSize {
		return nil, errSize
	}
	if m == 0 {
		return nil, nil
	}
	return hashes(tlog.ProveTree(int64(n), int64(m), Hashes(n, read)))
}

// CheckConsistency refuses a proof that does not lead from the one root to the
// other. Fault: not-proven.
func CheckConsistency(proof [][32]byte, m uint64, old [32]byte, n uint64, root [32]byte) error {
	if m > n || n > maxSize || m == 0 && (len(proof) > 0 || old != new(Tree).Root()) {
		return ErrNotProven
	}
	if m == 0 {
		return nil
	}
	if err := tlog.CheckTree(path(proof), int64(n), tlog.Hash(root), int64(m), tlog.Hash(old)); err != nil {
		return ErrNotProven.Because(err)
	}
	return nil
}

func hashes[P ~[]tlog.Hash](proof P, err error) ([][32]byte, error) {
	all := make([][32]byte, len(proof))
	for i, h := range proof {
		all[i] = h
	}
	return all, err
}

func path(proof [][32]byte) []tlog.Hash {
	all := make([]tlog.Hash, len(proof))
	for i, h := range proof {
		all[i] = h
	}
	return all
}

// Proof proves without a network that an entry is in the log (C2SP tlog-proof).
type Proof struct {
	Extra  []byte     // bytes of the application's own, which nothing vouches for
	Index  uint64     // of the entry, from 0
	Hashes [][32]byte // from the leaf's neighbour up to the root's child
	Note   string     // checkpoint, as the log and its witnesses signed it
}

const (
	proofVersion = "c2sp.org/tlog-proof@v1"
	maxProof     = 64 << 10 // bytes of a proof file
	maxHashes    = 60       // no tree is higher
)

// ErrNotProof says that a file is no tlog-proof.
var ErrNotProof = fault.New(fault.Malformed, "not-a-proof", "Non è un file di prova del registro (c2sp.org/tlog-proof@v1).",
	"Not a proof file of a log (c2sp.org/tlog-proof@v1).")

// Text writes the proof file.
func (p Proof) Text() string {
	var b strings.Builder
	b.WriteString(proofVersion + "\n")
	if len(p.Extra) > 0 {
		b.WriteString("extra " + base64.StdEncoding.EncodeToString(p.Extra) + "\n")
	}
	b.WriteString("index " + strconv.FormatUint(p.Index, 10) + "\n")
	for _, h := range p.Hashes {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	return b.String() + "\n" + p.Note
}

// ParseProof reads a proof file, of which there is one spelling only. What it
// says is not checked yet: see Verify. Fault: not-a-proof.
func ParseProof(text string) (Proof, error) {
	if len(text) > maxProof {
		return Proof{}, ErrNotProof
	}
	head, signed, ok := strings.Cut(text, "\n\n")
	if !ok || signed == "" {
		return Proof{}, ErrNotProof
	}
	p := Proof{Note: signed}
	lines := strings.Split(head, "\n")[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		extra, err := base64.StdEncoding.Strict().DecodeString(lines[0][len("extra "):])
		if err != nil {
			return Proof{}, ErrNotProof.Because(err)
		}
		p.Extra, lines = extra, lines[1:]
	}
	if len(lines) == 0 || len(lines) > 1+maxHashes {
		return Proof{}, ErrNotProof
	}
	var err error
	if p.Index, err = strconv.ParseUint(strings.TrimPrefix(lines[0], "index "), 10, 64); err != nil {
		return Proof{}, ErrNotProof.Because(err)
	}
	for _, line := range lines[1:] {
		var h [32]byte
		if !decode(line, &h) {
			return Proof{}, ErrNotProof
		}
		p.Hashes = append(p.Hashes, h)
	}
	if p.Text() != text { // leading zeros, another version, whatever else
		return Proof{}, ErrNotProof
	}
	return p, nil
}

// Verify checks that the log signed a tree with this leaf at the proof's index,
// and tells by whom its checkpoint is signed: the log, and those of the
// witnesses whose signatures hold. How many of them are enough is for the
// caller to say. Signatures by others are passed over, as the format demands.
// Faults: not-proven, wrong-key, bad-signature, bad-checkpoint.
func (p Proof) Verify(leaf [32]byte, log note.Verifier, witnesses note.Verifiers) (Checkpoint, []note.Signature, error) {
	c, signatures, err := openNote(p.Note, log, witnesses)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	return c, signatures, CheckInclusion(p.Hashes, p.Index, leaf, c.Size, c.Root)
}

// openNote opens a checkpoint that the log must have signed, and others may
// have.
func openNote(text string, log note.Verifier, others note.Verifiers) (Checkpoint, []note.Signature, error) {
	n, err := note.Open([]byte(text), either{log, others})
	var unknown *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unknown):
		return Checkpoint{}, nil, ErrWrongKey.Because(err)
	case errors.As(err, &invalid):
		return Checkpoint{}, nil, ErrBadSignature.Because(err)
	case err != nil:
		return Checkpoint{}, nil, ErrBadCheckpoint.Because(err)
	}
	c, err := readCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	for _, s := range n.Sigs {
		if s.Name == log.Name() && s.Hash == log.KeyHash() {
			return c, n.Sigs, nil
		}
	}
	return Checkpoint{}, nil, ErrWrongKey.Because(errors.New("only others have signed"))
}

// either knows the log's key, and those of others.
type either struct {
	log    note.Verifier
	others note.Verifiers
}

func (e either) Verifier(name string, hash uint32) (note.Verifier, error) {
	if name == e.log.Name() && hash == e.log.KeyHash() {
		return e.log, nil
	}
	if e.others == nil {
		return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
	}
	return e.others.Verifier(name, hash)
}

// sameStatement tells whether two signed notes say the same, whoever signed.
func sameStatement(a, b string) bool {
	a, _, _ = strings.Cut(a, "\n\n")
	b, _, _ = strings.Cut(b, "\n\n")
	return a == b
}
