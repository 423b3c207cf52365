package main

import (
	"context"
	"fmt"

	"filippo.io/age"

	"sigillo/internal/seal"
	"sigillo/tender"
)

// heldKey is a private key as its custodian holds it, outside the platform.
type heldKey struct {
	identity  age.Identity
	recipient string
}

func newKey() (heldKey, error) {
	private, recipient, err := seal.NewIdentity()
	if err != nil {
		return heldKey{}, err
	}
	id, _, err := seal.ParseIdentity([]byte(private))
	return heldKey{id, recipient}, err
}

// custody is what the tender says of its keys: in a rehearsal the platform can
// open alone, else the RUP makes one key on the own computer and prints a
// recovery key.
func (s *story) custody() (map[string]any, error) {
	if s.rehearsal {
		return map[string]any{"mode": tender.Rehearsal}, nil
	}
	if s.keys == nil {
		s.keys = map[string]heldKey{}
		for _, who := range []string{"rup", "recovery"} {
			key, err := newKey()
			if err != nil {
				return nil, err
			}
			s.keys[who] = key
		}
	}
	return map[string]any{"mode": tender.Standard, "threshold": 1, "custodians": []any{
		map[string]any{"kind": tender.RUPKey, "name": "Guido Lapi, RUP", "person": s.persons["rup"], "recipient": s.keys["rup"].recipient},
		map[string]any{"kind": tender.RecoveryKey, "name": "Chiave di recupero, busta chiusa all'ufficio protocollo", "recipient": s.keys["recovery"].recipient},
	}}, nil
}

// tryKeys has the holders decrypt a challenge: no notice goes out with a key
// that nobody can use.
func (s *story) tryKeys(ctx context.Context) error {
	if s.rehearsal {
		return nil
	}
	c, err := s.as(ctx, "rup")
	if err != nil {
		return err
	}
	for _, who := range []string{"rup", "recovery"} {
		if err := testKey(ctx, c, s.tender.ID, s.keys[who].identity, s.keys[who].recipient); err != nil {
			return err
		}
	}
	s.say("Chiavi dell'ente create sul computer del RUP e provate: %s, di recupero %s.", "The authority's keys were made on the RUP's computer and tried: %s, for recovery %s.",
		seal.Fingerprint(s.keys["rup"].recipient)[:19]+"…", seal.Fingerprint(s.keys["recovery"].recipient)[:19]+"…")
	return c.Do(ctx, "GET", "/v1/tenders/"+s.tender.ID, nil, s.tender)
}

// release has the RUP release the shares of an opening: without them the
// platform cannot open anything.
func (s *story) release(ctx context.Context, lot int, e tender.Envelope) error {
	if s.rehearsal {
		return nil
	}
	c, err := s.as(ctx, "rup")
	if err != nil {
		return err
	}
	var all struct{ Items []released }
	if err := c.Do(ctx, "GET", "/v1/tenders/"+s.tender.ID+"/openings", nil, &all); err != nil {
		return err
	}
	for _, o := range all.Items {
		if o.Lot != s.tender.Lots[lot].ID || o.Envelope != e {
			continue
		}
		if o.Missing == 0 {
			return fmt.Errorf("the envelopes %s opened without the authority's key", e)
		}
		done, err := releaseShares(ctx, c, o.ID, s.keys["rup"].identity, s.keys["rup"].recipient)
		if err != nil {
			return err
		}
		if !done.Unsealed {
			return fmt.Errorf("the envelopes %s are still shut", e)
		}
		s.say("Il RUP rilascia le sue quote: le buste %s del lotto %d si aprono.", "The RUP releases his shares: the envelopes %s of lot %d open.", string(e), lot+1)
		return nil
	}
	return fmt.Errorf("no opening of the envelopes %s", e)
}
