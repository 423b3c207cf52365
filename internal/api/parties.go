package api

import (
	"context"
	"net/http"

	"sigillo/internal/act"
	"sigillo/parties"
)

type authorityBody struct {
	Name       string `json:"name" maxLength:"300"`
	FiscalCode string `json:"fiscal_code" maxLength:"11"`
	NUTS       string `json:"nuts" maxLength:"5"`
	Central    bool   `json:"central,omitempty" doc:"Amministrazione centrale (soglie)."`
	Special    bool   `json:"special,omitempty" doc:"Settori speciali."`
	Qualified  bool   `json:"qualified,omitempty" doc:"Qualificata ai sensi degli artt. 62-63."`
}

type supplierBody struct {
	Name    string `json:"name" maxLength:"300"`
	Country string `json:"country" maxLength:"2"`
	TaxID   string `json:"tax_id" maxLength:"30"`
	Size    string `json:"size" enum:"micro,small,medium,large"`
}

type personBody struct {
	Kind  act.Kind `json:"kind" enum:"person,machine"`
	Name  string   `json:"name" maxLength:"300"`
	Email string   `json:"email" maxLength:"254"`
}

type powerBody struct {
	Role      act.Role `json:"role" enum:"drafter,rup,signatory,seggio,commissioner,custodian,supplier,auditor,administrator"`
	Authority string   `json:"authority,omitempty" maxLength:"100"`
	Supplier  string   `json:"supplier,omitempty" maxLength:"100"`
}

func (p powerBody) power() act.Power {
	return act.Power{Role: p.Role, Authority: p.Authority, Supplier: p.Supplier}
}

// ByID names a resource by its place in the path. Embedded inputs are exported,
// for huma sees no others.
type ByID struct {
	ID string `path:"id" maxLength:"100"`
}

func (a *API) parties() {
	const tag = "Soggetti"
	authority := operation(act.RegisterAuthority, http.MethodPost, "/v1/authorities", tag, withKey)
	authority.DefaultStatus = http.StatusCreated
	on(a, authority, func(ctx context.Context, call act.Call, in *struct{ Body authorityBody }) (*created[parties.Authority], error) {
		b := in.Body
		x, err := a.s.Parties.RegisterAuthority(ctx, call, parties.Authority{
			Name: b.Name, FiscalCode: b.FiscalCode, NUTS: b.NUTS, Central: b.Central, Special: b.Special, Qualified: b.Qualified})
		if err != nil {
			return nil, err
		}
		return &created[parties.Authority]{etag(x.Version), "/v1/authorities/" + x.ID, *x}, nil
	})
	on(a, operation(act.ListAuthorities, http.MethodGet, "/v1/authorities", tag), func(ctx context.Context, call act.Call, in *Page) (*list[*parties.Authority], error) {
		all, err := a.s.Parties.Authorities(ctx, call.Actor, in.After, in.Limit)
		if err != nil {
			return nil, err
		}
		return pageOf(all, in.Limit, func(x *parties.Authority) string { return x.ID }), nil
	})
	on(a, operation(act.ViewAuthority, http.MethodGet, "/v1/authorities/{id}", tag), func(ctx context.Context, call act.Call, in *ByID) (*one[parties.Authority], error) {
		x, err := a.s.Parties.Authority(ctx, call.Actor, in.ID)
		if err != nil {
			return nil, err
		}
		return &one[parties.Authority]{etag(x.Version), *x}, nil
	})
	supplier := operation(act.RegisterSupplier, http.MethodPost, "/v1/suppliers", tag, withKey)
	supplier.DefaultStatus = http.StatusCreated
	on(a, supplier, func(ctx context.Context, call act.Call, in *struct{ Body supplierBody }) (*created[parties.Supplier], error) {
		b := in.Body
		x, err := a.s.Parties.RegisterSupplier(ctx, call, parties.Supplier{Name: b.Name, Country: b.Country, TaxID: b.TaxID, Size: b.Size})
		if err != nil {
			return nil, err
		}
		return &created[parties.Supplier]{etag(x.Version), "/v1/suppliers/" + x.ID, *x}, nil
	})
	on(a, operation(act.ViewSupplier, http.MethodGet, "/v1/suppliers/{id}", tag), func(ctx context.Context, call act.Call, in *ByID) (*one[parties.Supplier], error) {
		x, err := a.s.Parties.Supplier(ctx, call.Actor, in.ID)
		if err != nil {
			return nil, err
		}
		return &one[parties.Supplier]{etag(x.Version), *x}, nil
	})
	a.persons(tag)
}

func (a *API) persons(tag string) {
	person := operation(act.RegisterPerson, http.MethodPost, "/v1/persons", tag, withKey)
	person.DefaultStatus = http.StatusCreated
	on(a, person, func(ctx context.Context, call act.Call, in *struct{ Body personBody }) (*created[parties.Person], error) {
		b := in.Body
		x, err := a.s.Parties.RegisterPerson(ctx, call, parties.Person{Kind: b.Kind, Name: b.Name, Email: b.Email})
		if err != nil {
			return nil, err
		}
		return &created[parties.Person]{etag(x.Version), "/v1/persons/" + x.ID, *x}, nil
	})
	on(a, operation(act.ViewPerson, http.MethodGet, "/v1/persons/{id}", tag), func(ctx context.Context, call act.Call, in *ByID) (*one[parties.Person], error) {
		x, err := a.s.Parties.Person(ctx, call.Actor, in.ID)
		return personOf(x, err)
	})
	type power struct {
		ByID
		Body powerBody
	}
	on(a, operation(act.GrantPower, http.MethodPost, "/v1/persons/{id}/powers", tag, withKey), func(ctx context.Context, call act.Call, in *power) (*one[parties.Person], error) {
		x, err := a.s.Parties.GrantPower(ctx, call, in.ID, in.Body.power())
		return personOf(x, err)
	})
	on(a, operation(act.RevokePower, http.MethodPost, "/v1/persons/{id}/revoke-power", tag, withKey), func(ctx context.Context, call act.Call, in *power) (*one[parties.Person], error) {
		x, err := a.s.Parties.RevokePower(ctx, call, in.ID, in.Body.power())
		return personOf(x, err)
	})
	type erasure struct {
		ByID
		Body struct {
			Ground parties.Ground `json:"ground" enum:"no-longer-needed,unlawful,ordered" doc:"Art. 17 par. 1 GDPR, letters a, d and e."`
		}
	}
	on(a, operation(act.ErasePerson, http.MethodPost, "/v1/persons/{id}/erase", tag, withKey), func(ctx context.Context, call act.Call, in *erasure) (*one[parties.Person], error) {
		x, err := a.s.Parties.ErasePerson(ctx, call, in.ID, in.Body.Ground)
		return personOf(x, err)
	})
}

func personOf(x *parties.Person, err error) (*one[parties.Person], error) {
	if err != nil {
		return nil, err
	}
	return &one[parties.Person]{etag(x.Version), *x}, nil
}

// pageOf makes a page of what was read; there may be more when it is full.
func pageOf[T any](all []T, limit int, id func(T) string) *list[T] {
	out := &list[T]{items[T]{Items: all}}
	if all == nil {
		out.Body.Items = []T{}
	}
	if len(all) == limit && limit > 0 {
		out.Body.Next = id(all[len(all)-1])
	}
	return out
}
