package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ground is where a bench runs: a database and a store of its own, never those
// of an installation.
type ground struct {
	settings Settings
	postgres bool
	s3       bool
	drop     func() error
}

// newGround makes a database beside the one the DSN names and a bucket beside
// the one of the address, both with random names; without PostgreSQL or S3, a
// folder takes their part. The database and the folder are dropped at the end.
// The bucket stays: its objects may be locked.
func newGround(ctx context.Context, dsn, objects string) (*ground, error) {
	folder, err := os.MkdirTemp("", "sigillo-bench-")
	if err != nil {
		return nil, err
	}
	at := func(name string) string { return filepath.Join(folder, name) }
	p := &ground{settings: Settings{Database: "sqlite:" + at("sigillo.db"), Objects: at("objects"), SealerKey: at("sealer.key"), LogKey: at("log.key"),
		Rehearsal: true, MaxUpload: 64 << 20}, drop: func() error { return os.RemoveAll(folder) }}
	var b [6]byte
	rand.Read(b[:])
	name := "sigillo_bench_" + hex.EncodeToString(b[:])
	if strings.HasPrefix(objects, "s3://") {
		u, err := url.Parse(objects)
		if err != nil {
			return nil, errors.Join(errors.New("the address of the object store is not well formed"), p.drop())
		}
		u.Path += "-" + strings.ReplaceAll(name, "_", "-")
		p.settings.Objects, p.s3 = u.String(), true
	}
	if !strings.HasPrefix(dsn, "postgres") {
		return p, nil
	}
	u, err := url.Parse(dsn)
	if err != nil { // it may hold a secret: say nothing of it
		return nil, errors.Join(errors.New("the database is named as postgres://…"), p.drop())
	}
	if err := onServer(ctx, dsn, "CREATE DATABASE "+name); err != nil {
		return nil, errors.Join(err, p.drop())
	}
	u.Path = "/" + name
	p.settings.Database, p.postgres = u.String(), true
	p.drop = func() error {
		return errors.Join(onServer(context.WithoutCancel(ctx), dsn, "DROP DATABASE "+name+" WITH (FORCE)"), os.RemoveAll(folder))
	}
	return p, nil
}

func onServer(ctx context.Context, dsn, statement string) error {
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, statement)
	return err
}
