// The stage: draws what the server sends (pictures, numbers, curves) and replays it without the server.
// A value holds: run (its name), seconds, original, panels by layer, words, status, is_over, frames (a recording).
const stage = element.querySelector(".stage");
const isLive = stage.dataset.mode === "live";
const layers = [...stage.querySelectorAll("[data-dash]")].map((node) => node.dataset.panel);
const player = stage.querySelector(".player");
const scrubber = player.querySelector("input");
const playButton = player.querySelector(".play");
const FRAMES_KEPT = 240; // About 16 MB of pictures; beyond it every other frame goes.
const CURVES_EVERY_MS = 500;
const REPLAY_MS = 8000; // A replay lasts so long however long the run was.
const hasReducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

let run = null;
let frames = [];
let curves = {};
let lastDrawing = 0;
let replay = null;
let isLog = true;

const figure = (name) => stage.querySelector(`[data-panel="${name}"]`);
const text = (root, selector, value) => {
  const node = root.querySelector(selector);
  if (node && node.textContent !== value) node.textContent = value;
};

function showPicture(name, source, alt) {
  const image = figure(name).querySelector("img");
  if (!source) { image.hidden = true; return; }
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
  if (!panel) {
    showPicture(layer, null, "");
    for (const part of [".psnr b", ".detail", ".note"]) text(node, part, "");
    node.dataset.state = "empty";
    return;
  }
  showPicture(layer, panel.src, `${layer} reconstruction, PSNR ${fixed(panel.psnr_db, 1)} dB`);
  text(node, ".psnr b", fixed(panel.psnr_db, 1));
  text(node, ".shape", panel.shape || "");
  text(node, ".detail", detail(panel));
  text(node, ".note", panel.note || "");
  node.dataset.state = panel.state || "finished";
}

function show(frame) {
  for (const layer of layers) showPanel(layer, frame.panels[layer]);
}

function keep(frame) {
  frames.push(frame);
  if (frames.length > FRAMES_KEPT) frames = frames.filter((_, index) => index % 2 === 0 || index === frames.length - 1);
  for (const [layer, panel] of Object.entries(frame.panels)) {
    const points = (curves[layer] ||= []);
    if (!points.length || points[points.length - 1].evaluations < panel.evaluations) points.push(panel);
  }
}

function reset(name) {
  run = name;
  frames = [];
  curves = {};
  pause();
  player.hidden = true;
}

function receive(value) {
  if (!value?.panels) return;
  if (value.run !== run) reset(value.run);
  showPicture("original", value.original, "Original picture, as the network is given it");
  text(stage, ".words", value.words || "");
  text(stage, ".status", value.status || "");
  stage.dataset.busy = value.is_over ? "no" : "yes";
  if (value.frames) return playRecording(value);
  if (isLive && Object.keys(value.panels).length) keep({ seconds: value.seconds, panels: value.panels });
  if (!replay && !(hasReducedMotion.matches && isLive && !value.is_over)) show(value);
  if (isLive) afterLiveFrame(value);
  drawTable(value.table);
}

function afterLiveFrame(value) {
  stage.querySelector(".curves").hidden = frames.length === 0;
  if (value.is_over || performance.now() - lastDrawing > CURVES_EVERY_MS) drawCurves();
  if (value.is_over && frames.length > 1) offerReplay(frames.length - 1);
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
    for (const layer of Object.keys(frame.panels)) (curves[layer] ||= []).push(frame.panels[layer]);
  }
  stage.querySelector(".curves").hidden = false;
  drawCurves();
  drawTable(value.table);
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

function drawCurves() {
  lastDrawing = performance.now();
  for (const canvas of stage.querySelectorAll("canvas")) drawCurve(canvas, layers, curves, isLog);
}

// --- The table of final numbers -----------------------------------------------------------------------------

function drawTable(table) {
  const box = stage.querySelector(".table");
  box.hidden = !table;
  if (!table) return;
  const head = table.columns.map((column) => `<th scope="col">${column}</th>`).join("");
  const rows = table.rows.map((row) => {
    const cells = row.cells.map((cell) => `<td>${cell}</td>`).join("");
    return `<tr style="--layer: var(--${row.layer})"><th scope="row"><i class="dot"></i>${row.layer}</th>${cells}</tr>`;
  });
  box.innerHTML = `<table><thead><tr><td></td>${head}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

// --- Class mode and keys ------------------------------------------------------------------------------------

for (const cover of stage.querySelectorAll(".cover")) {
  cover.addEventListener("click", () => cover.closest(".panel").classList.add("revealed"));
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
  drawCurves();
});

element.addEventListener("stage:toggle", () => { if (!player.hidden) (replay ? pause() : play()); });
element.addEventListener("stage:solo", (event) => solo(layers[event.detail]));
element.addEventListener("stage:reveal", () => {
  const covered = layers.map(figure).find((node) => !node.classList.contains("revealed"));
  if (covered) covered.classList.add("revealed");
});

new ResizeObserver(() => drawCurves()).observe(stage);
watch("value", () => receive(props.value));
receive(props.value);
