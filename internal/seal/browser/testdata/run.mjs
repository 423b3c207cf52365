// Runs the tasks of a Go test with the committed bundle: JSON in, JSON out.
import * as sigillo from "../sigillo-seal.js";

// Go leaves out or sends null for what is empty.
const bytes = (text) => new Uint8Array(Buffer.from(text ?? "", "base64"));
const base64 = (b) => Buffer.from(b).toString("base64");
const hex = (b) => Buffer.from(b).toString("hex");
const collect = async (stream) => new Uint8Array(await new Response(stream).arrayBuffer());

async function contentsOf(file, key, label) {
  const { contents, documents } = await sigillo.open(new Blob([file]).stream(), key, label);
  const bodies = [];
  for await (const { body } of documents) bodies.push(base64(await collect(body)));
  return { contents, bodies };
}

const does = {
  padme: ({ sizes }) => ({ sizes: sizes.map(sigillo.padme) }),
  fingerprint: ({ policy }) => ({ text: [sigillo.fingerprint(policy.platform)] }),
  generate: async () => {
    const { identity, recipient } = await sigillo.generateKey();
    return { text: [identity, recipient] };
  },
  deal: ({ key, label, threshold, custodians }) => {
    const { shares, commitments } = sigillo.deal(bytes(key), label, threshold, custodians);
    return { shares: shares.map(hex), commitments: commitments.map(hex) };
  },
  digest: async ({ sizes }) => ({ text: [await sigillo.partsDigest(new Blob([new Uint8Array(sizes[0])]))] }),
  seal: async ({ policy, contents, bodies, measured }) => {
    const files = (bodies ?? []).map((b) => new Blob([bytes(b)]));
    const before = measured ? measured.map((b) => new Blob([bytes(b)])) : files;
    const items = [];
    for (const [i, item] of (contents.items ?? []).entries()) items.push({ ...item, ...(await sigillo.measure(before[i])) });
    const stream = await sigillo.seal({ policy, label: contents.label, items, offer: contents.offer, files });
    return { file: base64(await collect(stream)), sizes: [stream.size] };
  },
  unseal: async ({ file, label, identities }) => {
    const blob = new Blob([bytes(file)]);
    const header = await sigillo.header(blob);
    const pieces = [];
    for (const identity of identities) pieces.push(...(await sigillo.unwrap(header, label, identity)));
    const { fileKey, dealt, released } = await sigillo.combine(header, label, pieces);
    return { key: base64(fileKey), dealt, released, ...(await contentsOf(await collect(blob.stream()), fileKey, label)) };
  },
  unwrap: async ({ file, label, identities }) => {
    const header = await sigillo.header(new Blob([bytes(file)]));
    const pieces = await sigillo.unwrap(header, label, identities[0]);
    return { pieces: pieces.map((p) => ({ index: p.index, share: base64(p.share), fits: p.fits })) };
  },
  combine: async ({ file, label, pieces }) => {
    const header = await sigillo.header(new Blob([bytes(file)]));
    const { fileKey, dealt, released } = await sigillo.combine(header, label, (pieces ?? []).map((p) => ({ index: p.index, share: bytes(p.share) })));
    return { key: base64(fileKey), dealt, released };
  },
  open: ({ file, key, label }) => contentsOf(bytes(file), bytes(key), label),
  // The stream itself fails after so many bytes.
  broken: async ({ file, key, label, sizes }) => {
    const parts = [bytes(file).slice(0, sizes[0])];
    const pull = (c) => (parts.length ? c.enqueue(parts.pop()) : c.error(new Error("the disk is on fire")));
    try {
      const { documents } = await sigillo.open(new ReadableStream({ pull }), bytes(key), label);
      for await (const { item } of documents) if (!item) throw new Error("no item");
    } catch (e) {
      return { text: [e.message] };
    }
  },
  // The documents are not read: they are checked all the same.
  skim: async ({ file, key, label }) => {
    const { contents, documents } = await sigillo.open(new Blob([bytes(file)]).stream(), bytes(key), label);
    for await (const { item } of documents) if (!item) throw new Error("no item");
    return { contents };
  },
};

const answers = [];
for (const task of JSON.parse(await new Response(process.stdin).text())) {
  try {
    answers.push(await does[task.do](task));
  } catch (e) {
    answers.push({ error: e instanceof sigillo.SealError ? e.code : `${e.stack}`, message: e.message });
  }
}
process.stdout.write(JSON.stringify(answers));
