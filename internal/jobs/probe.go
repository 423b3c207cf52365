package jobs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"time"

	"sigillo/docs"
	"sigillo/internal/fault"
	"sigillo/internal/health"
)

// Ground is what a probe looks at and where it is kept.
type Ground interface {
	Ping(ctx context.Context) error
	SaveProbe(ctx context.Context, p health.Probe) error
	DropProbes(ctx context.Context, before time.Time) error
}

// Prober looks every ten seconds at what this replica stands on.
type Prober struct {
	ground  Ground
	vault   docs.Vault
	served  func() (errors int, slowest time.Duration) // since it was last asked
	now     func() (time.Time, error)
	clock   func() (string, int64)
	replica string
}

// kept is how long probes are kept: claims about a tender come within a year.
const kept = 400 * 24 * time.Hour

// NewProber makes one. Its replica is named by SIGILLO_REPLICA, else at random.
func NewProber(g Ground, v docs.Vault, served func() (int, time.Duration), now func() (time.Time, error)) *Prober {
	name := os.Getenv("SIGILLO_REPLICA")
	if name == "" {
		var b [4]byte
		rand.Read(b[:])
		name = hex.EncodeToString(b[:])
	}
	return &Prober{g, v, served, now, health.Clock, name}
}

// Probe looks once. While the database is away nothing can be kept: the missing
// probe says it.
func (p *Prober) Probe(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, health.Every)
	defer stop()
	at, err := p.now()
	if err != nil {
		return err
	}
	one := health.Probe{At: at, Replica: p.replica, Database: -1, Objects: -1}
	began := time.Now()
	if p.ground.Ping(ctx) == nil {
		one.Database = time.Since(began).Microseconds()
	}
	began = time.Now()
	// A store that says it has no such object answers.
	r, _, err := p.vault.Open(ctx, docs.Papers, docs.Hash{})
	if f := fault.Of(err); f == nil || f.Kind == fault.NotFound {
		one.Objects = time.Since(began).Microseconds()
	}
	if err == nil {
		r.Close()
	}
	errors, slowest := p.served()
	one.Errors, one.Slowest = errors, slowest.Microseconds()
	one.Clock, one.MaxError = p.clock()
	if err := p.ground.SaveProbe(ctx, one); err != nil {
		return err
	}
	return p.ground.DropProbes(ctx, at.Add(-kept))
}
