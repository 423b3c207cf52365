package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"unicode/utf8"

	"sigillo/internal/fault"
	"sigillo/internal/writing"
)

// Label is what an envelope is for. It is inside the seal, so an envelope
// copied to another tender, lot, kind or supplier is found out (INC-02,
// INC-03).
type Label struct {
	Authority string `json:"authority"`
	Tender    string `json:"tender"`
	Lot       string `json:"lot"`
	Envelope  string `json:"envelope"` // A, B or C
	Supplier  string `json:"supplier"`
}

// Check refuses a label with a part missing or not fit to be read by people.
// Fault: bad-label.
func (l Label) Check() error {
	var fs fault.Fields
	for _, part := range []struct{ name, value string }{
		{"authority", l.Authority}, {"tender", l.Tender}, {"lot", l.Lot}, {"supplier", l.Supplier},
	} {
		if part.value == "" || !line(part.value, 100) {
			fs.Add("/"+part.name, "missing", "Manca un dato della busta, o non è valido.", "A datum of the envelope is missing or not valid.")
		}
	}
	if l.Envelope != "A" && l.Envelope != "B" && l.Envelope != "C" {
		fs.Add("/envelope", "unknown-code", "Le buste sono A, B e C.", "The envelopes are A, B and C.")
	}
	return fs.Err("bad-label", "I dati della busta non sono validi.", "The data of the envelope are not valid.")
}

// Item is one document inside an envelope.
type Item struct {
	Name      string `json:"name"` // file name
	Kind      string `json:"kind"`
	MediaType string `json:"media_type"`
	Size      int64  `json:"size"`   // bytes
	SHA256    string `json:"sha256"` // hex
}

// Contents is what an envelope says of itself, followed by the documents.
type Contents struct {
	Label Label  `json:"label"`
	Items []Item `json:"items"`
	// Offer holds structured answers, such as a discount, as text.
	Offer map[string]string `json:"offer,omitempty"`
}

// Bounds on one envelope. maxSize is far above any bid; it keeps the sum of
// the sizes within an int64 whatever a bidder declares.
const (
	maxItems   = 1000
	maxAnswers = 1000
	maxHead    = 4 << 20 // bytes of encoded Contents
	maxSize    = 1 << 40 // bytes of all documents together
)

var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Check refuses contents that could not be opened or shown safely. Fault:
// bad-envelope.
func (c Contents) Check() error {
	var fs fault.Fields
	if f := fault.Of(c.Label.Check()); f != nil {
		for _, field := range f.Fields {
			field.Pointer = "/label" + field.Pointer
			fs = append(fs, field)
		}
	}
	if len(c.Items) > maxItems {
		fs.Add("/items", "too-many", "Al massimo %d documenti.", "At most %d documents.", maxItems)
	}
	seen := map[string]bool{}
	room := int64(maxSize)
	for i, item := range c.Items[:min(len(c.Items), maxItems)] {
		at := fmt.Sprintf("/items/%d", i)
		if !writing.FileName(item.Name) || seen[item.Name] {
			fs.Add(at+"/name", "bad-file-name", "Nome di file non valido o ripetuto.", "Invalid or repeated file name.")
		}
		seen[item.Name] = true
		switch {
		case item.Size <= 0:
			fs.Add(at+"/size", "empty-file", "Il file è vuoto.", "The file is empty.")
		case item.Size > room:
			fs.Add(at+"/size", "too-large", "I documenti superano insieme 1 TiB.", "The documents exceed 1 TiB together.")
		default:
			room -= item.Size
		}
		if !digest.MatchString(item.SHA256) || !line(item.Kind, 60) || !line(item.MediaType, 100) {
			fs.Add(at, "bad-item", "Documento non descritto correttamente.", "Document not described properly.")
		}
	}
	if len(c.Offer) > maxAnswers {
		fs.Add("/offer", "too-many", "Troppe risposte.", "Too many answers.")
	}
	for k, v := range c.Offer {
		if k == "" || !line(k, 100) || len(v) > 4000 || !writing.Passage(v) {
			fs.Add("/offer", "bad-answer", "Una risposta è troppo lunga o non è testo.", "An answer is too long or not text.")
			break // said once: the pointer names no answer, lest it tell what was offered
		}
	}
	return fs.Err("bad-envelope", "La busta non si può sigillare così.", "The envelope cannot be sealed like this.")
}

// encode gives the bytes that go inside the seal. Contents that pass Check may
// still be too many together; sealing them would make a bid nobody can open.
func (c Contents) encode() ([]byte, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	head, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	if len(head) > maxHead {
		return nil, fault.New(fault.Invalid, "bad-envelope", "Le risposte e i nomi dei documenti superano insieme %d MiB.",
			"The answers and the names of the documents exceed %d MiB together.", maxHead>>20)
	}
	return head, nil
}

// decode is strict, because an envelope must say the same to every reader: no
// unknown or repeated key, no other spelling of a key, nothing after the end.
func decode(head []byte) (Contents, error) {
	var c Contents
	d := json.NewDecoder(bytes.NewReader(head))
	d.DisallowUnknownFields()
	if !utf8.Valid(head) || d.Decode(&c) != nil {
		return Contents{}, errNotContents
	}
	if _, err := d.Token(); err != io.EOF {
		return Contents{}, errNotContents
	}
	// Decode has bounded the nesting, so this recursion is shallow.
	if !unambiguous(json.NewDecoder(bytes.NewReader(head)), false) || c.Check() != nil {
		return Contents{}, errNotContents
	}
	return c, nil
}

var errNotContents = errors.New("the contents are not well formed")

// keys are the exact spellings of the format; encoding/json accepts others.
var keys = []string{
	"label", "authority", "tender", "lot", "envelope", "supplier", "items", "name", "kind", "media_type", "size", "sha256", "offer",
}

// unambiguous walks one value of well-formed JSON. Inside the offer keys are
// free, but each still comes once.
func unambiguous(d *json.Decoder, free bool) bool {
	t, err := d.Token()
	if err != nil {
		return false
	}
	switch t {
	case json.Delim('{'):
		seen := map[string]bool{}
		for d.More() {
			t, _ := d.Token()
			key, ok := t.(string)
			if !ok || seen[key] || !free && !slices.Contains(keys, key) {
				return false
			}
			seen[key] = true
			if !unambiguous(d, key == "offer") {
				return false
			}
		}
		_, err = d.Token()
	case json.Delim('['):
		for d.More() {
			if !unambiguous(d, false) {
				return false
			}
		}
		_, err = d.Token()
	}
	return err == nil
}

// line is sound text of one line, of at most so many bytes.
func line(s string, most int) bool { return len(s) <= most && writing.Line(s) }
