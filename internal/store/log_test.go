package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"gorm.io/gorm"

	"sigillo/audit"
	"sigillo/internal/store/storetest"
)

func logKeys(t testing.TB) (note.Signer, note.Verifier) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, "gare.example/log")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

// entered is an entry as fill makes it: the same for the same number on every
// database.
type entered struct {
	tender string
	body   []byte
	salt   [32]byte
	leaf   [32]byte
}

func enteredAs(n int) entered {
	e := entered{tender: []string{"", "t1", "t2", "t1"}[n%4], body: fmt.Appendf(nil, "{%q:%d}", "n", n), salt: sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))}
	e.leaf = audit.Leaf(e.salt, e.body)
	return e
}

const insertEntry = "INSERT INTO audit_entry (tenant, tender, bidder, body, salt, leaf, at) VALUES ('city', ?, FALSE, ?, ?, ?, ?)"

// fill commits entries numbered from, one transaction each.
func fill(t testing.TB, s *Store, from, n int) {
	t.Helper()
	for i := range n {
		e := enteredAs(from + i)
		if err := s.db.Exec(insertEntry, e.tender, e.body, e.salt[:], e.leaf[:], noon.UnixMicro()).Error; err != nil {
			t.Fatal(err)
		}
	}
}

// integrateAll integrates until nothing is left. On a PostgreSQL that others
// use too, it waits for their transactions.
func integrateAll(t testing.TB, s *Store, signer note.Signer, limit int) {
	t.Helper()
	for begun := time.Now(); ; {
		n, err := s.Integrate(t.Context(), signer, limit)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			continue
		}
		if _, some, err := s.oldest(t.Context()); err != nil {
			t.Fatal(err)
		} else if !some {
			return
		}
		if time.Since(begun) > time.Minute {
			t.Fatal("entries do not ripen")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// integrateSome integrates that many.
func integrateSome(t testing.TB, s *Store, signer note.Signer, n int) {
	t.Helper()
	for begun := time.Now(); n > 0; {
		done, err := s.Integrate(t.Context(), signer, n)
		if err != nil {
			t.Fatal(err)
		}
		if n -= done; done == 0 && time.Since(begun) > time.Minute {
			t.Fatal("entries do not ripen")
		}
	}
}

// leavesOf reads the log's order from the register, by the map of leaves.
func leavesOf(t testing.TB, s *Store) [][32]byte {
	t.Helper()
	var rows []struct {
		Idx  int64
		Leaf []byte
	}
	if err := s.db.Raw("SELECT l.idx, e.leaf FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry ORDER BY l.idx").Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	var all [][32]byte
	for i, r := range rows {
		if r.Idx != int64(i) {
			t.Fatal("leaf", i, "is at", r.Idx)
		}
		all = append(all, [32]byte(r.Leaf))
	}
	return all
}

// rootAt is computed anew, one leaf after the other.
func rootAt(leaves [][32]byte, size uint64) [32]byte {
	var tree audit.Tree
	for _, leaf := range leaves[:size] {
		tree.Add(leaf)
	}
	return tree.Root()
}

func TestEveryEntryIsInTheLogAndCanProveIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon.Add(3 * time.Second) })
		signer, verifier := logKeys(t)
		if _, err := s.Checkpoint(t.Context()); !errors.Is(err, ErrNoCheckpoint) {
			t.Fatal(err)
		}
		if n, err := s.Integrate(t.Context(), signer, Batch); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		const n = 600
		fill(t, s, 0, n)
		if lag, err := s.Lag(t.Context()); err != nil || lag != 3*time.Second {
			t.Fatal("lag", lag, err)
		}
		if _, err := s.Inclusion(t.Context(), enteredAs(0).leaf); !errors.Is(err, ErrNotLogged) {
			t.Fatal(err)
		}
		integrateSome(t, s, signer, 255)
		if _, err := s.Inclusion(t.Context(), enteredAs(255).leaf); !errors.Is(err, ErrNotLogged) {
			t.Fatal(err)
		}
		integrateAll(t, s, signer, 100)
		if lag, err := s.Lag(t.Context()); err != nil || lag != 0 {
			t.Fatal("lag", lag, err)
		}
		for i := range n {
			e := enteredAs(i)
			p, err := s.Inclusion(t.Context(), e.leaf)
			if err != nil {
				t.Fatal(err)
			}
			if p, err = audit.ParseProof(p.Text()); err != nil {
				t.Fatal(err)
			}
			if c, _, err := p.Verify(audit.Leaf(e.salt, e.body), verifier, nil); err != nil || c.Size != n || p.Index != uint64(i) {
				t.Fatal(c, p.Index, err)
			}
		}
		if _, err := s.Inclusion(t.Context(), [32]byte{1}); !errors.Is(err, ErrNoEntry) {
			t.Fatal(err)
		}
		for tender, want := range map[string]uint64{"t1": n / 2, "t2": n / 4, "": 0, "t3": 0} {
			if got, err := s.TenderCount(t.Context(), tender); err != nil || got != want {
				t.Errorf("%q has %d entries, not %d: %v", tender, got, want, err)
			}
		}
		leaves := leavesOf(t, s)
		for m := uint64(0); m <= n; m += 60 {
			proof, err := s.Consistency(t.Context(), m, n)
			if err != nil {
				t.Fatal(err)
			}
			if err := audit.CheckConsistency(proof, m, rootAt(leaves, m), n, rootAt(leaves, n)); err != nil {
				t.Fatal(m, err)
			}
		}
	})
}

func TestActsGoIntoTheLogByThemselvesWithTheirInstant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon.Add(time.Minute) })
		signer, _ := logKeys(t)
		if err := within(s, func(tx *Tx) error { return tx.SaveAuthority(authority(1)) }); err != nil {
			t.Fatal(err)
		}
		if lag, err := s.Lag(t.Context()); err != nil || lag != time.Minute {
			t.Fatal(lag, err)
		}
		integrateAll(t, s, signer, Batch)
		if n := count(t, s, "audit_leaf"); n != 1 {
			t.Fatal(n)
		}
	})
}

// TestTheSameEntriesGiveTheSameBytesOnBothDatabases: tiles, roots and signed
// checkpoints, byte by byte, however the entries were divided.
func TestTheSameEntriesGiveTheSameBytesOnBothDatabases(t *testing.T) {
	signer, _ := logKeys(t)
	type row struct {
		Level, N int64
		Data     []byte
	}
	var first []row
	var checkpoint string
	run := func(t *testing.T, dsn string, limit int) {
		s := open(t, dsn, func() time.Time { return noon })
		fill(t, s, 0, 700)
		integrateAll(t, s, signer, limit)
		var rows []row
		if err := s.db.Raw("SELECT level, n, data FROM audit_tile ORDER BY level, n").Scan(&rows).Error; err != nil {
			t.Fatal(err)
		}
		text, err := s.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first, checkpoint = rows, text
		}
		if len(rows) != len(first) || len(rows) != 4 || text != checkpoint {
			t.Fatal(len(rows), "tiles", text)
		}
		for i, r := range rows {
			if r.Level != first[i].Level || r.N != first[i].N || !bytes.Equal(r.Data, first[i].Data) {
				t.Fatal("tile", r.Level, r.N, "differs")
			}
		}
	}
	for _, limit := range []int{1000, 33, 256} {
		t.Run(fmt.Sprint("sqlite by ", limit), func(t *testing.T) { run(t, storetest.SQLite(t), limit) })
		t.Run(fmt.Sprint("postgres by ", limit), func(t *testing.T) { run(t, storetest.Postgres(t), limit) })
	}
}

func TestTheLogOnlyGrows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		signer, _ := logKeys(t)
		fill(t, s, 0, 10)
		integrateAll(t, s, signer, Batch)
		zero := make([]byte, 32)
		for _, x := range []struct {
			sql  string
			args []any
		}{
			{"UPDATE audit_leaf SET entry = 99 WHERE idx = 3", nil},
			{"DELETE FROM audit_leaf", nil},
			{"UPDATE audit_tile SET data = ? WHERE level = 0", []any{bytes.Repeat(zero, 10)}},
			{"UPDATE audit_tile SET data = substr(data, 1, 32)", nil},
			{"UPDATE audit_tile SET n = 7", nil},
			{"DELETE FROM audit_tile", nil},
			{"UPDATE audit_checkpoint SET root = ?", []any{zero}},
			{"UPDATE audit_checkpoint SET size = 9", nil},
			{"UPDATE audit_checkpoint SET entry = 9", nil},
			{"UPDATE audit_checkpoint SET note = ''", nil},
			{"UPDATE audit_checkpoint SET note = 'x' || note", nil},
			{"UPDATE audit_checkpoint SET published = TRUE; UPDATE audit_checkpoint SET published = FALSE", nil},
			{"DELETE FROM audit_checkpoint", nil},
		} {
			if err := s.db.Exec(x.sql, x.args...).Error; err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", x.sql, err)
			}
		}
		for _, sql := range []string{"UPDATE audit_checkpoint SET note = note || 'a cosignature'", "UPDATE audit_checkpoint SET published = TRUE"} {
			if err := s.db.Exec(sql).Error; err != nil {
				t.Errorf("%s: %v", sql, err)
			}
		}
		fill(t, s, 10, 300)
		integrateAll(t, s, signer, Batch)
	})
}

// TestTheCursorLosesNoEntryOfASlowTransaction: sixteen writers draw an id early
// and commit up to 20 ms later, out of order; some give up. What reads on from
// the last id it saw, as most outboxes do, loses entries. The log loses none.
func TestTheCursorLosesNoEntryOfASlowTransaction(t *testing.T) {
	s := open(t, storetest.Postgres(t), nil)
	signer, _ := logKeys(t)
	const writers, each = 16, 60
	var committed sync.Map
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				e := enteredAs(w*each + i)
				tx := s.db.Begin()
				err := tx.Exec(insertEntry, e.tender, e.body, e.salt[:], e.leaf[:], noon.UnixMicro()).Error
				hold(20)
				if err == nil && i%10 == 9 {
					err = tx.Rollback().Error
				} else if err == nil {
					if err = tx.Commit().Error; err == nil {
						committed.Store(e.leaf, true)
					}
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen, last := 0, int64(0)
	naive := func() error { // the mutation
		time.Sleep(10 * time.Millisecond)
		var ids []int64
		err := s.db.Raw("SELECT id FROM audit_entry WHERE id > ? ORDER BY id", last).Scan(&ids).Error
		for _, id := range ids {
			seen, last = seen+1, id
		}
		return err
	}
	integrate := func() error {
		time.Sleep(10 * time.Millisecond)
		_, err := s.Integrate(context.Background(), signer, Batch)
		return err
	}
	while(writing.Wait, func(err error) { t.Error(err) }, naive, integrate)
	if err := naive(); err != nil { // all there is
		t.Fatal(err)
	}
	integrateAll(t, s, signer, Batch)
	n := 0
	committed.Range(func(any, any) bool { n++; return true })
	leaves := leavesOf(t, s)
	for _, leaf := range leaves {
		committed.Delete(leaf)
	}
	committed.Range(func(leaf, _ any) bool { t.Errorf("%x is lost", leaf); return true })
	t.Logf("%d entries; the log has %d, a cursor by id saw %d", n, len(leaves), seen)
	if len(leaves) != n {
		t.Fatalf("%d committed, %d leaves", n, len(leaves))
	}
	if seen >= n {
		t.Fatal("the cursor by id lost nothing either: this test proves nothing")
	}
}

// TestManyIntegratorsMakeOneLog: replicas with connections of their own; then,
// on PostgreSQL, beside one that goes past the lock: the keys of the tables are
// the guard.
func TestManyIntegratorsMakeOneLog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		signer, _ := logKeys(t)
		var together []func() error
		for range 3 {
			r := open(t, dsn, func() time.Time { return noon })
			together = append(together, func() error { _, err := r.Integrate(context.Background(), signer, 7); return err })
		}
		s := open(t, dsn, func() time.Time { return noon })
		while(func() { fill(t, s, 0, 300) }, func(err error) { t.Error(err) }, together...)
		if s.postgres {
			refused := 0
			var mu sync.Mutex
			while(func() { fill(t, s, 300, 300) }, func(err error) {
				mu.Lock()
				defer mu.Unlock()
				if refused++; !strings.Contains(err.Error(), "duplicate key") {
					t.Error(err)
				}
			}, append(together, func() error { return lawless(s) })...)
			t.Log(refused, "refused by the keys")
		}
		integrateAll(t, s, signer, 7)
		leaves := leavesOf(t, s)
		if n := count(t, s, "audit_entry"); len(leaves) != int(n) {
			t.Fatal(len(leaves), "of", n)
		}
		checkpointsAreRight(t, s, leaves)
	})
}

// while does something as long as each of the others is repeated beside it.
func while(something func(), failed func(error), others ...func() error) {
	done := make(chan struct{})
	var all sync.WaitGroup
	for _, f := range others {
		all.Go(func() {
			for {
				if err := f(); err != nil {
					failed(err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	something()
	close(done)
	all.Wait()
}

// lawless integrates as the integrator does, but for the lock.
func lawless(s *Store) error {
	return s.db.Transaction(func(db *gorm.DB) error {
		i := &integration{s: s, db: db, after: func(string) error { return nil }}
		_, err := i.append(7)
		return err
	})
}

func checkpointsAreRight(t testing.TB, s *Store, leaves [][32]byte) {
	t.Helper()
	var all []struct {
		Size uint64
		Root []byte
	}
	if err := s.db.Raw("SELECT size, root FROM audit_checkpoint ORDER BY size").Scan(&all).Error; err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if root := rootAt(leaves, c.Size); !bytes.Equal(root[:], c.Root) {
			t.Fatal("wrong root at", c.Size)
		}
	}
}

// TestTheLogGoesOnInAnotherCluster: after a restore transaction ids begin anew,
// lower than those of what was restored, part of which the log had not reached.
func TestTheLogGoesOnInAnotherCluster(t *testing.T) {
	s := open(t, storetest.Postgres(t), func() time.Time { return noon })
	signer, _ := logKeys(t)
	old := func(from, n int) { // what was written where ids were higher
		for i := range n {
			e := enteredAs(from + i)
			err := s.db.Exec("INSERT INTO audit_entry (xid, epoch, tenant, tender, bidder, body, salt, leaf) VALUES (?::text::xid8, 0, 'city', ?, FALSE, ?, ?, ?)",
				fmt.Sprint(1<<40+i), e.tender, e.body, e.salt[:], e.leaf[:]).Error
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	old(0, 5)
	fill(t, s, 5, 5)
	integrateSome(t, s, signer, 5)
	if n, err := s.Integrate(t.Context(), signer, Batch); n != 0 || err != nil {
		t.Fatal("before the epoch is known, ids that no transaction had yet wait:", n, err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, "audit_epoch"); n != 1 {
		t.Fatal("the same cluster is no new epoch:", n)
	}
	if err := s.db.Exec("INSERT INTO audit_epoch (epoch, cluster) VALUES (1, 'another')").Error; err != nil {
		t.Fatal(err)
	}
	for range 2 { // another start changes nothing
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, s, "audit_epoch"); n != 3 {
		t.Fatal(n, "epochs")
	}
	fill(t, s, 10, 5)
	integrateAll(t, s, signer, 4)
	leaves := leavesOf(t, s)
	if len(leaves) != 15 || leaves[5] != enteredAs(0).leaf || leaves[14] != enteredAs(14).leaf {
		t.Fatal(len(leaves))
	}
}

// TestTransactionIdsAreNumbersAndNotTexts: sorted as texts, 10 comes before 9,
// and a log that has reached 10 would pass over 9.
func TestTransactionIdsAreNumbersAndNotTexts(t *testing.T) {
	s := open(t, storetest.Postgres(t), func() time.Time { return noon })
	signer, _ := logKeys(t)
	xids := []int{3, 9, 10, 11, 99, 100, 101}
	for i := range xids { // in no order
		i = (i*3 + 1) % len(xids)
		e := enteredAs(i)
		err := s.db.Exec("INSERT INTO audit_entry (xid, tenant, tender, bidder, body, salt, leaf) VALUES (?::text::xid8, 'city', ?, FALSE, ?, ?, ?)",
			fmt.Sprint(xids[i]), e.tender, e.body, e.salt[:], e.leaf[:]).Error
		if err != nil {
			t.Fatal(err)
		}
	}
	integrateAll(t, s, signer, 2)
	leaves := leavesOf(t, s)
	if len(leaves) != len(xids) {
		t.Fatal(len(leaves), "of", len(xids))
	}
	for i, leaf := range leaves {
		if leaf != enteredAs(i).leaf {
			t.Fatal("leaf", i, "is another")
		}
	}
}
