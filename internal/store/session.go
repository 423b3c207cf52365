package store

import (
	"context"

	"sigillo/internal/fault"
	"sigillo/internal/identity"
)

// SessionByHash loads the session of a secret's hash.
func (tx *Tx) SessionByHash(hash string) (*identity.Session, error) {
	return get[identity.Session](tx.db, "session", "session", "hash = ?", hash)
}

// SaveSession saves a session.
func (tx *Tx) SaveSession(x *identity.Session) error {
	return tx.put("session", "session", x.ID, &x.Version, x, map[string]any{"hash": x.Hash, "person": x.Person})
}

// SessionByHash reads the session of a secret's hash.
func (s *Store) SessionByHash(ctx context.Context, hash string) (*identity.Session, error) {
	return get[identity.Session](s.read.WithContext(ctx), "session", "session", "hash = ?", hash)
}

func missingIsFalse(err error) error {
	if fault.Of(err).Kind == fault.NotFound {
		return nil
	}
	return err
}
