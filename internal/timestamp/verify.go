package timestamp

import (
	"bytes"
	"fmt"
	"math/big"
	"time"

	"sigillo/internal/fault"
	"sigillo/internal/signature"
)

// Stamped is what a good time stamp says.
type Stamped struct {
	At       time.Time     // UTC
	Accuracy time.Duration // how far the true time may lie from it; 0 when not stated
	Serial   string        // of the token, hexadecimal
	Policy   string        // under which it was made: an object identifier
	TSA      string        // who made it, from the certificate
}

// maxToken bounds a token, in bytes; usual ones have two to eight thousand.
const maxToken = 64 << 10

// leeway is how far two clocks may disagree.
const leeway = 5 * time.Minute

// The faults of a stamp, told apart by errors.Is. Those of a signature that does
// not hold ("unsound-time-stamp") and of a maker whom nobody vouches for
// ("untrusted-time-stamp") come from package signature.
var (
	ErrNotAStamp = fault.New(fault.Malformed, "not-a-time-stamp",
		"Non è una marca temporale (RFC 3161) scritta in modo valido: la scarichi di nuovo.",
		"This is not a validly written time stamp (RFC 3161): download it again.")
	ErrOtherDigest = fault.New(fault.Invalid, "stamp-of-another",
		"La marca temporale riguarda un altro documento, o un'impronta diversa da SHA-256.",
		"The time stamp is of another document, or of a digest other than SHA-256.")
	ErrOtherNonce = fault.New(fault.Invalid, "stamp-nonce",
		"La marca temporale non risponde a questa richiesta: può essere una risposta vecchia.",
		"The time stamp does not answer this request: it may be an old answer.")
	ErrFuture = fault.New(fault.Invalid, "stamp-from-the-future",
		"La marca temporale è datata nel futuro: controlli l'orologio di questo computer.",
		"The time stamp is dated in the future: check this computer's clock.")
	ErrClocks = fault.New(fault.Invalid, "stamp-clock",
		"L'ora della marca temporale e quella del sistema differiscono di oltre cinque minuti: controlli la sincronizzazione dell'orologio.",
		"The time of the time stamp and the system's differ by more than five minutes: check that the clock is synchronised.")
)

// Verify tells what a token proves of a SHA-256 digest, without any network. at
// is the present: no stamp is from later. The certificate is judged at the time
// of the stamp, so that one stays good after its certificate has ended. The
// error is a fault.
func Verify(token []byte, digest [32]byte, anchors *signature.Trust, at time.Time) (Stamped, error) {
	return verify(token, digest, nil, anchors, at)
}

// verify compares the nonce too, where it is known.
func verify(token []byte, digest [32]byte, nonce *big.Int, anchors *signature.Trust, at time.Time) (Stamped, error) {
	if len(token) > maxToken || !isDER(token) {
		return Stamped{}, ErrNotAStamp
	}
	held, err := signature.OpenStamp(token)
	if err != nil {
		return Stamped{}, err
	}
	i, ok := readInfo(held.Info)
	switch {
	case !ok:
		return Stamped{}, ErrNotAStamp
	case !i.sha256 || !bytes.Equal(i.imprint, digest[:]):
		return Stamped{}, ErrOtherDigest
	case nonce != nil && (i.nonce == nil || i.nonce.Cmp(nonce) != 0):
		return Stamped{}, ErrOtherNonce
	case i.at.After(at.Add(leeway)):
		return Stamped{}, ErrFuture
	}
	if err := held.VouchedBy(anchors, i.at); err != nil {
		return Stamped{}, err
	}
	return Stamped{At: i.at, Accuracy: i.accuracy, Serial: fmt.Sprintf("%x", i.serial), Policy: i.policy.String(), TSA: held.Name}, nil
}
