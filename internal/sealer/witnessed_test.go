package sealer

import (
	"context"
	"strings"
	"testing"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/bids"
)

// shown is a register that shows what it is told to of an opening.
type shown struct {
	openings
	evidence *audit.Evidence
}

func (s shown) Witnessed(context.Context, string, string) (*audit.Evidence, error) {
	return s.evidence, nil
}

// TestNothingIsReleasedOnEvidenceOfSomethingElse: the sealer judges for itself
// what the register shows it.
func TestNothingIsReleasedOnEvidenceOfSomethingElse(t *testing.T) {
	log, witness := newKey(t, "gare.example/log"), newKey(t, "w.example/1")
	policy, err := audit.ParsePolicy([]byte("log " + log.public + "\nwitness w " + witness.public + "\nquorum w\n"))
	if err != nil {
		t.Fatal(err)
	}
	scope := bids.Scope{Authority: "city", Tender: "t", Lot: "l", Envelope: "C"}
	evidence := func(action, lot string, signer note.Signer, witnesses ...note.Signer) *audit.Evidence {
		e := audit.Entry{V: 1, ID: "01a20a4c-b0a2-74bc-94b9-bd8e368c7566", Tenant: "city", Tender: "t", Lot: lot, At: noon, Action: action,
			Actor: audit.Actor{Kind: "clock", ID: "clock", Powers: []string{"clock"}}, Object: audit.Object{Type: "tender", ID: "t", Version: 1}, After: &audit.State{State: "x", Hash: strings.Repeat("0", 64)}}
		r, err := e.Seal()
		if err != nil {
			t.Fatal(err)
		}
		text, err := audit.SignCheckpoint(signer.Name(), 1, r.Leaf, signer)
		if err != nil {
			t.Fatal(err)
		}
		n, err := note.Open([]byte(text), note.VerifierList(verifierOf(t, signer, log)))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := note.Sign(n, witnesses...)
		if err != nil {
			t.Fatal(err)
		}
		return &audit.Evidence{Entry: r.Body, Salt: r.Salt[:], Proof: audit.Proof{Note: string(signed)}.Text()}
	}
	changed := func(v *audit.Evidence) *audit.Evidence { v.Salt[0] ^= 1; return v }
	for name, c := range map[string]struct {
		evidence *audit.Evidence
		want     string
	}{
		"the opening":      {evidence("open-economic", "l", log.signer, witness.cosigner), ""},
		"another envelope": {evidence("open-technical", "l", log.signer, witness.cosigner), "evidence-of-another-act"},
		"another lot":      {evidence("open-economic", "m", log.signer, witness.cosigner), "evidence-of-another-act"},
		"no witness":       {evidence("open-economic", "l", log.signer), "not-witnessed"},
		"another leaf":     {changed(evidence("open-economic", "l", log.signer, witness.cosigner)), "not-proven"},
	} {
		master, err := Load(t.TempDir() + "/key")
		if err != nil {
			t.Fatal(err)
		}
		register := shown{openings{"lC": opened(noon)}, c.evidence}
		s := New(master, register, func() time.Time { return noon })
		recipient, wrapped, err := s.Mint(t.Context(), scope.Authority, scope.Tender, scope.Lot, scope.Envelope, false)
		if err != nil {
			t.Fatal(err)
		}
		request := bids.Request{Scope: scope, Wrapped: wrapped, Envelopes: []bids.Sealed{sealed(t, recipient, scope)}}
		if _, err := s.Release(t.Context(), request); err != nil {
			t.Errorf("%s: nothing was demanded: %v", name, err)
		}
		s.Demand(policy)
		if _, err := s.Release(t.Context(), request); codeOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// key is a key pair, and the witness's way of signing with it.
type key struct {
	public   string
	signer   note.Signer
	cosigner note.Signer
}

func newKey(t *testing.T, name string) key {
	t.Helper()
	private, public, err := audit.GenerateKey(name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	cosigner, err := cosignature.NewSignerForCosignatureV1(private)
	if err != nil {
		t.Fatal(err)
	}
	return key{public, signer, cosigner}
}

func verifierOf(t *testing.T, signer note.Signer, log key) note.Verifier {
	t.Helper()
	v, err := note.NewVerifier(log.public)
	if err != nil || v.Name() != signer.Name() {
		t.Fatal(err, signer.Name())
	}
	return v
}
