// Package docs is not documentation: it is the documents domain, the papers of
// a tender and what envelopes contain.
//
// It promises that a document is named by the SHA-256 of its bytes, is written
// once and never changed, and that the format check a supplier runs before
// sealing is the one an official runs after opening. It does not know where
// bytes are kept (see Vault) nor who may read them.
package docs
