// Package store keeps everything that is not bytes of documents: on SQLite for
// one machine, on PostgreSQL for many replicas.
//
// It promises that it is the only place that begins and commits, that a
// transaction which wrote anything and recorded no entry is refused, that a
// change made on an outdated reading is an answer and not an accident, and
// that the register of acts can only grow. It does not know any rule of
// procurement but one, which the database itself holds: nothing is received at
// or after the deadline.
//
// Who has bid does not stand in it in clear before the opening: bids, uploads,
// messages, questions, what repeated requests are answered with, and the entries of bidders' acts are
// under a veil whose key the sealer has (veil.go). What remains to be seen are
// the rows themselves: how many there are for a lot, when they were written,
// and roughly how long they are.
package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"sigillo/internal/fault"
)

//go:embed migrations
var migrations embed.FS

// Store is a database.
type Store struct {
	db       *gorm.DB // the writer; on SQLite a single connection
	read     *gorm.DB
	postgres bool
	clock    func() time.Time // nil: the database's own
	veil     Veil             // over who has bid
	known    known
}

// Open connects to a database named by a DSN: "sqlite:path/to/file" or
// "postgres://…". With no clock, PostgreSQL's own decides every instant.
func Open(dsn string, clock func() time.Time) (*Store, error) {
	config := &gorm.Config{
		TranslateError: true, PrepareStmt: true, SkipDefaultTransaction: true,
		Logger: logger.Discard, // statements carry values, and values are nobody's business
	}
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		return openSQLite(path, config, clock)
	}
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, errors.New("the database is named as sqlite:FILE or postgres://…")
	}
	// The driver prepares statements by itself, once for each connection. gorm
	// on top of it would prepare and drop them anew in every transaction.
	config.PrepareStmt = false
	db, err := gorm.Open(postgres.Open(dsn), config)
	if err != nil {
		return nil, fmt.Errorf("connecting to PostgreSQL at %s: %w", u.Host, err)
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	// As many idle as open: in a rush, connections that are dropped between two
	// requests would be made anew, with a sign-in each.
	pool.SetMaxOpenConns(32)
	pool.SetMaxIdleConns(32)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return &Store{db: db, read: db, postgres: true, clock: clock, veil: noVeil{}}, nil
}

func openSQLite(path string, config *gorm.Config, clock func() time.Time) (*Store, error) {
	if clock == nil {
		clock = time.Now
	}
	pragmas := "?_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)"
	write, err := gorm.Open(sqlite.Open(path+pragmas+"&_txlock=immediate"), config)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	readConfig := *config
	read, err := gorm.Open(sqlite.Open(path+pragmas+"&_pragma=query_only(ON)"), &readConfig)
	if err != nil {
		return nil, err
	}
	pool, err := write.DB()
	if err != nil {
		return nil, err
	}
	// One connection writes: it stands in for the row locks that this dialect
	// of gorm leaves out without a word.
	pool.SetMaxOpenConns(1)
	readers, err := read.DB()
	if err != nil {
		return nil, err
	}
	readers.SetMaxOpenConns(8)
	return &Store{db: write, read: read, clock: clock, veil: noVeil{}}, nil
}

// Migrate brings the schema up to date. Replicas that start together wait for
// one another.
func (s *Store) Migrate(ctx context.Context) error {
	dialect, folder := goose.DialectSQLite3, "migrations/sqlite"
	options := []goose.ProviderOption{goose.WithLogger(goose.NopLogger())}
	if s.postgres {
		dialect, folder = goose.DialectPostgres, "migrations/postgres"
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	sql, err := fs.Sub(migrations, folder)
	if err != nil {
		return err
	}
	pool, err := s.db.DB()
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, pool, sql, options...)
	if err != nil {
		return err
	}
	if _, err = provider.Up(ctx); err != nil {
		return err
	}
	return s.beginEpoch(ctx)
}

// Close disconnects.
func (s *Store) Close() error {
	var all []error
	for _, db := range []*gorm.DB{s.db, s.read} {
		if pool, err := db.DB(); err == nil {
			all = append(all, pool.Close())
		}
	}
	return errors.Join(all...)
}

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	pool, err := s.read.DB()
	if err != nil {
		return err
	}
	return pool.PingContext(ctx)
}

// Now is the store's clock: the one given, or the database's.
func (s *Store) Now() (time.Time, error) {
	if s.clock != nil {
		return s.clock().UTC().Truncate(time.Microsecond), nil
	}
	return databaseNow(s.read)
}

// clockNow is PostgreSQL's own clock, in microseconds.
const clockNow = "floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

func databaseNow(db *gorm.DB) (time.Time, error) {
	var us int64
	err := db.Raw("SELECT " + clockNow).Scan(&us).Error
	return time.UnixMicro(us).UTC(), err
}

// told turns what a database says into what a person is told.
func told(err error, what string) error {
	if err == nil {
		return nil
	}
	var f *fault.Fault
	if errors.As(err, &f) {
		return err
	}
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return fault.Missing(what)
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return fault.New(fault.Conflict, "duplicate", "Esiste già: %s.", "It already exists: %s.", what).Because(err)
	case strings.Contains(err.Error(), "sigillo: late"):
		return fault.New(fault.Conflict, "deadline-passed", "Il termine per le offerte è scaduto.", "The deadline for bids has passed.").Because(err)
	}
	return err
}

// translated says of an error that came with a row what gorm says of its own.
func translated(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" {
		return fmt.Errorf("%w: %w", gorm.ErrDuplicatedKey, err)
	}
	return err
}

// again tells whether the database asks for the transaction to be run anew.
func again(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}
