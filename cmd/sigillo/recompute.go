package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/award"
	"sigillo/internal/fault"
	"sigillo/internal/money"
	"sigillo/tender"
)

// openBundle opens a bundle and verifies it.
func openBundle(path string, key note.Verifier) (*os.File, int64, *audit.BundleReport, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, nil, err
	}
	r, err := audit.VerifyBundle(f, info.Size(), key)
	return f, info.Size(), r, err
}

type verifyBundleCommand struct {
	logKey
	File string `arg:"" help:"Bundle of the register (zip)."`
}

// Run verifies a bundle from its bytes alone.
func (c *verifyBundleCommand) Run(w *world) error {
	key, err := c.verifier()
	if err != nil {
		return err
	}
	f, _, r, err := openBundle(c.File, key)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := tell(w, &r.Report); err != nil {
		return err
	}
	fmt.Fprintln(w.out, fault.T("%d voci nel fascicolo, ciascuna con la sua prova; %d documenti inclusi.", "%d entries in the bundle, each with its proof; %d documents included.",
		r.Entries, r.Documents).In(w.lang))
	return nil
}

type recomputeCommand struct {
	logKey
	File string `arg:"" help:"Bundle of the register (zip)."`
}

var errNotRecomputed = fault.New(fault.Invalid, "not-recomputed", "Il registro non dice ciò che risulta dal ricalcolo.", "The register does not say what computing again gives.")

// Run computes ranking and award again from a bundle alone, once it verifies.
func (c *recomputeCommand) Run(w *world) error {
	key, err := c.verifier()
	if err != nil {
		return err
	}
	f, size, r, err := openBundle(c.File, key)
	if err != nil {
		return err
	}
	defer f.Close()
	if !r.OK() {
		return tell(w, &r.Report)
	}
	again := award.NewRecount()
	if err := audit.ReadBundle(f, size, again.Take); err != nil {
		return err
	}
	say := func(it, en string, args ...any) { fmt.Fprintln(w.out, fault.T(it, en, args...).In(w.lang)) }
	differ := 0
	for _, a := range again.Acts {
		say("Voce %d, %s, %s, lotto %s", "Entry %d, %s, %s, lot %s", a.Index, tender.InRome(a.At), string(a.Action), a.Lot)
		if !a.Same() {
			differ++
		}
		tellAgain(w, say, a)
	}
	if differ > 0 {
		say("DIVERSO: %d atti su %d.", "DIFFERENT: %d acts out of %d.", differ, len(again.Acts))
		return errNotRecomputed
	}
	say("RICALCOLATO: %d atti, ogni cifra corrisponde.", "RECOMPUTED: %d acts, every figure matches.", len(again.Acts))
	return nil
}

// tellAgain tells one act computed again, and how it differs.
func tellAgain(w *world, say func(it, en string, args ...any), a award.Redone) {
	if a.Cause != nil {
		fmt.Fprintln(w.out, "  "+fault.Of(a.Cause).Text.In(w.lang))
		return
	}
	switch e := a.After; {
	case a.Until != nil:
		say("  nessun contratto prima del %s", "  no contract before %s", tender.InRome(*a.Until))
	case e.Decision != nil && e.Decision.Awarded:
		say("  aggiudicato all'offerta %s", "  awarded to bid %s", e.Decision.Bid)
	case e.Proposal != nil:
		say("  proposta l'offerta %s", "  bid %s proposed", e.Proposal.Bid)
	case e.Ranking != nil:
		for _, r := range e.Ranking.Rows {
			if e.Ranking.Formula == string(tender.LowestPrice) {
				say("  %d. offerta %s: ribasso %s %%, prezzo %s €", "  %d. bid %s: discount %s %%, price € %s", r.Rank, r.Bid, r.Discount, r.Price)
				continue
			}
			say("  %d. offerta %s: ribasso %s %%, tecnica %s + economica %s = %s, prezzo %s €", "  %d. bid %s: discount %s %%, technical %s + economic %s = %s, price € %s",
				r.Rank, r.Bid, r.Discount, points(r.Technical), points(r.Economic), points(r.Total), r.Price)
		}
	case e.LockedAt != nil:
		say("  punteggi bloccati, impronta %s", "  scores locked, hash %s", e.ScoresHash)
	}
	for _, d := range a.Differences {
		say("  %s: nel registro %s, dal ricalcolo %s", "  %s: in the register %s, computed again %s", d.Pointer, orNothing(d.Before), orNothing(d.After))
	}
}

// points writes exact points as a decimal where there is one, else as the
// fraction.
func points(r money.Ratio) string {
	six := money.Rounding{Mode: money.HalfUp, Decimals: 6}
	if six.Round(r).Cmp(r) != 0 {
		return r.String()
	}
	return strings.TrimSuffix(strings.TrimRight(six.Text(r), "0"), ".")
}

func orNothing(text []byte) string {
	if len(text) == 0 {
		return "–"
	}
	return string(text)
}
