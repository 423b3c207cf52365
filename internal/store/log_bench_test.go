package store

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sigillo/audit"
	"sigillo/internal/store/storetest"
)

// onEach runs a benchmark on both kinds of database.
func onEach(b *testing.B, f func(b *testing.B, s *Store)) {
	b.Run("sqlite", func(b *testing.B) { f(b, open(b, storetest.SQLite(b), nil)) })
	b.Run("postgres", func(b *testing.B) { f(b, open(b, storetest.Postgres(b), nil)) })
}

// BenchmarkIntegrator compares, in one run, the rate of the integrator with
// those at which sixteen callers write: acts of the smallest kind, one row and
// its entry, and bare rows of the register.
func BenchmarkIntegrator(b *testing.B) {
	onEach(b, func(b *testing.B, s *Store) {
		signer, _ := logKeys(b)
		var serial atomic.Int64
		act := func() error {
			n := int(serial.Add(1))
			return within(s, func(tx *Tx) error { return tx.SaveAuthority(authority(n)) })
		}
		row := func() error {
			leaf := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("bare"), uint64(serial.Add(1))))
			return s.db.Exec(insertEntry, "t1", make([]byte, 512), leaf[:], leaf[:], noon.UnixMicro()).Error
		}
		for b.Loop() {
			acts, rows := rate(b, act), rate(b, row)
			bulk(b, s, 100_000)
			began, n := time.Now(), count(b, s, "audit_leaf")
			integrateAll(b, s, signer, Batch)
			took := time.Since(began).Seconds()
			integrated := float64(count(b, s, "audit_leaf")-n) / took
			b.ReportMetric(acts, "acts/s")
			b.ReportMetric(rows, "rows/s")
			b.ReportMetric(integrated, "integrated/s")
			b.ReportMetric(integrated/acts, "times-acts")
			b.ReportMetric(integrated/rows, "times-rows")
		}
	})
}

// rate is how often sixteen callers do something in a second.
func rate(b *testing.B, do func() error) float64 {
	var done atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range 16 {
		all.Go(func() {
			for time.Since(began) < 2*time.Second {
				if err := do(); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(began).Seconds()
}

// bulk commits n entries of 100 tenders at once.
func bulk(t testing.TB, s *Store, n int) {
	t.Helper()
	from := count(t, s, "audit_entry")
	const columns = "INSERT INTO audit_entry (tenant, tender, bidder, body, salt, leaf, at) "
	sql := columns + "SELECT 'city', 't' || g % 100, FALSE, decode(repeat('00', 512), 'hex'), sha256(int8send(g)), sha256(int8send(g)), 1 FROM generate_series(?::bigint, ?::bigint) g"
	if !s.postgres {
		sql = columns + "SELECT 'city', 't' || g % 100, FALSE, zeroblob(512), randomblob(32), randomblob(32), 1 FROM (WITH RECURSIVE x(g) AS (SELECT ? UNION ALL SELECT g + 1 FROM x WHERE g < ?) SELECT g FROM x)"
	}
	if err := s.db.Exec(sql, from+1, from+int64(n)).Error; err != nil {
		t.Fatal(err)
	}
}

// BenchmarkInclusion proves entries drawn at random, reading tiles from the
// database each time and none from memory.
func BenchmarkInclusion(b *testing.B) {
	for _, size := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(size, " leaves"), func(b *testing.B) {
			onEach(b, func(b *testing.B, s *Store) {
				if _, some, _ := s.newest(b.Context()); some == "" {
					signer, _ := logKeys(b)
					bulk(b, s, size)
					integrateAll(b, s, signer, Batch)
				}
				var drawn [][]byte
				if err := s.db.Raw("SELECT leaf FROM audit_entry WHERE id % ? = 0", size/1000).Scan(&drawn).Error; err != nil {
					b.Fatal(err)
				}
				read, questions, proofs := 0, 0, 0
				tiles := s.Tiles(b.Context())
				counting := func(all []audit.Tile) ([][]byte, error) { read += len(all); questions++; return tiles(all) }
				for range 100 {
					if _, err := audit.ProveInclusion(rand.Uint64N(uint64(size)), uint64(size), counting); err != nil {
						b.Fatal(err)
					}
					proofs++
				}
				for b.Loop() {
					if _, err := s.Inclusion(b.Context(), [32]byte(drawn[rand.IntN(len(drawn))])); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(read)/float64(proofs), "tiles/proof")
				b.ReportMetric(float64(questions)/float64(proofs), "questions/proof")
			})
		})
	}
}
