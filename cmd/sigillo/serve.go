package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"sigillo/internal/fault"
)

type serveCommand struct {
	Settings
	Listen string `env:"SIGILLO_LISTEN" default:"127.0.0.1:8080" help:"Address to listen on."`
}

// Run serves until interrupted.
func (c *serveCommand) Run(w *world) error {
	log := slog.New(slog.NewJSONHandler(w.err, nil))
	p, err := assemble(w.ctx, c.Settings, nil, false, log)
	if err != nil {
		return err
	}
	defer p.store.Close()
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(w.out, "Sigillo: http://%s\n", listener.Addr())
	return p.serve(w.ctx, listener)
}

// serve answers requests and rings the bell until the context ends; requests
// under way are let to their end.
func (p *platform) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: p.api, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	// What the clock owes is finished even while the program is asked to end.
	if err := p.bell.Probe(context.WithoutCancel(ctx), p.prober); err != nil {
		return err
	}
	p.bell.Keep(context.WithoutCancel(ctx), p.register)
	p.bell.Tell(ctx, p.feeds)
	p.bell.Vouch(ctx, anchorage{p.anchor, p.cosigner})
	if err := p.bell.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	defer p.bell.Stop()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	wait, stop := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer stop()
	if err := server.Shutdown(wait); err != nil {
		return err
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

type migrateCommand struct {
	Settings
	Administrator string `help:"Name of the first administrator."`
	Email         string `help:"E-mail address of the first administrator."`
	Token         bool   `help:"Print a token for that administrator, valid for one day."`
}

// Run migrates, and installs the first administrator when one is named.
func (c *migrateCommand) Run(w *world) error {
	p, err := assemble(w.ctx, c.Settings, nil, false, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer p.store.Close()
	fmt.Fprintln(w.out, fault.T("Lo schema è aggiornato.", "The schema is up to date.").In(w.lang))
	if c.Administrator == "" {
		return nil
	}
	person, err := p.parties.Install(w.ctx, c.Administrator, c.Email)
	if err != nil {
		return err
	}
	fmt.Fprintln(w.out, fault.T("Amministratore: %s", "Administrator: %s", person.ID).In(w.lang))
	if !c.Token {
		return nil
	}
	token, err := p.firstToken(w.ctx, person)
	if err != nil {
		return err
	}
	fmt.Fprintln(w.out, token)
	return nil
}
