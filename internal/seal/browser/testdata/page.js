// What a page does: the Worker seals, the page uploads.
const report = (path, body, headers) => fetch(path, { method: "POST", body, headers });
document.addEventListener("securitypolicyviolation", (e) => report("/failed", `policy: ${e.violatedDirective}`));
const worker = new Worker("/worker.js", { type: "module" });
worker.onerror = (e) => report("/failed", `worker: ${e.message}`);
worker.onmessage = async ({ data }) => {
  if (data.failed) await report("/failed", data.failed);
  else await report("/sealed", data.blob, { "X-Digest": data.digest, "X-Times": data.times });
};
const job = await (await fetch("/job")).json();
const block = Uint8Array.from({ length: 1 << 20 }, (_, i) => i % 251);
worker.postMessage({ ...job, file: new Blob(Array.from({ length: job.blocks }, () => block)) });
