import { Decrypter } from "./age.js";
import { same, xor } from "./bytes.js";
import { binding, commitment, deal, keySize } from "./deal.js";
import { cannot, foreign, SealError } from "./error.js";
import { read } from "./header.js";
import { identityOf } from "./policy.js";
import { interpolate } from "./shamir.js";

/**
 * One piece of the file key of an envelope: index 0 is the platform's, else the
 * custodian's place in the notice, from 1. It fits when the header committed to
 * it.
 * @typedef {{index: number, share: Uint8Array, fits: boolean}} Piece
 */

/**
 * Unwraps the pieces that a private key opens.
 * @param {Uint8Array} header
 * @param {import("./label.js").Label} label
 * @param {string} identity
 * @returns {Promise<Piece[]>}
 */
export async function unwrap(header, label, identity) {
  const id = identityOf(identity);
  const shape = await known(header);
  const mine = [];
  for (const [index, { inner }] of shape.shares.entries()) {
    const share = await attempt(id, inner);
    if (share?.length === keySize) mine.push({ index, share, fits: fits(shape, label, index, share) });
  }
  if (mine.length === 0) throw cannot("it is sealed to another key, or altered");
  return mine;
}

async function known(header) {
  const shape = await read(header);
  if (shape === null) throw cannot("the header is not of this format");
  return shape;
}

// A stanza that cannot be unwrapped is one that belongs to somebody else.
async function attempt(id, inner) {
  try {
    return await id.unwrapFileKey([inner]);
  } catch {
    return null;
  }
}

const fits = (shape, label, index, share) => same(commitment(share, index, label), shape.shares[index].commitment);

/**
 * Puts the file key together from the platform's piece and those of enough
 * custodians. False pieces do not lead it astray as long as enough true ones
 * are there; dealt lists the places the bidder falsified, released those whose
 * piece is not what the header committed to.
 * @param {Uint8Array} header
 * @param {import("./label.js").Label} label
 * @param {{index: number, share: Uint8Array}[]} pieces
 * @returns {Promise<{fileKey: Uint8Array, dealt: number[], released: number[]}>}
 */
export async function combine(header, label, pieces) {
  const shape = await known(header);
  const possible = pieces
    .filter(({ index, share }) => Number.isInteger(index) && index >= 0 && index < shape.shares.length && share?.length === keySize)
    .map(({ index, share }) => ({ index, share, fits: fits(shape, label, index, share) }));
  // True pieces first: with an honest bidder the first choice is right.
  possible.sort((a, b) => Number(b.fits) - Number(a.fits));
  const byPlace = new Map();
  for (const p of possible) if (!byPlace.has(p.index)) byPlace.set(p.index, p.share);
  const order = [...byPlace.keys()].filter((index) => index > 0);
  const platform = byPlace.get(0);
  if (!platform) throw cannot("the platform's piece does not unwrap");
  if (order.length < shape.threshold) throw new SealError("not-enough-shares", `${order.length} of ${shape.threshold}`);
  for (const chosen of choices(order, shape.threshold)) {
    const authority = interpolate(chosen, chosen.map((index) => byPlace.get(index)));
    const fileKey = xor(xor(platform, authority), binding(label));
    if (await accepts(header, fileKey)) return { fileKey, ...judge(shape, label, fileKey, byPlace) };
  }
  if (!possible.some((p) => p.fits)) throw foreign();
  const astray = possible.filter((p) => !p.fits).map((p) => p.index);
  throw cannot(`the shares give no key; those of the places [${astray.join(" ")}] do not fit the header`);
}

async function accepts(header, fileKey) {
  const d = new Decrypter();
  d.addIdentity({ unwrapFileKey: () => fileKey });
  try {
    await d.decryptHeader(header);
    return true;
  } catch {
    return false;
  }
}

function judge(shape, label, fileKey, released) {
  const truth = deal(fileKey, label, shape.threshold, shape.shares.length - 1);
  const says = { dealt: [], released: [] };
  shape.shares.forEach((share, i) => {
    if (!same(share.commitment, truth.commitments[i])) says.dealt.push(i);
    else if (released.has(i) && !same(released.get(i), truth.shares[i])) says.released.push(i);
  });
  return says;
}

// All choices of k of the given places, in order: 924 at most.
function* choices(of, k) {
  if (k === 0) yield [];
  else for (let i = 0; i + k <= of.length; i++) for (const rest of choices(of.slice(i + 1), k - 1)) yield [of[i], ...rest];
}
