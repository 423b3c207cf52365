// Package bids owns the offers: drafts, sealed envelopes, submission,
// replacement and withdrawal, the closing of a lot and the opening of its
// envelopes.
//
// It promises that before the opening nobody but the bidder can learn anything
// of a bid, that what was received before the deadline counts and nothing else
// does, and that an envelope is opened once, by a recorded act, and only when
// its gate is open. It sees ciphertext; private keys are held by a sealer
// behind an interface. It does not know how bids are judged.
package bids
