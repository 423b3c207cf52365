// What is taken from typage. Its recipients and its header are not among its
// exports, but shares are wrapped exactly as it wraps file keys, so its own
// code does it; the pinned version keeps these paths in place.
export { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient, Stanza } from "age-encryption";
export { encodeHeader, parseHeader } from "../node_modules/age-encryption/dist/format.js";
export { HybridIdentity, HybridRecipient, X25519Identity, X25519Recipient } from "../node_modules/age-encryption/dist/recipients.js";
