// Verifies a receipt of Sigillo, in the browser and without a server: the
// platform's signature, and that the act stands in the log. The formats are
// C2SP signed notes and tlog-proof, RFC 8785 and RFC 6962. It is a second
// implementation, on purpose: it shares no code with the platform.
"use strict";

class Refused extends Error {
  constructor(code, it, en) {
    super(it);
    this.code = code;
    this.en = en;
  }
}

const utf8 = new TextEncoder();

function base64(text) {
  if (typeof text !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new Refused("bad-base64", "Un valore non è in base64.", "A value is not base64.");
  const raw = atob(text);
  const bytes = Uint8Array.from(raw, (c) => c.charCodeAt(0));
  if (btoa(raw) !== text) throw new Refused("bad-base64", "Un valore non è in base64.", "A value is not base64.");
  return bytes;
}

function join(...parts) {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

const equal = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

// canonical is RFC 8785, for JSON whose numbers are whole.
function canonical(v) {
  if (Array.isArray(v)) return "[" + v.map(canonical).join(",") + "]";
  if (v !== null && typeof v === "object") {
    return "{" + Object.keys(v).sort().map((k) => JSON.stringify(k) + ":" + canonical(v[k])).join(",") + "}";
  }
  if (typeof v === "number" && !Number.isSafeInteger(v)) throw new Refused("bad-number", "Un numero non è intero.", "A number is not whole.");
  return JSON.stringify(v);
}

// readKey reads name+hash+base64(0x01 ‖ key), the text form of a note's key.
async function readKey(text) {
  const [, name, hash, key] = /^([^+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) || [];
  const bad = new Refused("bad-key", "La chiave del registro non è ben formata.", "The key of the log is not well formed.");
  if (!name) throw bad;
  const raw = base64(key);
  const id = (await sha256(join(utf8.encode(name + "\n"), raw))).slice(0, 4);
  if (raw.length !== 33 || raw[0] !== 1 || hex(id) !== hash) throw bad;
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", raw.slice(1), { name: "Ed25519" }, false, ["verify"]);
  } catch (e) {
    throw new Refused("no-ed25519", "Questo browser non verifica firme Ed25519: usi una versione recente, o «sigillo verify receipt».",
      "This browser does not verify Ed25519 signatures: use a recent one, or “sigillo verify receipt”.");
  }
  return { name, id, verify: (signature, message) => crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message) };
}

// signedBy checks that one of the lines is the key's signature of the text.
// With strict, no other line may be there.
async function signedBy(key, text, lines, strict) {
  let good = 0;
  for (const line of lines) {
    const [, name, blob] = /^— (\S+) (\S+)$/.exec(line) || [];
    if (!name) throw new Refused("bad-signature", "Una riga di firma non è ben formata.", "A line of signature is not well formed.");
    const raw = base64(blob);
    if (name !== key.name || !equal(raw.slice(0, 4), key.id)) {
      if (strict) throw new Refused("unknown-signature", "C'è una firma di una chiave sconosciuta.", "There is a signature by an unknown key.");
      continue;
    }
    if (!(await key.verify(raw.slice(4), utf8.encode(text)))) {
      throw new Refused("bad-signature", "La firma non corrisponde: il documento è stato alterato.", "The signature does not fit: the document was altered.");
    }
    good++;
  }
  if (good !== 1) throw new Refused("not-signed", "Il documento non è firmato da questa chiave.", "The document is not signed by this key.");
}

// rootOf walks an inclusion proof (RFC 9162, 2.1.3.2).
async function rootOf(leaf, index, size, proof) {
  const bad = new Refused("not-proven", "La prova non porta alla radice firmata.", "The proof does not lead to the signed root.");
  if (index < 0n || index >= size) throw bad;
  let [fn, sn, r] = [index, size - 1n, leaf];
  for (const p of proof) {
    if (sn === 0n) throw bad;
    if (fn & 1n || fn === sn) {
      r = await sha256(join([1], p, r));
      while (!(fn & 1n) && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      r = await sha256(join([1], r, p));
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  if (sn !== 0n) throw bad;
  return r;
}

function number(text) {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text || "")) throw new Refused("not-a-proof", "La prova non è ben formata.", "The proof is not well formed.");
  return BigInt(text);
}

// inLog checks the evidence and tells the entry and its place.
async function inLog(key, evidence) {
  const cut = evidence.proof.indexOf("\n\n");
  const malformed = new Refused("not-a-proof", "La prova non è ben formata.", "The proof is not well formed.");
  if (cut < 0) throw malformed;
  const lines = evidence.proof.slice(0, cut).split("\n");
  if (lines.shift() !== "c2sp.org/tlog-proof@v1") throw malformed;
  if (lines[0] && lines[0].startsWith("extra ")) lines.shift();
  const index = number((lines.shift() || "").replace(/^index /, ""));
  const hashes = lines.map(base64);
  const note = evidence.proof.slice(cut + 2);
  const split = note.indexOf("\n\n");
  const [text, signatures] = [note.slice(0, split + 1), note.slice(split + 2)];
  if (split < 0 || !signatures.endsWith("\n")) throw malformed;
  await signedBy(key, text, signatures.slice(0, -1).split("\n"), false);
  const [origin, sizeText, rootText] = text.split("\n");
  if (origin !== key.name) throw new Refused("other-log", "Il checkpoint è di un altro registro.", "The checkpoint is of another log.");
  const [size, root, salt] = [number(sizeText), base64(rootText), base64(evidence.salt)];
  const leaf = await sha256(join([0], salt, utf8.encode(canonical(evidence.entry))));
  if (salt.length !== 32 || !equal(await rootOf(leaf, index, size, hashes), root)) {
    throw new Refused("not-proven", "La voce allegata non è quella del registro.", "The entry attached is not that of the log.");
  }
  return { entry: evidence.entry, index, size, root: rootText, origin };
}

// micros is an RFC 3339 instant in UTC, in microseconds.
function micros(text) {
  const [, whole, part] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z$/.exec(text) || [];
  if (!whole) throw new Refused("bad-instant", "Un istante non è ben formato.", "An instant is not well formed.");
  return BigInt(Date.parse(whole + "Z")) * 1000n + BigInt((part || "").padEnd(6, "0"));
}

// verifyReceipt checks everything, and tells what the receipt says.
async function verifyReceipt(text, keyText) {
  const key = await readKey(keyText);
  let s;
  try {
    s = JSON.parse(text);
  } catch (e) {
    throw new Refused("not-a-statement", "Il file non è una ricevuta (JSON).", "The file is no receipt (JSON).");
  }
  if (!s || typeof s.kind !== "string" || /[\r\n]/.test(s.kind) || !s.body || !Array.isArray(s.signatures)) {
    throw new Refused("not-a-statement", "Il file non è un documento firmato dalla piattaforma.", "The file is no statement signed by the platform.");
  }
  await signedBy(key, "sigillo-statement/1\n" + s.kind + "\n" + canonical(s.body) + "\n", s.signatures, true);
  const action = { "bid-receipt": "submit-bid", "withdrawal-receipt": "withdraw-bid" }[s.kind];
  if (!action || !s.evidence) return { kind: s.kind, body: s.body, log: null };
  const log = await inLog(key, s.evidence);
  const e = log.entry;
  if (e.action !== action || e.object.type !== "bid" || e.object.id !== s.body.bid || micros(e.at) !== micros(s.body.received_at) ||
    action === "submit-bid" && (e.data || {}).manifest !== s.body.manifest_hash) {
    throw new Refused("evidence-of-another-act", "La prova allegata è di un altro atto.", "The evidence attached is of another act.");
  }
  return { kind: s.kind, body: s.body, log };
}

if (typeof module !== "undefined") module.exports = { verifyReceipt, canonical };

if (typeof document !== "undefined") {
  const at = (id) => document.getElementById(id);
  const say = (good, lines) => {
    const out = at("outcome");
    out.className = good ? "good" : "bad";
    out.replaceChildren(...lines.map(([label, value]) => {
      const p = document.createElement("p");
      const strong = document.createElement("strong");
      strong.textContent = label;
      p.append(strong, value ? " " + value : "");
      return p;
    }));
    out.focus();
  };
  at("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const file = at("file").files[0];
      const { kind, body, log } = await verifyReceipt(await file.text(), at("key").value);
      const lines = [["VERIFICATA", "firma della piattaforma" + (log ? " e posto nel registro corrispondono." : " corrisponde.")]];
      if (body.number) {
        lines.push(["Ricevuta", body.number], ["Operatore economico", body.supplier.name], ["Gara", body.tender.name + ", " + body.authority.name],
          ["Ricevuta alle (UTC)", body.received_at], ["Termine (UTC)", body.deadline]);
        for (const e of body.envelopes || []) lines.push(["Busta " + e.envelope, e.digest + " (" + e.size + " byte)"]);
      } else {
        lines.push(["Documento", kind]);
      }
      if (log) lines.push(["Registro", log.origin], ["Voce", log.index + " di " + log.size], ["Radice", log.root]);
      else if (body.number) lines.push(["Senza prova del registro:", "chieda di nuovo la ricevuta alla piattaforma."]);
      say(true, lines);
    } catch (e) {
      say(false, [["NON VERIFICATA", e instanceof Refused ? e.message + " (" + e.code + ")" : "Il file non si legge: " + e.message]]);
    }
  });
}
