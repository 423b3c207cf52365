package store

import (
	"context"
	"slices"

	"sigillo/internal/act"
	"sigillo/parties"
	"sigillo/tender"
)

// Authority loads a contracting authority.
func (tx *Tx) Authority(id string) (*parties.Authority, error) {
	return get[parties.Authority](tx.db, "authority", "authority", "id = ?", id)
}

// SaveAuthority saves one; fiscal codes are unique.
func (tx *Tx) SaveAuthority(a *parties.Authority) error {
	return tx.put("authority", "fiscal code", a.ID, &a.Version, a, map[string]any{"fiscal_code": a.FiscalCode})
}

// Person loads a person.
func (tx *Tx) Person(id string) (*parties.Person, error) {
	return get[parties.Person](tx.db, "person", "person", "id = ?", id)
}

// SavePerson saves one; addresses are unique.
func (tx *Tx) SavePerson(p *parties.Person) error {
	administrator := slices.ContainsFunc(p.Actor(tx.Now()).Powers, func(x act.Power) bool { return x.Role == act.Administrator })
	email := p.Email
	if p.ErasedAt != nil {
		email = p.ID // of nobody, and still one for each
	}
	return tx.put("person", "e-mail address", p.ID, &p.Version, p, map[string]any{"email": email, "administrator": administrator})
}

// SaveSupplier saves a supplier; tax codes are unique within a country.
func (tx *Tx) SaveSupplier(s *parties.Supplier) error {
	return tx.put("supplier", "tax code", s.ID, &s.Version, s, map[string]any{"country": s.Country, "tax_id": s.TaxID})
}

// SupplierExists tells whether the supplier is registered.
func (tx *Tx) SupplierExists(id string) (bool, error) { return tx.exists("supplier", "id = ?", id) }

// Buyer reads what a tender keeps of its authority.
func (tx *Tx) Buyer(id string) (tender.Buyer, error) {
	a, err := tx.Authority(id)
	if err != nil {
		return tender.Buyer{}, err
	}
	return tender.Buyer{ID: a.ID, Name: a.Name, Central: a.Central, Special: a.Special, Qualified: a.Qualified}, nil
}

// HasPower tells whether the person has the role for the authority now.
func (tx *Tx) HasPower(person string, role act.Role, authority string) (bool, error) {
	p, err := tx.Person(person)
	if err != nil {
		return false, missingIsFalse(err)
	}
	return p.Actor(tx.Now()).Wears(role, authority), nil
}

// Authority reads a contracting authority.
func (s *Store) Authority(ctx context.Context, id string) (*parties.Authority, error) {
	return get[parties.Authority](s.read.WithContext(ctx), "authority", "authority", "id = ?", id)
}

// Authorities lists them by id.
func (s *Store) Authorities(ctx context.Context, after string, limit int) ([]*parties.Authority, error) {
	return list[parties.Authority](s.read.WithContext(ctx), "authority", limit, "id > ?", after)
}

// Supplier reads a supplier.
func (s *Store) Supplier(ctx context.Context, id string) (*parties.Supplier, error) {
	return get[parties.Supplier](s.read.WithContext(ctx), "supplier", "supplier", "id = ?", id)
}

// Person reads a person.
func (s *Store) Person(ctx context.Context, id string) (*parties.Person, error) {
	return get[parties.Person](s.read.WithContext(ctx), "person", "person", "id = ?", id)
}

// PersonByEmail reads the person with an address.
func (s *Store) PersonByEmail(ctx context.Context, email string) (*parties.Person, error) {
	return get[parties.Person](s.read.WithContext(ctx), "person", "person", "email = ?", email)
}

// HasAdministrator tells whether the platform has been installed.
func (s *Store) HasAdministrator(ctx context.Context) (bool, error) {
	var n int64
	err := s.read.WithContext(ctx).Table("person").Where("administrator").Count(&n).Error
	return n > 0, err
}
