package audit

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"sigillo/internal/fault"
)

// Checkpoint is the statement of a log's size and root (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin     string   // name of the log
	Size       uint64   // leaves
	Root       [32]byte // RFC 6962 root over them
	Extensions []string // further lines that are signed with it
}

func (c Checkpoint) text() string {
	lines := append([]string{c.Origin, strconv.FormatUint(c.Size, 10), base64.StdEncoding.EncodeToString(c.Root[:])}, c.Extensions...)
	return strings.Join(lines, "\n") + "\n"
}

// The faults of checkpoints, told apart by errors.Is.
var (
	ErrBadCheckpoint = fault.New(fault.Malformed, "bad-checkpoint",
		"Il checkpoint non è ben formato.", "The checkpoint is not well formed.")
	ErrWrongKey = fault.New(fault.Invalid, "wrong-key",
		"Il checkpoint non è firmato dalla chiave attesa: verifichi di avere la chiave pubblica di questo registro.",
		"The checkpoint is not signed by the expected key: check that you hold the public key of this register.")
	ErrBadSignature = fault.New(fault.Invalid, "bad-signature",
		"La firma del checkpoint non è valida: il checkpoint è stato modificato.",
		"The signature of the checkpoint is not valid: the checkpoint was changed.")
)

// SignCheckpoint makes a signed note of a checkpoint. The origin and the
// extensions must be single, non-empty lines of printable text.
func SignCheckpoint(origin string, size uint64, root [32]byte, signer note.Signer, extensions ...string) (string, error) {
	for _, line := range append([]string{origin}, extensions...) {
		if line == "" || !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) {
			return "", ErrBadCheckpoint.Because(errors.New("a line is empty or not printable"))
		}
	}
	text, err := note.Sign(&note.Note{Text: Checkpoint{origin, size, root, extensions}.text()}, signer)
	if err != nil {
		return "", ErrBadCheckpoint.Because(err)
	}
	return string(text), nil
}

// OpenCheckpoint verifies a signed note and reads it: ErrWrongKey when no known
// key signed it, ErrBadSignature when a known key did not sign this text,
// ErrBadCheckpoint otherwise. It is stricter than package note: every signature
// must be by a known key, once, in the one right encoding. Otherwise lines
// could be added to it, and the spare bits of base64 flipped, unseen. Whoever
// checks a checkpoint with cosignatures passes the witnesses' keys too.
func OpenCheckpoint(text string, keys note.Verifiers) (Checkpoint, error) {
	n, err := note.Open([]byte(text), keys)
	var unknown *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unknown):
		return Checkpoint{}, ErrWrongKey.Because(err)
	case errors.As(err, &invalid):
		return Checkpoint{}, ErrBadSignature.Because(err)
	case err != nil:
		return Checkpoint{}, ErrBadCheckpoint.Because(err)
	}
	again, err := signedText(n)
	if err != nil || again != text {
		return Checkpoint{}, ErrBadSignature.Because(errors.New("the signatures are not in their one form"))
	}
	return readCheckpoint(n.Text)
}

// readCheckpoint reads the text of a checkpoint in its one spelling.
func readCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 {
		return Checkpoint{}, ErrBadCheckpoint
	}
	c := Checkpoint{Origin: lines[0], Extensions: lines[3:]}
	var err error
	c.Size, err = strconv.ParseUint(lines[1], 10, 64)
	if err != nil || c.Origin == "" || !decode(lines[2], &c.Root) || c.text() != text {
		return Checkpoint{}, ErrBadCheckpoint
	}
	return c, nil
}

// signedText writes a note with its verified signatures anew.
func signedText(n *note.Note) (string, error) {
	var b strings.Builder
	b.WriteString(n.Text + "\n")
	for _, s := range n.Sigs {
		raw, err := base64.StdEncoding.DecodeString(s.Base64)
		if err != nil || len(raw) < 4 || binary.BigEndian.Uint32(raw) != s.Hash {
			return "", errors.New("a signature cannot be read again")
		}
		b.WriteString("— " + s.Name + " " + base64.StdEncoding.EncodeToString(raw) + "\n")
	}
	return b.String(), nil
}

// strictly is base64 with one spelling for each value.
var strictly = base64.StdEncoding.Strict()

func decode(text string, into *[32]byte) bool { return decodeBytes([]byte(text), into) }

func decodeBytes(text []byte, into *[32]byte) bool {
	var b [33]byte
	if len(text) != 44 { // the decoder skips line ends
		return false
	}
	n, err := strictly.Decode(b[:], text)
	copy(into[:], b[:32])
	return err == nil && n == 32
}

// GenerateKey makes an Ed25519 key pair for signing checkpoints, in the text
// forms of package note.
func GenerateKey(name string) (private, public string, err error) {
	return note.GenerateKey(rand.Reader, name)
}
