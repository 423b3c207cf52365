package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"sigillo/internal/fault"
	"sigillo/internal/timestamp"
	"sigillo/tender"
)

type verifyTimestampCommand struct {
	Token   string `required:"" help:"The time stamp (RFC 3161 token, DER)."`
	Anchors string `required:"" help:"Certificates that the time-stamping authority must chain to: PEM, or an ETSI trusted list (XML)."`
	Stamped string `arg:"" name:"file-or-digest" help:"What was stamped: a file, or its SHA-256 in hexadecimal."`
}

// Run checks a time stamp without any network.
func (c *verifyTimestampCommand) Run(w *world) error {
	token, err := os.ReadFile(c.Token)
	if err != nil {
		return err
	}
	anchors, err := readTrust(c.Anchors)
	if err != nil {
		return err
	}
	digest, err := digestOf(c.Stamped)
	if err != nil {
		return err
	}
	s, err := timestamp.Verify(token, digest, anchors, time.Now())
	if err != nil {
		return err
	}
	say := func(it, en string, args ...any) { fmt.Fprintln(w.out, fault.T(it, en, args...).In(w.lang)) }
	say("Impronta SHA-256 %x", "SHA-256 digest %x", digest)
	say("Esisteva il %s (%s)", "Existed on %s (%s)", tender.InRomeExactly(s.At), s.At.Format(time.RFC3339Nano))
	if s.Accuracy > 0 {
		say("Precisione dichiarata: %s", "Stated accuracy: %s", s.Accuracy)
	}
	say("Marca %s di %q, politica %s", "Time stamp %s by %q, policy %s", s.Serial, s.TSA, s.Policy)
	say("VERIFICATA: impronta, firma e catena dei certificati corrispondono. La revoca dei certificati non è stata controllata.",
		"VERIFIED: digest, signature and chain of certificates all match. Revocation of the certificates was not checked.")
	return nil
}

// digestOf is the SHA-256 of a file; where there is no such file, the digest
// that the argument spells.
func digestOf(fileOrDigest string) (digest [32]byte, err error) {
	f, err := os.Open(fileOrDigest)
	if errors.Is(err, fs.ErrNotExist) {
		if sum, bad := hex.DecodeString(fileOrDigest); bad == nil && len(sum) == len(digest) {
			return [32]byte(sum), nil
		}
	}
	if err != nil {
		return digest, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return digest, err
	}
	return [32]byte(h.Sum(nil)), nil
}
