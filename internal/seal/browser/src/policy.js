import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { generateHybridIdentity, HybridIdentity, HybridRecipient, identityToRecipient, X25519Identity, X25519Recipient } from "./age.js";
import { utf8 } from "./bytes.js";
import { cannot, SealError } from "./error.js";

/** The most shares an authority's part is split in. */
export const maxCustodians = 12;

/**
 * To whom an envelope is sealed: the platform, and the custodians in the order
 * of the notice, any threshold of whom open it with the platform.
 * @typedef {{platform: string, custodians: string[], threshold: number}} Policy
 */

/** The platform's, then the custodians'.
 * @param {Policy} p
 */
export function recipients(p) {
  const n = Array.isArray(p?.custodians) ? p.custodians.length : 0;
  if (n < 1 || n > maxCustodians || !Number.isInteger(p.threshold) || p.threshold < 1 || p.threshold > n) {
    throw badRecipient("an impossible number of custodians");
  }
  return [p.platform, ...p.custodians].map((text) => {
    try {
      return text.startsWith("age1pq1") ? new HybridRecipient(text) : new X25519Recipient(text);
    } catch {
      throw badRecipient("not a public key");
    }
  });
}

/** @param {string} reason */
export const badRecipient = (reason) => new SealError("bad-recipient", reason);

/** Reads a private key of either kind.
 * @param {string} text
 */
export function identityOf(text) {
  try {
    return text.startsWith("AGE-SECRET-KEY-PQ-1") ? new HybridIdentity(text) : new X25519Identity(text);
  } catch {
    throw cannot("not a private key");
  }
}

/**
 * Makes a post-quantum pair of keys.
 * @returns {Promise<{identity: string, recipient: string}>} the private and the public key
 */
export async function generateKey() {
  const identity = await generateHybridIdentity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/**
 * Of a public key, for people to compare: groups of four hexadecimal digits.
 * @param {string} recipient
 */
export const fingerprint = (recipient) => bytesToHex(sha256(utf8(recipient)).subarray(0, 16)).match(/.{4}/g).join(" ");
