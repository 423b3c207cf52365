package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"sigillo/audit"
)

// TestErasedPersonsCannotBeFound: after an erasure no table tells who the person
// was, no hash left behind can be tried with what somebody still knows, and
// every leaf of the register is what it was.
func TestErasedPersonsCannotBeFound(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		s.bidder("supplier-legno", 1)
		const name, email = "Ildegarda CANARY", "ildegarda.canary@example.it"
		var p struct {
			ID, Name, Email string
		}
		s.must("administrator", http.MethodPost, "/v1/persons", map[string]any{"kind": "person", "name": name, "email": email}, &p)
		role := map[string]any{"role": "drafter", "authority": s.authority}
		s.must("administrator", http.MethodPost, "/v1/persons/"+p.ID+"/powers", role, nil)
		s.no("still-empowered", "administrator", http.MethodPost, "/v1/persons/"+p.ID+"/erase", map[string]any{"ground": "ordered"})
		s.must("administrator", http.MethodPost, "/v1/persons/"+p.ID+"/revoke-power", role, nil)
		s.no("still-kept", "administrator", http.MethodPost, "/v1/persons/"+p.ID+"/erase", map[string]any{"ground": "no-longer-needed"})
		const known = "SELECT doc FROM audit_state WHERE type = 'person' AND salt IS NOT NULL AND object = "
		snapshots := column(t, s.dsn, known+"'"+p.ID+"'")
		if len(snapshots) != 3 || !strings.Contains(snapshots[0], email) {
			t.Fatalf("%d snapshots", len(snapshots))
		}
		leaves := column(t, s.dsn, "SELECT leaf FROM audit_entry ORDER BY id")
		if !guessed(t, s.dsn, snapshots) {
			t.Fatal("before the erasure salt and snapshot must give the hash, or this test proves nothing")
		}
		s.must("administrator", http.MethodPost, "/v1/persons/"+p.ID+"/erase", map[string]any{"ground": "ordered"}, nil)
		var now struct{ Name, Email string }
		s.must("administrator", http.MethodGet, "/v1/persons/"+p.ID, nil, &now)
		if now.Name != "" || now.Email != "" {
			t.Fatal(now)
		}
		for table, text := range tables(t, s.dsn) {
			for _, word := range []string{name, email, "CANARY"} {
				if strings.Contains(string(text), word) {
					t.Errorf("%s still holds %s", table, word)
				}
			}
		}
		if guessed(t, s.dsn, snapshots) {
			t.Error("who kept a snapshot can still tell whose entries these are")
		}
		after := column(t, s.dsn, "SELECT leaf FROM audit_entry ORDER BY id")
		if len(after) <= len(leaves) {
			t.Fatalf("%d entries, then %d", len(leaves), len(after))
		}
		bodies, salts := column(t, s.dsn, "SELECT body FROM audit_entry WHERE NOT bidder ORDER BY id"), column(t, s.dsn, "SELECT salt FROM audit_entry WHERE NOT bidder ORDER BY id")
		for i, leaf := range column(t, s.dsn, "SELECT leaf FROM audit_entry WHERE NOT bidder ORDER BY id") {
			if got := audit.Leaf([32]byte([]byte(salts[i])), []byte(bodies[i])); string(got[:]) != leaf {
				t.Errorf("leaf %d changed", i)
			}
		}
		for i, leaf := range leaves {
			if after[i] != leaf {
				t.Errorf("leaf %d changed", i)
			}
		}
		// The address is nobody's: somebody else, or the same person, may have it.
		s.must("administrator", http.MethodPost, "/v1/persons", map[string]any{"kind": "person", "name": "Altra", "email": email}, nil)
	})
}

// guessed tells whether any hash in the register is that of a snapshot somebody
// still has, alone or with any salt that is left.
func guessed(t *testing.T, dsn string, snapshots []string) bool {
	t.Helper()
	register := strings.Join(column(t, dsn, "SELECT body FROM audit_entry WHERE NOT bidder"), "\n")
	salts := append(column(t, dsn, "SELECT salt FROM audit_state WHERE salt IS NOT NULL"), "")
	salts = append(salts, column(t, dsn, "SELECT salt FROM audit_entry")...)
	for _, text := range snapshots {
		for _, salt := range salts {
			sum := sha256.Sum256([]byte(salt + text))
			if strings.Contains(register, hex.EncodeToString(sum[:])) {
				return true
			}
		}
	}
	return false
}
