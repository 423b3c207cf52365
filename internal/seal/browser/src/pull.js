/** Takes bytes off a stream, as many as wanted. */
export class Pull {
  #reader;
  #left = new Uint8Array();
  /** What the stream itself failed with: no fault of what was read. */
  failure = null;

  /** @param {ReadableStream<Uint8Array>} stream */
  constructor(stream) {
    this.#reader = stream.getReader();
  }

  /** The next bytes, at most so many; null at the end.
   * @param {number} most
   */
  async some(most) {
    while (this.#left.length === 0) {
      let next;
      try {
        next = await this.#reader.read();
      } catch (e) {
        throw (this.failure = e);
      }
      if (next.done) return null;
      this.#left = next.value;
    }
    const out = this.#left.subarray(0, most);
    this.#left = this.#left.subarray(out.length);
    return out;
  }

  /** Exactly n bytes, or null when there are fewer.
   * @param {number} n
   */
  async take(n) {
    const out = new Uint8Array(n);
    for (let at = 0; at < n; ) {
      const some = await this.some(n - at);
      if (some === null) return null;
      out.set(some, at);
      at += some.length;
    }
    return out;
  }

  /** What is left, after the bytes given back.
   * @param {Uint8Array} front
   */
  after(front) {
    return new ReadableStream(
      {
        start: (controller) => controller.enqueue(front),
        pull: async (controller) => {
          const some = await this.some(Infinity);
          if (some === null) controller.close();
          else controller.enqueue(some);
        },
        cancel: () => this.cancel(),
      },
      { highWaterMark: 0 },
    );
  }

  cancel() {
    return this.#reader.cancel();
  }
}
