package store

import (
	"encoding/json"
	"testing"
	"time"

	"sigillo/audit"
	"sigillo/bids"
	"sigillo/internal/act"
	"sigillo/internal/store/storetest"
	"sigillo/parties"
)

// TestSnapshotsAreWhatEntriesSay: every state an entry leaves is kept beside it
// under the salt its hash was made with, and nothing but erasing changes it.
func TestSnapshotsAreWhatEntriesSay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		d := seedBid(t, s, noon.Add(time.Hour))
		b, err := s.Bid(t.Context(), "bid")
		if err != nil {
			t.Fatal(err)
		}
		a := &arena{s: s, tender: d, service: bids.NewService(Acts[bids.Tx](s), s, nil, nil)}
		if err := a.submit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		p := parties.NewService(Acts[parties.Tx](s), s)
		if _, err := p.Install(t.Context(), "Ada", "ada@example.it"); err != nil {
			t.Fatal(err)
		}
		who := act.Actor{Kind: act.KindPerson, ID: "p", Powers: []act.Power{{Role: act.Supplier, Supplier: b.Supplier}}}
		if _, err := a.service.Withdraw(t.Context(), act.By(who), "bid"); err != nil {
			t.Fatal(err)
		}
		var rows []struct {
			ID        int64
			Leaf      []byte
			Salt, Doc []byte
			Type      string
		}
		if err := s.db.Table("audit_state").Order("id").Find(&rows).Error; err != nil {
			t.Fatal(err)
		}
		if len(rows) != 3 {
			t.Fatalf("%d snapshots of three acts", len(rows))
		}
		sent, back := entryAt(t, s, rows[0].Leaf), entryAt(t, s, rows[2].Leaf)
		if sent.After == nil || back.Before == nil || back.Before.Hash != sent.After.Hash || back.After.Hash == sent.After.Hash {
			t.Errorf("the withdrawal does not start from the submission: %v, %v", sent.After, back.Before)
		}
		for _, r := range rows {
			doc := r.Doc
			if r.Type == "bid" != underVeil(doc) {
				t.Errorf("%s under the veil: %v", r.Type, underVeil(doc))
			}
			if underVeil(doc) {
				texts, err := s.lift(t.Context(), threads{}, []cloth{{statePlace(r.Leaf, 0), doc}})
				if err != nil {
					t.Fatal(err)
				}
				doc = texts[0]
			}
			after := entryAt(t, s, r.Leaf).After
			if h := (audit.Snapshot{Salt: [32]byte(r.Salt), Doc: doc}).Hash(); h != after.Hash || !json.Valid(doc) {
				t.Errorf("the entry does not say %s of %s", h, doc)
			}
		}
		for sql, allowed := range map[string]bool{
			"UPDATE audit_state SET doc = 'x'":                            false,
			"UPDATE audit_state SET salt = NULL":                          false,
			"UPDATE audit_state SET version = 7, salt = NULL, doc = NULL": false,
			"DELETE FROM audit_state":                                     false,
			"UPDATE audit_state SET salt = NULL, doc = NULL":              true,
		} {
			tx := s.db.Begin()
			if err := tx.Exec(sql).Error; (err == nil) != allowed {
				t.Errorf("%s: %v", sql, err)
			}
			tx.Rollback()
		}
	})
}

// entryAt reads an entry by its leaf, lifting the veil if there is one.
func entryAt(t *testing.T, s *Store, leaf []byte) audit.Entry {
	t.Helper()
	var body []byte
	if err := s.db.Raw("SELECT body FROM audit_entry WHERE leaf = ?", leaf).Row().Scan(&body); err != nil {
		t.Fatal(err)
	}
	if underVeil(body) {
		texts, err := s.lift(t.Context(), threads{}, []cloth{{entryPlace(leaf), body}})
		if err != nil {
			t.Fatal(err)
		}
		body = texts[0]
	}
	e, err := audit.Open(body)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
