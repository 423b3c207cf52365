// Package storetest hands every test a fresh database of each kind. It promises
// that a missing PostgreSQL is told loudly, and is a failure where services are
// required. It knows nothing of the schema.
package storetest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

var serial atomic.Int64

// SQLite returns the DSN of a new file.
func SQLite(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "sigillo.db") }

// Postgres returns the DSN of a new database, dropped at the end of the test.
func Postgres(t testing.TB) string {
	server := os.Getenv("TEST_DATABASE_URL")
	if server == "" {
		if os.Getenv("SIGILLO_REQUIRE_SERVICES") != "" {
			t.Fatal("TEST_DATABASE_URL is not set, and services are required")
		}
		t.Skip("SKIPPED: no PostgreSQL; set TEST_DATABASE_URL=postgres://…")
	}
	name := fmt.Sprintf("sigillo_%d_%d", os.Getpid(), serial.Add(1))
	exec(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { exec(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("TEST_DATABASE_URL is not a URL")
	}
	u.Path = "/" + name
	return u.String()
}

func exec(t testing.TB, server, sql string) {
	ctx := context.Background() // also after the test's own has ended
	c, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}

// Each runs a test on both kinds.
func Each(t *testing.T, f func(t *testing.T, dsn string)) {
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, Postgres(t)) })
}
