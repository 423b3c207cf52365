package seal

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"sigillo/internal/fault"
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

// Bounds on one envelope.
const (
	maxItems = 1000
	maxHead  = 4 << 20
)

var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Check refuses contents that could not be opened or shown safely.
func (c Contents) Check() error {
	var fs fault.Fields
	l := c.Label
	for name, v := range map[string]string{"authority": l.Authority, "tender": l.Tender, "lot": l.Lot, "supplier": l.Supplier} {
		if v == "" || len(v) > 100 {
			fs.Add("/label/"+name, "missing", "Manca un dato della busta.", "A datum of the envelope is missing.")
		}
	}
	if l.Envelope != "A" && l.Envelope != "B" && l.Envelope != "C" {
		fs.Add("/label/envelope", "unknown-code", "Le buste sono A, B e C.", "The envelopes are A, B and C.")
	}
	if len(c.Items) > maxItems {
		fs.Add("/items", "too-many", "Al massimo %d documenti.", "At most %d documents.", maxItems)
	}
	seen := map[string]bool{}
	for i, item := range c.Items {
		at := fmt.Sprintf("/items/%d", i)
		if !goodName(item.Name) || seen[item.Name] {
			fs.Add(at+"/name", "bad-file-name", "Nome di file non valido o ripetuto.", "Invalid or repeated file name.")
		}
		seen[item.Name] = true
		if item.Size <= 0 {
			fs.Add(at+"/size", "empty-file", "Il file è vuoto.", "The file is empty.")
		}
		if !digest.MatchString(item.SHA256) || len(item.Kind) > 60 || len(item.MediaType) > 100 {
			fs.Add(at, "bad-item", "Documento non descritto correttamente.", "Document not described properly.")
		}
	}
	if len(c.Offer) > 1000 {
		fs.Add("/offer", "too-many", "Troppe risposte.", "Too many answers.")
	}
	for k, v := range c.Offer {
		if k == "" || len(k) > 100 || len(v) > 4000 || !utf8.ValidString(k+v) {
			fs.Add("/offer", "bad-answer", "Una risposta è troppo lunga o non è testo.", "An answer is too long or not text.")
		}
	}
	return fs.Err("bad-envelope", "La busta non si può sigillare così.", "The envelope cannot be sealed like this.")
}

// goodName: any human writing, no path, no control or direction characters.
func goodName(name string) bool {
	if name == "" || len(name) > 255 || !utf8.ValidString(name) || strings.Trim(name, ".") == "" {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r == '/' || r == '\\' || unicode.IsControl(r) || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
	})
}
