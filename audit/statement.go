package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sigillo/internal/fault"
)

// Statement is something the platform says and signs: a receipt, a dossier, a
// certificate. It proves itself without the platform. What is signed is a C2SP
// signed note whose text is three lines: "sigillo-statement/1", the kind, and
// the RFC 8785 form of the body.
type Statement struct {
	Kind       string          `json:"kind"`
	Body       json.RawMessage `json:"body"`
	Signatures []string        `json:"signatures"` // lines of the signed note
	// Evidence shows the act in the log. It is not signed with the body: it
	// proves itself, and is there only once the log is that far.
	Evidence *Evidence `json:"evidence,omitempty"`
}

const statementVersion = "sigillo-statement/1"

// The faults of a statement that does not verify.
var (
	ErrNotStatement = fault.New(fault.Invalid, "not-a-statement", "Il file non è un documento firmato dalla piattaforma.", "The file is no statement signed by the platform.")
	ErrNotSigned    = fault.New(fault.Invalid, "statement-altered", "La firma non corrisponde: il documento è stato alterato, o è firmato da altri.",
		"The signature does not fit: the statement was altered, or signed by somebody else.")
)

// Sign makes a statement of a body.
func Sign(kind string, body any, by ...note.Signer) (Statement, error) {
	text, err := statementText(kind, body)
	if err != nil {
		return Statement{}, err
	}
	signed, err := note.Sign(&note.Note{Text: text}, by...)
	if err != nil {
		return Statement{}, err
	}
	canonical, err := Canonical(body)
	if err != nil {
		return Statement{}, err
	}
	_, lines, _ := strings.Cut(string(signed), "\n\n")
	return Statement{Kind: kind, Body: canonical, Signatures: strings.Split(strings.TrimSuffix(lines, "\n"), "\n")}, nil
}

func statementText(kind string, body any) (string, error) {
	if kind == "" || strings.ContainsAny(kind, "\r\n") {
		return "", errors.New("a kind is one line")
	}
	canonical, err := Canonical(body)
	if err != nil {
		return "", err
	}
	return statementVersion + "\n" + kind + "\n" + string(canonical) + "\n", nil
}

// ParseStatement reads a statement. It is strict: no other key, none twice.
// Fault: not-a-statement.
func ParseStatement(text []byte) (Statement, error) {
	var s Statement
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if d.Decode(&s) != nil || d.More() || s.Kind == "" || len(s.Signatures) == 0 || len(s.Body) == 0 || s.Body[0] != '{' {
		return Statement{}, ErrNotStatement
	}
	// Keys that appear twice read differently in different programs.
	if _, err := Canonical(json.RawMessage(text)); err != nil {
		return Statement{}, ErrNotStatement.Because(err)
	}
	return s, nil
}

// Verify checks the signatures by the keys given: at least one of them must
// have signed, and no signature may be there that does not fit. Fault:
// statement-altered.
func (s Statement) Verify(keys note.Verifiers) error {
	text, err := statementText(s.Kind, s.Body)
	if err != nil {
		return ErrNotStatement.Because(err)
	}
	for _, line := range s.Signatures {
		if strings.ContainsAny(line, "\r\n") {
			return ErrNotStatement
		}
	}
	n, err := note.Open([]byte(text+"\n"+strings.Join(s.Signatures, "\n")+"\n"), keys)
	if err != nil {
		return ErrNotSigned.Because(err)
	}
	if len(n.UnverifiedSigs) > 0 {
		return ErrNotSigned.Because(errors.New("a signature by an unknown key"))
	}
	return nil
}
