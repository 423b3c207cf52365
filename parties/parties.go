// Package parties owns who takes part: contracting authorities, persons with
// their powers, and suppliers (OCDS "parties").
//
// It promises that a person acts only by a power that is in force, and that a
// power once given is never forgotten, only ended. It does not know how people
// prove who they are, nor what they do.
package parties

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/writing"
)

// Authority is a stazione appaltante or an ente concedente.
type Authority struct {
	ID         string `json:"id"`
	Version    int    `json:"version"`
	Name       string `json:"name"`
	FiscalCode string `json:"fiscal_code"` // eleven digits
	NUTS       string `json:"nuts"`
	Central    bool   `json:"central"`   // central government (DR-30)
	Special    bool   `json:"special"`   // special sectors: gas, electricity, water, transport, post
	Qualified  bool   `json:"qualified"` // art. 62-63 (DR-10)
}

// Subject is the authority's own; anybody may see it.
func (a *Authority) Subject() act.Subject {
	return act.Subject{Type: "authority", ID: a.ID, Version: a.Version, State: "registered", Authority: a.ID, Public: true, Published: true}
}

// Check refuses an authority that is not described properly.
func (a *Authority) Check() error {
	var fs fault.Fields
	name(&fs, "/name", a.Name)
	if !FiscalCode(a.FiscalCode) {
		fs.Add("/fiscal_code", "bad-fiscal-code", "Il codice fiscale di un ente ha undici cifre, l'ultima di controllo.",
			"The fiscal code of a body has eleven digits, the last a check digit.")
	}
	if !nuts.MatchString(a.NUTS) {
		fs.Add("/nuts", "bad-nuts", "Il codice NUTS italiano è come ITI14.", "An Italian NUTS code looks like ITI14.")
	}
	return fs.Err("bad-authority", "Stazione appaltante non valida.", "Invalid contracting authority.")
}

// Supplier is an economic operator (art. 65).
type Supplier struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Name    string `json:"name"`
	Country string `json:"country"` // ISO 3166-1 alpha-2
	TaxID   string `json:"tax_id"`
	Size    string `json:"size"` // micro, small, medium, large (Recommendation 2003/361/EC)
}

// Subject is the supplier's own.
func (s *Supplier) Subject() act.Subject {
	return act.Subject{Type: "supplier", ID: s.ID, Version: s.Version, State: "registered", Supplier: s.ID}
}

// Check refuses a supplier that is not described properly.
func (s *Supplier) Check() error {
	var fs fault.Fields
	name(&fs, "/name", s.Name)
	if len(s.Country) != 2 || !strings.Contains(countries, " "+s.Country+" ") {
		fs.Add("/country", "bad-country", "Usi il codice del paese in due lettere, come IT.", "Use the two-letter country code, such as IT.")
	}
	switch {
	case s.Country == "IT" && !FiscalCode(s.TaxID):
		fs.Add("/tax_id", "bad-tax-id", "La partita IVA ha undici cifre, l'ultima di controllo.", "An Italian VAT number has eleven digits, the last a check digit.")
	case !taxID.MatchString(s.TaxID):
		fs.Add("/tax_id", "bad-tax-id", "Da 2 a 30 lettere maiuscole e cifre.", "From 2 to 30 capital letters and digits.")
	}
	if !slices.Contains([]string{"micro", "small", "medium", "large"}, s.Size) {
		fs.Add("/size", "unknown-code", "Scelga micro, small, medium o large.", "Choose micro, small, medium or large.")
	}
	return fs.Err("bad-supplier", "Operatore economico non valido.", "Invalid supplier.")
}

// Person is somebody, or a machine, who may be given powers.
type Person struct {
	ID      string       `json:"id"`
	Version int          `json:"version"`
	Kind    act.Kind     `json:"kind"` // person or machine
	Name    string       `json:"name"`
	Email   string       `json:"email"`
	Powers  []Membership `json:"powers,omitempty"`
	// ErasedAt is when name and address were erased for good.
	ErasedAt *time.Time `json:"erased_at,omitempty"`
}

// Membership is a power and the time it is in force.
type Membership struct {
	act.Power
	Since time.Time  `json:"since"`
	Until *time.Time `json:"until,omitempty"`
}

// Subject of a person concerns the platform alone.
func (p *Person) Subject() act.Subject {
	state := "registered"
	if p.ErasedAt != nil {
		state = "erased"
	}
	return act.Subject{Type: "person", ID: p.ID, Version: p.Version, State: state}
}

// Check refuses a person that is not described properly.
func (p *Person) Check() error {
	var fs fault.Fields
	name(&fs, "/name", p.Name)
	if !email.MatchString(p.Email) || len(p.Email) > 254 {
		fs.Add("/email", "bad-email", "Indirizzo di posta non valido.", "Invalid e-mail address.")
	}
	if p.Kind != act.KindPerson && p.Kind != act.KindMachine {
		fs.Add("/kind", "unknown-code", "Scelga person o machine.", "Choose person or machine.")
	}
	return fs.Err("bad-person", "Persona non valida.", "Invalid person.")
}

// Actor is the person with the powers in force at the instant.
func (p *Person) Actor(at time.Time) act.Actor {
	a := act.Actor{Kind: p.Kind, ID: p.ID}
	for _, m := range p.Powers {
		if m.inForce(at) {
			a.Powers = append(a.Powers, m.Power)
		}
	}
	return a
}

func (m Membership) inForce(at time.Time) bool {
	return !at.Before(m.Since) && (m.Until == nil || at.Before(*m.Until))
}

// Grant gives a power from the instant on. Giving it twice is a conflict.
func (p *Person) Grant(power act.Power, at time.Time) error {
	if err := checkPower(power); err != nil {
		return err
	}
	if p.ErasedAt != nil {
		return fault.New(fault.Conflict, "already-erased", "I dati della persona sono cancellati: la registri di nuovo.",
			"The person's data are erased: register the person anew.")
	}
	if slices.Contains(p.Actor(at).Powers, power) {
		return fault.New(fault.Conflict, "already-granted", "La persona ha già questo potere.", "The person already has this power.")
	}
	p.Powers = append(slices.Clone(p.Powers), Membership{Power: power, Since: at})
	return nil
}

// Revoke ends a power at the instant. It stays on record.
func (p *Person) Revoke(power act.Power, at time.Time) error {
	p.Powers = slices.Clone(p.Powers)
	for i := range p.Powers {
		if m := &p.Powers[i]; m.Power == power && m.inForce(at) {
			m.Until = &at
			return nil
		}
	}
	return fault.New(fault.Conflict, "not-granted", "La persona non ha questo potere.", "The person does not have this power.")
}

// checkPower: staff and auditors work for an authority, representatives for a
// supplier, administrators for neither; nobody can be made the clock or the
// public.
func checkPower(p act.Power) error {
	authority, supplier := false, false
	switch p.Role {
	case act.Drafter, act.RUP, act.Signatory, act.Seggio, act.Commissioner, act.Custodian, act.Auditor:
		authority = true
	case act.Supplier:
		supplier = true
	case act.Administrator:
	default:
		return fault.New(fault.Invalid, "bad-power", "Questo ruolo non si attribuisce.", "This role is not given to anybody.").
			At("/role", "unknown-code", fault.T("ruolo non valido", "invalid role"))
	}
	var fs fault.Fields
	if authority != (p.Authority != "") {
		fs.Add("/authority", "mismatch", "Il ruolo %s vuole una stazione appaltante, gli altri no.", "Role %s needs an authority, others do not.", string(p.Role))
	}
	if supplier != (p.Supplier != "") {
		fs.Add("/supplier", "mismatch", "Solo chi rappresenta un operatore ne indica uno.", "Only a representative names a supplier.")
	}
	return fs.Err("bad-power", "Potere non valido.", "Invalid power.")
}

var (
	nuts  = regexp.MustCompile(`^IT[A-Z0-9]{0,3}$`)
	taxID = regexp.MustCompile(`^[A-Z0-9]{2,30}$`)
	// The local part may have letters of any script (RFC 6531), but nothing
	// invisible: two addresses that look alike would pass for one person.
	email = regexp.MustCompile(`^[\pL\pM\pN.!#$%&'*+/=?^_{|}~\x60-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
)

// FiscalCode checks the eleven digits of a partita IVA or of the fiscal code of
// a body: the last is a Luhn check digit (D.M. 23-12-1976).
func FiscalCode(s string) bool {
	if len(s) != 11 {
		return false
	}
	sum := 0
	for i, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
		d := int(c - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0 && s != "00000000000"
}

func name(fs *fault.Fields, at, s string) {
	if strings.TrimSpace(s) != s || utf8.RuneCountInString(s) > 300 || !writing.Line(s) || !writing.Shows(s) {
		fs.Add(at, "bad-name", "Indichi un nome, al massimo 300 caratteri, senza caratteri di controllo.",
			"Give a name, at most 300 characters, without control characters.")
	}
}
