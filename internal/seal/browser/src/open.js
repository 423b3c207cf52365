import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { Decrypter } from "./age.js";
import { join, same, utf8 } from "./bytes.js";
import { decode, maxHead } from "./contents.js";
import { keySize } from "./deal.js";
import { damaged, foreign, SealError } from "./error.js";
import { headerLength, maxHeader } from "./header.js";
import { magic, sameLabel } from "./label.js";
import { padme } from "./padme.js";
import { Pull } from "./pull.js";

/**
 * Reads an envelope with its file key. Documents come in order, each with a
 * body that fails with damaged-envelope at its end when it is not the one
 * described; what is not read of it is skipped and checked all the same. Only
 * when the loop over the documents has ended well is the whole envelope proven.
 * An error of the stream itself is thrown as it is.
 * @param {ReadableStream<Uint8Array>} stream
 * @param {Uint8Array} fileKey
 * @param {import("./label.js").Label} label the one it must have
 * @returns {Promise<{contents: import("./contents.js").Contents,
 *   documents: AsyncGenerator<{item: import("./contents.js").Item, body: ReadableStream<Uint8Array>}>}>}
 */
export async function open(stream, fileKey, label) {
  const file = new Pull(stream);
  try {
    if (fileKey?.length !== keySize) throw damaged("the file key has the wrong length");
    const plain = new Pull(await decrypted(file, fileKey));
    const front = await plain.take(magic.length + 4);
    const length = front === null ? 0 : new DataView(front.buffer).getUint32(magic.length);
    if (front === null || !same(front.subarray(0, magic.length), utf8(magic)) || length > maxHead) throw damaged("it is not of this format");
    const head = await plain.take(length);
    if (head === null) throw damaged("it ends too early");
    const contents = decode(head);
    if (!sameLabel(contents.label, label)) throw foreign();
    return { contents, documents: documents(file, plain, contents, front.length + length) };
  } catch (e) {
    await file.cancel().catch(() => {});
    throw blame(file, e);
  }
}

// Whatever is thrown while reading is the stream's failure, a finding of this
// code, or decryption that fails; a library's text could quote what it read.
function blame(file, e) {
  if (file.failure) return file.failure;
  return e instanceof SealError ? e : damaged("it does not decrypt");
}

async function decrypted(file, fileKey) {
  let front = new Uint8Array();
  while (headerLength(front) < 0) {
    const some = await file.some(maxHeader - front.length);
    if (some === null || some.length === 0) throw damaged("the header cannot be read");
    front = join(front, some);
  }
  const d = new Decrypter();
  d.addIdentity({ unwrapFileKey: () => fileKey });
  return d.decrypt(file.after(front));
}

async function* documents(file, plain, contents, start) {
  let read = start;
  try {
    for (const item of contents.items) {
      const next = chunksOf(plain, item);
      const fail = (e) => {
        throw blame(file, e);
      };
      const pull = async (controller) => {
        const chunk = await next().catch(fail);
        if (chunk === null) controller.close();
        else controller.enqueue(chunk);
      };
      yield { item, body: new ReadableStream({ pull }, { highWaterMark: 0 }) };
      while ((await next()) !== null); // skip what was not read
      read += item.size;
    }
    await padding(plain, padme(read) - read);
  } catch (e) {
    throw blame(file, e);
  } finally {
    await file.cancel().catch(() => {});
  }
}

// Gives the next piece of a document at each call, and null once it is proven.
function chunksOf(plain, item) {
  const sum = sha256.create();
  let left = item.size;
  let verdict;
  return async () => {
    if (left > 0) {
      const chunk = await plain.some(left);
      if (chunk === null) throw damaged("a document ends too early");
      sum.update(chunk);
      left -= chunk.length;
      return chunk;
    }
    verdict ??= bytesToHex(sum.digest()) === item.sha256;
    if (!verdict) throw damaged("a document does not have its digest");
    return null;
  };
}

async function padding(plain, size) {
  let left = size;
  for (let some; (some = await plain.some(64 << 10)) !== null; left -= some.length) {
    if (some.some((byte) => byte !== 0)) throw damaged("the padding is not zero");
    if (some.length > left) throw damaged("the padding is not of its length");
  }
  if (left > 0) throw damaged("the padding is not of its length");
}
