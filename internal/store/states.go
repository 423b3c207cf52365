package store

import (
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sigillo/audit"
	"sigillo/internal/fault"
)

// ofBidders are the types of objects that tell who has bid, whoever acts on
// them: their snapshots stand under the veil like their rows.
var ofBidders = []string{"bid", "transfer", "message", "question", "contested", "webhook"}

// keepStates keeps snapshots beside the entry of a leaf.
func (tx *Tx) keepStates(leaf [32]byte, at time.Time, bidder bool, kept []audit.Snapshot) error {
	if len(kept) == 0 {
		return nil
	}
	var args []any
	for i, s := range kept {
		doc := s.Doc
		if bidder || slices.Contains(ofBidders, s.Object.Type) {
			g, err := tx.dress()
			if err != nil {
				return err
			}
			doc = g.who.cover(statePlace(leaf[:], i), doc)
		}
		args = append(args, at.UnixMicro(), leaf[:], s.Object.Type, s.Object.ID, s.Object.Version, s.Salt[:], doc)
	}
	// Not a byte slice first: gorm takes one after a parenthesis for a list.
	one := "(?, ?, ?, ?, ?, ?, ?)"
	tx.queue("INSERT INTO audit_state (at, leaf, type, object, version, salt, doc) VALUES "+one+strings.Repeat(", "+one, len(kept)-1), args...)
	return nil
}

// EraseSnapshots erases the snapshots of an object that are there already, and
// the salts: their hashes in the register tell nothing any more.
func (tx *Tx) EraseSnapshots(kind, id string) {
	tx.queue("UPDATE audit_state SET salt = NULL, doc = NULL WHERE type = ? AND object = ? AND salt IS NOT NULL", kind, id)
}

// statePlace is where the i-th snapshot of an entry stands.
func statePlace(leaf []byte, i int) string {
	return fmt.Sprintf("audit_state.doc/%s/%d", hex.EncodeToString(leaf), i)
}

// firstState reads the snapshot of an entry's own object.
func (tx *Tx) firstState(leaf []byte) ([]byte, error) {
	var doc []byte
	err := tx.db.Raw("SELECT doc FROM audit_state WHERE leaf = ? ORDER BY id LIMIT 1", leaf).Row().Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) || err == nil && doc == nil {
		return nil, fault.New(fault.NotFound, "erased", "Il risultato di quella richiesta è stato cancellato dal registro.",
			"The outcome of that request was erased from the register.")
	}
	if err != nil || !underVeil(doc) {
		return doc, err
	}
	texts, err := tx.store.lift(tx.ctx(), tx.held, []cloth{{statePlace(leaf, 0), doc}})
	if err != nil {
		return nil, err
	}
	return texts[0], nil
}

// lastSalt is the expression for the salt of an object's last snapshot in a
// version.
const lastSalt = "(SELECT s.salt FROM audit_state s WHERE s.type = %s AND s.object = %s AND s.version = %s ORDER BY s.id DESC LIMIT 1)"

// Salt is that of the last snapshot of an object in a version.
func (tx *Tx) Salt(o audit.Object) ([32]byte, bool, error) {
	salt := tx.salts[o]
	if salt == nil {
		err := tx.db.Raw("SELECT "+fmt.Sprintf(lastSalt, "?", "?", "?"), o.Type, o.ID, o.Version).Row().Scan(&salt)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return [32]byte{}, false, err
		}
	}
	if len(salt) != 32 {
		return [32]byte{}, false, nil
	}
	return [32]byte(salt), true, nil
}
