// Package fault holds the one error that crosses package borders.
//
// It promises that whatever a person is shown has a stable code, a sentence to
// act on in Italian and in English, and pointers to the faulty fields, and that
// the technical cause is kept for the log and never shown. It knows nothing of
// HTTP: internal/api alone turns a Kind into a status (RFC 9457).
package fault

import (
	"errors"
	"fmt"
)

// Kind says what sort of fault it is, and thereby how a caller should react.
// The zero value hides everything: an error of unknown kind is internal.
type Kind int

const (
	Internal        Kind = iota // our fault; the text shown says nothing of the cause
	Malformed                   // the request cannot be parsed
	Invalid                     // parsed, but breaks a rule; Fields say where
	Unauthenticated             // we do not know who is asking
	Forbidden                   // known, may see it, may not do it
	NotFound                    // no such thing, or not for this person's eyes
	Conflict                    // the thing is not in a state that allows it
	Stale                       // somebody changed it since it was read (If-Match)
	VersionRequired             // a change must say which version it changes
	TooLarge                    // more bytes than allowed
	Unsupported                 // a content type or format we do not take
	TooMany                     // slow down
	Unavailable                 // a part we depend on does not answer; try again
)

// String names the kind for logs and tests.
func (k Kind) String() string {
	names := [...]string{
		"internal", "malformed", "invalid", "unauthenticated", "forbidden", "not-found", "conflict",
		"stale", "version-required", "too-large", "unsupported", "too-many", "unavailable",
	}
	if k < 0 || int(k) >= len(names) {
		return "internal"
	}
	return names[k]
}

// Text is one sentence in the languages a fault is told in.
type Text struct {
	IT string `json:"it"`
	EN string `json:"en"`
}

// T builds a Text from two formats that take the same arguments.
func T(it, en string, args ...any) Text {
	if len(args) == 0 {
		return Text{IT: it, EN: en}
	}
	return Text{IT: fmt.Sprintf(it, args...), EN: fmt.Sprintf(en, args...)}
}

// In returns the sentence in the language asked for; Italian unless "en".
func (t Text) In(lang string) string {
	if lang == "en" {
		return t.EN
	}
	return t.IT
}

// Field is one faulty place in what was submitted.
type Field struct {
	Pointer string // RFC 6901 JSON pointer into the request body, or "header:…", "query:…"
	Code    string
	Text    Text
}

// Fault is the error that crosses package borders. Err is for the log only.
type Fault struct {
	Kind   Kind
	Code   string
	Text   Text
	Fields []Field
	Err    error
}

// New makes a fault. The two formats take the same arguments.
func New(kind Kind, code, it, en string, args ...any) *Fault {
	return &Fault{Kind: kind, Code: code, Text: T(it, en, args...)}
}

// Hidden wraps a cause that nobody outside may read.
func Hidden(err error) *Fault {
	return &Fault{
		Kind: Internal, Code: "internal", Err: err,
		Text: T("Errore interno: riprovi; se persiste, segnali il codice della richiesta.",
			"Internal error: try again; if it persists, report the request code."),
	}
}

// italian names in Italian what may be missing.
var italian = map[string]string{
	"authority": "stazione appaltante", "bid": "offerta", "custodian": "custode", "document": "documento", "envelope": "busta", "evaluation": "valutazione",
	"key": "chiave", "lot": "lotto", "opening": "apertura", "paper": "documento", "part": "parte", "person": "persona", "question": "chiarimento",
	"receipt": "ricevuta", "session": "accesso", "supplier": "operatore economico", "tender": "gara", "upload": "caricamento",
}

// Missing is the answer for what does not exist and for what the asker may not
// see; the two are deliberately the same.
func Missing(what string) *Fault {
	it, ok := italian[what]
	if !ok {
		it = what
	}
	return &Fault{Kind: NotFound, Code: "not-found", Text: Text{IT: "Non trovato: " + it + ".", EN: "Not found: " + what + "."}}
}

// Because returns a copy that carries the technical cause.
func (f *Fault) Because(err error) *Fault {
	g := *f
	g.Err = err
	return &g
}

// At returns a copy with one more faulty field.
func (f *Fault) At(pointer, code string, text Text) *Fault {
	g := *f
	g.Fields = append(append([]Field(nil), f.Fields...), Field{Pointer: pointer, Code: code, Text: text})
	return &g
}

// Error is for logs: code, English text, cause.
func (f *Fault) Error() string {
	s := f.Code + ": " + f.Text.EN
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	return s
}

// Unwrap returns the technical cause.
func (f *Fault) Unwrap() error { return f.Err }

// Is makes errors.Is compare faults by code.
func (f *Fault) Is(target error) bool {
	var other *Fault
	return errors.As(target, &other) && other.Code == f.Code
}

// Of returns the fault in an error's chain; an error without one is hidden.
func Of(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return Hidden(err)
}

// Fields collects the faulty places of one request, so that a person hears of
// all of them at once.
type Fields []Field

// Add notes one faulty place.
func (fs *Fields) Add(pointer, code, it, en string, args ...any) {
	*fs = append(*fs, Field{Pointer: pointer, Code: code, Text: T(it, en, args...)})
}

// Err returns an Invalid fault listing the fields, or nil when there is none.
func (fs Fields) Err(code, it, en string) error {
	if len(fs) == 0 {
		return nil
	}
	return &Fault{Kind: Invalid, Code: code, Text: Text{IT: it, EN: en}, Fields: fs}
}
