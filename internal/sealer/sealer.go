// Package sealer keeps custody of the private halves of the keys bids are
// sealed to.
//
// It promises that a stolen database and bucket open nothing without the
// master key file, that a wrapped key serves only the lot and envelope it was
// made for, and that no file key is released before the opening of exactly
// that lot and envelope has been committed. It does not take the caller's word
// for that: it reads the register of openings itself. This is its in-process
// form; another process can offer the same interface.
package sealer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"filippo.io/age"

	"sigillo/bids"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
)

// Register tells which openings are committed.
type Register interface {
	// OpenedAt is the legal instant of the opening of a lot's envelope, false
	// when it has not been opened.
	OpenedAt(ctx context.Context, lot, envelope string) (time.Time, bool, error)
}

// Sealer mints keys and releases file keys.
type Sealer struct {
	master   *age.HybridIdentity
	register Register
	now      func() time.Time
}

// New makes a sealer around a master identity.
func New(master *age.HybridIdentity, register Register, now func() time.Time) *Sealer {
	return &Sealer{master, register, now}
}

// Load reads the master identity from a file that only its owner may read, or
// makes it if there is none.
func Load(path string) (*age.HybridIdentity, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return create(path)
	}
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the sealer's key file may be read by others (mode %v): make it 0600", info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	id, err := age.ParseHybridIdentity(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, errors.New("the sealer's key file does not hold a key")
	}
	return id, nil
}

func create(path string) (*age.HybridIdentity, error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return Load(path) // another replica was faster
	}
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(id.String() + "\n")
	return id, errors.Join(err, f.Sync(), f.Close())
}

// private is what is wrapped: the identity together with its scope.
type private struct {
	Scope    bids.Scope `json:"scope"`
	Identity string     `json:"identity"`
}

// Mint makes a fresh post-quantum hybrid key pair for a scope. The private
// half comes back wrapped to the master key; the sealer keeps nothing.
func (s *Sealer) Mint(_ context.Context, authority, tender, lot, envelope string) (string, []byte, error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return "", nil, err
	}
	text, err := json.Marshal(private{bids.Scope{Authority: authority, Tender: tender, Lot: lot, Envelope: envelope}, id.String()})
	if err != nil {
		return "", nil, err
	}
	var wrapped bytes.Buffer
	w, err := age.Encrypt(&wrapped, s.master.Recipient())
	if err != nil {
		return "", nil, err
	}
	if _, err := w.Write(text); err != nil {
		return "", nil, err
	}
	if err := w.Close(); err != nil {
		return "", nil, err
	}
	return id.Recipient().String(), wrapped.Bytes(), nil
}

// Release gives the file keys of envelopes by their headers. One that does not
// open does not stop the others. Faults: not-yet-open, wrong-key.
func (s *Sealer) Release(ctx context.Context, scope bids.Scope, wrapped []byte, headers [][]byte) ([]bids.Released, error) {
	at, opened, err := s.register.OpenedAt(ctx, scope.Lot, scope.Envelope)
	if err != nil {
		return nil, err
	}
	if !opened || s.now().Before(at) {
		return nil, fault.New(fault.Conflict, "not-yet-open", "Queste buste non sono ancora aperte: la chiave non si usa.",
			"These envelopes are not open yet: the key is not used.")
	}
	id, err := s.unwrap(scope, wrapped)
	if err != nil {
		return nil, err
	}
	all := make([]bids.Released, len(headers))
	for i, h := range headers {
		all[i].FileKey, all[i].Err = seal.FileKey(h, id)
	}
	return all, nil
}

// unwrap never tells what it holds: its errors have no cause.
func (s *Sealer) unwrap(scope bids.Scope, wrapped []byte) (*age.HybridIdentity, error) {
	wrong := fault.New(fault.Internal, "wrong-key", "La chiave custodita non è di questa busta.", "The key in custody is not of this envelope.")
	r, err := age.Decrypt(bytes.NewReader(wrapped), s.master)
	if err != nil {
		return nil, wrong
	}
	text, err := io.ReadAll(io.LimitReader(r, 64<<10))
	if err != nil {
		return nil, wrong
	}
	var p private
	if json.Unmarshal(text, &p) != nil || p.Scope != scope {
		return nil, wrong
	}
	id, err := age.ParseHybridIdentity(p.Identity)
	if err != nil {
		return nil, wrong
	}
	return id, nil
}

// Format keeps keys out of logs however a sealer is printed.
func (s *Sealer) Format(f fmt.State, _ rune) { io.WriteString(f, "sealer") }
