package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"sigillo/internal/fault"
)

// Problem is a fault as it travels (RFC 9457).
type Problem struct {
	Type     string         `json:"type" doc:"Identifies the kind of problem." example:"urn:problem:sigillo:deadline-passed"`
	Title    string         `json:"title" doc:"HTTP status, in words."`
	Status   int            `json:"status" doc:"HTTP status."`
	Code     string         `json:"code" doc:"Stable code of the problem." example:"deadline-passed"`
	Detail   string         `json:"detail" doc:"What happened and what to do, in the language of the request (it, en)."`
	Instance string         `json:"instance" doc:"The request, to be quoted when reporting the problem."`
	Errors   []ProblemField `json:"errors,omitempty" doc:"Every faulty place in the request."`

	cause error
}

// ProblemField is one faulty place.
type ProblemField struct {
	Pointer string `json:"pointer" doc:"RFC 6901 pointer into the body, or header:…, query:…, path:…"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// Error and GetStatus make huma answer with the problem as it is.
func (p *Problem) Error() string  { return p.Code }
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// statuses is the one place where a kind of fault becomes an HTTP status.
var statuses = map[fault.Kind]int{
	fault.Internal: http.StatusInternalServerError, fault.Malformed: http.StatusBadRequest, fault.Invalid: http.StatusUnprocessableEntity,
	fault.Unauthenticated: http.StatusUnauthorized, fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusConflict, fault.Stale: http.StatusPreconditionFailed, fault.VersionRequired: http.StatusPreconditionRequired,
	fault.TooLarge: http.StatusRequestEntityTooLarge, fault.Unsupported: http.StatusUnsupportedMediaType,
	fault.TooMany: http.StatusTooManyRequests, fault.Unavailable: http.StatusServiceUnavailable,
}

func problemOf(c caller, f *fault.Fault) *Problem {
	status := statuses[f.Kind]
	p := &Problem{
		Type: "urn:problem:sigillo:" + f.Code, Title: http.StatusText(status), Status: status, Code: f.Code,
		Detail: f.Text.In(c.lang), Instance: "urn:uuid:" + c.request, cause: f.Err,
	}
	for _, field := range f.Fields {
		p.Errors = append(p.Errors, ProblemField{field.Pointer, field.Code, field.Text.In(c.lang)})
	}
	return p
}

// answer turns any error into the problem to answer with, and logs the cause
// of those that are ours.
func (a *API) answer(c caller, err error) *Problem {
	f := fault.Of(err)
	if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		a.log.LogAttrs(nil, slog.LevelError, "fault", slog.String("request", c.request), slog.String("code", f.Code), slog.Any("cause", f.Err))
	}
	return problemOf(c, f)
}

// fail writes a problem outside huma.
func (a *API) fail(w http.ResponseWriter, c caller, err error) {
	p := a.answer(c, err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Content-Language", c.lang)
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p)
}

func init() {
	// huma's own complaints become problems of ours; they never repeat what
	// was submitted, nor the text of an unknown error.
	huma.NewErrorWithContext = func(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
		var c caller
		if ctx != nil {
			c = callerOf(ctx.Context())
		}
		return complaint(c, status, errs)
	}
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError {
		return complaint(caller{lang: "it"}, status, errs)
	}
}

func complaint(c caller, status int, errs []error) *Problem {
	kind, code, text := fault.Internal, "internal", fault.Hidden(nil).Text
	for k, s := range statuses {
		if s == status {
			kind = k
		}
	}
	switch status {
	case http.StatusUnprocessableEntity:
		code, text = "invalid-request", fault.T("La richiesta non rispetta lo schema: corregga i campi indicati.", "The request does not follow the schema: correct the fields shown.")
	case http.StatusBadRequest:
		code, text = "malformed-request", fault.T("La richiesta non è JSON ben formato.", "The request is not well-formed JSON.")
	case http.StatusRequestEntityTooLarge:
		code, text = "too-large", fault.T("La richiesta è troppo grande.", "The request is too large.")
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		kind, code, text = fault.Unsupported, "unsupported-media-type", fault.T("Usi application/json.", "Use application/json.")
	case http.StatusRequestTimeout:
		kind, code, text = fault.Malformed, "too-slow", fault.T("La richiesta è arrivata troppo lentamente.", "The request arrived too slowly.")
	}
	f := &fault.Fault{Kind: kind, Code: code, Text: text}
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) && kind != fault.Internal {
			detail := d.ErrorDetail()
			f.Fields = append(f.Fields, fault.Field{Pointer: pointer(detail.Location), Code: "schema", Text: translate(detail.Message)})
		}
	}
	return problemOf(c, f)
}

var index = regexp.MustCompile(`\[(\d+)\]`)

// pointer turns huma's "body.lots[0].title" into "/lots/0/title".
func pointer(location string) string {
	where, rest, _ := strings.Cut(location, ".")
	if where != "body" {
		return where + ":" + rest
	}
	rest = strings.ReplaceAll(strings.ReplaceAll(rest, "~", "~0"), "/", "~1")
	rest = index.ReplaceAllString(rest, ".$1")
	if rest == "" {
		return ""
	}
	return "/" + strings.ReplaceAll(strings.TrimPrefix(rest, "."), ".", "/")
}

// phrases gives the Italian of the schema checker's sentences; what a sentence
// quotes of the request is dropped with it.
var phrases = []struct{ prefix, it, en string }{
	{"expected required property", "manca un campo obbligatorio", ""},
	{"unexpected property", "campo sconosciuto", "unknown field"},
	{"expected string", "deve essere testo", "must be text"},
	{"expected boolean", "deve essere vero o falso", "must be true or false"},
	{"expected object", "deve essere un oggetto", "must be an object"},
	{"expected array", "deve essere un elenco", "must be a list"},
	{"expected integer", "deve essere un numero intero", "must be a whole number"},
	{"expected number", "deve essere un numero", "must be a number"},
	{"expected value to be one of", "valore non ammesso", ""},
	{"expected length", "lunghezza fuori dai limiti", ""},
	{"expected array length", "numero di elementi fuori dai limiti", ""},
	{"expected string to match pattern", "formato non valido", "invalid format"},
	{"expected string to be", "formato non valido", "invalid format"},
	{"unknown query parameter", "parametro sconosciuto", ""},
	{"request body is required", "manca il corpo della richiesta", ""},
}

func translate(message string) fault.Text {
	for _, p := range phrases {
		if strings.HasPrefix(message, p.prefix) {
			en := p.en
			if en == "" {
				en = message
			}
			return fault.Text{IT: p.it + named(message), EN: en}
		}
	}
	return fault.T("valore non valido", "invalid value")
}

var property = regexp.MustCompile(`^expected required property ([a-z0-9_]+)`)

// named repeats the name of a missing field, which is ours and not theirs.
func named(message string) string {
	if m := property.FindStringSubmatch(message); m != nil {
		return ": " + m[1]
	}
	return ""
}

// notHere answers for addresses and methods that do not exist.
var notHere = fault.New(fault.NotFound, "no-such-address", "Questo indirizzo non esiste: veda /docs.", "This address does not exist: see /docs.")
