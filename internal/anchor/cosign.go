package anchor

import (
	"context"
	"errors"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// Asker asks witnesses to sign a checkpoint (C2SP tlog-witness). If the witness
// knows another size than the old one, that comes back, and no lines.
type Asker interface {
	Ask(ctx context.Context, address string, old uint64, proof [][32]byte, checkpoint string) (lines string, knows uint64, err error)
}

// Log is whose checkpoints witnesses sign.
type Log interface {
	// Checkpoint is the note of the newest one that is signed. Fault:
	// no-checkpoint.
	Checkpoint(ctx context.Context) (string, error)
	Consistency(ctx context.Context, m, n uint64) ([][32]byte, error)
	// Cosigned is the note of the newest one that enough witnesses signed. Fault:
	// no-checkpoint.
	Cosigned(ctx context.Context) (string, error)
	// KeepCosigned keeps one; keeping it again is fine.
	KeepCosigned(ctx context.Context, size uint64, note string) error
}

// Cosigner has witnesses sign the newest checkpoint, as the policy asks.
type Cosigner struct {
	log    Log
	policy *audit.Policy
	asker  Asker

	mu    sync.Mutex
	knows map[string]uint64 // the size each witness signed last, as far as known
}

// NewCosigner makes one. policy is nil where none is asked for.
func NewCosigner(log Log, policy *audit.Policy, asker Asker) *Cosigner {
	return &Cosigner{log: log, policy: policy, asker: asker, knows: map[string]uint64{}}
}

// ErrWitnessAhead says that a witness has seen more of the log than there is.
var ErrWitnessAhead = fault.New(fault.Internal, "witness-ahead",
	"Un testimone ha già firmato un registro più lungo: l'archivio è stato riportato indietro. Non pubblichi nulla prima di averne trovato la causa.",
	"A witness has already signed a longer log: the database was set back. Publish nothing before the cause is found.")

// Cosign has the newest checkpoint signed by the witnesses, all at once, and
// keeps it if they are enough. It tells how many checkpoints. Witnesses that do
// not answer keep nobody waiting once enough have. Faults: not-witnessed,
// witness-ahead.
func (c *Cosigner) Cosign(ctx context.Context) (int, error) {
	if c.policy == nil {
		return 0, nil
	}
	text, err := c.log.Checkpoint(ctx)
	if f := fault.Of(err); f != nil && f.Kind == fault.NotFound {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	origin, _, _ := strings.Cut(text, "\n")
	i := -1
	for n, l := range c.policy.Logs {
		if l.Name() == origin {
			i = n
		}
	}
	if i < 0 {
		return 0, fault.New(fault.Invalid, "bad-policy", "La politica dei testimoni non nomina il registro %s.", "The policy on witnesses does not name the log %s.", origin)
	}
	log := c.policy.Logs[i]
	now, err := audit.OpenCheckpoint(text, note.VerifierList(log))
	if err != nil {
		return 0, err
	}
	if last, err := c.log.Cosigned(ctx); err == nil {
		if old, err := c.policy.Check(last); err == nil && old.Size >= now.Size {
			return 0, nil
		}
	}
	answers := make(chan answer, len(c.policy.Witnesses))
	asked := 0
	for _, w := range c.policy.Witnesses {
		if w.URL != "" {
			asked++
			go func() {
				signed, err := c.ask(context.WithoutCancel(ctx), w, log, now, text)
				answers <- answer{signed, err}
			}()
		}
	}
	var missing []error
	cosigned := text
	for range asked {
		a := <-answers
		if a.err != nil {
			missing = append(missing, a.err)
			if errors.Is(a.err, ErrWitnessAhead) {
				return 0, a.err
			}
			continue
		}
		cosigned += strings.TrimPrefix(a.note, text)
		if _, err := c.policy.Check(cosigned); err == nil {
			return 1, c.log.KeepCosigned(ctx, now.Size, cosigned)
		}
	}
	if _, err := c.policy.Check(cosigned); err == nil { // a quorum of none
		return 1, c.log.KeepCosigned(ctx, now.Size, cosigned)
	}
	return 0, audit.ErrNotWitnessed.Because(errors.Join(missing...))
}

// answer is the checkpoint with one witness's signature.
type answer struct {
	note string
	err  error
}

// ask has one witness sign, from wherever it stands.
func (c *Cosigner) ask(ctx context.Context, w audit.Witness, log note.Verifier, now audit.Checkpoint, text string) (string, error) {
	for range 3 { // it may stand elsewhere than is known, and move on meanwhile
		c.mu.Lock()
		old := c.knows[w.Name]
		c.mu.Unlock()
		if old > now.Size {
			return "", ErrWitnessAhead
		}
		proof, err := c.log.Consistency(ctx, old, now.Size)
		if err != nil {
			return "", err
		}
		if old == now.Size {
			proof = nil
		}
		lines, knows, err := c.asker.Ask(ctx, w.URL, old, proof, text)
		if err != nil {
			return "", err
		}
		if lines == "" {
			c.learn(w.Name, knows)
			continue
		}
		signed, err := w.Cosigned(text, log, lines)
		if err == nil {
			c.learn(w.Name, now.Size)
		}
		return signed, err
	}
	return "", fault.New(fault.Unavailable, "witness-unavailable", "Il testimone %s non tiene il passo.", "Witness %s does not keep up.", w.Name)
}

func (c *Cosigner) learn(name string, size uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.knows[name] = size
}

// Cosigned is the newest checkpoint that enough witnesses signed
// (view-cosigned). Fault: no-checkpoint.
func (c *Cosigner) Cosigned(ctx context.Context, who act.Actor) (string, error) {
	if _, err := act.Permit(who, act.ViewCosigned, act.Subject{}); err != nil {
		return "", err
	}
	return c.log.Cosigned(ctx)
}
