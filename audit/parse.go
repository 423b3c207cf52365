package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
)

// line is one leaf of an export: an entry, or one that is withheld.
type line struct {
	Index    uint64          `json:"index"`
	Leaf     string          `json:"leaf"`
	Salt     string          `json:"salt"`
	Entry    json.RawMessage `json:"entry"`
	Withheld string          `json:"withheld"`
}

// tailSize is the length of what follows the index of an entry's line.
var tailSize = len(`,"leaf":"","salt":""}`) + 2*base64.StdEncoding.EncodedLen(32)

// parseLine reads a line that oneLine does not take, and tells what is wrong with its form. Even then it
// returns what can still be read, so that one bad line does not make all the
// lines after it look wrong; ok is false when there is not even a leaf.
func parseLine(text []byte) (index uint64, r Record, reason string, ok bool, wrong error) {
	var l line
	wrong = strict(text, &l)
	if wrong != nil {
		l = line{}
		if json.Unmarshal(text, &l) != nil {
			return 0, Record{}, "", false, wrong
		}
	}
	r = Record{Body: l.Entry}
	if l.Index > maxWhole || !decode(l.Leaf, &r.Leaf) || (l.Withheld == "") == (l.Entry == nil) || l.Entry != nil && !decode(l.Salt, &r.Salt) {
		return 0, Record{}, "", false, ErrBadEntry
	}
	if wrong == nil && (l.Entry != nil || !reasonCode.MatchString(l.Withheld) || !bytes.Equal(withheldLine(l.Index, r.Leaf, l.Withheld), text)) {
		wrong = ErrNotCanonical
	}
	return l.Index, r, l.Withheld, true, wrong
}

// idOf reads the id of an entry that may be malformed.
func idOf(body []byte) string {
	var e struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(body, &e) != nil || len(e.ID) > maxText {
		return ""
	}
	return e.ID
}
