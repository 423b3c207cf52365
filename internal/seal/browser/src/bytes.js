const encoder = new TextEncoder();

/** @param {string} text */
export const utf8 = (text) => encoder.encode(text);

/** @param {...Uint8Array} all */
export function join(...all) {
  const out = new Uint8Array(all.reduce((n, b) => n + b.length, 0));
  let at = 0;
  for (const b of all) {
    out.set(b, at);
    at += b.length;
  }
  return out;
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b of the same length
 */
export const xor = (a, b) => a.map((byte, i) => byte ^ b[i]);

/** Compares without stopping at the first difference.
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export const same = (a, b) => a.length === b.length && a.reduce((diff, byte, i) => diff | (byte ^ b[i]), 0) === 0;
