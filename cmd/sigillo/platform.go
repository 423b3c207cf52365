package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/award"
	"sigillo/bids"
	"sigillo/docs"
	"sigillo/feed"
	"sigillo/inspection"
	"sigillo/internal/act"
	"sigillo/internal/anchor"
	"sigillo/internal/api"
	"sigillo/internal/identity"
	"sigillo/internal/jobs"
	"sigillo/internal/objects"
	"sigillo/internal/sealer"
	"sigillo/internal/signature"
	"sigillo/internal/store"
	"sigillo/internal/timestamp"
	"sigillo/internal/webhook"
	"sigillo/internal/witness"
	"sigillo/parties"
	"sigillo/tender"
)

// Settings is the whole configuration of an installation.
type Settings struct {
	Database  string `env:"SIGILLO_DATABASE" default:"sqlite:sigillo-data/sigillo.db" help:"sqlite:FILE or postgres://…"`
	Objects   string `env:"SIGILLO_OBJECTS" default:"sigillo-data/objects" help:"A directory, or s3://ACCESS:SECRET@host:port/bucket?tls=true&region=…"`
	SealerKey string `env:"SIGILLO_SEALER_KEY" default:"sigillo-data/sealer.key" help:"File with the sealer's master key; made if there is none."`
	LogKey    string `env:"SIGILLO_LOG_KEY" default:"sigillo-data/log.key" help:"File with the key that signs the register; made if there is none."`
	Sealer    string `env:"SIGILLO_SEALER" help:"Socket of a sealer in a process of its own; without it, keys are kept by this process."`
	Rehearsal bool   `env:"SIGILLO_REHEARSALS" help:"Allow tenders for exercise, whose bids the platform alone can open."`
	Trust     string `env:"SIGILLO_TRUST" help:"File with the certificates that signers may chain to: PEM, or an ETSI trusted list (XML)."`
	MaxUpload int64  `env:"SIGILLO_MAX_UPLOAD" default:"5368709120" help:"Largest document or envelope, in bytes."`

	TSA        string `env:"SIGILLO_TSA" help:"Address of a time-stamping authority (RFC 3161) that stamps the register's checkpoints."`
	TSAAnchors string `env:"SIGILLO_TSA_ANCHORS" help:"File with the certificates its stamps chain to: PEM, or an ETSI trusted list (XML)."`

	Witnesses string `env:"SIGILLO_WITNESSES" help:"Policy file (C2SP tlog-policy) of the witnesses that must have signed the register before envelopes are unsealed."`

	WebhooksInside bool `env:"SIGILLO_WEBHOOKS_INSIDE" help:"Send webhooks also to addresses that are not public, and over http: for tests and closed networks."`
}

// platform is an installation put together.
type platform struct {
	store    *store.Store
	vault    docs.Vault
	identity *identity.Service
	parties  *parties.Service
	bids     *bids.Service
	api      *api.API
	bell     *jobs.Bell
	prober   *jobs.Prober
	register jobs.Register
	feeds    jobs.Feeds
	anchor   *anchor.Service
	cosigner *anchor.Cosigner
}

// register is the log as the bell keeps it.
type register struct {
	*store.Log
	*audit.Publisher
}

// anchorage is who vouches for the log.
type anchorage struct {
	*anchor.Service
	*anchor.Cosigner
}

// feeds are what the bell has told.
type feeds struct {
	*store.Store
	*feed.Courier
}

// assemble connects everything. clock is nil for the real one: then on
// PostgreSQL the database's clock decides.
func assemble(ctx context.Context, s Settings, clock func() time.Time, demo bool, log *slog.Logger) (*platform, error) {
	for _, file := range []string{strings.TrimPrefix(s.Database, "sqlite:"), s.SealerKey, s.LogKey} {
		if !strings.Contains(file, "://") {
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				return nil, err
			}
		}
	}
	db, err := store.Open(s.Database, clock)
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("bringing the schema up to date: %w", err), db.Close())
	}
	p, err := connect(ctx, s, db, clock, demo, log)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return p, nil
}

func connect(ctx context.Context, s Settings, db *store.Store, clock func() time.Time, demo bool, log *slog.Logger) (*platform, error) {
	vault, err := objects.Open(ctx, s.Objects)
	if err != nil {
		return nil, err
	}
	trail, err := openLog(s.LogKey, db)
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(trail.Key())
	if err != nil {
		return nil, err
	}
	local := clock
	if local == nil {
		local = time.Now
	}
	// The sealer goes by the clock that decides deadlines; without it, it
	// releases nothing.
	deciding := func() time.Time {
		now, err := db.Now()
		if err != nil {
			log.Error("the database does not tell the time", "cause", err)
		}
		return now
	}
	keys, err := keeper(ctx, s, db, deciding)
	if err != nil {
		return nil, err
	}
	db.Wear(keys)
	trust, err := readTrust(s.Trust)
	if err != nil {
		return nil, err
	}
	p := &platform{store: db, vault: vault, parties: parties.NewService(store.Acts[parties.Tx](db), db)}
	p.identity = identity.NewService(store.Acts[identity.Tx](db), db, local, demo)
	p.bids = bids.NewService(store.Acts[bids.Tx](db), db, vault, keys)
	p.bell = jobs.New(p.bids, db.Now, log)
	p.register = register{trail, audit.NewPublisher(db, vault.Log(), verifier)}
	post := webhook.New(s.WebhooksInside, nil)
	p.feeds = feeds{db, feed.NewCourier(store.Acts[feed.Tx](db), db, post, db.Now)}
	if p.anchor, err = anchors(s, db, deciding); err != nil {
		return nil, err
	}
	policy, err := readPolicy(s.Witnesses)
	if err != nil {
		return nil, err
	}
	p.cosigner = anchor.NewCosigner(db, policy, witness.NewClient())
	p.api = api.New(api.Services{
		Identity:   p.identity,
		Parties:    p.parties,
		Tenders:    tender.NewService(store.Acts[tender.Tx](db), db, keys, vault, deciding, demo || s.Rehearsal),
		Bids:       p.bids,
		Awards:     award.NewService(store.Acts[award.Tx](db), db),
		Inspection: inspection.NewService(store.Acts[inspection.Tx](db), db, trail, vault),
		Feed:       feed.NewService(store.Acts[feed.Tx](db), db, post),
		Anchor:     p.anchor,
		Cosigner:   p.cosigner,
		Probes:     db, Trail: trail, Published: vault.Log(), Now: db.Now, Ready: db.Ping,
	}, api.Config{Log: log, MaxUpload: s.MaxUpload, Demo: demo, Clock: clock, Trust: trust})
	p.prober = jobs.NewProber(db, vault, p.api.Served, db.Now)
	return p, nil
}

// anchors has the log time-stamped where the settings name an authority.
func anchors(s Settings, db *store.Store, now func() time.Time) (*anchor.Service, error) {
	trust, err := readTrust(s.TSAAnchors)
	if err != nil {
		return nil, err
	}
	authority, err := timestamp.Configure(s.TSA, trust, now)
	if err != nil {
		return nil, err
	}
	return anchor.NewService(store.Acts[anchor.Tx](db), db, authority, db.Now), nil
}

// readPolicy reads the policy on witnesses, nil when no file is named.
func readPolicy(path string) (*audit.Policy, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return audit.ParsePolicy(text)
}

// readTrust reads a trust list, nil when no file is named.
func readTrust(path string) (*signature.Trust, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(text[:min(len(text), 4096)], []byte("TrustServiceStatusList")) {
		return signature.ParseTrustedList(text)
	}
	return signature.ParseTrust(text)
}

// keeper is the sealer: in another process where the settings name its socket,
// then this one never sees a private key; else in this one.
func keeper(ctx context.Context, s Settings, db *store.Store, now func() time.Time) (sealer.Keeper, error) {
	if s.Sealer != "" {
		return sealer.Dial(s.Sealer), nil
	}
	if err := keyIsThere(ctx, s.SealerKey, db); err != nil {
		return nil, err
	}
	master, err := sealer.Load(s.SealerKey)
	if err != nil {
		return nil, err
	}
	policy, err := readPolicy(s.Witnesses)
	if err != nil {
		return nil, err
	}
	keys := sealer.New(master, db, now)
	keys.Demand(policy)
	return keys, nil
}

// keyIsThere refuses to start with a new master key where bids are sealed to
// the old one: a volume that was not mounted must not break custody in silence.
func keyIsThere(ctx context.Context, path string, db *store.Store) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	sealed, err := db.KeysInCustody(ctx)
	if err == nil && sealed {
		err = fmt.Errorf("the sealer's key file %s is missing, and keys in the database are wrapped to it: put it back", path)
	}
	return err
}

// openLog reads the register's signing key, or makes one, and writes the
// public half beside it, for auditors.
func openLog(path string, db *store.Store) (*store.Log, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeLogKey(path); err != nil && !errors.Is(err, fs.ErrExist) { // if it exists, a replica was faster
			return nil, err
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	private := strings.TrimSpace(string(text))
	public, err := audit.PublicKey(private)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := os.Stat(path + ".pub"); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(path+".pub", []byte(public+"\n"), 0o644); err != nil {
			return nil, err
		}
	}
	return store.NewLog(db, private, public)
}

// makeLogKey puts a new key in place whole or not at all.
func makeLogKey(path string) error {
	private, _, err := audit.GenerateKey("sigillo")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".log-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(private + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

// firstToken lets the first administrator in before any login is configured.
func (p *platform) firstToken(ctx context.Context, who *parties.Person) (string, error) {
	now, err := p.store.Now() // the clock by which the power was given
	if err != nil {
		return "", err
	}
	token, _, err := p.identity.IssueToken(ctx, act.By(who.Actor(now)), who.ID, "installation", 24*time.Hour)
	return token, err
}
