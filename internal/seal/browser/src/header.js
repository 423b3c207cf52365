import { base64nopad } from "@scure/base";
import { encodeHeader, parseHeader, Stanza } from "./age.js";
import { same, utf8 } from "./bytes.js";
import { deal, keySize } from "./deal.js";
import { damaged, SealError } from "./error.js";
import { scopeOf } from "./label.js";
import { badRecipient, maxCustodians } from "./policy.js";

const family = "age-encryption.org/"; // how the first line of every version begins
export const maxHeader = 32 << 10; // bytes; one post-quantum share takes about 1.6 KiB

const sealStanza = "sigillo-seal";
const shareStanza = "sigillo-share";
const version = "2";
const accepted = ["X25519", "mlkem768x25519"];

/**
 * The header of an envelope: all that is needed to ask for its file key.
 * @param {Blob} blob
 * @returns {Promise<Uint8Array>}
 */
export async function header(blob) {
  const front = new Uint8Array(await blob.slice(0, maxHeader).arrayBuffer());
  if (!same(front.subarray(0, family.length), utf8(family))) {
    throw new SealError("not-sealed", "the file is not a sealed envelope");
  }
  const length = headerLength(front);
  if (length < 0 || (await stanzas(front.subarray(0, length))) === null) throw damaged("the header cannot be read");
  return front.slice(0, length);
}

/** How long the header is that these bytes begin with, or -1 when its end is
 * not among them.
 * @param {Uint8Array} front
 */
export function headerLength(front) {
  const text = new TextDecoder("latin1").decode(front);
  const last = text.indexOf("\n--- ");
  return last < 0 ? -1 : text.indexOf("\n", last + 1) + 1 || -1;
}

/** The stanzas of a header in its one spelling, or null.
 * @param {Uint8Array} header
 */
async function stanzas(header) {
  try {
    const h = await parseHeader(new Blob([header]).stream());
    return h.MAC.length === 32 && same(encodeHeader(h.stanzas, h.MAC), header) ? h.stanzas : null;
  } catch {
    return null;
  }
}

/**
 * A header of this format, read: one spelling, one order, no stanza of another
 * kind.
 * @typedef {{threshold: number, scope: Uint8Array, shares: {commitment: Uint8Array, inner: Stanza}[]}} Shape
 */

/**
 * @param {Uint8Array} header
 * @returns {Promise<Shape|null>}
 */
export async function read(header) {
  const all = await stanzas(header);
  if (all === null || all.length < 3 || all.length > 2 + maxCustodians) return null;
  const [first, ...rest] = all;
  const [type, v, k, n, scope, ...more] = first.args;
  const threshold = Number(k);
  if (type !== sealStanza || v !== version || more.length > 0 || first.body.length > 0 || n !== String(rest.length - 1)) return null;
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > rest.length - 1 || String(threshold) !== k) return null;
  const shape = { threshold, scope: decode64(scope, 32), shares: [] };
  for (const [i, { args, body }] of rest.entries()) {
    const committed = decode64(args[2], keySize);
    if (args[0] !== shareStanza || args[1] !== String(i) || committed === null || !accepted.includes(args[3])) return null;
    shape.shares.push({ commitment: committed, inner: new Stanza(args.slice(3), body) });
  }
  return shape.scope && shape;
}

function decode64(text, length) {
  try {
    const b = base64nopad.decode(text);
    return b.length === length ? b : null;
  } catch {
    return null;
  }
}

/**
 * The one recipient of an envelope: it wraps the file key as the format says.
 * @param {{wrapFileKey(share: Uint8Array): Stanza[] | Promise<Stanza[]>}[]} to the platform's first
 * @param {number} threshold
 * @param {import("./label.js").Label} label
 */
export function dealer(to, threshold, label) {
  const n = to.length - 1;
  return {
    async wrapFileKey(fileKey) {
      const { shares, commitments } = deal(fileKey, label, threshold, n);
      const all = [new Stanza([sealStanza, version, String(threshold), String(n), base64nopad.encode(scopeOf(label))], new Uint8Array())];
      for (const [i, recipient] of to.entries()) {
        const [inner] = await wrap(recipient, shares[i]);
        all.push(new Stanza([shareStanza, String(i), base64nopad.encode(commitments[i]), ...inner.args], inner.body));
      }
      return all;
    },
  };
}

// Some public keys are well spelt and yet impossible, which shows only here.
async function wrap(recipient, share) {
  try {
    return await recipient.wrapFileKey(share);
  } catch {
    throw badRecipient("not a usable public key");
  }
}
