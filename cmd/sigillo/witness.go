package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/internal/fault"
	"sigillo/internal/witness"
)

type witnessCommand struct {
	Listen string   `default:"127.0.0.1:8090" env:"SIGILLO_WITNESS_LISTEN" help:"Address to answer on."`
	Data   string   `default:"sigillo-witness" env:"SIGILLO_WITNESS_DATA" help:"Folder of its key and of what it has signed; one process at a time."`
	Name   string   `required:"" env:"SIGILLO_WITNESS_NAME" help:"Name of the witness, like testimone.example/w1; fixed when its key is made."`
	Log    []string `required:"" env:"SIGILLO_WITNESS_LOGS" help:"Public key of each log to watch, or a file that holds it."`
}

// Run watches logs until interrupted.
func (c *witnessCommand) Run(w *world) error {
	var logs []note.Verifier
	for _, l := range c.Log {
		v, err := logKey{l}.verifier()
		if err != nil {
			return err
		}
		logs = append(logs, v)
	}
	private, public, err := c.key()
	if err != nil {
		return err
	}
	watch, err := witness.New(c.Data, private, logs...)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintln(w.out, fault.T("Testimone su http://%s", "Witness on http://%s", listener.Addr()).In(w.lang))
	fmt.Fprintln(w.out, public)
	log := slog.New(slog.NewJSONHandler(w.err, nil))
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		Handler: watch.Handler(func(err error) { log.Error("not signed", "cause", err) })}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-w.ctx.Done():
	}
	wait, stop := context.WithTimeout(context.WithoutCancel(w.ctx), 10*time.Second)
	defer stop()
	return server.Shutdown(wait)
}

// key reads the witness's key or makes one, and gives the public half as
// policies name it.
func (c *witnessCommand) key() (private, public string, err error) {
	path := filepath.Join(c.Data, "witness.key")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if private, _, err = audit.GenerateKey(c.Name); err != nil {
			return "", "", err
		}
		if err = os.MkdirAll(c.Data, 0o700); err == nil {
			err = os.WriteFile(path, []byte(private+"\n"), 0o600)
		}
		text = []byte(private)
	}
	if err != nil {
		return "", "", err
	}
	private = strings.TrimSpace(string(text))
	if public, err = audit.PublicKey(private); err != nil {
		return "", "", fmt.Errorf("%s: %w", path, err)
	}
	if !strings.HasPrefix(public, c.Name+"+") {
		return "", "", fmt.Errorf("%s is the key of another name", path)
	}
	public, err = cosignature.VKeyToCosignatureV1(public)
	return private, public, err
}
