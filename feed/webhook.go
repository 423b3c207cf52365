package feed

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// Owner is the body that is told: an authority or a supplier.
type Owner struct {
	Authority string `json:"authority,omitempty"`
	Supplier  string `json:"supplier,omitempty"`
}

// Webhook is a body's wish to be told at an address.
type Webhook struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Owner
	Address   string     `json:"address"`
	Kinds     []Kind     `json:"kinds,omitempty"` // none: all
	Secret    []byte     `json:"secret,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	End       End        `json:"end,omitempty"`
}

// End is why a webhook ended.
type End string

// The ends.
const (
	Unsubscribed End = "unsubscribed" // by its owner
	GoneAway     End = "gone"         // the receiver said that it is no more (410)
	Exhausted    End = "exhausted"    // it failed for three days
)

// Subject of a webhook is its owner's.
func (w *Webhook) Subject() act.Subject {
	state := "active"
	if w.EndedAt != nil {
		state = string(w.End)
	}
	return act.Subject{Type: "webhook", ID: w.ID, Version: w.Version, State: state, Authority: w.Authority, Supplier: w.Supplier}
}

// Kept is the webhook without its secret, which stands in no snapshot.
func (w *Webhook) Kept() any {
	kept := *w
	kept.Secret = nil
	return &kept
}

// Shown is the secret in the form that Standard Webhooks gives it.
func (w *Webhook) Shown() string { return "whsec_" + base64.StdEncoding.EncodeToString(w.Secret) }

// Actions are those that are told.
func (w *Webhook) Actions() []string {
	var all []string
	for _, r := range public {
		if len(w.Kinds) == 0 || slices.Contains(w.Kinds, r.kind) {
			all = append(all, string(r.action))
		}
	}
	return all
}

func (w *Webhook) check() error {
	var fs fault.Fields
	for i, k := range w.Kinds {
		if !slices.Contains(Kinds(), k) || slices.Contains(w.Kinds[:i], k) {
			fs.Add("/kinds", "unknown-code", "Tipo di evento ignoto o ripetuto: %s.", "Kind of event unknown or repeated: %s.", string(k))
		}
	}
	return fs.Err("bad-webhook", "Sottoscrizione non valida.", "Invalid subscription.")
}

// newSecret is 32 bytes at random: as long as the hash it keys.
func newSecret() []byte {
	secret := make([]byte, 32)
	rand.Read(secret)
	return secret
}

// stop ends a webhook.
func (w *Webhook) stop(why End, at time.Time) error {
	if w.EndedAt != nil {
		return fault.New(fault.Conflict, "already-ended", "La sottoscrizione è già terminata.", "The subscription has already ended.")
	}
	w.End, w.EndedAt = why, &at
	return nil
}

// Body is what is sent of a change, in the form of Standard Webhooks.
func Body(c Change) ([]byte, error) {
	return json.Marshal(struct {
		Type      Kind      `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      Change    `json:"data"`
	}{c.Kind, c.At, c})
}
