// Package browser is the sealed envelope for browsers: a JavaScript module that
// bidders' and custodians' pages load.
//
// It promises that what the module seals package seal opens, and the reverse,
// with the same refusals by the same codes; that keys and what is inside an
// envelope never leave the functions of the module but as their results; and
// that the module served is the one whose digest is published. It knows nothing
// of pages, of the network, nor of who keeps the private keys.
//
// The module is built from src with "npm ci && npm run build", and committed.
package browser

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
)

//go:embed sigillo-seal.js
var bundle []byte

//go:embed LICENCES
var licences string

// Bundle is the module, an ECMAScript module in UTF-8.
func Bundle() []byte { return bytes.Clone(bundle) }

// Digest is the SHA-256 of the module in hexadecimal, to be logged and
// published, so that anybody can tell whether a page served another.
func Digest() string {
	sum := sha256.Sum256(bundle)
	return hex.EncodeToString(sum[:])
}

// Licences are those of the libraries within the module, which must stand
// wherever it does.
func Licences() string { return licences }
