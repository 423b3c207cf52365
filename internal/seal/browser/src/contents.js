import { damaged, SealError } from "./error.js";
import { strictJSON } from "./json.js";
import { labelKeys, soundLabel } from "./label.js";
import { utf8 } from "./bytes.js";
import { fileName, line, passage } from "./writing.js";

/**
 * One document inside an envelope.
 * @typedef {{name: string, kind: string, media_type: string, size: number, sha256: string}} Item
 */

/**
 * What an envelope says of itself. The offer holds structured answers.
 * @typedef {{label: import("./label.js").Label, items: Item[], offer: Record<string, string>}} Contents
 */

export const maxHead = 4 << 20; // bytes of encoded contents
const maxItems = 1000;
const maxAnswers = 1000;
const maxSize = 2 ** 40; // bytes of all documents together

const itemKeys = ["name", "kind", "media_type", "size", "sha256"];

/** Why contents could not be opened or shown safely, or "".
 * @param {Contents} c
 */
function flaw({ label, items, offer }) {
  if (!soundLabel(label)) return "a datum of the label is missing or not valid";
  if (items.length > maxItems) return "too many documents";
  const names = new Set();
  let room = maxSize;
  for (const item of items) {
    if (!fileName(item.name) || names.has(item.name)) return "a file name is invalid or repeated";
    names.add(item.name);
    if (!Number.isInteger(item.size) || item.size <= 0) return "a file is empty";
    if (item.size > room) return "the documents exceed 1 TiB together";
    room -= item.size;
    if (!/^[0-9a-f]{64}$/.test(item.sha256) || !line(item.kind, 60) || !line(item.media_type, 100)) return "a document is not described properly";
  }
  const answers = Object.entries(offer);
  if (answers.length > maxAnswers) return "too many answers";
  if (!answers.every(([key, value]) => key !== "" && line(key, 100) && passage(value, 4000))) return "an answer is too long or not text";
  return "";
}

/**
 * The bytes that go inside the seal.
 * @param {Contents} c
 */
export function encode({ label, items, offer }) {
  const pick = (from, keys) => Object.fromEntries(keys.map((key) => [key, from[key]]));
  const plain = { label: pick(label, labelKeys), items: items.map((item) => pick(item, itemKeys)), offer };
  const reason = flaw(plain);
  if (reason) throw badEnvelope(reason);
  const head = utf8(JSON.stringify(plain));
  if (head.length > maxHead) throw badEnvelope("the answers and the names of the documents are too long together");
  return head;
}

/** @param {string} reason */
export const badEnvelope = (reason) => new SealError("bad-envelope", reason);

/**
 * @param {Uint8Array} head
 * @returns {Contents}
 */
export function decode(head) {
  try {
    const { label, items, offer } = only(strictJSON(head), ["label", "items", "offer"]);
    const c = {
      label: texts(only(label, labelKeys), labelKeys),
      items: (items ?? []).map((item) => ({ ...texts(only(item, itemKeys), itemKeys.filter((key) => key !== "size")), size: item.size })),
      offer: texts(offer ?? {}, Object.keys(offer ?? {})),
    };
    if (flaw(c) === "") return c;
  } catch {
    // said below, without what the text was
  }
  throw damaged("the contents are not well formed");
}

function only(object, keys) {
  if (Object.keys(object).some((key) => !keys.includes(key))) throw new Error("an unknown key");
  return object;
}

// Go reads null and a missing key as no text, and half a surrogate pair as the
// replacement character; so must this.
function texts(object, keys) {
  if (typeof object !== "object" || Array.isArray(object)) throw new Error("not an object");
  return Object.fromEntries(keys.map((key) => [key.toWellFormed(), (object[key] ?? "").toWellFormed()]));
}
