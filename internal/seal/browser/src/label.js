import { sha256 } from "@noble/hashes/sha2.js";
import { join, utf8 } from "./bytes.js";
import { line } from "./writing.js";

/** Begins the plaintext of every envelope and names its version. */
export const magic = "sigillo-envelope/2\n";

/**
 * What an envelope is for.
 * @typedef {{authority: string, tender: string, lot: string, envelope: "A"|"B"|"C", supplier: string}} Label
 */

export const labelKeys = ["authority", "tender", "lot", "envelope", "supplier"];

/** @param {Label} l */
export const soundLabel = (l) => labelKeys.every((key) => l[key] !== "" && line(l[key], 100)) && /^[ABC]$/.test(l.envelope);

/**
 * @param {Label} a
 * @param {Label} b
 */
export const sameLabel = (a, b) => labelKeys.every((key) => a[key] === b[key]);

/** The digest of all but the supplier, which stands in clear in the header.
 * @param {Label} l
 */
export const scopeOf = (l) => sha256(scope(l));

/** @param {Label} l */
export const context = (l) => join(scope(l), utf8(`${l.supplier}\n`));

const scope = (l) => utf8(`${magic}${l.authority}\n${l.tender}\n${l.lot}\n${l.envelope}\n`);
