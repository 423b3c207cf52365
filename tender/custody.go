package tender

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"sigillo/internal/fault"
	"sigillo/internal/seal"
)

// Mode is how the authority's part of the keys is kept. The platform's part is
// needed in every mode.
type Mode string

// The modes of custody.
const (
	// Standard: any one of the RUP's key and a printed recovery key.
	Standard Mode = "standard"
	// Commission: any Threshold of several custodians. They are custodians of
	// keys and not the commission of art. 93, which is named after the deadline.
	Commission Mode = "commission"
	// Rehearsal: the platform alone can open. For demonstrations and exercises;
	// its keys belong to another hierarchy, which opens nothing real (INC-03).
	Rehearsal Mode = "demo"
)

// CustodianKind is what a key of the authority is for.
type CustodianKind string

// The kinds of custodian.
const (
	RUPKey      CustodianKind = "rup"
	RecoveryKey CustodianKind = "recovery" // on paper, in a sealed envelope at the protocol office
	PersonKey   CustodianKind = "custodian"
	// GuarantorKey is kept by an independent body. It opens alone with the
	// platform, but only after the signatory has broken the glass and a delay
	// has passed, all of it in the register.
	GuarantorKey CustodianKind = "guarantor"
)

// Custody says who must take part in opening the envelopes. It is fixed by the
// publication and stands in the notice.
type Custody struct {
	Mode       Mode        `json:"mode"`
	Threshold  int         `json:"threshold"` // how many custodians are needed
	Custodians []Custodian `json:"custodians"`
	// Delay in hours between breaking the glass and the guarantor's release.
	Delay int `json:"delay,omitempty"`
}

// Custodian is one key of the authority, made on its holder's own computer. The
// platform only ever sees the public half.
type Custodian struct {
	Kind      CustodianKind `json:"kind"`
	Name      string        `json:"name"`
	Person    string        `json:"person,omitempty"` // who holds it; nobody for a recovery key
	Recipient string        `json:"recipient"`        // age public key
	// Fingerprint of the public key, for people to compare.
	Fingerprint string `json:"fingerprint"`
}

// KeyTest says that a key was tried before the publication: its holder
// decrypted a challenge.
type KeyTest struct {
	Recipient string    `json:"recipient"`
	Challenge string    `json:"challenge,omitempty"` // SHA-256 of the answer awaited, hex
	PassedAt  time.Time `json:"passed_at,omitzero"`
	By        string    `json:"by,omitempty"`
}

// MinimumDelay is the least number of hours a guarantor waits.
const MinimumDelay = 24

// Policy says to whom an envelope with this platform key is sealed. A guarantor
// holds as many shares as the threshold asks for.
func (c Custody) Policy(platform string) seal.Policy {
	if c.Mode == Rehearsal {
		return seal.Policy{Platform: platform, Custodians: []string{platform}, Threshold: 1}
	}
	p := seal.Policy{Platform: platform, Threshold: c.Threshold}
	for _, one := range c.Custodians {
		p.Custodians = append(p.Custodians, slices.Repeat([]string{one.Recipient}, c.shares(one))...)
	}
	return p
}

func (c Custody) shares(one Custodian) int {
	if one.Kind == GuarantorKey {
		return c.Threshold
	}
	return 1
}

// Places lists the shares, from 1, that the custodian at an index holds.
func (c Custody) Places(index int) []int {
	place := 1
	for i, one := range c.Custodians {
		var mine []int
		for range c.shares(one) {
			mine = append(mine, place)
			place++
		}
		if i == index {
			return mine
		}
	}
	return nil
}

// Holders lists the persons who hold keys.
func (c Custody) Holders() []string {
	var all []string
	for _, one := range c.Custodians {
		if one.Person != "" {
			all = append(all, one.Person)
		}
	}
	return all
}

// tidy computes the fingerprints: what people compare is never typed.
func (c Custody) tidy() Custody {
	c.Custodians = slices.Clone(c.Custodians)
	for i := range c.Custodians {
		c.Custodians[i].Fingerprint = ""
		if r := c.Custodians[i].Recipient; r != "" {
			c.Custodians[i].Fingerprint = seal.Fingerprint(r)
		}
	}
	return c
}

// form checks what even a draft must respect.
func (c Custody) form(fs *fault.Fields) {
	if !slices.Contains([]Mode{"", Standard, Commission, Rehearsal}, c.Mode) {
		fs.Add("/custody/mode", "unknown-code", "Scelga standard, commission o demo.", "Choose standard, commission or demo.")
	}
	bound(fs, "/custody/custodians", len(c.Custodians), seal.MaxCustodians)
	if c.Threshold < 0 || c.Threshold > seal.MaxCustodians || c.Delay < 0 || c.Delay > 24*30 {
		fs.Add("/custody/threshold", "out-of-range", "Soglia o attesa fuori dai limiti.", "Threshold or delay out of range.")
	}
	seen := map[string]bool{}
	for i, one := range c.Custodians {
		at := fmt.Sprintf("/custody/custodians/%d", i)
		line(fs, at+"/name", one.Name, maxLine)
		if !slices.Contains([]CustodianKind{RUPKey, RecoveryKey, PersonKey, GuarantorKey}, one.Kind) {
			fs.Add(at+"/kind", "unknown-code", "Scelga rup, recovery, custodian o guarantor.", "Choose rup, recovery, custodian or guarantor.")
		}
		if one.Recipient == "" {
			continue
		}
		if _, err := seal.ParseRecipient(one.Recipient); err != nil {
			fs.Add(at+"/recipient", "bad-recipient", "Non è una chiave pubblica: la copi per intero (comincia con age1).",
				"This is not a public key: copy it whole (it begins with age1).")
		} else if seen[one.Recipient] {
			fs.Add(at+"/recipient", "duplicate", "La stessa chiave compare due volte.", "The same key appears twice.")
		}
		seen[one.Recipient] = true
	}
}

// check reports what the law of the house demands of custody before the
// publication: nobody opens alone, nobody is indispensable alone, every key has
// been tried.
func (t *Tender) checkCustody(r *Report) {
	c := t.Custody
	switch c.Mode {
	case "":
		r.block("missing-custody", "art. 25", "/custody/mode",
			"Scelga chi custodisce le chiavi delle buste: standard (RUP e chiave di recupero) o commission (k custodi su n).",
			"Choose who keeps the keys of the envelopes: standard (RUP and recovery key) or commission (k of n custodians).")
		return
	case Rehearsal:
		r.warn("rehearsal", "", "/custody/mode", "Gara di prova: la piattaforma può aprire le buste da sola. Non va usata per una gara vera.",
			"Rehearsal: the platform alone can open the envelopes. Not to be used for a real tender.")
		return
	case Standard:
		kinds := map[CustodianKind]int{}
		for _, one := range c.Custodians {
			kinds[one.Kind]++
		}
		if len(c.Custodians) != 2 || kinds[RUPKey] != 1 || kinds[RecoveryKey] != 1 || c.Threshold != 1 {
			r.block("standard-custody", "art. 25", "/custody/custodians",
				"La custodia standard ha due chiavi, del RUP e di recupero, e ne basta una (soglia 1).",
				"Standard custody has two keys, the RUP's and a recovery key, one of which is enough (threshold 1).")
		}
	case Commission:
		t.checkCommission(r)
	}
	for i, one := range c.Custodians {
		at := fmt.Sprintf("/custody/custodians/%d", i)
		switch {
		case one.Name == "":
			r.block("missing-custodian-name", "art. 25", at+"/name", "Indichi il nome del custode: sta nel bando.", "State the custodian's name: it stands in the notice.")
		case one.Kind == RUPKey && one.Person != t.RUP:
			r.block("not-the-rup", "art. 15", at+"/person", "La chiave del RUP è del RUP della gara.", "The RUP's key belongs to the RUP of the tender.")
		case one.Kind != RecoveryKey && one.Person == "":
			r.block("missing-custodian", "art. 25", at+"/person", "Indichi la persona che custodisce la chiave.", "State the person who keeps the key.")
		case one.Recipient == "":
			r.block("missing-key", "art. 25", at+"/recipient", "Manca la chiave pubblica di %s: si crea con «sigillo key new».",
				"The public key of %s is missing: make it with “sigillo key new”.", one.Name)
		case !t.tested(one.Recipient):
			r.block("untested-key", "art. 25", at, "La chiave di %s non è stata provata: senza prova le buste potrebbero restare chiuse.",
				"The key of %s has not been tried: without a trial the envelopes might stay shut.", one.Name)
		}
	}
}

func (t *Tender) checkCommission(r *Report) {
	c, n, guarantors := t.Custody, 0, 0
	for _, one := range c.Custodians {
		if one.Kind == GuarantorKey {
			guarantors++
		} else {
			n++
		}
	}
	if n < 2 || c.Threshold < 2 || c.Threshold > n {
		r.block("commission-custody", "art. 25", "/custody/threshold",
			"Servono almeno due custodi, e una soglia da due al loro numero.", "At least two custodians are needed, and a threshold from two to their number.")
	}
	if c.Threshold == n && n > 0 && guarantors == 0 {
		r.warn("nobody-spare", "art. 25", "/custody/threshold",
			"Se un solo custode perde la chiave, le buste restano chiuse per sempre: abbassi la soglia o aggiunga un garante.",
			"If a single custodian loses the key, the envelopes stay shut for ever: lower the threshold or add a guarantor.")
	}
	if guarantors > 1 || len(c.Policy("").Custodians) > seal.MaxCustodians {
		r.block("too-many-custodians", "art. 25", "/custody/custodians", "Un solo garante, e al massimo %d quote in tutto.",
			"One guarantor only, and at most %d shares in all.", seal.MaxCustodians)
	}
	if guarantors == 1 && c.Delay < MinimumDelay {
		r.block("delay-too-short", "art. 25", "/custody/delay", "L'attesa del garante è di almeno %d ore.", "The guarantor waits at least %d hours.", MinimumDelay)
	}
	if holders := c.Holders(); len(slices.Compact(slices.Sorted(slices.Values(holders)))) != len(holders) {
		r.block("one-person-two-keys", "art. 25", "/custody/custodians", "Una persona custodisce una sola chiave.", "A person keeps one key only.")
	}
}

func (t *Tender) tested(recipient string) bool {
	return slices.ContainsFunc(t.KeyTests, func(k KeyTest) bool { return k.Recipient == recipient && !k.PassedAt.IsZero() })
}

// Challenge notes the answer that the holder of a custodian's key will find in
// a test message.
func (t *Tender) Challenge(index int, answer string) (Custodian, error) {
	one, err := t.custodian(index)
	if err != nil {
		return one, err
	}
	sum := sha256.Sum256([]byte(answer))
	t.KeyTests = append(t.untestedExcept(one.Recipient), KeyTest{Recipient: one.Recipient, Challenge: hex.EncodeToString(sum[:])})
	return one, nil
}

// untestedExcept keeps the tests of keys that are still in the custody, but
// for one that is being tested anew.
func (t *Tender) untestedExcept(recipient string) []KeyTest {
	return slices.DeleteFunc(slices.Clone(t.KeyTests), func(k KeyTest) bool {
		return k.Recipient == recipient || !slices.ContainsFunc(t.Custody.Custodians, func(c Custodian) bool { return c.Recipient == k.Recipient })
	})
}

// PassTest notes that a person found the answer. The key of a person is tried
// by that person, a recovery key by whoever has it in hand.
func (t *Tender) PassTest(index int, person, answer string, at time.Time) error {
	one, err := t.custodian(index)
	if err != nil {
		return err
	}
	if one.Person != "" && one.Person != person {
		return fault.New(fault.Forbidden, "not-your-key", "Questa chiave la prova solo chi la custodisce: %s.", "Only its keeper tries this key: %s.", one.Name)
	}
	sum := sha256.Sum256([]byte(answer))
	for i, k := range t.KeyTests {
		if k.Recipient == one.Recipient && k.Challenge == hex.EncodeToString(sum[:]) {
			t.KeyTests = slices.Clone(t.KeyTests)
			t.KeyTests[i] = KeyTest{Recipient: one.Recipient, PassedAt: at, By: person}
			return nil
		}
	}
	return fault.New(fault.Invalid, "key-test-failed", "La risposta non è quella della prova: usi la chiave con l'impronta %s, e chieda una nuova prova.",
		"This is not the answer of the test: use the key with the fingerprint %s, and ask for a new test.", one.Fingerprint)
}

func (t *Tender) custodian(index int) (Custodian, error) {
	if t.PublishedAt != nil {
		return Custodian{}, fault.New(fault.Conflict, "already-published", "Le chiavi si provano prima della pubblicazione.", "Keys are tried before the publication.")
	}
	if index < 0 || index >= len(t.Custody.Custodians) || t.Custody.Custodians[index].Recipient == "" {
		return Custodian{}, fault.Missing("custodian")
	}
	return t.Custody.Custodians[index], nil
}

// KeysFingerprint is one fingerprint of all the keys of a tender, the platform's
// and the custodians', with the threshold: who compares it with the printed
// notice knows that nobody was given other keys (AT-039, INC-38).
func KeysFingerprint(keys []Key, c Custody) string {
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%s %s %s\n", k.Lot, k.Envelope, k.Recipient)
	}
	fmt.Fprintf(&b, "%s %d\n", c.Mode, c.Threshold)
	for _, one := range c.Custodians {
		fmt.Fprintf(&b, "%s %s\n", one.Kind, one.Recipient)
	}
	return seal.Fingerprint(b.String())
}

// Policy is the one by which an envelope of a lot is sealed.
func (t *Tender) Policy(lot string, e Envelope) (seal.Policy, bool) {
	r, ok := t.Recipient(lot, e)
	return t.Custody.Policy(r), ok
}
