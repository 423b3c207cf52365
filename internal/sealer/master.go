package sealer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

// Master is the key all others are wrapped to, and a second one for rehearsals,
// which opens nothing real. It does not print: the library's own type would
// write the private key wherever somebody logs it.
type Master struct{ live, rehearsal *age.HybridIdentity }

func (m *Master) of(rehearsal bool) *age.HybridIdentity {
	if rehearsal {
		return m.rehearsal
	}
	return m.live
}

// Format keeps the key out of logs however it is printed.
func (m *Master) Format(f fmt.State, _ rune) { io.WriteString(f, "master key") }

// maxKeyFile is more bytes than a key and its line end take.
const maxKeyFile = 4 << 10

// Load reads the master key from a file that only its owner may use, and the
// one for rehearsals from the file beside it, or makes them if there are none.
// Replicas that start together end with the same keys. The errors are for the
// person who starts the program and never quote the file.
func Load(path string) (*Master, error) {
	live, err := load(path)
	if err != nil {
		return nil, err
	}
	rehearsal, err := load(path + ".demo")
	if err != nil {
		return nil, err
	}
	return &Master{live, rehearsal}, nil
}

func load(path string) (*age.HybridIdentity, error) {
	id, err := read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	if err := create(path); err != nil && !errors.Is(err, fs.ErrExist) { // if it exists, a replica was faster
		return nil, fmt.Errorf("making the sealer's key file: %w", err)
	}
	return read(path)
}

func read(path string) (*age.HybridIdentity, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat() // of the file opened, not of what the path names by now
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("the sealer's key file is not a regular file")
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the sealer's key file may be read by others (mode %v): make it 0600", info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, err
	}
	id, err := age.ParseHybridIdentity(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, errors.New("the sealer's key file does not hold a key")
	}
	return id, nil
}

// create puts a new key file in place whole or not at all: it is written and
// synced under another name, then linked, which fails if the path is taken. A
// replica never reads half a key, and a crash never leaves one.
func create(path string) error {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return err
	}
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, ".sealer-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(id.String() + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
