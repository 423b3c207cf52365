import { Encrypter } from "./age.js";
import { join, utf8 } from "./bytes.js";
import { badEnvelope, encode } from "./contents.js";
import { changed, checked } from "./digest.js";
import { dealer } from "./header.js";
import { magic } from "./label.js";
import { padme } from "./padme.js";
import { recipients } from "./policy.js";

/**
 * Writes an envelope. Memory does not depend on its size. When the stream
 * fails, what came out of it before is of no use.
 * @param {object} envelope
 * @param {import("./policy.js").Policy} envelope.policy
 * @param {import("./label.js").Label} envelope.label
 * @param {(import("./contents.js").Item & {check: string})[]} envelope.items with size, sha256 and check from measure
 * @param {Record<string, string>} [envelope.offer]
 * @param {Blob[]} envelope.files one for each item, in order
 * @returns {Promise<ReadableStream<Uint8Array> & {size: number}>} with the size of the file in bytes
 */
export async function seal({ policy, label, items, offer = {}, files }) {
  const head = encode({ label, items, offer });
  if (files.length !== items.length) throw badEnvelope("not as many files as documents");
  if (files.some((file, i) => file.size !== items[i].size)) throw changed("a document has another size");
  const encrypter = new Encrypter();
  encrypter.addRecipient(dealer(recipients(policy), policy.threshold, label));
  const front = join(utf8(magic), length(head.length), head);
  const plain = items.reduce((n, item) => n + item.size, front.length);
  const sealed = await encrypter.encrypt(streamOf(plaintext(front, items, files, padme(plain) - plain)));
  return Object.assign(sealed, { size: sealed.size(padme(plain)) });
}

async function* plaintext(front, items, files, padding) {
  yield front;
  for (const [i, file] of files.entries()) yield* checked(file, items[i].check);
  const zeros = new Uint8Array(64 << 10);
  for (let left = padding; left > 0; left -= zeros.length) yield zeros.subarray(0, left);
}

/** Four bytes, big-endian. @param {number} n */
function length(n) {
  const b = new Uint8Array(4);
  new DataView(b.buffer).setUint32(0, n);
  return b;
}

// Pulls only as fast as the file is taken.
function streamOf(chunks) {
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => chunks.return(),
    },
    { highWaterMark: 0 },
  );
}
