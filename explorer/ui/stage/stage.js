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

// --- Curves -------------------------------------------------------------------------------------------------

function drawCurves() {
  lastDrawing = performance.now();
  for (const canvas of stage.querySelectorAll("canvas")) drawCurve(canvas, canvas.dataset.curve);
}

function drawCurve(canvas, name) {
  const width = canvas.clientWidth, height = canvas.clientHeight, ratio = devicePixelRatio || 1;
  if (!width) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const style = getComputedStyle(stage);
  const points = Object.values(curves).flat().filter((panel) => Number.isFinite(panel[name]));
  if (!points.length) return;
  const useLog = isLog && name === "feature";
  const y = axis(points.map((panel) => panel[name]), useLog, height - 22, 8);
  const x = axis(points.map((panel) => panel.evaluations), isLog, 40, width - 58);
  context.font = `11px ${style.fontFamily}`;
  drawGrid(context, { x, y, width, height, ink: style.getPropertyValue("--quiet"), line: style.getPropertyValue("--hair") });
  const ends = [];
  layers.forEach((layer) => {
    const line = (curves[layer] || []).filter((panel) => Number.isFinite(panel[name]));
    if (!line.length) return;
    context.strokeStyle = style.getPropertyValue(`--${layer}`);
    context.lineWidth = 2;
    context.setLineDash(JSON.parse(figure(layer).dataset.dash));
    context.beginPath();
    for (const panel of line) context.lineTo(x.place(panel.evaluations), y.place(panel[name]));
    context.stroke();
    const last = line[line.length - 1];
    ends.push({ layer, x: x.place(last.evaluations), y: y.place(last[name]) });
  });
  context.setLineDash([]);
  labelEnds(context, ends, style);
}

function axis(values, isLogarithmic, from, to) {
  const scale = (value) => (isLogarithmic ? Math.log10(Math.max(value, 1e-6)) : value);
  const low = Math.min(...values.map(scale)), high = Math.max(...values.map(scale));
  const span = high - low || 1;
  const place = (value) => from + ((scale(value) - low) / span) * (to - from);
  return { place, ticks: ticks(low, high, isLogarithmic) };
}

function ticks(low, high, isLogarithmic) {
  if (isLogarithmic) {
    const found = [];
    for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
      for (const digit of high - low < 2 ? [1, 2, 5] : [1]) found.push(digit * 10 ** power);
    }
    return found.filter((value) => Math.log10(value) >= low - 1e-9 && Math.log10(value) <= high + 1e-9);
  }
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((size) => (high - low) / size <= 5) || (high - low) / 4 || 1;
  const scaled = high - low < 2 ? (high - low || 1) / 4 : step;
  const found = [];
  for (let value = Math.ceil(low / scaled) * scaled; value <= high; value += scaled) found.push(value);
  return found;
}

function drawGrid(context, { x, y, width, height, ink, line }) {
  context.strokeStyle = line;
  context.fillStyle = ink;
  context.lineWidth = 1;
  for (const value of y.ticks) {
    const at = Math.round(y.place(value)) + 0.5;
    context.beginPath();
    context.moveTo(40, at);
    context.lineTo(width - 58, at);
    context.stroke();
    context.fillText(Number(value.toPrecision(2)), 4, at + 4);
  }
  for (const value of x.ticks) context.fillText(Math.round(value), x.place(value) - 6, height - 5);
}

function labelEnds(context, ends, style) {
  ends.sort((a, b) => a.y - b.y);
  let lowest = -Infinity;
  for (const end of ends) {
    const at = Math.max(end.y, lowest + 13);
    lowest = at;
    context.fillStyle = style.getPropertyValue(`--${end.layer}`);
    context.beginPath();
    context.arc(end.x, end.y, 3.5, 0, 7);
    context.fill();
    context.fillStyle = style.getPropertyValue("--ink");
    context.fillText(end.layer, end.x + 8, at + 4);
  }
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

stage.querySelector(".scale").addEventListener("click", (event) => {
  isLog = !isLog;
  event.target.setAttribute("aria-pressed", String(isLog));
  event.target.textContent = isLog ? "log axes" : "linear axes";
  drawCurves();
});

element.addEventListener("stage:toggle", () => { if (!player.hidden) (replay ? pause() : play()); });
element.addEventListener("stage:solo", (event) => {
  const wanted = layers[event.detail];
  const isSolo = stage.dataset.solo === wanted;
  stage.dataset.solo = isSolo ? "" : wanted;
  for (const layer of layers) figure(layer).classList.toggle("aside", !isSolo && layer !== wanted);
});
element.addEventListener("stage:reveal", () => {
  const covered = layers.map(figure).find((node) => !node.classList.contains("revealed"));
  if (covered) covered.classList.add("revealed");
});

new ResizeObserver(() => drawCurves()).observe(stage);
watch("value", () => receive(props.value));
receive(props.value);
