package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint is the signed statement of a log's size and root (C2SP
// tlog-checkpoint), with one extension line: the hash of the export's header.
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   [32]byte
	Header [32]byte
}

func (c Checkpoint) text() string {
	enc := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("%s\n%d\n%s\nexport-header %s\n", c.Origin, c.Size, enc(c.Root[:]), enc(c.Header[:]))
}

// Sign makes a signed note of the checkpoint.
func (c Checkpoint) Sign(signer note.Signer) (string, error) {
	if strings.ContainsAny(c.Origin, "\n+") || c.Origin == "" {
		return "", errors.New("bad origin")
	}
	text, err := note.Sign(&note.Note{Text: c.text()}, signer)
	return string(text), err
}

// OpenCheckpoint verifies a signed note and reads it.
func OpenCheckpoint(text string, keys note.Verifiers) (Checkpoint, error) {
	n, err := note.Open([]byte(text), keys)
	if err != nil {
		return Checkpoint{}, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 5 || lines[4] != "" {
		return Checkpoint{}, errors.New("not a checkpoint of an export")
	}
	c := Checkpoint{Origin: lines[0]}
	if c.Size, err = strconv.ParseUint(lines[1], 10, 64); err != nil {
		return c, err
	}
	header, ok := strings.CutPrefix(lines[3], "export-header ")
	if !ok || !decode(lines[2], &c.Root) || !decode(header, &c.Header) || c.text() != n.Text {
		return c, errors.New("not a checkpoint of an export")
	}
	return c, nil
}

func decode(text string, into *[32]byte) bool {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != 32 {
		return false
	}
	copy(into[:], b)
	return true
}

// GenerateKey makes an Ed25519 key pair for signing checkpoints, in the text
// forms of package note.
func GenerateKey(name string) (private, public string, err error) {
	return note.GenerateKey(rand.Reader, name)
}

// PublicKey derives the public half of a private key made by GenerateKey.
func PublicKey(private string) (string, error) {
	parts := strings.SplitN(private, "+", 5) // PRIVATE+KEY+name+hash+key
	if len(parts) != 5 {
		return "", errors.New("not a private key of a log")
	}
	key, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(key) != 1+ed25519.SeedSize {
		return "", errors.New("not a private key of a log")
	}
	public, ok := ed25519.NewKeyFromSeed(key[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("not a private key of a log")
	}
	return note.NewEd25519VerifierKey(parts[2], public)
}
