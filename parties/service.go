package parties

import (
	"context"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// Tx is what parties need of a transaction. A Save inserts what has version 0
// and answers with the fault duplicate when its codes are taken.
type Tx interface {
	act.Tx
	Authority(id string) (*Authority, error)
	SaveAuthority(*Authority) error
	Person(id string) (*Person, error)
	SavePerson(*Person) error
	// EraseSnapshots erases what the register keeps of an object as earlier acts
	// left it, and the salts.
	EraseSnapshots(kind, id string)
	SaveSupplier(*Supplier) error
	SupplierExists(id string) (bool, error)
}

// Reader reads without a transaction of change.
type Reader interface {
	Authority(ctx context.Context, id string) (*Authority, error)
	Authorities(ctx context.Context, after string, limit int) ([]*Authority, error)
	Supplier(ctx context.Context, id string) (*Supplier, error)
	Person(ctx context.Context, id string) (*Person, error)
	HasAdministrator(ctx context.Context) (bool, error)
}

// Service performs the acts on parties.
type Service struct {
	within act.Within[Tx]
	read   Reader
}

// NewService wires the acts to a store.
func NewService(within act.Within[Tx], read Reader) *Service { return &Service{within, read} }

func nothing[S any](S, time.Time) (act.Facts, error) { return act.Facts{}, nil }

// RegisterAuthority adds a contracting authority (register-authority).
func (s *Service) RegisterAuthority(ctx context.Context, call act.Call, a Authority) (*Authority, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Authority]{
		Action: act.RegisterAuthority, New: true,
		Load:   func(Tx) (*Authority, error) { a.ID, a.Version = act.NewID(), 0; return &a, a.Check() },
		Change: nothing[*Authority], Save: Tx.SaveAuthority,
	})
}

// RegisterSupplier adds an economic operator (register-supplier).
func (s *Service) RegisterSupplier(ctx context.Context, call act.Call, x Supplier) (*Supplier, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Supplier]{
		Action: act.RegisterSupplier, New: true,
		Load:   func(Tx) (*Supplier, error) { x.ID, x.Version = act.NewID(), 0; return &x, x.Check() },
		Change: nothing[*Supplier], Save: Tx.SaveSupplier,
	})
}

// RegisterPerson adds a person without powers (register-person).
func (s *Service) RegisterPerson(ctx context.Context, call act.Call, p Person) (*Person, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Person]{
		Action: act.RegisterPerson, New: true,
		Load:   func(Tx) (*Person, error) { p.ID, p.Version, p.Powers = act.NewID(), 0, nil; return &p, p.Check() },
		Change: nothing[*Person], Save: Tx.SavePerson,
	})
}

// GrantPower gives a person a power (grant-power). Faults: not-found for the
// person, authority or supplier, bad-power, already-granted.
func (s *Service) GrantPower(ctx context.Context, call act.Call, person string, power act.Power) (*Person, error) {
	return s.power(ctx, call, act.GrantPower, person, power, func(tx Tx, p *Person, now time.Time) error {
		if power.Authority != "" {
			if _, err := tx.Authority(power.Authority); err != nil {
				return err
			}
		}
		if power.Supplier != "" {
			ok, err := tx.SupplierExists(power.Supplier)
			if err != nil {
				return err
			}
			if !ok {
				return fault.Missing("supplier")
			}
		}
		return p.Grant(power, now)
	})
}

// RevokePower ends a power (revoke-power). Faults: not-found, not-granted.
func (s *Service) RevokePower(ctx context.Context, call act.Call, person string, power act.Power) (*Person, error) {
	return s.power(ctx, call, act.RevokePower, person, power, func(_ Tx, p *Person, now time.Time) error { return p.Revoke(power, now) })
}

func (s *Service) power(ctx context.Context, call act.Call, action act.Action, id string, power act.Power, f func(Tx, *Person, time.Time) error) (*Person, error) {
	var tx Tx
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Person]{
		Action: action,
		Load:   func(x Tx) (*Person, error) { tx = x; return x.Person(id) },
		Change: func(p *Person, now time.Time) (act.Facts, error) { return told(power), f(tx, p, now) },
		Save:   Tx.SavePerson,
	})
}

// told says in the register which power it was: the hash of a person alone
// would not.
func told(p act.Power) act.Facts {
	data := map[string]string{"role": string(p.Role)}
	if p.Authority != "" {
		data["authority"] = p.Authority
	}
	if p.Supplier != "" {
		data["supplier"] = p.Supplier
	}
	return act.Facts{Data: data}
}

// Install makes the first administrator. It refuses once there is one
// (already-installed). Person and power are one act, for an installation cut
// off between two would leave an address taken and nobody in charge.
func (s *Service) Install(ctx context.Context, name, email string) (*Person, error) {
	if has, err := s.read.HasAdministrator(ctx); err != nil {
		return nil, err
	} else if has {
		return nil, fault.New(fault.Conflict, "already-installed", "La piattaforma ha già un amministratore.", "The platform already has an administrator.")
	}
	administrator := act.Power{Role: act.Administrator}
	installation := act.By(act.Actor{Kind: act.KindMachine, ID: "installation", Powers: []act.Power{administrator}})
	return act.Do(ctx, s.within, installation, act.Deed[Tx, *Person]{
		Action: act.RegisterPerson, New: true,
		Load: func(Tx) (*Person, error) {
			p := &Person{ID: act.NewID(), Kind: act.KindPerson, Name: name, Email: email}
			return p, p.Check()
		},
		Change: func(p *Person, now time.Time) (act.Facts, error) {
			return told(administrator), p.Grant(administrator, now)
		},
		Save: Tx.SavePerson,
	})
}

// Authority returns an authority (view-authority).
func (s *Service) Authority(ctx context.Context, who act.Actor, id string) (*Authority, error) {
	a, err := s.read.Authority(ctx, id)
	if err != nil {
		return nil, err
	}
	return seen(who, act.ViewAuthority, a)
}

// seen hands a thing to those who may see it, and to nobody else.
func seen[S act.Thing](who act.Actor, action act.Action, thing S) (S, error) {
	if err := act.See(who, action, thing); err != nil {
		var none S
		return none, err
	}
	return thing, nil
}

// Authorities lists those after the given id, by id, at most limit
// (list-authorities).
func (s *Service) Authorities(ctx context.Context, who act.Actor, after string, limit int) ([]*Authority, error) {
	if _, err := act.Permit(who, act.ListAuthorities, act.Subject{}); err != nil {
		return nil, err
	}
	return s.read.Authorities(ctx, after, limit)
}

// Supplier returns a supplier to those who may see it (view-supplier).
func (s *Service) Supplier(ctx context.Context, who act.Actor, id string) (*Supplier, error) {
	x, err := s.read.Supplier(ctx, id)
	if err != nil {
		return nil, err
	}
	return seen(who, act.ViewSupplier, x)
}

// RecordExport is the act of reading an authority's register (export-audit).
// The caller then writes the export.
func (s *Service) RecordExport(ctx context.Context, call act.Call, authority string) (*Authority, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Authority]{
		Action: act.ExportAudit,
		Load:   func(tx Tx) (*Authority, error) { return tx.Authority(authority) },
		Change: nothing[*Authority],
		Save:   func(Tx, *Authority) error { return nil },
	})
}

// Person returns a person to those who may see it (view-person).
func (s *Service) Person(ctx context.Context, who act.Actor, id string) (*Person, error) {
	p, err := s.read.Person(ctx, id)
	if err != nil {
		return nil, err
	}
	return seen(who, act.ViewPerson, p)
}
