package main

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"sigillo/internal/act"
	"sigillo/internal/api"
	"sigillo/internal/fault"
	"sigillo/tender"
)

// TestAT094GuessedIdsOfAnotherAuthorityLeadNowhere walks every operation of
// the API document with the ids of one authority's tender, as the staff of
// another authority that wears every hat there.
func TestAT094GuessedIdsOfAnotherAuthorityLeadNowhere(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		b := s.bid("supplier-legno", 2, "5", "x")
		s.bid("supplier-legno", 1, "5", "x")
		draft := s.tender
		s.create(s.fullTerms())
		hidden := s.tender.ID
		s.tender = draft
		s.opened()
		var openings struct{ Items []struct{ ID string } }
		s.must("rup", "GET", s.tenderPath("/openings"), nil, &openings)
		s.stranger()
		before := len(s.entries())
		n := 0
		for path, methods := range s.document() {
			for method, op := range methods {
				roles := op.Roles
				if slices.Contains(roles, "anonymous") || !strings.Contains(path, "{") {
					continue // open to all by intention
				}
				for _, id := range []string{s.tender.ID, hidden} {
					n++
					owner := map[string]string{"authorities": s.authority, "tenders": id, "bids": b.ID, "openings": openings.Items[0].ID,
						"persons": s.persons["rup"], "suppliers": s.suppliers["supplier-legno"]}[strings.Split(path, "/")[2]]
					address := strings.NewReplacer("{id}", owner, "{lot}", s.tender.Lots[1].ID, "{bid}", b.ID, "{envelope}", "C", "{number}", "0",
						"{question}", "1", "{index}", "0", "{type}", "tender", "{object}", s.tender.ID, "{sha256}", strings.Repeat("0", 64)).Replace(path)
					f := fault.Of(s.call("stranger", strings.ToUpper(method), address, op.body(), nil))
					if f == nil || f.Kind != fault.NotFound && f.Kind != fault.Forbidden && f.Kind != fault.Invalid && f.Kind != fault.VersionRequired && f.Kind != fault.Malformed {
						t.Errorf("%s %s: %v", method, address, f)
					}
					if method == "get" && f != nil && f.Kind == fault.Invalid {
						t.Errorf("%s %s: a read was judged before the permission: %v", method, address, f)
					}
				}
			}
		}
		if n < 60 {
			t.Fatalf("only %d requests were made", n)
		}
		if after := len(s.entries()); after != before {
			t.Fatalf("%d entries appeared", after-before)
		}
	})
}

// stranger works for another authority, with every hat.
func (s *site) stranger() {
	s.t.Helper()
	var other struct{ ID string }
	s.must("administrator", "POST", "/v1/authorities", map[string]any{"name": "Acque del Serchio", "fiscal_code": withCheckDigit("09876543210"), "nuts": "ITI12", "special": true}, &other)
	var p struct{ ID string }
	s.must("administrator", "POST", "/v1/persons", map[string]any{"kind": "person", "name": "Stranger", "email": "stranger@serchio.example"}, &p)
	for _, role := range []act.Role{act.Drafter, act.RUP, act.Signatory, act.Seggio, act.Commissioner, act.Auditor} {
		s.must("administrator", "POST", "/v1/persons/"+p.ID+"/powers", map[string]any{"role": role, "authority": other.ID}, nil)
	}
	s.logins.Logins["stranger"], s.persons["stranger"] = "stranger@serchio.example", p.ID
}

type described struct {
	ID     string    `json:"operationId"`
	Action string    `json:"x-action"`
	Roles  []string  `json:"x-roles"`
	Body   *struct{} `json:"requestBody"`
}

// body is a body that passes the schema of the smaller operations, so that the
// permission is what refuses.
func (d described) body() any {
	if d.Body == nil {
		return nil
	}
	return map[string]any{"reason": "x", "deadline": "2027-06-01T12:00:00+02:00"}
}

func (s *site) document() map[string]map[string]described {
	s.t.Helper()
	var doc struct {
		Paths map[string]map[string]described `json:"paths"`
	}
	s.ok(s.api.Do(s.t.Context(), "GET", "/openapi.json", nil, &doc))
	return doc.Paths
}

func TestEveryOperationIsOneActionAndEveryActionOneOperation(t *testing.T) {
	s := newSiteHere(t)
	seen := map[string]bool{}
	for path, methods := range s.document() {
		for method, op := range methods {
			if op.ID == "" || op.ID != op.Action || !act.Known(act.Action(op.ID)) || seen[op.ID] {
				t.Errorf("%s %s: operation %q declares action %q", method, path, op.ID, op.Action)
			}
			seen[op.ID] = true
			var roles []string
			for _, r := range act.RolesOf(act.Action(op.ID)) {
				roles = append(roles, string(r))
			}
			if !slices.Equal(roles, op.Roles) {
				t.Errorf("%s: roles %v, the table says %v", op.ID, op.Roles, roles)
			}
		}
	}
	for _, a := range act.Actions() {
		onlyClock := slices.Equal(act.RolesOf(a), []act.Role{act.Clock})
		if seen[string(a)] == onlyClock {
			t.Errorf("%s: operation %v, only the clock's %v", a, seen[string(a)], onlyClock)
		}
	}
}

func TestAT104EveryStoredValueIsDocumented(t *testing.T) {
	s := newSiteHere(t)
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Enum []string }
			}
		}
	}
	s.ok(s.api.Do(t.Context(), "GET", "/openapi.json", nil, &doc))
	enum := func(schema, property string) []string {
		return doc.Components.Schemas[schema].Properties[property].Enum
	}
	for _, state := range tender.States() {
		for _, schema := range []string{"Lot", "TenderView", "EvaluationView"} {
			if !slices.Contains(enum(schema, "state"), string(state)) {
				t.Errorf("%s.state does not document %s", schema, state)
			}
		}
	}
	s.published()
	s.bid("supplier-legno", 2, "5", "x")
	var view struct {
		State, Procedure, Nature string
		Papers                   []struct{ Kind string }
		Keys                     []struct{ Envelope string }
	}
	s.must("rup", "GET", s.tenderPath(""), nil, &view)
	for _, x := range [][3]string{{"TenderView", "state", view.State}, {"TenderView", "procedure", view.Procedure}, {"TenderView", "nature", view.Nature},
		{"Document", "kind", view.Papers[0].Kind}, {"Key", "envelope", view.Keys[0].Envelope}} {
		if !slices.Contains(enum(x[0], x[1]), x[2]) {
			t.Errorf("%s.%s does not document %s", x[0], x[1], x[2])
		}
	}
}

func TestTheCopyOfTheDocumentIsInStep(t *testing.T) {
	copied, err := os.ReadFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := api.New(api.Services{}, api.Config{}).Document()
	if err != nil {
		t.Fatal(err)
	}
	if string(copied) != string(text) {
		t.Fatal("openapi.yaml is not what the program serves: go run ./cmd/sigillo openapi > openapi.yaml")
	}
	if !strings.Contains(string(text), "openapi: 3.1.0") {
		t.Fatal("not OpenAPI 3.1")
	}
}

func TestTheAPIPageNeedsNoNetwork(t *testing.T) {
	s := newSiteHere(t)
	for path, kind := range map[string]string{"/docs": "text/html", "/docs/docs.js": "text/javascript", "/docs/swagger-ui-bundle.js": "text/javascript", "/docs/swagger-ui.css": "text/css"} {
		r, err := http.Get(s.server.URL + path)
		s.ok(err)
		var b strings.Builder
		s.ok(r.Write(&b))
		r.Body.Close()
		if r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Type"), kind) || !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'self'") {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.Header)
		}
		if path == "/docs" && strings.Contains(b.String(), "https://") {
			t.Error("the page asks for something outside")
		}
	}
}

func TestSignInAndTokens(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		c, err := s.as(t.Context(), "rup")
		s.ok(err)
		var me struct {
			Person string
			Powers []act.Power
		}
		s.ok(c.Do(t.Context(), "GET", "/v1/me", nil, &me))
		if me.Person != s.persons["rup"] || me.Powers[0].Role != act.RUP {
			t.Fatalf("%+v", me)
		}
		s.ok(c.Do(t.Context(), "DELETE", "/v1/sessions/current", nil, nil))
		if f := fault.Of(c.Do(t.Context(), "GET", "/v1/me", nil, nil)); f == nil || f.Code != "bad-token" {
			t.Fatalf("after signing out: %v", f)
		}
		if f := fault.Of(s.api.As("sgl_s_guessed").Do(t.Context(), "GET", "/v1/me", nil, nil)); f == nil || f.Code != "bad-token" {
			t.Fatalf("a guessed token: %v", f)
		}
		s.no("not-permitted", "rup", "POST", "/v1/tokens", map[string]any{"person": s.persons["rup"], "name": "x", "hours": 1})
		s.no("not-a-machine", "administrator", "POST", "/v1/tokens", map[string]any{"person": s.persons["rup"], "name": "x", "hours": 1})
		var machine struct{ ID string }
		s.must("administrator", "POST", "/v1/persons", map[string]any{"kind": "machine", "name": "Protocollo", "email": "protocollo@pietrafonda.example"}, &machine)
		s.must("administrator", "POST", "/v1/persons/"+machine.ID+"/powers", map[string]any{"role": "drafter", "authority": s.authority}, nil)
		s.no("already-granted", "administrator", "POST", "/v1/persons/"+machine.ID+"/powers", map[string]any{"role": "drafter", "authority": s.authority})
		var token struct{ Token string }
		s.must("administrator", "POST", "/v1/tokens", map[string]any{"person": machine.ID, "name": "protocollo", "hours": 24}, &token)
		api := s.api.As(token.Token)
		var kind struct{ Kind string }
		s.ok(api.Do(t.Context(), "GET", "/v1/me", nil, &kind))
		s.ok(api.Do(t.Context(), "POST", "/v1/authorities/"+s.authority+"/tenders", map[string]any{"title": "Da una macchina", "procedure": "open", "nature": "works"}, nil))
		s.must("administrator", "POST", "/v1/persons/"+machine.ID+"/revoke-power", map[string]any{"role": "drafter", "authority": s.authority}, nil)
		f := fault.Of(api.Do(t.Context(), "POST", "/v1/authorities/"+s.authority+"/tenders", map[string]any{"title": "x", "procedure": "open", "nature": "works"}, nil))
		if kind.Kind != "machine" || f == nil || f.Code != "not-permitted" {
			t.Fatalf("a revoked power still works: %v %v", kind, f)
		}
		s.clock.base = start.AddDate(0, 0, 2)
		if f := fault.Of(api.Do(t.Context(), "GET", "/v1/me", nil, nil)); f == nil || f.Code != "bad-token" {
			t.Fatalf("an expired token: %v", f)
		}
		if strings.Contains(s.log.String(), token.Token) {
			t.Fatal("a token stands in the log")
		}
	})
}

func TestSuppliersAndAuthoritiesAreOnceEach(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		supplier := map[string]any{"name": "Due volte", "country": "IT", "tax_id": withCheckDigit("02345670480"), "size": "small"}
		s.no("duplicate", "administrator", "POST", "/v1/suppliers", supplier)
		f := s.no("bad-supplier", "administrator", "POST", "/v1/suppliers", map[string]any{"name": " x", "country": "IT", "tax_id": "12345678901", "size": "small"})
		if got := pointers(f); got != "/name bad-name, /tax_id bad-tax-id" {
			t.Fatal(got)
		}
		var page struct{ Items []json.RawMessage }
		s.must("supplier-legno", "GET", "/v1/authorities", nil, &page)
		if len(page.Items) != 1 {
			t.Fatal(len(page.Items))
		}
		s.no("not-found", "supplier-legno", "GET", "/v1/suppliers/"+s.suppliers["supplier-arredi"], nil)
		s.must("supplier-legno", "GET", "/v1/suppliers/"+s.suppliers["supplier-legno"], nil, nil)
	})
}
