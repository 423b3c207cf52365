// Package api is the HTTP API: every use case as one operation of an OpenAPI
// document, and faults as problem documents.
//
// It promises that no operation exists without an action of the rules table,
// that bodies of bids never pass through a JSON parser, and that no error tells
// more than it should. It decides nothing: it finds the actor, reads, calls one
// service and writes.
package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"sigillo/audit"
	"sigillo/award"
	"sigillo/bids"
	"sigillo/feed"
	"sigillo/inspection"
	"sigillo/internal/act"
	"sigillo/internal/anchor"
	"sigillo/internal/fault"
	"sigillo/internal/health"
	"sigillo/internal/identity"
	"sigillo/internal/signature"
	"sigillo/parties"
	"sigillo/tender"
)

// Services is what the API stands on.
type Services struct {
	Identity   *identity.Service
	Parties    *parties.Service
	Tenders    *tender.Service
	Bids       *bids.Service
	Awards     *award.Service
	Inspection *inspection.Service
	Feed       *feed.Service
	Anchor     *anchor.Service
	Cosigner   *anchor.Cosigner
	Trail      Trail
	// Published is what of the log lies open to everybody.
	Published Published
	// Probes tell how the platform worked.
	Probes Probes
	// Now is the clock of the service, for people to compare theirs with.
	Now func() (time.Time, error)
	// Ready tells whether database and object store answer.
	Ready func(context.Context) error
}

// Trail writes an authority's register as a signed export, and signs what the
// platform states.
type Trail interface {
	Sign(kind string, body any) (audit.Statement, error)
	Key() string // public key of the log
	Export(ctx context.Context, authority string, w io.Writer) error
	// Evidence shows an act in the log, nil if there was none.
	Evidence(context.Context, audit.Deed) (*audit.Evidence, error)
}

// Probes lists what the replicas found of the platform in a window.
type Probes interface {
	Probes(ctx context.Context, from, to time.Time) ([]health.Probe, error)
}

// Config is what may differ between installations.
type Config struct {
	Log *slog.Logger
	// MaxUpload bounds one document or envelope, in bytes.
	MaxUpload int64
	// Demo says that this is a demonstration: who signs in is asked no proof.
	Demo bool
	// Trust is the list of certificates that signers may chain to; nil when
	// there is none.
	Trust *signature.Trust
	// Clock of this process; time.Now where it is nil.
	Clock func() time.Time
}

// Version of the API, as its document states it.
const Version = "1.0.0"

// API is the HTTP handler and its OpenAPI document.
type API struct {
	s     Services
	log   *slog.Logger
	max   int64
	demo  bool
	clock func() time.Time
	trust *signature.Trust
	huma  huma.API
	mux   *http.ServeMux
	work  work
	http  http.Handler
}

// New builds the API.
func New(s Services, c Config) *API {
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Sigillo", Version)
	config.Info.Description = "Gare pubbliche: dal bando all'aggiudicazione, con buste sigillate e un registro che chiunque può verificare. " +
		"Importi e percentuali sono testo, gli istanti RFC 3339, gli errori RFC 9457 in italiano o inglese (Accept-Language)."
	config.Info.Contact = &huma.Contact{Name: "Sigillo"}
	config.Info.License = &huma.License{Name: "EUPL-1.2", Identifier: "EUPL-1.2"}
	config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", nil
	config.RejectUnknownQueryParameters = true
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "Sessione di una persona o token di un sistema."},
	}
	a := &API{s: s, log: c.Log, max: c.MaxUpload, demo: c.Demo, clock: c.Clock, trust: c.Trust, mux: mux}
	if a.clock == nil {
		a.clock = time.Now
	}
	a.huma = humago.New(mux, config)
	a.status()
	a.sessions()
	a.parties()
	a.papers()
	a.tenders()
	a.questions()
	a.bids()
	a.uploads()
	a.receipts()
	a.openings()
	a.evaluations()
	a.trail()
	a.inspection()
	a.published()
	a.stamps()
	a.changes()
	a.webhooks()
	a.pages()
	a.enums()
	a.http = a.recognise(mux)
	return a
}

// ServeHTTP serves the API and its pages.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.http.ServeHTTP(w, r) }

// Document is the OpenAPI 3.1 document as YAML.
func (a *API) Document() ([]byte, error) { return a.huma.OpenAPI().YAML() }

// operation describes one operation; its action is part of its type, so none
// can be registered without.
func operation(action act.Action, method, path, tag string, headers ...*huma.Param) huma.Operation {
	title := act.Title(action)
	roles := act.RolesOf(action)
	op := huma.Operation{
		OperationID: string(action), Method: method, Path: path, Tags: []string{tag},
		Summary: title.IT, Description: title.EN + ".",
		Parameters: headers, Security: []map[string][]string{{"bearer": {}}},
		Extensions:   map[string]any{"x-action": string(action), "x-roles": roles},
		MaxBodyBytes: 1 << 20, BodyReadTimeout: 20 * time.Second,
	}
	if roles[0] == act.Anonymous {
		op.Security = append([]map[string][]string{{}}, op.Security...)
	}
	problem := &huma.Response{Description: "Problema (RFC 9457)", Content: map[string]*huma.MediaType{
		"application/problem+json": {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}},
	}}
	op.Responses = map[string]*huma.Response{"default": problem}
	return op
}

// The headers an operation may take.
var (
	withKey = &huma.Param{Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: "string"},
		Description: "La stessa chiave per la stessa richiesta: l'atto avviene una volta sola, la risposta è la prima."}
	withVersion = &huma.Param{Name: "If-Match", In: "header", Schema: &huma.Schema{Type: "string"},
		Description: "L'ETag letto: se nel frattempo la risorsa è cambiata, 412."}
	withName = &huma.Param{Name: "name", In: "query", Required: true, Schema: &huma.Schema{Type: "string"},
		Description: "Nome del file: il contenuto deve corrispondere alla sua estensione."}
	withDigest = &huma.Param{Name: "Repr-Digest", In: "header", Required: true, Schema: &huma.Schema{Type: "string"},
		Description: "sha-256=:base64: del contenuto (RFC 9530)."}
)

func pathParam(name string) *huma.Param {
	return &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: "string"}}
}

// on registers an operation with a JSON body. The handler gets the call of the
// act, made from who asks, the key, the version and what is asked.
func on[I, O any](a *API, op huma.Operation, handler func(context.Context, act.Call, *I) (*O, error)) {
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		c := callerOf(ctx)
		call, err := c.call(act.Action(op.OperationID), in)
		if err == nil {
			var out *O
			if out, err = handler(ctx, call, in); err == nil {
				return out, nil
			}
		}
		return nil, a.answer(c, err)
	})
}

// stream registers an operation whose body, one way or the other, is bytes and
// not JSON.
func stream(a *API, op huma.Operation, handler func(act.Call, http.ResponseWriter, *http.Request) error) {
	op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
		"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}},
	}}
	a.huma.OpenAPI().AddOperation(&op)
	a.mux.HandleFunc(op.Method+" "+op.Path, func(w http.ResponseWriter, r *http.Request) {
		c := callerOf(r.Context())
		call, err := c.call(act.Action(op.OperationID), []string{r.URL.Path, r.Header.Get("Repr-Digest")})
		if err == nil {
			err = handler(call, w, r)
		}
		if err != nil {
			a.fail(w, c, err)
		}
	})
}

// must refuses a change that does not say which version it changes.
func must(call act.Call) error {
	if call.Version == 0 {
		return fault.New(fault.VersionRequired, "version-required", "Indichi nell'If-Match l'ETag della versione che sta modificando.",
			"State in If-Match the ETag of the version you are changing.")
	}
	return nil
}

// Page is the query of a list.
type Page struct {
	After string `query:"after" maxLength:"100" doc:"Identificativo dell'ultimo elemento già letto."`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"Quanti elementi al massimo."`
}

// items is the body of a list. Next is where to go on, empty at the end.
type items[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"Da passare come after per continuare; assente alla fine."`
}

// etag writes a version as an ETag.
func etag(version int) string { return fmt.Sprintf("%q", fmt.Sprint(version)) }

// one is a response with one resource and its ETag.
type one[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

// created is one with the place where the new resource is found.
type created[T any] struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     T
}

// list is a response with a page of resources.
type list[T any] struct{ Body items[T] }
