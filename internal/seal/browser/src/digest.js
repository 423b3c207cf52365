import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { join } from "./bytes.js";
import { SealError } from "./error.js";

/** Bytes of a part of a file, as S3 takes it. */
export const partSize = 16 << 20;
const blockSize = 1 << 20; // bytes read of a document at a time

/**
 * A file in pieces of a size, one in memory at a time.
 * @param {Blob} blob
 * @param {number} size
 */
async function* slices(blob, size) {
  for (let at = 0; at < blob.size; at += size) {
    try {
      yield new Uint8Array(await blob.slice(at, at + size).arrayBuffer());
    } catch (e) {
      // A browser refuses to read a file that changed since it was chosen.
      throw e?.name === "NotReadableError" ? changed("a document cannot be read any more") : e;
    }
  }
}

/** @param {string} reason */
export const changed = (reason) => new SealError("file-changed", reason);

// The browser's own SHA-256 is ten times as fast, but takes all bytes at once.
const native = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

/**
 * The name of a sealed file (format, section 8), in hexadecimal.
 * @param {Blob} blob
 */
export async function partsDigest(blob) {
  const sums = [];
  for await (const part of slices(blob, partSize)) sums.push(await native(part));
  if (sums.length === 1) return bytesToHex(sums[0]);
  return bytesToHex(await native(join(...sums)));
}

/**
 * Describes a document. The check is for seal, to find a document that changed
 * since or stands in another's place without the slow SHA-256 a second time.
 * @param {Blob} blob
 * @returns {Promise<{size: number, sha256: string, check: string}>}
 */
export async function measure(blob) {
  const long = blob.size > partSize && sha256.create();
  const sums = [];
  for await (const block of slices(blob, blockSize)) {
    if (long) long.update(block);
    sums.push(await native(block));
  }
  // The parts digest of one part is its SHA-256.
  return { size: blob.size, sha256: long ? bytesToHex(long.digest()) : await partsDigest(blob), check: bytesToHex(await native(join(...sums))) };
}

/**
 * A document in blocks. Throws file-changed at its end when it is not what was
 * measured.
 * @param {Blob} blob
 * @param {string} check
 */
export async function* checked(blob, check) {
  const sums = [];
  for await (const block of slices(blob, blockSize)) {
    sums.push(await native(block));
    yield block;
  }
  if (bytesToHex(await native(join(...sums))) !== check) throw changed("a document is not what was measured");
}
