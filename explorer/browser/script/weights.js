// Files of the twin: fetched with progress, kept by the browser, and weights unfolded to float32.
const TRIES = 3, PAUSE_MS = 1500;
const KINDS = { i8: Int8Array, f16: Uint16Array, f32: Float32Array };

export class Files {
  // `files` maps names to { address, bytes }, `cache` names what keeps them; `tell` hears how many bytes have come, of
  // how many asked for.
  constructor(base, { files, cache }, tell) {
    Object.assign(this, { base, files, cache, tell, come: 0, wanted: 0, known: new Map() });
  }

  // The bytes of a file, inflated. Asked for twice, it comes once.
  get(name) {
    if (!this.known.has(name)) this.known.set(name, this.load(this.files[name]));
    return this.known.get(name);
  }

  // Lets go of what an earlier version of the page has left with the browser.
  async tidy() {
    const cache = await globalThis.caches?.open(this.cache), known = new Set(Object.values(this.files).map(({ address }) => new URL(address, this.base).href));
    for (const { url } of await cache?.keys() ?? []) if (!known.has(url)) await cache.delete(url);
  }

  forget(name) { this.known.delete(name); }

  async load({ address, bytes }) {
    this.wanted += bytes;
    const before = this.come;
    for (let attempt = 1; ; attempt++) {
      try {
        return await inflate(await this.fetch(new URL(address, this.base)));
      } catch (error) {
        this.come = before;
        if (attempt === TRIES) { this.known.clear(); throw new Error("A file of weights does not arrive; check the connection, then try again.", { cause: error }); }
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  async fetch(url) {
    const cache = await globalThis.caches?.open(this.cache); // Only secure addresses have one; others have the HTTP cache.
    const kept = await cache?.match(url);
    const response = kept ?? await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    const pieces = [];
    for (let reader = response.body.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      this.come += value.length;
      this.tell(this.come, this.wanted);
    }
    const blob = new Blob(pieces);
    if (!kept) await cache?.put(url, new Response(blob)).catch(() => {}); // A full disk only means another download.
    return blob;
  }
}

async function inflate(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes; // Some servers have it inflated on the way.
  return new Uint8Array(await new Response(blob.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

// Every number of half precision, by its bits.
const HALVES = Float32Array.from({ length: 65536 }, (_, bits) => {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023, sign = bits >> 15 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * fraction / 1024);
});

// Unfolds a part: `entries` tell each tensor's kind, count, rows, where its bytes are and where its rows' scales.
export function unfold(bytes, entries) {
  const all = new Float32Array(entries.reduce((sum, { count }) => sum + count, 0));
  let place = 0;
  for (const { kind, count, rows, at, scale } of entries) {
    const from = new KINDS[kind](bytes.buffer, at, count), to = all.subarray(place, place + count);
    if (kind === "f16") for (let i = 0; i < count; i++) to[i] = HALVES[from[i]];
    else to.set(from);
    if (scale !== undefined) {
      const scales = new Float32Array(bytes.buffer, scale, rows), length = count / rows;
      for (let row = 0, i = 0; row < rows; row++) for (const end = i + length; i < end; i++) to[i] *= scales[row];
    }
    place += count;
  }
  return all;
}
