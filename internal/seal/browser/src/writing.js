// What human text may hold, as internal/writing says it in Go: an envelope
// sealed here must pass there.

import { utf8 } from "./bytes.js";

const disorders = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** Sound text of one line, of at most so many bytes.
 * @param {unknown} s
 * @param {number} most
 */
export const line = (s, most) => sound(s, most) && !disorders.test(s);

/** Sound text that may have lines and tabs.
 * @param {unknown} s
 * @param {number} most
 */
export const passage = (s, most) => sound(s, most) && !disorders.test(s.replace(/[\n\r\t]/g, ""));

/** Safe to show and to save as a file's name.
 * @param {unknown} s
 */
export const fileName = (s) => line(s, 255) && !/^\.*$|[/\\]|^\p{White_Space}|\p{White_Space}$/u.test(s);

function sound(s, most) {
  return typeof s === "string" && s.isWellFormed() && utf8(s).length <= most;
}
