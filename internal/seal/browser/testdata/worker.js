import { measure, partsDigest, seal } from "/sigillo-seal.js";

onmessage = async ({ data: { policy, label, file } }) => {
  try {
    const times = [performance.now()];
    const items = [{ name: "offerta.pdf", kind: "economicOffer", media_type: "application/pdf", ...(await measure(file)) }];
    times.push(performance.now());
    const stream = await seal({ policy, label, items, offer: { discount: "12.5" }, files: [file] });
    const blob = await new Response(stream).blob();
    times.push(performance.now());
    if (blob.size !== stream.size) throw new Error("another size than announced");
    postMessage({ blob, digest: await partsDigest(blob), times: times.slice(1).map((t, i) => Math.round(t - times[i])).join(" ") });
  } catch (e) {
    postMessage({ failed: e.message });
  }
};
