// A visitor's own picture on the static page: a worker decodes and inverts it here, and the page's own stages show it.
// `show` are the stages by name, `site` what the page offers: { offer, leave }. Gives null where nothing can compute.
window.explorerOwn = (show, site) => {
  const bundle = window.explorerBundle; // Where the worker's folder is; missing where the page was built without it.
  const box = document.getElementById("picture");
  if (!bundle || !box) return null;
  const status = box.querySelector("[role=status]"), bar = box.querySelector("progress"), panel = document.getElementById("own-live");
  const buttons = { run: panel.querySelector("#run"), stop: panel.querySelector("#stop") };
  const say = (text) => { status.textContent = text; };
  box.hidden = false;
  if (location.protocol === "file:") {
    for (const label of box.querySelectorAll("label")) label.remove();
    say("To try your own photos: run python -m http.server in this folder, then open http://localhost:8000.");
    return null;
  }
  const { looks, noLook, faintLook, worstLook, toleranceDb, likenessDb, nearlyEqual, lowDb } = bundle.captions;
  const MOST_SIDE = 1024, LEAST_SIDE = 32, LEAST_MEMORY = 4; // Pixels, pixels, gigabytes.
  const isSmall = (navigator.deviceMemory ?? LEAST_MEMORY) < LEAST_MEMORY;
  const finite = (value) => (Number.isFinite(value) ? value : null);
  const canvas = document.createElement("canvas"), writeLooks = window.explorerOwnLooks(bundle, draw);
  let worker = null, opened = null, device = "", finish = [], runs = 0, shown = null;

  // --- What the worker says --------------------------------------------------------------------------------

  function open() {
    if (opened) return opened;
    worker = new Worker(`${bundle.folder}/worker.js`, { type: "module" });
    // What is still said of a picture that was replaced meanwhile is not heard.
    worker.addEventListener("message", ({ data: { kind, ...content } }) => { if (!content.of || content.of === shown?.name) hear[kind](content); });
    worker.addEventListener("error", (event) => hear.failed({ message: `This browser cannot compute here: ${event.message}` }));
    const threads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
    opened = ask({ task: "open", threads, wanted: window.explorerClassroom.parameters.get("device") });
    return opened;
  }

  // Resolves when the task is over.
  const ask = (message) => new Promise((resolve) => { finish.push(resolve); worker.postMessage({ ...message, of: shown?.name, number: finish.length - 1 }); });

  const hear = {
    opened({ provider, threads }) {
      device = provider === "webgpu" ? "Computed on this device: WebGPU." : `Computed on this device: WebAssembly, threads: ${threads}.`;
      say(device);
    },
    progress({ come, total }) {
      const megabytes = (bytes) => (bytes / 1e6).toFixed(0);
      bar.hidden = come >= total;
      bar.value = come / total;
      if (come < total) say(`Loading weights: ${megabytes(come)} of ${megabytes(total)} MB`);
      else say(device);
    },
    lost() { device = "The graphics device was lost; WebAssembly goes on."; say(device); },
    original({ picture }) { Object.assign(shown, { original: { picture, src: draw(picture, "image/png") }, looks: {} }); showDecoded(); },
    decoded({ layer, variant, panel }) {
      shown.decoded[layer] = { ...toPanel(panel), variant };
      showDecoded();
    },
    measured({ layer, ...figures }) { Object.assign(shown.decoded[layer], figures); showDecoded(); },
    asked({ layer, ...told }) { shown.looks[layer] = told; },
    answered({ opinions }) { Object.assign(shown.opinions, opinions); showPair(); },
    step({ layer, panel, seconds }) {
      const { run } = shown;
      run.panels[layer] = { ...toPanel(panel), state: "running" };
      run.seconds += seconds;
      const evaluations = Object.values(run.panels).reduce((sum, { evaluations }) => sum + evaluations, 0);
      run.each = run.seconds / evaluations;
      run.left = Math.max(0, run.planned - evaluations) * run.each;
      showRun();
    },
    over({ layer, ...figures }) {
      if (shown.run.panels[layer]) Object.assign(shown.run.panels[layer], figures, { state: "finished" });
      showRun();
    },
    failed({ layer, message, detail }) {
      console.warn(detail);
      say(layer ? `${layer}: ${message}` : message);
      if (!layer) opened = null;
    },
    finished({ number }) { finish[number](); },
  };

  // --- Pictures --------------------------------------------------------------------------------------------

  function draw(picture, kind = "image/jpeg") {
    const side = Math.sqrt(picture.length / 3), area = side * side, pixels = new ImageData(side, side);
    for (let i = 0; i < area; i++) for (let channel = 0; channel < 4; channel++) {
      pixels.data[4 * i + channel] = channel < 3 ? Math.round(255 * picture[channel * area + i]) : 255;
    }
    Object.assign(canvas, { width: side, height: side });
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    return canvas.toDataURL(kind, 0.9);
  }

  const toPanel = ({ picture, psnr_db, feature, ...rest }) =>
    ({ ...rest, picture, src: draw(picture), psnr_db: finite(psnr_db), feature: finite(feature), ssim: null, lpips: null, note: "" });

  // A large picture is reduced by the browser, the short side to what the bicubic filter then brings to the network's.
  async function read(source) {
    const image = await createImageBitmap(source, { imageOrientation: "from-image" }).catch(() => null);
    if (!image) throw new Error("This file is no picture that this browser can read; try a JPEG or PNG.");
    const short = Math.min(image.width, image.height);
    if (short < LEAST_SIDE) throw new Error(`This image is ${image.width}x${image.height}; use at least ${LEAST_SIDE}x${LEAST_SIDE}.`);
    const scale = Math.min(1, MOST_SIDE / short), area = new OffscreenCanvas(Math.round(image.width * scale), Math.round(image.height * scale));
    const context = area.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, area.width, area.height);
    return context.getImageData(0, 0, area.width, area.height);
  }

  async function take(source) {
    try {
      const pixels = await read(source);
      site.leave();
      begin();
      const mine = shown; // Run waits for all of this, also while the weights come.
      mine.work = open().then(() => (device && mine === shown ? decode({ pixels }) : null));
      await mine.work;
    } catch (error) {
      say(error.message);
    }
  }

  async function decode(given) {
    const mine = shown;
    Object.assign(mine, { isDecoded: false, opinions: {} });
    mine.work = ask({ task: "decode", method: chosen(), ...given });
    await mine.work;
    if (mine !== shown || !shown.original) return;
    mine.isDecoded = true;
    showDecoded();
  }

  function begin() {
    runs += 1;
    site.offer(document.querySelector("#decoder"), bundle.methods);
    shown = { name: `own ${runs}`, original: null, decoded: {}, run: null, opinions: {}, looks: {}, isDecoded: false };
    show.live(JSON.stringify({ ...value(`own ${runs}`), is_over: true }));
    show.compare({ pictures: {}, a: "", b: "", opinions: {} });
  }

  // --- What the stages show --------------------------------------------------------------------------------

  const chosen = () => document.querySelector("#decoder input:checked")?.value;

  function value(run, panels = {}, more = {}) {
    const bare = Object.fromEntries(Object.entries(panels).map(([layer, { picture, ...panel }]) => [layer, panel]));
    return { run, original: shown.original?.src ?? "", panels: bare, seconds: 0, captions: [], status: "", table: null, is_over: true, ...more };
  }

  function showDecoded() {
    const { decoded, isDecoded, looks } = shown, whole = isDecoded && { captions: describe(decoded), ...writeLooks(looks, decoded) };
    show.instant(JSON.stringify(value(shown.name, decoded, { is_over: isDecoded, passes: [], ...whole })));
    if (isDecoded) compare("original", keys().at(-1));
  }

  function showRun() {
    const { run } = shown, isOver = Object.values(run.panels).every(({ state }) => state !== "running");
    const pace = `${run.each.toFixed(2)} s an evaluation; about ${Math.ceil(run.left)} s to go`;
    show.live(JSON.stringify(value(run.name, run.panels, {
      seconds: run.seconds, is_over: isOver, status: isOver ? "" : pace, captions: describe(run.panels),
    })));
  }

  // The sentences of ui/stage/captions.py, true for the numbers shown.
  function describe(panels) {
    const layers = bundle.layers.filter((layer) => panels[layer]?.psnr_db != null);
    if (!layers.length || !shown.original) return [];
    const flat = flatDb(shown.original.picture), db = (layer) => panels[layer].psnr_db;
    const look = (layer) => (db(layer) <= flat + toleranceDb ? noLook : db(layer) < flat + likenessDb ? faintLook : looks.find(([limit]) => db(layer) >= limit)?.[1] ?? worstLook);
    const sentence = (layer) => ({ text: `${layer} gives back ${look(layer)} (${db(layer).toFixed(1)} dB).`, about: [layer] });
    const ends = [...new Set([layers[0], layers.at(-1)])], said = ends.map(sentence);
    if (layers.length > 1 && layers.every((layer, at) => !at || db(layers[at - 1]) > db(layer))) said.push({ text: "Each deeper layer gives back less.", about: layers });
    const close = layers.findLast((layer) => panels[layer].feature != null && panels[layer].feature <= nearlyEqual && db(layer) < lowDb);
    if (close) said.push({ about: [close], text: `Look at ${close}: its features match to within ${(100 * panels[close].feature).toFixed(1)}%, ` +
      `yet the picture is only ${db(close).toFixed(1)} dB close. What differs is what ${close} does not see.` });
    return said;
  }

  function flatDb(picture) {
    const area = picture.length / 3;
    let sum = 0;
    for (let channel = 0; channel < 3; channel++) {
      const plane = picture.subarray(channel * area, (channel + 1) * area), mean = plane.reduce((a, b) => a + b, 0) / area;
      sum += plane.reduce((total, value) => total + (value - mean) ** 2, 0);
    }
    return -10 * Math.log10(sum / picture.length);
  }

  // --- Compare ---------------------------------------------------------------------------------------------

  const made = (kind, panels = {}) => Object.entries(panels).map(([layer, panel]) =>
    [`${layer} ${kind}`, { label: `${layer} ${kind}`, layer, picture: panel.picture, src: panel.src }]);
  const pictures = () => Object.fromEntries([["original", { label: "Original", layer: null, ...shown.original }],
    ...made("decoded", shown.decoded), ...made("optimised", shown.run?.panels)]);
  const keys = () => Object.keys(pictures());

  async function compare(a, b) {
    Object.assign(shown, { a, b });
    showPair();
    const all = pictures(), wanted = [a, b].filter((key) => !shown.opinions[key] && all[key]);
    const isBusy = shown.run && Object.values(shown.run.panels).some(({ state }) => state === "running");
    if (shown.isDecoded && !isBusy && wanted.length && a !== b && document.getElementById("panel-compare").hidden === false) {
      await ask({ task: "answer", pictures: Object.fromEntries(wanted.map((key) => [key, all[key].picture])) });
    }
  }

  function showPair() {
    const all = pictures(), { a, b, opinions } = shown;
    if (!all[a] || !all[b]) return;
    const square = all[a].picture.reduce((sum, value, i) => sum + (value - all[b].picture[i]) ** 2, 0) / all[a].picture.length;
    const likeness = square ? `PSNR ${(-10 * Math.log10(square)).toFixed(2)} dB` : "The two pictures are equal, pixel for pixel.";
    const bare = Object.fromEntries(Object.entries(all).map(([key, { picture, ...rest }]) => [key, rest]));
    show.compare({ pictures: bare, a, b, likeness, opinions, others: "", verdict: opinions[a] && opinions[b] ? judge(opinions[a], opinions[b]) : "" });
  }

  function judge(a, b) {
    const shared = a.filter(([label]) => b.some(([other]) => other === label)).length;
    const [first, second] = [a[0][0], b[0][0]];
    return first === second ? `To the network both are first of all “${first}”; ${shared} of the five likeliest are shared.`
      : `The network sees “${first}” on the left and “${second}” on the right; ${shared} of the five likeliest are shared.`;
  }

  // --- Live ------------------------------------------------------------------------------------------------

  async function run() {
    if (!shown) await take(await (await fetch(site.original())).blob());
    await shown?.work;
    if (!shown?.original) return;
    const [preset, method] = ["preset", "start"].map((name) => panel.querySelector(`[name=${name}]`).value);
    const planned = bundle.layers.reduce((sum, layer) => sum + bundle.presets[preset][method][layer].evaluations, 0);
    shown.run = { name: `own run ${++runs}`, panels: {}, seconds: 0, each: 0, left: 0, planned };
    buttons.run.disabled = true;
    const mine = shown;
    await ask({ task: "invert", preset, method });
    buttons.run.disabled = false;
    if (mine !== shown) return;
    for (const one of Object.values(shown.run.panels)) if (one.state === "running") Object.assign(one, { state: "stopped", note: `stopped at step ${one.step}` });
    showRun();
    for (const key of keys()) if (key.endsWith("optimised")) delete shown.opinions[key];
    compare("original", keys().at(-1));
  }

  box.addEventListener("change", ({ target }) => { if (target.files?.length) take(target.files[0]); target.value = ""; });
  document.getElementById("tab-compare").addEventListener("click", () => setTimeout(() => { if (shown?.a) compare(shown.a, shown.b); }));
  buttons.run.addEventListener("click", () => run().catch((error) => say(error.message)));
  buttons.stop.addEventListener("click", () => worker?.postMessage({ task: "stop" }));
  document.addEventListener("visibilitychange", () => worker?.postMessage({ task: document.hidden ? "pause" : "resume" }));
  // Who reaches for the box will want the weights; where they lie here already, nothing needs to be waited for.
  for (const kind of ["pointerdown", "focusin"]) box.addEventListener(kind, open, { once: true });
  document.addEventListener("dragenter", open, { once: true });
  window.caches?.has(bundle.cache).then((isKept) => { if (isKept && !isSmall) open(); }, () => {});
  panel.hidden = isSmall;
  if (isSmall) say("This device has little memory: it decodes pictures, and does not search for them.");
  return {
    isShown: () => shown !== null,
    leave: () => { if (shown) worker?.postMessage({ task: "stop" }); shown = null; },
    compare,
    decode: () => decode({ picture: shown.original.picture }),
  };
};
