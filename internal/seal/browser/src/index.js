// The sealed envelope, format sigillo-envelope/2, for browsers.

export { deal } from "./deal.js";
export { measure, partsDigest } from "./digest.js";
export { SealError } from "./error.js";
export { header } from "./header.js";
export { open } from "./open.js";
export { padme } from "./padme.js";
export { combine, unwrap } from "./pieces.js";
export { fingerprint, generateKey } from "./policy.js";
export { seal } from "./seal.js";

/** The version of this bundle. */
export const version = SIGILLO_VERSION;

/** The digest of the sources it was built from. */
export const source = SIGILLO_SOURCE;
