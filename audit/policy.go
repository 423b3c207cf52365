package audit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"sigillo/internal/fault"
)

// Policy says which log is trusted, and how many of which witnesses must have
// seen a checkpoint of it (C2SP tlog-policy).
type Policy struct {
	Logs      []note.Verifier
	Witnesses []Witness
	quorum    string // name of a witness or a group; "none" needs nobody
	groups    map[string]group
}

// Witness is one that the policy names.
type Witness struct {
	Name string
	Key  note.Verifier // of its cosignatures
	URL  string        // prefix it is asked under; empty where it is not asked
}

type group struct {
	k       int
	members []string
}

// maxPolicy bounds a policy file, in bytes.
const maxPolicy = 1 << 20

// ErrNotWitnessed says that a checkpoint lacks cosignatures.
var ErrNotWitnessed = fault.New(fault.Conflict, "not-witnessed", "Il checkpoint non è ancora firmato da abbastanza testimoni.",
	"The checkpoint is not signed by enough witnesses yet.")

// ParsePolicy reads a policy file. Fault: bad-policy, with the line.
func ParsePolicy(text []byte) (*Policy, error) {
	p := &Policy{groups: map[string]group{}}
	if len(text) > maxPolicy {
		return nil, badPolicy(0, errors.New("too long"))
	}
	seen := map[string]bool{} // public keys
	used := map[string]bool{} // names that are members already
	for i, line := range strings.Split(string(text), "\n") {
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, badPolicy(i+1, errors.New("a control character"))
		}
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if err := p.line(words, seen, used); err != nil {
			return nil, badPolicy(i+1, err)
		}
	}
	if p.quorum == "" {
		return nil, badPolicy(0, errors.New("no quorum"))
	}
	return p, nil
}

func badPolicy(line int, err error) error {
	return fault.New(fault.Invalid, "bad-policy", "La politica dei testimoni non è valida alla riga %d (%s).", "The policy on witnesses is not valid in line %d (%s).", line, err)
}

func (p *Policy) line(words []string, seen, used map[string]bool) error {
	switch kind := words[0]; {
	case kind == "log" && (len(words) == 2 || len(words) == 3):
		v, err := note.NewVerifier(words[1])
		if err != nil {
			return err
		}
		p.Logs = append(p.Logs, v)
		return fresh(words[1], seen)
	case kind == "witness" && (len(words) == 3 || len(words) == 4):
		if err := p.unnamed(words[1]); err != nil {
			return err
		}
		v, err := cosignature.NewVerifierForCosignatureV1(words[2])
		if err != nil {
			return err
		}
		w := Witness{Name: words[1], Key: v}
		if len(words) == 4 {
			w.URL = words[3]
		}
		p.Witnesses = append(p.Witnesses, w)
		return fresh(words[2], seen)
	case kind == "group" && len(words) >= 4:
		return p.group(words[1], words[2], words[3:], used)
	case kind == "quorum" && len(words) == 2 && p.quorum == "":
		if words[1] != "none" && p.unnamed(words[1]) == nil {
			return fmt.Errorf("%s is not defined", words[1])
		}
		p.quorum = words[1]
		return nil
	}
	return errors.New("not a line of a policy")
}

// fresh refuses a public key that is named twice, under whatever name.
func fresh(vkey string, seen map[string]bool) error {
	_, key, _ := strings.Cut(vkey, "+")
	_, key, _ = strings.Cut(key, "+")
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(raw) < 2 {
		return errors.New("not a key")
	}
	if seen[string(raw[1:])] {
		return errors.New("the same key twice")
	}
	seen[string(raw[1:])] = true
	return nil
}

// unnamed refuses a name that is taken.
func (p *Policy) unnamed(name string) error {
	_, taken := p.groups[name]
	for _, w := range p.Witnesses {
		taken = taken || w.Name == name
	}
	if taken || name == "none" {
		return fmt.Errorf("the name %s is taken", name)
	}
	return nil
}

func (p *Policy) group(name, k string, members []string, used map[string]bool) error {
	if err := p.unnamed(name); err != nil {
		return err
	}
	for _, m := range members {
		if m == "none" || p.unnamed(m) == nil {
			return fmt.Errorf("%s is not defined", m)
		}
		if used[m] {
			return fmt.Errorf("%s is a member twice", m)
		}
		used[m] = true
	}
	n, err := strconv.Atoi(k)
	switch {
	case k == "any":
		n = 1
	case k == "all":
		n = len(members)
	case err != nil || n < 1 || n > len(members) || strconv.Itoa(n) != k:
		return errors.New("not a threshold")
	}
	p.groups[name] = group{n, members}
	return nil
}

// Check opens a checkpoint that one of the logs must have signed, and enough of
// the witnesses. Signatures by others are passed over. Faults: not-witnessed,
// wrong-key, bad-signature, bad-checkpoint.
func (p *Policy) Check(text string) (Checkpoint, error) {
	err := error(ErrWrongKey)
	for _, log := range p.Logs {
		var c Checkpoint
		var signed []note.Signature
		if c, signed, err = openNote(text, log, p.keys()); err != nil {
			continue
		}
		if c.Origin != log.Name() {
			return c, ErrWrongKey.Because(errors.New("the log of another name"))
		}
		if !p.saw(p.quorum, signed) {
			return c, ErrNotWitnessed
		}
		return c, nil
	}
	return Checkpoint{}, err
}

func (p *Policy) keys() note.Verifiers {
	all := make([]note.Verifier, len(p.Witnesses))
	for i, w := range p.Witnesses {
		all[i] = w.Key
	}
	return note.VerifierList(all...)
}

// saw tells whether a witness has signed, or enough members of a group.
func (p *Policy) saw(name string, signed []note.Signature) bool {
	if name == "none" {
		return true
	}
	if g, ok := p.groups[name]; ok {
		n := 0
		for _, m := range g.members {
			if p.saw(m, signed) {
				n++
			}
		}
		return n >= g.k
	}
	for _, w := range p.Witnesses {
		if w.Name != name {
			continue
		}
		for _, s := range signed {
			if s.Name == w.Key.Name() && s.Hash == w.Key.KeyHash() {
				return true
			}
		}
	}
	return false
}

// Cosigned adds to a checkpoint the cosignature that a witness answered with,
// leaving out whatever else it sent. Faults: as Check, and not-cosigned.
func (w Witness) Cosigned(text string, log note.Verifier, lines string) (string, error) {
	_, signed, err := openNote(text+lines, log, note.VerifierList(w.Key))
	if err != nil {
		return "", err
	}
	for _, s := range signed {
		if s.Name == w.Key.Name() && s.Hash == w.Key.KeyHash() {
			return text + "— " + s.Name + " " + s.Base64 + "\n", nil
		}
	}
	return "", fault.New(fault.Unavailable, "not-cosigned", "Il testimone %s non ha risposto con la sua firma.", "Witness %s did not answer with its signature.", w.Name)
}
