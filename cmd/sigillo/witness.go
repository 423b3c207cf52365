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
	Data   string   `default:"sigillo-witness" env:"SIGILLO_WITNESS_DATA" help:"Folder of its key and of what it has signed. Never set it back to an older copy."`
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
		if err = c.makeKey(path); err != nil && !errors.Is(err, fs.ErrExist) { // if it exists, another process was faster
			return "", "", err
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return "", "", err
	}
	private = strings.TrimSpace(string(text))
	if public, err = audit.PublicKey(private); err != nil {
		return "", "", fault.New(fault.Invalid, "bad-witness-key", "%s non contiene la chiave di un testimone: la recuperi da una copia, o ne faccia un altro in un'altra cartella.",
			"%s holds no key of a witness: recover it from a copy, or make another witness in another folder.", path).Because(err)
	}
	if !strings.HasPrefix(public, c.Name+"+") {
		name, _, _ := strings.Cut(public, "+")
		return "", "", fault.New(fault.Invalid, "other-witness", "In %s c'è la chiave del testimone %s: usi quel nome, o un'altra cartella.",
			"%s holds the key of the witness %s: use that name, or another folder.", c.Data, name)
	}
	public, err = cosignature.VKeyToCosignatureV1(public)
	return private, public, err
}

// makeKey puts a new key in place whole or not at all: who shows its public half
// to others must still have it after a power cut.
func (c *witnessCommand) makeKey(path string) error {
	private, _, err := audit.GenerateKey(c.Name)
	if err != nil {
		return err
	}
	if _, err := note.NewSigner(private); err != nil { // what makes a key does not look at its name
		return fault.New(fault.Invalid, "bad-witness-name", "%q non può essere il nome di un testimone: né spazi né «+».",
			"%q cannot be the name of a witness: no spaces and no “+”.", c.Name).Because(err)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(c.Data, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(private + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	folder, err := os.Open(c.Data)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
