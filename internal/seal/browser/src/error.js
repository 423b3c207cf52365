/**
 * What went wrong, by the codes of the Go implementation. The message is a
 * fixed technical reason: it never quotes a key, a share, a header or what was
 * inside an envelope. What to tell a person goes by the code.
 */
export class SealError extends Error {
  /**
   * @param {"not-sealed"|"damaged-envelope"|"foreign-envelope"|"cannot-unseal"|"not-enough-shares"|"bad-recipient"|"bad-envelope"|"file-changed"} code
   * @param {string} reason
   */
  constructor(code, reason) {
    super(`${code}: ${reason}`);
    this.name = "SealError";
    this.code = code;
  }
}

/** @param {string} reason */
export const damaged = (reason) => new SealError("damaged-envelope", reason);

/** @param {string} reason */
export const cannot = (reason) => new SealError("cannot-unseal", reason);

export const foreign = () => new SealError("foreign-envelope", "sealed for another tender, lot, envelope or supplier");
