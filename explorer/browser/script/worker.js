// The lab in a worker: encodes, decodes and inverts by ONNX Runtime Web, on WebGPU where there is one.
// Messages in: { task: "open" | "decode" | "invert" | "answer" | "stop" | "pause" | "resume", of, number, ... }; each
// answer has its kind, and whose picture it is of.
import { descend } from "./lbfgs.js";
import { featureError, prepare, psnr, quantise, ssim, Thumbnails } from "./measures.js";
import { correlateRanks, differ, mix } from "./second_looks.js";
import { Files, unfold } from "./weights.js";

const PICTURE_SHAPE = [1, 3, 224, 224];
const say = (kind, content = {}) => self.postMessage({ kind, of, ...content });
const breathe = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms)); // Lets messages in.

let manifest, files, ort, provider, original, thumbnails, features = {}, decoded = {}, turn = 0, isPaused = false, of;
let sessions = new Map();

async function open({ wanted, threads }) {
  const base = new URL(".", self.location.href);
  manifest = await (await fetch(new URL("manifest.json", base))).json();
  files = new Files(base, manifest, (come, total) => say("progress", { come, total }));
  const hasGpu = wanted !== "wasm" && (await navigator.gpu?.requestAdapter().catch(() => null));
  provider = hasGpu ? "webgpu" : "wasm";
  const runtime = manifest.runtimes[provider];
  const [script, wasmBinary] = await Promise.all([import(new URL(runtime.script, base)), files.get(runtime.binary)]);
  ort = script;
  Object.assign(ort.env.wasm, { wasmPaths: { mjs: new URL(runtime.loader, base).href }, numThreads: threads, wasmBinary });
  ort.env.logLevel = "error";
  say("opened", { provider, threads, layers: manifest.layers, presets: manifest.presets });
  warm().catch(() => {}); // Whoever needs them asks again, and hears why.
}

// Makes the first picture's graphs ready before it comes, then lets go of what an earlier version has left.
async function warm() {
  const [first] = manifest.layers;
  for (const name of [`encode-${first}`, `decode-${first}-${decodersOf(first)[0]}`]) await session(name);
  await files.tidy();
}

// --- Graphs --------------------------------------------------------------------------------------------------

function session(name) {
  if (!sessions.has(name)) {
    sessions.set(name, load(name));
    sessions.get(name).catch(() => sessions.delete(name)); // Asked for again, it is tried again.
  }
  return sessions.get(name);
}

async function load(name) {
  const { parts } = manifest.graphs[name];
  const graph = await files.get(`${name}.onnx`);
  const externalData = await Promise.all(parts.map(async (part) => ({ path: part, data: await unfolded(part) })));
  try {
    return await ort.InferenceSession.create(graph, { executionProviders: [provider], externalData });
  } catch (error) {
    if (loseGpu()) return await load(name);
    throw new Error("This device has too little memory for this layer; the others go on.", { cause: error });
  } finally {
    for (const part of parts) if (manifest.graphs[part].isAlone) kept.delete(part);
  }
}

// Parts in float32; those of one graph alone are let go when it has them.
const kept = new Map();
function unfolded(part) {
  if (!kept.has(part)) {
    kept.set(part, files.get(`${part}.bin`).then((bytes) => {
      files.forget(`${part}.bin`);
      return new Uint8Array(unfold(bytes, manifest.graphs[part].entries).buffer);
    }));
    kept.get(part).catch(() => kept.delete(part));
  }
  return kept.get(part);
}

async function run(name, inputs) {
  const graph = await session(name);
  try {
    const outputs = await graph.run(Object.fromEntries(Object.entries(inputs).map(
      ([key, [values, shape]]) => [key, new ort.Tensor("float32", values, shape)])));
    return Object.fromEntries(Object.entries(outputs).map(([key, { data, dims }]) => [key, [data, dims]]));
  } catch (error) {
    if (loseGpu()) return run(name, inputs);
    throw error;
  }
}

// Where the graphics device is lost, or cannot compute a graph, the same graphs go on without it.
function loseGpu() {
  if (provider !== "webgpu") return false;
  provider = "wasm";
  sessions = new Map();
  say("lost");
  return true;
}

async function encode(picture, last) {
  const found = {};
  let [name, value] = ["picture", [picture, PICTURE_SHAPE]];
  for (const layer of manifest.layers) {
    value = (await run(`encode-${layer}`, { [name]: value }))[layer];
    name = layer;
    found[layer] = value;
    if (layer === last) break;
  }
  return found;
}

// --- Decoding ------------------------------------------------------------------------------------------------

const decodersOf = (layer) => manifest.decoders[layer];

async function decode({ pixels, picture, method }, mine) {
  original = picture ?? prepare(pixels);
  [thumbnails, features, decoded] = [new Thumbnails(original), {}, {}];
  const variants = {};
  say("original", { picture: original });
  await inTurns(manifest.layers, mine, async (layer, at) => {
    const started = performance.now();
    const [name, value] = at ? [manifest.layers[at - 1], features[manifest.layers[at - 1]]] : ["picture", [original, PICTURE_SHAPE]];
    features[layer] = (await run(`encode-${layer}`, { [name]: value }))[layer];
    const variant = decodersOf(layer).includes(method) ? method : decodersOf(layer)[0];
    decoded[layer] = await decodeBy(layer, variant);
    variants[layer] = variant;
    const shown = quantise(decoded[layer]), panel = { picture: shown, psnr_db: psnr(shown, original), shape: shapeOf(layer) };
    say("decoded", { layer, variant, panel, seconds: (performance.now() - started) / 1000 });
  });
  await inTurns(manifest.layers, mine, async (layer) => {
    const picture = quantise(decoded[layer]), thumbnail = thumbnails.sideOf(psnr(picture, original)); // Half a second.
    const reached = await encode(picture, layer), feature = featureError(reached[layer][0], features[layer][0]);
    say("measured", { layer, thumbnail, ssim: ssim(picture, original), feature });
  });
  const there = manifest.layers.filter((layer) => decoded[layer]);
  await inTurns(there, mine, async (layer) => say("measured", { layer, lpips: await lpips(quantise(decoded[layer])) }));
  await inTurns(there, mine, (layer) => askAnother(layer, variants[layer]));
}

async function lpips(picture) {
  return (await run("lpips", { picture: [picture, PICTURE_SHAPE], original: [original, PICTURE_SHAPE] })).lpips[0][0];
}

const decodeBy = async (layer, variant) => (await run(`decode-${layer}-${variant}`, { [layer]: features[layer] })).picture[0];

// Another decoder of the layer tells what this one has guessed; where both are there, their mixtures are measured.
async function askAnother(layer, variant) {
  const second = manifest.seconds[layer].find((one) => one !== variant);
  if (!second) return;
  const { shares, blockPixels } = manifest, made = decoded[layer], other = await decodeBy(layer, second);
  const blocks = differ(made, other, blockPixels), error = differ(quantise(made), original, blockPixels);
  const { faithful, consistent: likely } = { [variant]: made, [second]: other };
  const mixtures = faithful && likely ? { faithful, likely, psnr_db: [], lpips: [] } : null;
  for (const share of mixtures ? shares : []) {
    const mixture = mix(faithful, likely, share);
    mixtures.psnr_db.push(psnr(mixture, original));
    mixtures.lpips.push(await lpips(mixture).catch(() => null));
  }
  say("asked", { layer, second, blocks, foresight: correlateRanks(blocks, error), mixtures });
}

const shapeOf = (layer) => features[layer][1].slice(1).join(" × ");

function measure(layer, picture) {
  const db = psnr(picture, original);
  return { picture, psnr_db: db, thumbnail: thumbnails.sideOf(db), shape: shapeOf(layer) };
}

// One layer after the other, as long as nothing newer was asked for; a layer that fails says so, and the rest go on.
async function inTurns(layers, mine, work) {
  for (const [at, layer] of layers.entries()) {
    await breathe();
    if (mine !== turn) return;
    await work(layer, at).catch((error) => say("failed", { layer, message: error.message, detail: String(error.cause ?? error.stack) }));
  }
}

// --- Inverting -----------------------------------------------------------------------------------------------

async function start(layer, { decay, start }) {
  const from = start === "image" ? decoded[layer] : new Float32Array(original.length).fill(0.5);
  const scalar = [new Float32Array([decay]), []];
  if (start === "image") return (await run("start", { picture: [from, PICTURE_SHAPE], decay: scalar })).parameters[0];
  if (start === "grey") return new Float32Array(original.length);
  return Float32Array.from({ length: original.length }, () => 0.1 * Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()));
}

async function* follow(layer, settings, given) {
  const terms = manifest.terms[layer], weights = Float32Array.from(terms, (term) => settings.weights[term] ?? 0);
  const fixed = {
    target: features[layer], weights: [weights, [terms.length]], decay: [new Float32Array([settings.decay]), []],
    start: [decoded[layer] ?? new Float32Array(original.length), PICTURE_SHAPE],
  };
  const ask = async (parameters) => {
    const { gradient, picture, losses } = await run(`evaluate-${layer}`, { parameters: [parameters, PICTURE_SHAPE], ...fixed });
    return { parameters, gradient: gradient[0], picture: picture[0], feature: losses[0][0], total: losses[0].at(-1) };
  };
  const parameters = given ?? await start(layer, settings);
  yield* descend(ask, parameters, { firstStep: settings.first_step, evaluations: settings.evaluations });
}

// The layer that has computed least is next, so that all move on together, as on the server.
async function invert({ method, preset, layers = manifest.layers, changes = {}, parameters }, mine) {
  isPaused = false;
  const runs = layers.filter((layer) => features[layer]).map((layer) => ({
    layer, spent: 0, step: 0, steps: follow(layer, { ...manifest.presets[preset][method][layer], ...changes }, parameters),
  }));
  const best = {};
  while (runs.some((one) => !one.isOver)) {
    await breathe(isPaused ? 100 : 0);
    if (mine !== turn) return;
    if (isPaused) continue;
    const one = runs.filter(({ isOver }) => !isOver).reduce((a, b) => (b.spent < a.spent ? b : a));
    const started = performance.now();
    const { value, done } = await one.steps.next().catch((error) => {
      say("failed", { layer: one.layer, message: error.message, detail: String(error.cause ?? error.stack) });
      return { done: true };
    });
    const seconds = (performance.now() - started) / 1000;
    one.spent += seconds;
    one.isOver = done;
    if (mine !== turn) return;
    if (done) { await finish(one.layer, best[one.layer]?.picture); continue; }
    if (Number.isFinite(value.total)) best[one.layer] = value;
    const { picture, feature, evaluations } = best[one.layer] ?? value;
    say("step", { layer: one.layer, seconds, panel: { ...measure(one.layer, picture), feature, step: one.step++, evaluations } });
  }
}

async function finish(layer, picture) {
  const shown = picture && quantise(picture);
  say("over", { layer, ...(shown && { ssim: ssim(shown, original), lpips: await lpips(shown).catch(() => null) }) });
}

// What the network takes pictures for: its five likeliest classes.
async function answer({ pictures }, mine) {
  for (const [key, picture] of Object.entries(pictures)) {
    await breathe();
    if (mine !== turn) return;
    const last = manifest.layers.at(-1), reached = await encode(picture, last);
    const [chances] = (await run("answer", { [last]: reached[last] })).probabilities;
    const likeliest = [...chances.keys()].sort((a, b) => chances[b] - chances[a]).slice(0, 5);
    say("answered", { opinions: { [key]: likeliest.map((place) => [manifest.categories[place], chances[place]]) } });
  }
}

const tasks = { open, decode, invert, answer };
const signals = {
  stop: () => { turn++; },
  pause: () => { isPaused = true; },
  resume: () => { isPaused = false; },
};

// A graph computes one thing at a time: a new task ends the one before at its next breath, and begins after it.
let last = Promise.resolve();
self.onmessage = ({ data }) => {
  if (data.task in signals) return signals[data.task]();
  const mine = ++turn;
  last = last.then(() => { of = data.of; return tasks[data.task](data, mine); })
    .catch((error) => say("failed", { message: error.message, detail: String(error.cause ?? error.stack) }))
    .finally(() => self.postMessage({ kind: "finished", number: data.number }));
};
