package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"sigillo/audit"
	"sigillo/bids"
	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/sealer"
	"sigillo/internal/store/storetest"
	"sigillo/parties"
	"sigillo/tender"
)

var noon = time.Date(2027, 1, 15, 11, 0, 0, 0, time.UTC)

func open(t testing.TB, dsn string, clock func() time.Time) *Store {
	t.Helper()
	s, err := Open(dsn, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	master, err := sealer.Load(filepath.Join(t.TempDir(), "sealer.key"))
	if err != nil {
		t.Fatal(err)
	}
	s.Wear(sealer.New(master, s, time.Now))
	if err := s.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

func entryOf(id, action string) audit.Entry {
	return audit.Entry{V: 1, ID: act.NewID(), At: noon, Tenant: "city", Actor: audit.Actor{Kind: "clock", ID: "clock", Powers: []string{"clock"}},
		Action: action, Object: audit.Object{Type: "authority", ID: id, Version: 1}}
}

// within runs one act that does what f does and records one entry.
func within(s *Store, f func(*Tx) error) error {
	return s.Within(context.Background(), func(tx *Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return tx.Record(entryOf("x", "test"), nil)
	})
}

func authority(n int) *parties.Authority {
	return &parties.Authority{ID: fmt.Sprint("city", n), Name: "City", FiscalCode: fmt.Sprint(n)}
}

func count(t testing.TB, s *Store, table string) int64 {
	t.Helper()
	var n int64
	if err := s.db.Table(table).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestINV1NoRowsWithoutAnEntryNoEntryWithoutItsRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		save := func(tx *Tx) error { return tx.SaveAuthority(authority(1)) }
		if err := s.Within(t.Context(), save); err == nil || !strings.Contains(err.Error(), "no entry recorded") {
			t.Errorf("rows without an entry: %v", err)
		}
		twice := func(tx *Tx) error {
			return errors.Join(save(tx), tx.Record(entryOf("a", "x"), nil), tx.Record(entryOf("a", "y"), nil))
		}
		if err := s.Within(t.Context(), twice); err == nil {
			t.Error("two entries for one act")
		}
		failing := func(tx *Tx) error {
			return errors.Join(save(tx), tx.Record(entryOf("a", "x"), nil), errors.New("the disk is on fire"))
		}
		if err := s.Within(t.Context(), failing); err == nil {
			t.Error("a failing act")
		}
		bad := func(tx *Tx) error { return errors.Join(save(tx), tx.Record(audit.Entry{}, nil)) }
		if err := s.Within(t.Context(), bad); err == nil {
			t.Error("an entry that is not well formed")
		}
		if count(t, s, "authority")+count(t, s, "audit_entry") != 0 {
			t.Fatal("something half done is left")
		}
		if err := within(s, save); err != nil || count(t, s, "authority") != 1 || count(t, s, "audit_entry") != 1 {
			t.Fatal(err)
		}
	})
}

func TestTransactionsDoNotNest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, nil)
		err := s.Within(t.Context(), func(tx *Tx) error { return s.Within(tx.db.Statement.Context, func(*Tx) error { return nil }) })
		if err == nil || !strings.Contains(err.Error(), "inside a transaction") {
			t.Fatal(err)
		}
	})
}

func TestTheRegisterAndTheSubmissionsOnlyGrow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		seedBid(t, s, noon.Add(time.Hour))
		if err := submit(s, "bid"); err != nil {
			t.Fatal(err)
		}
		statements := []string{"UPDATE audit_entry SET tenant = 'other'", "DELETE FROM audit_entry", "UPDATE submission SET received_at = 0", "DELETE FROM submission"}
		if s.postgres {
			statements = append(statements, "TRUNCATE audit_entry", "TRUNCATE submission")
		}
		for _, sql := range statements {
			if err := s.db.Exec(sql).Error; err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", sql, err)
			}
		}
	})
}

func TestAStaleVersionIsAnAnswer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		if err := within(s, func(tx *Tx) error { return tx.SaveAuthority(authority(1)) }); err != nil {
			t.Fatal(err)
		}
		old := authority(1)
		old.Version = 7
		err := within(s, func(tx *Tx) error { return tx.SaveAuthority(old) })
		if f := fault.Of(err); f == nil || f.Code != "stale-version" || old.Version != 7 {
			t.Fatal(err, old.Version)
		}
		twin := authority(1)
		twin.ID = "twin"
		if f := fault.Of(within(s, func(tx *Tx) error { return tx.SaveAuthority(twin) })); f == nil || f.Code != "duplicate" {
			t.Fatal(f)
		}
		if _, err := s.Authority(t.Context(), "nobody"); fault.Of(err).Kind != fault.NotFound {
			t.Fatal(err)
		}
	})
}

func TestConcurrentActsLoseNothingAndLeaveNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, nil)
		var wg sync.WaitGroup
		var done atomic.Int64
		for i := range 40 {
			wg.Go(func() {
				err := within(s, func(tx *Tx) error {
					if err := tx.SaveAuthority(authority(i)); err != nil {
						return err
					}
					if i%4 == 0 {
						return errors.New("changed its mind")
					}
					return nil
				})
				if err == nil {
					done.Add(1)
				}
			})
		}
		wg.Wait()
		if done.Load() != 30 || count(t, s, "authority") != 30 || count(t, s, "audit_entry") != 30 {
			t.Fatal(done.Load(), count(t, s, "authority"), count(t, s, "audit_entry"))
		}
	})
}

// seedBid makes a published lot with a deadline and a drafted bid.
func seedBid(t testing.TB, s *Store, deadline time.Time) *tender.Tender {
	t.Helper()
	d := &tender.Tender{ID: "tender", Buyer: tender.Buyer{ID: "city1"}, PublishedAt: &noon}
	d.Timetable.Deadline, d.Timetable.OpensAt = deadline, deadline
	d.Terms.Lots = []tender.Lot{{ID: "lot", Number: 1, State: tender.Published, MinimumBids: 1, Envelopes: []tender.EnvelopeSpec{{Envelope: "A"}}}}
	d.Procedure = tender.Open
	err := within(s, func(tx *Tx) error {
		if err := errors.Join(tx.SaveAuthority(authority(1)), tx.SaveTender(d)); err != nil {
			return err
		}
		for _, id := range []string{"bid", "rival"} {
			x := &parties.Supplier{ID: "s-" + id, Country: "IT", TaxID: id}
			b := (&bids.Bid{ID: id, TenderID: "tender", LotID: "lot", Supplier: x.ID, Uploads: []bids.Upload{{Envelope: "A", SHA256: docs.Hash{1}}}}).Attach(d)
			if err := errors.Join(tx.SaveSupplier(x), tx.SaveBid(b)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// submit sends a bid; work is done in the transaction before it commits.
func submit(s *Store, id string, work ...func(*Tx)) error {
	return within(s, func(tx *Tx) error {
		b, err := tx.Bid(id)
		if err != nil {
			return err
		}
		if err := b.Submit([]bids.Claim{{Envelope: "A", SHA256: docs.Hash{1}}}, bids.Pressed{}, tx.Now()); err != nil {
			return err
		}
		for _, f := range work {
			f(tx)
		}
		return tx.SaveBid(b)
	})
}

func TestAT014TheDatabaseItselfRefusesALateSubmission(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		seedBid(t, s, noon.Add(time.Hour))
		for _, c := range []struct {
			received time.Time
			in       bool
		}{{noon.Add(time.Hour), false}, {noon.Add(time.Hour + time.Microsecond), false}, {noon.Add(time.Hour - time.Microsecond), true}} {
			err := s.db.Transaction(func(db *gorm.DB) error {
				return db.Exec("INSERT INTO submission (bid, number, lot, received_at, manifest_hash, database_clock) VALUES ('bid', 1, 'lot', ?, 'h', FALSE)", c.received.UnixMicro()).Error
			})
			if (err == nil) != c.in {
				t.Errorf("%s: %v", c.received, err)
			}
		}
	})
}

// TestINC01NoBidIsReceivedOnceTheLotIsClosed straddles the deadline on
// PostgreSQL's own clock: slow submissions begin before it, a closer waits for
// it. Whatever commits was in time and is counted; the rest is refused.
func TestINC01NoBidIsReceivedOnceTheLotIsClosed(t *testing.T) {
	until(t, func(lead time.Duration) (in, out int64) { return closing(t, lead) })
}

// until gives a machine too busy to straddle a near deadline a later one.
func until(t *testing.T, straddle func(lead time.Duration) (in, out int64)) {
	for lead := time.Second; ; lead *= 2 {
		in, out := straddle(lead)
		if in > 0 && out > 0 {
			return
		}
		if lead >= 16*time.Second {
			t.Fatalf("the deadline was not straddled: %d in, %d out", in, out)
		}
	}
}

func closing(t *testing.T, lead time.Duration) (entered, turnedAway int64) {
	s := open(t, storetest.Postgres(t), nil)
	now, err := s.Now()
	if err != nil {
		t.Fatal(err)
	}
	deadline := now.Add(lead)
	seedBid(t, s, deadline)
	const bidders = 24
	err = within(s, func(tx *Tx) error {
		d, err := tx.TenderShared("tender")
		if err != nil {
			return err
		}
		for i := range bidders {
			x := &parties.Supplier{ID: fmt.Sprint("s", i), Country: "FR", TaxID: fmt.Sprint("FR", i)}
			b := (&bids.Bid{ID: fmt.Sprint("b", i), TenderID: "tender", LotID: "lot", Supplier: x.ID, Uploads: []bids.Upload{{Envelope: "A", SHA256: docs.Hash{1}}}}).Attach(d)
			if err := errors.Join(tx.SaveSupplier(x), tx.SaveBid(b)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var accepted, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range bidders {
		wg.Go(func() {
			time.Sleep(time.Until(deadline) - lead/2 + time.Duration(i)*lead/bidders)
			err := submit(s, fmt.Sprint("b", i), func(*Tx) { time.Sleep(60 * time.Millisecond) })
			switch f := fault.Of(err); {
			case f == nil:
				accepted.Add(1)
			case f.Code == "deadline-passed":
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	var counted int
	wg.Go(func() {
		for time.Now().Before(deadline.Add(5 * time.Millisecond)) {
			time.Sleep(time.Millisecond)
		}
		err := within(s, func(tx *Tx) error {
			d, err := tx.Tender("tender")
			if err != nil {
				return err
			}
			all, err := tx.BidsOf(d, "lot")
			if err != nil {
				return err
			}
			counted = len(bids.Counting(all))
			if _, err := d.Close("lot", counted, tx.Now()); err != nil {
				return err
			}
			return tx.SaveTender(d)
		})
		if err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	var late int64
	s.db.Table("submission").Where("received_at >= ?", deadline.UnixMicro()).Count(&late)
	if int64(counted) != accepted.Load() || late != 0 || count(t, s, "submission") != accepted.Load() {
		t.Fatalf("accepted %d, counted at closing %d, late %d", accepted.Load(), counted, late)
	}
	return accepted.Load(), refused.Load()
}

func TestAT021OneOfManyClosersWins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		seedBid(t, s, noon)
		var won, lost atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				err := within(s, func(tx *Tx) error {
					d, err := tx.Tender("tender")
					if err != nil {
						return err
					}
					if _, err := d.Close("lot", 1, tx.Now()); err != nil {
						return err
					}
					return tx.SaveTender(d)
				})
				switch f := fault.Of(err); {
				case f == nil:
					won.Add(1)
				case f.Kind == fault.Conflict || f.Kind == fault.Stale:
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != 7 {
			t.Fatal(won.Load(), lost.Load())
		}
	})
}

func TestALotsStateIsGuardedOnItsOwnToo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		d := seedBid(t, s, noon)
		err := within(s, func(tx *Tx) error {
			tx.states["lot"] = tender.Suspended // what was loaded is not what is there
			d.Lots[0].State = tender.Closed
			return tx.SaveTender(d)
		})
		if f := fault.Of(err); f == nil || f.Code != "stale-version" {
			t.Fatal(err)
		}
	})
}

func TestEveryStateIsKnownToTheSchema(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		seedBid(t, s, noon)
		for _, state := range tender.States() {
			if err := s.db.Exec("UPDATE lot SET state = ?", string(state)).Error; err != nil {
				t.Errorf("%s: %v", state, err)
			}
		}
		if s.db.Exec("UPDATE lot SET state = 'won'").Error == nil {
			t.Error("an unknown state is taken")
		}
	})
}

func TestManyReplicasMigrateAtOnce(t *testing.T) {
	dsn := storetest.Postgres(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := Open(dsn, nil)
			if err == nil {
				err = errors.Join(s.Migrate(context.Background()), s.Close())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestDSNsNeverShowTheirSecret(t *testing.T) {
	for _, dsn := range []string{"postgres://u:HUSH@127.0.0.1:1/x", "mysql://u:HUSH@h/x", "postgres://u:HUSH@%zz/"} {
		if _, err := Open(dsn, nil); err == nil || strings.Contains(err.Error(), "HUSH") {
			t.Errorf("%v", err)
		}
	}
}

// BenchmarkAuditedAct measures an act, a changed row with its entry, against
// the same transaction without the entry. The ratio is what the register costs.
func BenchmarkAuditedAct(b *testing.B) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := open(b, dsn(b), nil)
			a := authority(1)
			if err := within(s, func(tx *Tx) error { return tx.SaveAuthority(a) }); err != nil {
				b.Fatal(err)
			}
			plain, audited := time.Duration(0), time.Duration(0)
			for b.Loop() {
				began := time.Now()
				if err := s.db.Transaction(func(db *gorm.DB) error {
					return s.run(db, func(tx *Tx) error {
						err := tx.SaveAuthority(a)
						tx.wrote = false // nothing is recorded, and nothing asked for
						return err
					})
				}); err != nil {
					b.Fatal(err)
				}
				middle := time.Now()
				if err := within(s, func(tx *Tx) error { return tx.SaveAuthority(a) }); err != nil {
					b.Fatal(err)
				}
				plain, audited = plain+middle.Sub(began), audited+time.Since(middle)
			}
			b.ReportMetric(float64(audited)/float64(plain), "audited/plain")
		})
	}
}
