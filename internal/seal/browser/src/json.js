/**
 * Reads JSON that says the same to every reader: no key twice in an object, no
 * number but whole ones. Throws when it does not.
 * @param {Uint8Array} bytes
 */
export function strictJSON(bytes) {
  // A byte order mark is kept, for JSON.parse to refuse.
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const value = JSON.parse(text);
  const seen = [];
  let string;
  // The syntax is sound, so these are its tokens; white space is between them.
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g)) {
    if (token === "{" || token === "[") seen.push(new Set());
    else if (token === "}" || token === "]") seen.pop();
    else if (token[0] === '"') string = token;
    else if (token === ":") {
      const key = JSON.parse(string).toWellFormed();
      if (seen.at(-1).has(key)) throw new Error("a key comes twice");
      seen.at(-1).add(key);
    } else if (/^-?\d/.test(token) && /\D/.test(token.slice(1))) throw new Error("a number is not whole");
  }
  return value;
}
