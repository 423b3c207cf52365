package tender

// ProcedureCode names a procedure by the eForms procurement-procedure-type
// code where there is one.
type ProcedureCode string

// The procedures of the Code (art. 70-76, 50). Every rule that differs between
// them is data, in the table below and in the rule sets.
const (
	Open             ProcedureCode = "open"        // procedura aperta, art. 71
	Restricted       ProcedureCode = "restricted"  // ristretta, art. 72
	CompetitiveNeg   ProcedureCode = "neg-w-call"  // competitiva con negoziazione, art. 73
	Dialogue         ProcedureCode = "comp-dial"   // dialogo competitivo, art. 74
	Innovation       ProcedureCode = "innovation"  // partenariato per l'innovazione, art. 75
	NegotiatedNoCall ProcedureCode = "neg-wo-call" // negoziata senza bando, art. 76
	NegotiatedBelow  ProcedureCode = "neg-below"   // negoziata sotto soglia, art. 50 c. 1 lett. c-e
	DirectAward      ProcedureCode = "direct"      // affidamento diretto, art. 50 c. 1 lett. a-b
)

// Procedure is what differs between procedures besides terms and thresholds.
type Procedure struct {
	Code ProcedureCode
	// Public: announced by a notice to all; otherwise only those invited see it.
	Public bool
	// Stages: the offers come after a first stage of requests to participate.
	Stages int
	// OnlyBelow: may be used only below the EU threshold.
	OnlyBelow bool
	// OnlyQuality: lowest price is not allowed (art. 74 c. 2, art. 75).
	OnlyQuality bool
	Article     string
}

var procedures = []Procedure{
	{Code: Open, Public: true, Stages: 1, Article: "art. 71"},
	{Code: Restricted, Public: true, Stages: 2, Article: "art. 72"},
	{Code: CompetitiveNeg, Public: true, Stages: 2, Article: "art. 73"},
	{Code: Dialogue, Public: true, Stages: 2, OnlyQuality: true, Article: "art. 74"},
	{Code: Innovation, Public: true, Stages: 2, OnlyQuality: true, Article: "art. 75"},
	{Code: NegotiatedNoCall, Stages: 1, Article: "art. 76"},
	{Code: NegotiatedBelow, Stages: 1, OnlyBelow: true, Article: "art. 50 c. 1 lett. c-e"},
	{Code: DirectAward, Stages: 1, OnlyBelow: true, Article: "art. 50 c. 1 lett. a-b"},
}

// Procedures lists the table.
func Procedures() []Procedure { return procedures }

// Find returns a procedure of the table.
func (c ProcedureCode) Find() (Procedure, bool) {
	for _, p := range procedures {
		if p.Code == c {
			return p, true
		}
	}
	return Procedure{}, false
}

// Nature is what is bought (eForms contract-nature).
type Nature string

// The natures of a contract.
const (
	Works    Nature = "works"
	Services Nature = "services"
	Supplies Nature = "supplies"
)
