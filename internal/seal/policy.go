package seal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"

	"sigillo/internal/fault"
)

// MaxCustodians is the most shares an authority's part is split in.
const MaxCustodians = 12

// Policy says to whom an envelope is sealed: it takes the platform's key and
// those of any Threshold custodians to open it.
type Policy struct {
	Platform   string   `json:"platform"`   // age recipient of the lot and envelope
	Custodians []string `json:"custodians"` // age recipients, in the order of the notice
	Threshold  int      `json:"threshold"`
}

// Check refuses a policy nobody could seal to. Fault: bad-recipient.
func (p Policy) Check() error { _, err := p.recipients(); return err }

// recipients gives the platform's, then the custodians'.
func (p Policy) recipients() ([]age.Recipient, error) {
	if n := len(p.Custodians); n < 1 || n > MaxCustodians || p.Threshold < 1 || p.Threshold > n {
		return nil, badRecipient(fmt.Errorf("%d of %d custodians", p.Threshold, n))
	}
	var all []age.Recipient
	for _, text := range append([]string{p.Platform}, p.Custodians...) {
		r, err := ParseRecipient(text)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// ParseRecipient reads one public key of the kinds envelopes are sealed to:
// X25519, or the post-quantum hybrid. Fault: bad-recipient.
func ParseRecipient(text string) (age.Recipient, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, badRecipient(errors.New("more than one line"))
	}
	if strings.HasPrefix(text, "age1pq1") {
		r, err := age.ParseHybridRecipient(text)
		if err != nil {
			return nil, badRecipient(errors.New("not a post-quantum public key"))
		}
		return r, nil
	}
	r, err := age.ParseX25519Recipient(text)
	if err != nil {
		return nil, badRecipient(errors.New("not a public key"))
	}
	return r, nil
}

func badRecipient(cause error) error {
	return fault.New(fault.Invalid, "bad-recipient", "La chiave pubblica della busta non è valida: scarichi di nuovo la gara.",
		"The envelope's public key is not valid: fetch the tender again.").Because(cause)
}

// Fingerprint of a public key, for people to compare: the first 16 bytes of its
// SHA-256 in groups of four hexadecimal digits.
func Fingerprint(recipient string) string {
	sum := sha256.Sum256([]byte(recipient))
	digits := hex.EncodeToString(sum[:16])
	var groups []string
	for i := 0; i < len(digits); i += 4 {
		groups = append(groups, digits[i:i+4])
	}
	return strings.Join(groups, " ")
}

// String keeps a policy short in messages.
func (p Policy) String() string {
	return fmt.Sprintf("platform and %d of %d custodians", p.Threshold, len(p.Custodians))
}
