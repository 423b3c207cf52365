package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/bids"
	"sigillo/internal/fault"
	"sigillo/tender"
)

type verifyCommands struct {
	Export    verifyCommand          `cmd:"" default:"withargs" help:"Verify an export of the register."`
	Bundle    verifyBundleCommand    `cmd:"" help:"Verify a bundle of the register."`
	Receipt   verifyReceiptCommand   `cmd:"" help:"Verify a receipt, or any other statement the platform signed."`
	Timestamp verifyTimestampCommand `cmd:"" help:"Verify a time stamp over a file or a digest."`
}

// logKey is the platform's public key, as a verifier holds it.
type logKey struct {
	Key string `required:"" env:"SIGILLO_VERIFY_KEY" help:"Public key of the log, or a file that holds it."`
}

func (c logKey) verifiers() (note.Verifiers, error) {
	v, err := c.verifier()
	if err != nil {
		return nil, err
	}
	return note.VerifierList(v), nil
}

func (c logKey) verifier() (note.Verifier, error) {
	key := c.Key
	if text, err := os.ReadFile(key); err == nil {
		key = string(text)
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(key))
	if err != nil {
		return nil, fmt.Errorf("%s is not a public key of a log: %w", c.Key, err)
	}
	return verifier, nil
}

type verifyCommand struct {
	logKey
	File string `arg:"" help:"Export of the register (JSON Lines)."`
}

// Run recomputes an export from its bytes alone.
func (c *verifyCommand) Run(w *world) error {
	keys, err := c.verifiers()
	if err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := audit.Verify(f, keys)
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

type verifyReceiptCommand struct {
	logKey
	File     string            `arg:"" help:"The receipt (JSON)."`
	Envelope map[string]string `help:"Sealed files to compare with the receipt: A=a.age C=c.age."`
}

// Run checks a receipt without any network: the signature, and that the sealed
// files at hand are those it names.
func (c *verifyReceiptCommand) Run(w *world) error {
	key, err := c.verifier()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	s, err := audit.ParseStatement(text)
	if err != nil {
		return err
	}
	if err := s.Verify(note.VerifierList(key)); err != nil {
		return err
	}
	say := func(it, en string, args ...any) { fmt.Fprintln(w.out, fault.T(it, en, args...).In(w.lang)) }
	var r bids.Receipt
	if s.Kind != bids.SubmissionReceipt && s.Kind != bids.WithdrawalReceipt || json.Unmarshal(s.Body, &r) != nil {
		say("VERIFICATO: documento «%s» firmato dalla piattaforma.", "VERIFIED: statement %q signed by the platform.", s.Kind)
		return nil
	}
	say("Ricevuta %s: %s, %s", "Receipt %s: %s, %s", r.Number, r.Says, r.Supplier.Name)
	say("Gara: %s, %s", "Tender: %s, %s", r.Tender.Name, r.Authority.Name)
	say("Ricevuta alle %s (termine %s)", "Received at %s (deadline %s)", tender.InRomeExactly(r.ReceivedAt), tender.InRome(r.Deadline))
	for _, e := range r.Envelopes {
		fmt.Fprintf(w.out, "  %s  %s  %d byte\n", e.Envelope, e.Digest, e.Size)
		path, ok := c.Envelope[string(e.Envelope)]
		if !ok {
			continue
		}
		u, err := measured(path)
		if err != nil {
			return err
		}
		if u.Digest.String() != e.Digest || u.Size != e.Size {
			return fault.New(fault.Invalid, "another-file", "%s non è la busta %s della ricevuta.", "%s is not the envelope %s of the receipt.", path, string(e.Envelope))
		}
	}
	if err := c.inTheLog(s, r, key, say); err != nil {
		return err
	}
	say("VERIFICATA: firma della piattaforma e impronte corrispondono.", "VERIFIED: the platform's signature and the digests match.")
	return nil
}

// inTheLog checks that the act the receipt is for stands in the log.
func (c *verifyReceiptCommand) inTheLog(s audit.Statement, r bids.Receipt, key note.Verifier, say func(it, en string, args ...any)) error {
	if s.Evidence == nil {
		say("La ricevuta non ha la prova del registro: la chieda di nuovo alla piattaforma.", "The receipt has no proof of the register: ask the platform for it again.")
		return nil
	}
	e, checkpoint, index, err := s.Evidence.Check(key, nil)
	if err != nil {
		return err
	}
	if !r.Deed().Is(e) {
		return audit.ErrOtherAct
	}
	say("Registro %s: voce %d di %d, radice %x", "Register %s: entry %d of %d, root %x", checkpoint.Origin, index, checkpoint.Size, checkpoint.Root)
	return nil
}
