package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"sigillo/internal/fault"
)

// Canonical returns the RFC 8785 form of a value: one sequence of bytes for one
// meaning. Numbers must be whole and within ±(2^53-1), since others are read
// differently by different programs; money travels as text. Text that is not
// UTF-8 and keys that appear twice are refused. Raw JSON inside the value must
// not spell U+FFFD or half of a surrogate pair as an escape.
func Canonical(v any) ([]byte, error) {
	text, err := encode(v)
	if err != nil {
		return nil, noForm(err)
	}
	out := jsontext.Value(text)
	if err := out.Canonicalize(); err != nil {
		return nil, noForm(err)
	}
	return out, nil
}

// Hash is the SHA-256 of the canonical form, in hex.
func Hash(v any) (string, error) {
	text, err := Canonical(v)
	if err != nil {
		return "", err
	}
	return HashText(text), nil
}

// HashText is Hash of what has been brought into its canonical form already.
func HashText(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

const maxWhole = 1<<53 - 1

func noForm(err error) error {
	return fault.New(fault.Internal, "no-canonical-form",
		"Il valore non ha una forma canonica: usi numeri interi fino a 2^53-1, testo per gli importi, UTF-8 valido.",
		"The value has no canonical form: use whole numbers up to 2^53-1, text for amounts, valid UTF-8.").Because(err)
}

// encode writes JSON without the escapes for HTML, and refuses what two readers
// could take for different things.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return text, unambiguous(text)
}

type ambiguity string

func (a ambiguity) Error() string { return string(a) }

// unambiguous scans well-formed JSON.
func unambiguous(text []byte) error {
	if !utf8.Valid(text) {
		return ambiguity("text is not UTF-8")
	}
	inString := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			inString = !inString
		case inString && c == '\\':
			if i++; text[i] != 'u' {
				continue
			}
			// encoding/json writes invalid UTF-8 as this escape, and U+FFFD
			// itself as it is: the escape is the only trace of the difference.
			// It never writes surrogates as escapes at all.
			unit, _ := strconv.ParseUint(string(text[i+1:i+5]), 16, 16)
			if unit == utf8.RuneError || unit >= 0xd800 && unit < 0xe000 {
				return ambiguity("text is not UTF-8, or has a surrogate as an escape")
			}
			i += 4
		case !inString && (c == '-' || c >= '0' && c <= '9'):
			end := i + 1
			for end < len(text) && bytes.IndexByte([]byte("0123456789+-.eE"), text[end]) >= 0 {
				end++
			}
			n, err := strconv.ParseInt(string(text[i:end]), 10, 64)
			if err != nil || n > maxWhole || n < -maxWhole {
				return ambiguity("number " + string(text[i:min(end, i+40)]) + " is not whole or too large")
			}
			i = end - 1
		}
	}
	return nil
}
