// The stage: draws what the server sends (pictures, numbers, curves) and replays it without the server.
// A value is JSON of: run (its name), seconds, original (null: as before), panels by layer, captions (sentences and
// the layers they are about), status, table, is_over, frames (a recording).
const stage = element.querySelector(".stage");
stage.innerHTML = CONTENT;
const isLive = stage.dataset.mode === "live";
const layers = [...stage.querySelectorAll("[data-dash]")].map((node) => node.dataset.panel);
const player = stage.querySelector(".player");
const scrubber = player.querySelector("input");
const playButton = player.querySelector(".play");
const FRAMES_KEPT = 240; // About 16 MB of pictures; beyond it every other frame goes.
const TELL_EVERY_MS = 500;
const REPLAY_MS = 8000; // A replay lasts so long however long the run was.
const STILL_MS = 5000; // A run is shown at this pace to those who want no motion.
const hasReducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

let run = null;
let frames = [];
let curves = {};
let lastTelling = 0;
let lastShowing = 0;
let replay = null;
let isLog = true;
let captions = [];
let table = null;
// biome-ignore lint/correctness/noUnusedVariables: second_looks.js, which is joined to this file, reads it.
let shown = { panels: {} }; // The value that the pictures are from.

const figure = (name) => stage.querySelector(`[data-panel="${name}"]`);
const text = (root, selector, value) => {
  const node = root.querySelector(selector);
  if (node && node.textContent !== value) node.textContent = value;
};

function showPicture(name, source, alt) {
  const image = figure(name).querySelector("img");
  if (!source) { image.hidden = true; image.removeAttribute("src"); return; }
  if (image.getAttribute("src") !== source) image.src = source;
  image.alt = alt;
  image.hidden = false;
}

function fixed(value, digits) { return value == null ? "–" : value.toFixed(digits); }

function detail(panel) {
  if (panel.ssim !== undefined && !isLive) {
    return `SSIM ${fixed(panel.ssim, 3)} · LPIPS ${fixed(panel.lpips, 3)} · feature error ${fixed(panel.feature, 3)}`;
  }
  return `step ${panel.step} · ${panel.evaluations} evaluations · feature error ${fixed(panel.feature, 3)}`;
}

function showPanel(layer, panel) {
  const node = figure(layer);
  if (!panel?.src) {
    showPicture(layer, null, "");
    for (const part of [".psnr b", ".thumbnail", ".says", ".detail"]) text(node, part, "");
    text(node, ".note", panel?.note || "");
    node.dataset.state = "empty";
    return;
  }
  showPicture(layer, panel.src, panel.psnr_db == null ? `${layer} reconstruction` : `${layer} reconstruction, PSNR ${fixed(panel.psnr_db, 1)} dB`);
  text(node, ".psnr b", fixed(panel.psnr_db, 1));
  const side = panel.thumbnail;
  text(node, ".thumbnail", side === 1 ? "no better than one flat colour" : side ? `as good as a ${side} × ${side} thumbnail` : "");
  drawBlock(node, panel.shape || "");
  text(node, ".says", panel.says || "");
  text(node, ".detail", detail(panel));
  text(node, ".note", panel.note || "");
  node.dataset.state = panel.state || "finished";
}

// The block above a picture: its height tells the side of the map, its depth the number of channels.
function drawBlock(node, shape) {
  text(node, ".shape", shape);
  const [channels, side] = shape.split(" × ").map(Number);
  if (!side) return;
  const block = node.querySelector(".block");
  block.style.setProperty("--side", `${Math.round(6 + 28 * Math.sqrt(Math.min(1, side / 224)))}px`);
  block.style.setProperty("--depth", `${Math.round(3 + 3 * Math.max(0, Math.log2(channels / 16)))}px`);
}

function show(frame) {
  for (const layer of layers) showPanel(layer, frame.panels[layer]);
}

const secondLooks = followSecondLooks();

function curveOf(layer) {
  curves[layer] ||= [];
  return curves[layer];
}

function keep(frame) {
  frames.push(frame);
  if (frames.length > FRAMES_KEPT) frames = frames.filter((_, index) => index % 2 === 0 || index === frames.length - 1);
  for (const [layer, panel] of Object.entries(frame.panels)) extend(curveOf(layer), panel);
}

// SSIM and LPIPS are read now and then, so a later frame of the same step may know more.
function extend(points, panel) {
  const last = points[points.length - 1];
  if (!last || last.evaluations < panel.evaluations) points.push({ ...panel });
  else for (const name of ["ssim", "lpips"]) last[name] ??= panel[name];
}

function reset(name) {
  run = name;
  frames = [];
  curves = {};
  lastShowing = -STILL_MS;
  pause();
  player.hidden = true;
}

function receive(value) {
  if (!value) return;
  if (value.run !== run) reset(value.run);
  const isAnotherPicture = value.original !== null && showOriginal(value);
  captions = value.captions;
  table = value.table;
  text(figure("original"), ".says", value.original_says || "");
  text(stage, ".status", value.status);
  shown = value;
  if (!isLive) secondLooks.take(value, isAnotherPicture);
  stage.dataset.busy = value.is_over ? "no" : "yes";
  if (value.frames) return playRecording(value);
  if (isLive && Object.keys(value.panels).length) keep({ seconds: value.seconds, panels: value.panels });
  if (!replay && (!isLive || value.is_over || isTimeToShow())) show(value);
  if (value.is_over || performance.now() - lastTelling > TELL_EVERY_MS) tell();
  if (isLive && value.is_over && frames.length > 1) offerReplay(frames.length - 1);
  const original = figure("original").querySelector("img").getAttribute("src");
  element.dispatchEvent(new CustomEvent("stage:value", { bubbles: true, detail: { isLive, value: { ...value, original } } }));
}

function isTimeToShow() {
  if (hasReducedMotion.matches && performance.now() - lastShowing < STILL_MS) return false;
  lastShowing = performance.now();
  return true;
}

// Of features alone there is no original, and an empty stage tells that others have come.
function showOriginal({ original: source, panels }) {
  const before = figure("original").querySelector("img").getAttribute("src") ?? "";
  const isAnother = before !== source || !(source || Object.keys(panels).length);
  stage.classList.toggle("no-original", !source);
  if (isAnother) for (const layer of layers) figure(layer).classList.remove("revealed");
  showPicture("original", source, "Original picture, as the network is given it");
  return isAnother;
}

// --- What is told beside the pictures: in class mode only of layers that have been revealed -----------------

function isTold(layer) {
  return !document.documentElement.classList.contains("class-mode") || figure(layer).classList.contains("revealed");
}

function tell() {
  lastTelling = performance.now();
  drawCaptions(captions.filter((sentence) => sentence.about.every(isTold)).map((sentence) => sentence.text));
  const told = layers.filter((layer) => isTold(layer) && curves[layer]?.length);
  stage.querySelector(".curves").hidden = !told.length;
  for (const button of stage.querySelectorAll("[data-measure]")) {
    button.hidden = !told.some((layer) => finite(curves[layer], button.dataset.measure).length);
  }
  for (const canvas of stage.querySelectorAll("canvas")) drawCurve(canvas, told, curves, isLog);
  secondLooks.box.hidden = !secondLooks.isDialReady();
  drawTable();
}

// Each sentence has an element of its own, so that it can be translated whole.
function drawCaptions(sentences) {
  const box = stage.querySelector(".captions");
  const told = sentences.join(" ");
  if (box.dataset.told === told) return;
  box.dataset.told = told;
  box.replaceChildren(...sentences.flatMap((sentence, index) => {
    const node = document.createElement("span");
    node.textContent = sentence;
    return index ? [" ", node] : [node];
  }));
}

function reveal(node) {
  node.classList.add("revealed");
  tell();
}

// --- Replay -------------------------------------------------------------------------------------------------

function offerReplay(position) {
  player.hidden = false;
  scrubber.max = frames.length - 1;
  seek(position);
}

function seek(position) {
  scrubber.value = position;
  const frame = frames[position];
  if (!frame) return;
  show(frame);
  player.querySelector("output").textContent = `${frame.seconds.toFixed(1)} s`;
  scrubber.setAttribute("aria-valuetext", `${frame.seconds.toFixed(1)} seconds`);
}

function playRecording(value) {
  frames = value.frames;
  curves = {};
  for (const frame of frames) {
    for (const layer of Object.keys(frame.panels)) curveOf(layer).push(frame.panels[layer]);
  }
  tell();
  offerReplay(hasReducedMotion.matches ? frames.length - 1 : 0);
  if (!hasReducedMotion.matches) play();
}

function play() {
  const total = frames[frames.length - 1].seconds || 1;
  const from = Number(scrubber.value) >= frames.length - 1 ? 0 : frames[scrubber.value].seconds;
  const started = performance.now() - (from / total) * REPLAY_MS;
  playButton.textContent = "❚❚";
  playButton.setAttribute("aria-label", "Pause");
  clearInterval(replay);
  replay = setInterval(() => {
    const now = ((performance.now() - started) / REPLAY_MS) * total;
    const next = frames.findIndex((frame) => frame.seconds > now);
    seek(next === -1 ? frames.length - 1 : Math.max(0, next - 1));
    if (next === -1) pause();
  }, 100);
}

function pause() {
  clearInterval(replay);
  replay = null;
  playButton.textContent = "▶";
  playButton.setAttribute("aria-label", "Play");
}

playButton.addEventListener("click", () => (replay ? pause() : play()));
scrubber.addEventListener("input", () => { pause(); seek(Number(scrubber.value)); });

// --- The table of numbers -----------------------------------------------------------------------------------

function drawTable() {
  const box = stage.querySelector(".table");
  const shown = (table?.rows ?? []).filter((row) => isTold(row.layer));
  box.hidden = !shown.length;
  if (box.hidden) return;
  const names = [...shown.map((row) => row.layer), ...table.columns].join();
  if (box.dataset.layers !== names) layOutTable(box, shown, names);
  const cells = box.querySelectorAll("td");
  shown.flatMap((row) => row.cells).forEach((cell, index) => {
    if (cells[index].textContent !== cell) cells[index].textContent = cell;
  });
}

function layOutTable(box, shown, names) {
  box.dataset.layers = names;
  const head = table.columns.map((column) => `<th scope="col">${column}</th>`).join("");
  const rows = shown.map(({ layer, cells }) =>
    `<tr style="--layer: var(${window.explorerColour(layer)})"><th scope="row"><i class="dot"></i>${layer}</th>${"<td></td>".repeat(cells.length)}</tr>`);
  box.innerHTML = `<table><thead><tr><th scope="col">Layer</th>${head}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

// --- Class mode and keys ------------------------------------------------------------------------------------

for (const cover of stage.querySelectorAll(".cover")) {
  cover.addEventListener("click", () => reveal(cover.closest(".panel")));
}

function solo(wanted) {
  stage.dataset.solo = stage.dataset.solo === wanted ? "" : wanted;
  for (const layer of layers) figure(layer).classList.toggle("aside", ![layer, ""].includes(stage.dataset.solo));
}

// A link may name the layer to begin with.
const named = new URLSearchParams(location.search).get("layer");
if (layers.includes(named)) solo(named);

stage.querySelector(".scale").addEventListener("click", (event) => {
  isLog = !isLog;
  event.target.setAttribute("aria-pressed", String(isLog));
  event.target.textContent = isLog ? "log axes" : "linear axes";
  tell();
});

for (const button of stage.querySelectorAll("[data-measure]")) {
  button.addEventListener("click", () => {
    for (const other of stage.querySelectorAll("[data-measure]")) other.setAttribute("aria-pressed", String(other === button));
    const canvas = stage.querySelectorAll("canvas")[1];
    canvas.dataset.curve = button.dataset.measure;
    canvas.setAttribute("aria-label", `${button.textContent} over evaluations, per layer`);
    tell();
  });
}

element.addEventListener("stage:toggle", () => { if (!player.hidden) (replay ? pause() : play()); });
element.addEventListener("stage:solo", (event) => { if (layers[event.detail]) solo(layers[event.detail]); });
element.addEventListener("stage:reveal", () => {
  const covered = layers.map(figure).find((node) => !node.matches(".revealed, .aside"));
  if (covered) reveal(covered);
});

stage.querySelector(".numbers").addEventListener("click", (event) => {
  event.target.setAttribute("aria-pressed", String(stage.classList.toggle("with-numbers")));
});

const read = (json) => receive(json ? JSON.parse(json) : null);
new ResizeObserver(() => tell()).observe(stage);
watch("value", () => read(props.value));
read(props.value);
