import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { join, utf8, xor } from "./bytes.js";
import { context } from "./label.js";
import { shareOf } from "./shamir.js";

/** Bytes of a file key, and of each of its pieces. */
export const keySize = 16;

/**
 * All that follows from a file key and a label (format, section 4). Anybody may
 * compute it once an envelope is open, and tell a false share from a true one.
 * @param {Uint8Array} fileKey
 * @param {import("./label.js").Label} label
 * @param {number} threshold
 * @param {number} custodians
 * @returns {{shares: Uint8Array[], commitments: Uint8Array[]}} the platform's first
 */
export function deal(fileKey, label, threshold, custodians) {
  const salt = sha256(context(label));
  const derive = (info) => hkdf(sha256, fileKey, salt, utf8(info), keySize);
  const platform = derive("platform part");
  const secret = xor(xor(fileKey, platform), binding(label));
  const coefficients = [];
  for (let j = 1; j < threshold; j++) coefficients.push(derive(`coefficient ${j}`));
  const shares = [platform];
  for (let i = 1; i <= custodians; i++) shares.push(shareOf(secret, coefficients, i));
  return { shares, commitments: shares.map((share, i) => commitment(share, i, label)) };
}

/** @param {import("./label.js").Label} label */
export const binding = (label) => sha256(join(utf8("binding\n"), context(label))).subarray(0, keySize);

/**
 * @param {Uint8Array} share
 * @param {number} index
 * @param {import("./label.js").Label} label
 */
export const commitment = (share, index, label) => hmac(sha256, share, join(utf8(`share ${index}\n`), context(label))).subarray(0, keySize);
