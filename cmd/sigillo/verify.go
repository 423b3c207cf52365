package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/internal/fault"
	"sigillo/tender"
)

type verifyCommand struct {
	File string `arg:"" help:"Export of the register (JSON Lines)."`
	Key  string `required:"" env:"SIGILLO_VERIFY_KEY" help:"Public key of the log, or a file that holds it."`
}

// Run recomputes an export from its bytes alone.
func (c *verifyCommand) Run(w *world) error {
	key := c.Key
	if text, err := os.ReadFile(key); err == nil {
		key = string(text)
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(key))
	if err != nil {
		return fmt.Errorf("%s is not a public key of a log: %w", c.Key, err)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := audit.Verify(f, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	return tell(w, r)
}

var errNotVerified = errors.New("the export does not verify")

func tell(w *world, r *audit.Report) error {
	say := func(it, en string, args ...any) { fmt.Fprintln(w.out, fault.T(it, en, args...).In(w.lang)) }
	for _, p := range append(r.Problems, r.Warnings...) {
		entry := p.Entry
		if entry != "" {
			entry = " " + entry
		}
		fmt.Fprintf(w.out, "%4d%s %s: %s\n", p.Line, entry, p.Code, p.Text.In(w.lang))
	}
	if !r.OK() {
		say("NON VERIFICATO: %d problemi in %d voci.", "NOT VERIFIED: %d problems in %d entries.", len(r.Problems), r.Size)
		return fault.New(fault.Invalid, "not-verified", "L'esportazione non è integra.", "The export is not intact.").Because(errNotVerified)
	}
	say("Registro di %s (log %s)", "Register of %s (log %s)", r.Authority, r.Origin)
	if r.Size > 0 {
		say("%d voci, dal %s al %s", "%d entries, from %s to %s", r.Size, tender.InRome(r.First), tender.InRome(r.Last))
	}
	if len(r.Sealed) > 0 {
		say("Non comprende gli atti degli offerenti su %d gare ancora sigillate.", "Leaves out the acts of bidders on %d tenders still sealed.", len(r.Sealed))
	}
	say("Radice %x", "Root %x", r.Root)
	say("VERIFICATO: impronte, ordine, storia e firma corrispondono.", "VERIFIED: hashes, order, history and signature all match.")
	return nil
}
