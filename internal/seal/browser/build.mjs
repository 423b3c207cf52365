// Builds sigillo-seal.js and LICENCES. With --check it writes nothing and fails
// when they are not what the sources give.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

process.chdir(import.meta.dirname);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest();
const names = ["build.mjs", "package-lock.json", "package.json", ...readdirSync("src").map((name) => `src/${name}`)].sort();
const source = sha256(Buffer.concat(names.map((name) => sha256(readFileSync(name))))).toString("hex");
const { version } = JSON.parse(readFileSync("package.json"));

const { outputFiles, metafile } = await build({
  entryPoints: ["src/index.js"],
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  write: false,
  metafile: true,
  define: { SIGILLO_VERSION: JSON.stringify(version), SIGILLO_SOURCE: JSON.stringify(source) },
  banner: { js: `// sigillo-seal ${version}: sealed envelopes, format sigillo-envelope/2.\n// EUPL-1.2; the libraries within have the licences of the file LICENCES.` },
});

const packages = new Set(Object.keys(metafile.inputs).flatMap((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1] ?? []));
const licences = [...packages].sort().map((name) => {
  const about = JSON.parse(readFileSync(`node_modules/${name}/package.json`));
  return `${name} ${about.version} (${about.license})\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim()}\n`;
});

for (const [name, text] of [["sigillo-seal.js", outputFiles[0].text], ["LICENCES", licences.join(`\n${"-".repeat(72)}\n\n`)]]) {
  if (!process.argv.includes("--check")) writeFileSync(name, text);
  else if (readFileSync(name, "utf8") !== text) throw new Error(`${name} is stale: npm run build`);
}
