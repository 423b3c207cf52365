package audit

import (
	"encoding/json"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sigillo/internal/fault"
)

// Evidence shows that an act stands in the log: its entry, the salt its leaf was
// made with, and a C2SP tlog-proof. With the key of the log it is checked
// without a network.
type Evidence struct {
	Entry json.RawMessage `json:"entry"`
	Salt  []byte          `json:"salt"`
	Proof string          `json:"proof"`
}

// The faults of evidence.
var (
	ErrNotEvidence = fault.New(fault.Invalid, "not-evidence", "La prova allegata non è ben formata.", "The evidence attached is not well formed.")
	ErrOtherAct    = fault.New(fault.Invalid, "evidence-of-another-act", "La prova allegata è di un altro atto.", "The evidence attached is of another act.")
)

// Check verifies the evidence by the key of the log, and tells the entry, the
// checkpoint it is under and where it stands. Faults: not-evidence,
// not-a-proof, not-proven, wrong-key, bad-signature, bad-checkpoint.
func (v Evidence) Check(log note.Verifier, witnesses note.Verifiers) (Entry, Checkpoint, uint64, error) {
	p, err := ParseProof(v.Proof)
	if err != nil {
		return Entry{}, Checkpoint{}, 0, err
	}
	if len(v.Salt) != 32 {
		return Entry{}, Checkpoint{}, 0, ErrNotEvidence
	}
	body, err := Canonical(v.Entry) // what passes it on may write the same JSON otherwise
	if err != nil {
		return Entry{}, Checkpoint{}, 0, ErrNotEvidence.Because(err)
	}
	e, err := Open(body)
	if err != nil {
		return Entry{}, Checkpoint{}, 0, ErrNotEvidence.Because(err)
	}
	c, _, err := p.Verify(Leaf([32]byte(v.Salt), body), log, witnesses)
	return e, c, p.Index, err
}

// Deed names an act by what everybody who knows it can say of it.
type Deed struct {
	Action, Type, ID string
	At               time.Time
	Data             map[string]string // facts its entry must state
}

// Is tells whether an entry is of the act.
func (d Deed) Is(e Entry) bool {
	for k, v := range d.Data {
		if e.Data[k] != v {
			return false
		}
	}
	return e.Action == d.Action && e.Object.Type == d.Type && e.Object.ID == d.ID && e.At.Equal(d.At)
}
