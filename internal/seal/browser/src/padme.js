/** The padded size of a plaintext of n bytes. Numbers, not bit operations: the
 * latter have 32 bits only.
 * @param {number} n
 */
export function padme(n) {
  if (n < 2) return n;
  const e = n.toString(2).length - 1; // floor of log2 n
  const s = e.toString(2).length; // bits of the size that stay visible
  const step = 2 ** (e - s);
  return Math.ceil(n / step) * step;
}
