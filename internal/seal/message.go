package seal

import (
	"bytes"
	"errors"
	"io"

	"filippo.io/age"

	"sigillo/internal/fault"
)

// maxMessage bounds what a Message may hold, in bytes.
const maxMessage = 4 << 20

// Message encrypts something short to one key: the test of a custodian's key,
// or released shares on their way to the sealer. Fault: bad-recipient.
func Message(recipient string, text []byte) ([]byte, error) {
	r, err := ParseRecipient(recipient)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// ReadMessage decrypts a Message. Fault: wrong-message, which never quotes it.
func ReadMessage(message []byte, id age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(message), id)
	if err == nil {
		var text []byte
		if text, err = io.ReadAll(io.LimitReader(r, maxMessage+1)); err == nil && len(text) <= maxMessage {
			return text, nil
		}
	}
	return nil, fault.New(fault.Invalid, "wrong-message", "Il messaggio non è cifrato per questa chiave, o è danneggiato.",
		"The message is not encrypted to this key, or is damaged.").Because(errors.New("it does not decrypt"))
}

// ParseIdentity reads a private key from the text of a key file: one key, and
// comments. Fault: bad-key, which never quotes it.
func ParseIdentity(text []byte) (age.Identity, string, error) {
	wrong := fault.New(fault.Invalid, "bad-key", "Il file non contiene una chiave privata: ne serve una sola, che comincia con AGE-SECRET-KEY-.",
		"The file holds no private key: exactly one is needed, which begins with AGE-SECRET-KEY-.")
	all, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil || len(all) != 1 {
		return nil, "", wrong
	}
	switch id := all[0].(type) {
	case *age.HybridIdentity:
		return id, id.Recipient().String(), nil
	case *age.X25519Identity:
		return id, id.Recipient().String(), nil
	}
	return nil, "", wrong
}

// NewIdentity makes a private key of the post-quantum hybrid kind, as the text
// of a key file, and its public half.
func NewIdentity() (private, recipient string, err error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return "", "", err
	}
	return id.String(), id.Recipient().String(), nil
}
