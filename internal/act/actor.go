// Package act says who may do what, and gives every change its one shape.
//
// It promises that nothing changes without a permission found in the one rules
// table, that the change and its audit entry are written in the same
// transaction, and that a repeated request does nothing twice. It knows the
// roles of public procurement and nothing of tenders: what it needs of a thing
// is its Subject.
package act

// Role is a hat a person or a machine wears.
type Role string

// The roles. What each may do stands in rules.go and nowhere else.
const (
	Anonymous     Role = "anonymous"     // the public
	Drafter       Role = "drafter"       // punto istruttore: prepares (DR-03)
	RUP           Role = "rup"           // responsabile unico del progetto (art. 15, DR-01)
	Signatory     Role = "signatory"     // punto ordinante, decision organ: signs and commits (art. 17, DR-02)
	Seggio        Role = "seggio"        // seggio di gara (art. 93 c. 7, DR-04)
	Commissioner  Role = "commissioner"  // commissione giudicatrice (art. 93, DR-05)
	Custodian     Role = "custodian"     // keeps a key of the authority's part; independent of the others
	Supplier      Role = "supplier"      // legal representative of an economic operator (DR-06)
	Auditor       Role = "auditor"       // reads the trail of an authority, changes nothing
	Administrator Role = "administrator" // runs the platform; has no business powers
	Clock         Role = "clock"         // the passing of time
)

// Roles lists every role, in the order the permission matrix is drawn.
func Roles() []Role {
	return []Role{Anonymous, Drafter, RUP, Signatory, Seggio, Commissioner, Custodian, Supplier, Auditor, Administrator, Clock}
}

// Kind is what sort of being acts.
type Kind string

// The kinds of actor, as written in the audit entries.
const (
	KindPerson    Kind = "person"
	KindMachine   Kind = "machine"
	KindClock     Kind = "clock"
	KindAnonymous Kind = "anonymous"
)

// Power is one hat together with the body on whose behalf it is worn.
type Power struct {
	Role      Role   `json:"role"`
	Authority string `json:"authority,omitempty"` // contracting authority's id, for its staff and auditors
	Supplier  string `json:"supplier,omitempty"`  // economic operator's id, for its representatives
}

// Actor is who acts. It is always a parameter, never hidden in a context.
type Actor struct {
	Kind   Kind
	ID     string
	Powers []Power
}

// Nobody is the public.
func Nobody() Actor {
	return Actor{Kind: KindAnonymous, ID: "anonymous", Powers: []Power{{Role: Anonymous}}}
}

// Time is the actor of everything that happens because an instant has come.
func Time() Actor {
	return Actor{Kind: KindClock, ID: "clock", Powers: []Power{{Role: Clock}}}
}

// Wears tells whether the actor has the role on behalf of the authority.
func (a Actor) Wears(role Role, authority string) bool {
	for _, p := range a.Powers {
		if p.Role == role && p.Authority == authority {
			return true
		}
	}
	return false
}

// SupplierID returns the economic operator the actor represents, or "".
func (a Actor) SupplierID() string {
	for _, p := range a.Powers {
		if p.Role == Supplier {
			return p.Supplier
		}
	}
	return ""
}

// Team is who has been appointed to one tender.
type Team struct {
	RUP        string   `json:"rup"`
	Seggio     []string `json:"seggio,omitempty"`
	Commission []string `json:"commission,omitempty"`
	Custodians []string `json:"custodians,omitempty"` // of the keys
}

// Subject is all that a permission may depend on.
type Subject struct {
	Type, ID  string
	Version   int
	State     string
	Authority string
	Tender    string
	Lot       string
	Supplier  string   // owner, where a supplier owns the thing
	Team      Team     // of the tender it belongs to
	Published bool     // no longer a draft: those invited may see it
	Public    bool     // published to all: anybody may see it
	Opened    bool     // the seal is off: the officials of the tender may see it
	Invited   []string // suppliers invited, where the procedure is not public
}

// Thing is whatever an act can be done to. Its JSON form is its snapshot: the
// audit entry carries the hash of it before and after.
type Thing interface{ Subject() Subject }
