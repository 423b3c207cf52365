package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
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

// parseLine reads a line and tells what is wrong with its form. Even then it
// returns what can still be read, so that one bad line does not make all the
// lines after it look wrong; ok is false when there is not even a leaf.
//
// A line as the Writer makes it is taken apart from its end, where the lengths
// are fixed, without decoding JSON: the body is a fixed part of it and is
// decoded once, by Open.
func parseLine(text []byte) (index uint64, r Record, reason string, ok bool, wrong error) {
	if body, is := bytes.CutPrefix(text, []byte(`{"entry":`)); is && len(body) > tailSize {
		head := body[:len(body)-tailSize]
		if at := bytes.LastIndex(head, []byte(`,"index":`)); at >= 0 {
			n, err := strconv.ParseUint(string(head[at+len(`,"index":`):]), 10, 53)
			tail := body[len(head):]
			leafAt, saltAt := len(`,"leaf":"`), len(`,"leaf":"`)+44+len(`","salt":"`)
			r.Body = head[:at]
			if err == nil && decode(string(tail[leafAt:leafAt+44]), &r.Leaf) && decode(string(tail[saltAt:saltAt+44]), &r.Salt) &&
				bytes.Equal(entryLine(n, r), text) && (Leaf(r.Salt, r.Body) == r.Leaf || json.Valid(r.Body)) {
				return n, r, "", true, nil
			}
		}
	}
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
