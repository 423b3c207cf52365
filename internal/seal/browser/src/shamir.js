// Shamir's sharing over GF(2⁸) with the polynomial of AES, byte by byte. The
// arithmetic has no tables and no branches on what the bytes are.

/** Multiplies in the field.
 * @param {number} a
 * @param {number} b
 */
export function times(a, b) {
  let product = 0;
  for (let i = 0; i < 8; i++) {
    product ^= a & -(b & 1);
    a = ((a << 1) ^ (0x1b & -(a >> 7))) & 0xff;
    b >>= 1;
  }
  return product & 0xff;
}

/** The inverse of a non-zero element: a to the power 254.
 * @param {number} a
 */
function inverse(a) {
  let square = times(a, a);
  let result = square;
  for (let i = 0; i < 6; i++) {
    square = times(square, square);
    result = times(result, square);
  }
  return result;
}

/** Evaluates the polynomial of the secret and its coefficients at x.
 * @param {Uint8Array} secret
 * @param {Uint8Array[]} coefficients
 * @param {number} x
 */
export function shareOf(secret, coefficients, x) {
  return secret.map((byte, b) => {
    let y = 0;
    for (let j = coefficients.length - 1; j >= 0; j--) y = times(y ^ coefficients[j][b], x); // Horner
    return y ^ byte;
  });
}

/** The value at 0 of the polynomial through the shares, whose places are
 * distinct and not 0.
 * @param {number[]} places
 * @param {Uint8Array[]} shares
 */
export function interpolate(places, shares) {
  const secret = new Uint8Array(shares[0].length);
  places.forEach((x, i) => {
    let weight = 1;
    places.forEach((other, j) => {
      if (i !== j) weight = times(weight, times(other, inverse(other ^ x)));
    });
    shares[i].forEach((byte, b) => {
      secret[b] ^= times(weight, byte);
    });
  });
  return secret;
}
