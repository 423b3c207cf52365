package audit

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"
)

// scanEntry reads an entry whose bytes are those that body would write, in one
// pass and without building anything else. It takes the plain case only: text
// without escapes, facts with names in ASCII. Of everything else it says no, and then Open
// finds out what it is; so it may refuse too much, and never too little. Check is
// left to the caller.
func scanEntry(body []byte) (e Entry, ok bool) {
	s := scanner{text: string(body), ok: true}
	s.lit(`{"action":`)
	e.Action = s.str()
	s.lit(`,"actor":{`)
	if s.has(`"for":`) {
		e.Actor.For = s.some()
		s.lit(`,`)
	}
	s.lit(`"id":`)
	e.Actor.ID = s.str()
	s.lit(`,"kind":`)
	e.Actor.Kind = s.str()
	s.lit(`,"powers":[`)
	e.Actor.Powers = []string{}
	for s.ok && !s.has(`]`) {
		if len(e.Actor.Powers) > 0 {
			s.lit(`,`)
		}
		e.Actor.Powers = append(e.Actor.Powers, s.str())
	}
	s.lit(`}`)
	if s.has(`,"after":`) {
		e.After = s.state()
	}
	if s.has(`,"also":[`) {
		for first := true; s.ok && (first || !s.has(`]`)); first = false {
			if !first {
				s.lit(`,`)
			}
			e.Also = append(e.Also, s.change())
		}
	}
	s.lit(`,"at":`)
	e.At = s.instant()
	if s.has(`,"before":`) {
		e.Before = s.state()
	}
	if s.has(`,"data":{`) {
		e.Data = s.facts()
	}
	if s.has(`,"effective":`) {
		at := s.instant()
		e.Effective = &at
	}
	s.lit(`,"id":`)
	e.ID = s.str()
	if s.has(`,"lot":`) {
		e.Lot = s.some()
	}
	s.lit(`,"object":`)
	e.Object = s.object()
	if s.has(`,"tenant":`) {
		e.Tenant = s.some()
	}
	if s.has(`,"tender":`) {
		e.Tender = s.some()
	}
	s.lit(`,"v":`)
	e.V = s.whole()
	s.lit(`}`)
	return e, s.ok && s.text == ""
}

// scanner takes text off its front.
type scanner struct {
	text string
	ok   bool
}

// has takes a literal, if it is next.
func (s *scanner) has(lit string) bool {
	if len(s.text) < len(lit) || s.text[:len(lit)] != lit {
		return false
	}
	s.text = s.text[len(lit):]
	return true
}

func (s *scanner) lit(lit string) { s.ok = s.has(lit) && s.ok }

// str takes a string.
func (s *scanner) str() string {
	if s.text == "" || s.text[0] != '"' {
		s.ok = false
		return ""
	}
	foreign := false
	for i := 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			t := s.text[1:i]
			s.text = s.text[i+1:]
			s.ok = s.ok && (!foreign || utf8.ValidString(t))
			return t
		case c >= utf8.RuneSelf:
			foreign = true
		case c < ' ' || c > '~' || c == '\\':
			s.ok, s.text = false, ""
			return ""
		}
	}
	s.ok = false
	return ""
}

// some takes a string that would be left out if it were empty.
func (s *scanner) some() string {
	t := s.str()
	s.ok = s.ok && t != ""
	return t
}

// whole takes a number that is whole and not negative.
func (s *scanner) whole() int {
	n, i := 0, 0
	for ; i < len(s.text) && i < 16 && s.text[i] >= '0' && s.text[i] <= '9'; i++ {
		n = n*10 + int(s.text[i]-'0')
	}
	if i == 0 || i > 1 && s.text[0] == '0' || n > maxWhole {
		s.ok = false
		return 0
	}
	s.text = s.text[i:]
	return n
}

func (s *scanner) object() (o Object) {
	s.lit(`{"id":`)
	o.ID = s.str()
	s.lit(`,"type":`)
	o.Type = s.str()
	s.lit(`,"version":`)
	o.Version = s.whole()
	s.lit(`}`)
	return o
}

func (s *scanner) state() *State {
	s.lit(`{"hash":`)
	hash := s.str()
	s.lit(`,"state":`)
	name := s.str()
	s.lit(`}`)
	return &State{hash, name}
}

func (s *scanner) change() (c Change) {
	s.lit(`{`)
	if s.has(`"after":`) {
		c.After = s.state()
		s.lit(`,`)
	}
	if s.has(`"before":`) {
		c.Before = s.state()
		s.lit(`,`)
	}
	s.lit(`"object":`)
	c.Object = s.object()
	s.lit(`}`)
	return c
}

// facts takes what follows the opening brace: at least one, in order.
func (s *scanner) facts() map[string]string {
	all, last := map[string]string{}, ""
	for first := true; s.ok && (first || !s.has(`}`)); first = false {
		if !first {
			s.lit(`,`)
		}
		k := s.str()
		s.lit(`:`)
		s.ok = s.ok && (first || k > last) && !strings.ContainsFunc(k, func(r rune) bool { return r >= utf8.RuneSelf })
		all[k], last = s.str(), k
	}
	return all
}

// instant takes one in the one spelling there is.
func (s *scanner) instant() time.Time {
	t := s.str()
	if len(t) != len(instant) {
		s.ok = false
		return time.Time{}
	}
	number := func(from, to int) (n int) {
		for _, c := range []byte(t[from:to]) {
			if c < '0' || c > '9' {
				s.ok = false
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	month, day, hour, minute, second := number(5, 7), number(8, 10), number(11, 13), number(14, 16), number(17, 19)
	at := time.Date(number(0, 4), time.Month(month), day, hour, minute, second, number(20, 26)*1000, time.UTC)
	if t[4] != '-' || t[7] != '-' || t[10] != 'T' || t[13] != ':' || t[16] != ':' || t[19] != '.' || t[26] != 'Z' ||
		hour > 23 || minute > 59 || second > 59 || at.Day() != day || int(at.Month()) != month {
		s.ok = false
	}
	return at
}

// oneLine takes an entry's line apart from its end, where the lengths are fixed,
// if it has the form that the Writer gives it. The body is not looked into.
func oneLine(text []byte) (index uint64, r Record, ok bool) {
	body, is := bytes.CutPrefix(text, []byte(`{"entry":`))
	if !is || len(body) <= tailSize {
		return 0, r, false
	}
	head, tail := body[:len(body)-tailSize], body[len(body)-tailSize:]
	at := bytes.LastIndex(head, []byte(`,"index":`))
	if at < 0 {
		return 0, r, false
	}
	n := scanner{text: string(head[at+len(`,"index":`):]), ok: true}
	index = uint64(n.whole())
	const leaf, salt, end = `,"leaf":"`, `","salt":"`, `"}`
	r.Body = head[:at]
	ok = n.ok && n.text == "" && string(tail[:len(leaf)]) == leaf && decodeBytes(tail[len(leaf):len(leaf)+44], &r.Leaf) &&
		string(tail[len(leaf)+44:len(leaf)+44+len(salt)]) == salt && decodeBytes(tail[len(leaf)+44+len(salt):len(leaf)+88+len(salt)], &r.Salt) &&
		string(tail[len(leaf)+88+len(salt):]) == end
	return index, r, ok
}
