package sealer

import (
	"context"
	"errors"

	"sigillo/audit"
	"sigillo/bids"
	"sigillo/internal/fault"
)

// Demand has the sealer release nothing until witnesses have signed a checkpoint
// of the log that holds the opening, as the policy says: whoever has the
// platform in hand cannot open first and then deny it. Call it before the sealer
// is used.
func (s *Sealer) Demand(p *audit.Policy) { s.policy = p }

// opens are the acts that open each envelope.
var opens = map[string]string{"A": "open-administrative", "B": "open-technical", "C": "open-economic"}

// witnessed checks what the register shows of the opening. Faults:
// not-witnessed, and those of evidence.
func (s *Sealer) witnessed(ctx context.Context, scope bids.Scope) error {
	if s.policy == nil {
		return nil
	}
	v, err := s.register.Witnessed(ctx, scope.Lot, scope.Envelope)
	if err != nil {
		return err
	}
	p, err := audit.ParseProof(v.Proof)
	if err != nil {
		return err
	}
	if _, err := s.policy.Check(p.Note); err != nil {
		return err
	}
	for _, log := range s.policy.Logs {
		e, _, _, err := v.Check(log, nil)
		if errors.Is(err, audit.ErrWrongKey) {
			continue
		}
		if err != nil {
			return err
		}
		if e.Action != opens[scope.Envelope] || e.Tender != scope.Tender || e.Lot != scope.Lot {
			return audit.ErrOtherAct
		}
		return nil
	}
	return fault.Hidden(errors.New("no log of the policy signed the checkpoint"))
}
