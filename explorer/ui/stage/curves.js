// Curves on a canvas: one number of each layer over evaluations, drawn in the layer's colour and dash.
// `curves` holds each layer's panels in order; the canvas names the number, its figure the layer's dash.
const LEFT = 40, TOP = 8, BOTTOM = 22; // Room for numbers.
const RIGHT = 58, NAME_MARGIN = 20, HEAD = 11, TAIL = 8; // Room for the names at the lines' ends; letters kept of one.

// biome-ignore lint/correctness/noUnusedVariables: stage.js, which is joined to this file, draws with it.
function drawCurve(canvas, layers, curves, isLog) {
  const name = canvas.dataset.curve, width = canvas.clientWidth, height = canvas.clientHeight;
  const points = layers.flatMap((layer) => finite(curves[layer], name));
  if (!width || !points.length) return;
  const context = prepare(canvas, width, height);
  const style = getComputedStyle(canvas);
  context.font = `11px ${style.fontFamily}`;
  const right = Math.max(RIGHT, NAME_MARGIN + Math.max(...layers.map((layer) => context.measureText(shorten(layer)).width)));
  const y = axis(points.map((panel) => panel[name]), isLog && name === "feature", height - BOTTOM, TOP);
  const x = axis(points.map((panel) => panel.evaluations), isLog, LEFT, width - right);
  drawGrid(context, x, y, width - right, height, style);
  const ends = [];
  for (const layer of layers) {
    const line = finite(curves[layer], name);
    if (!line.length) continue;
    context.strokeStyle = style.getPropertyValue(window.explorerColour(layer));
    context.lineWidth = 2;
    context.setLineDash(JSON.parse(canvas.closest(".stage").querySelector(`[data-panel="${layer}"]`).dataset.dash));
    context.beginPath();
    for (const panel of line) context.lineTo(x.place(panel.evaluations), y.place(panel[name]));
    context.stroke();
    const last = line[line.length - 1];
    ends.push({ layer, x: x.place(last.evaluations), y: y.place(last[name]) });
  }
  context.setLineDash([]);
  labelEnds(context, ends, style);
}

// Only another size makes another bitmap, which is dear.
function prepare(canvas, width, height) {
  const context = canvas.getContext("2d");
  const pixels = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
  if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) [canvas.width, canvas.height] = pixels;
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

// The beginning and the end of a long name, which tell layers apart.
function shorten(name) {
  return name.length > HEAD + TAIL + 1 ? `${name.slice(0, HEAD)}…${name.slice(-TAIL)}` : name;
}

function finite(line, name) { return (line || []).filter((panel) => Number.isFinite(panel[name])); }

function axis(values, isLogarithmic, from, to) {
  const scale = (value) => (isLogarithmic ? Math.log10(Math.max(value, 1e-6)) : value);
  const low = Math.min(...values.map(scale)), high = Math.max(...values.map(scale));
  const place = (value) => from + ((scale(value) - low) / (high - low || 1)) * (to - from);
  return { place, ticks: isLogarithmic ? powers(low, high) : rounds(low, high) };
}

function powers(low, high) {
  const digits = high - low < 2 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    for (const digit of digits) found.push(digit * 10 ** power);
  }
  return found.filter((value) => Math.log10(value) >= low - 1e-9 && Math.log10(value) <= high + 1e-9);
}

function rounds(low, high) {
  const rough = (high - low || 1) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((size) => size >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) found.push(value);
  return found;
}

function drawGrid(context, x, y, right, height, style) {
  context.strokeStyle = style.getPropertyValue("--hair");
  context.fillStyle = style.getPropertyValue("--quiet");
  context.lineWidth = 1;
  for (const value of y.ticks) {
    const at = Math.round(y.place(value)) + 0.5;
    context.beginPath();
    context.moveTo(LEFT, at);
    context.lineTo(right, at);
    context.stroke();
    context.fillText(Number(value.toPrecision(3)), 4, at + 4);
  }
  for (const value of x.ticks) context.fillText(Math.round(value), x.place(value) - 6, height - 5);
}

function labelEnds(context, ends, style) {
  ends.sort((a, b) => a.y - b.y);
  let lowest = -Infinity;
  for (const end of ends) {
    lowest = Math.max(end.y, lowest + 13); // Names one below the other where lines end together.
    context.fillStyle = style.getPropertyValue(window.explorerColour(end.layer));
    context.beginPath();
    context.arc(end.x, end.y, 3.5, 0, 7);
    context.fill();
    context.fillStyle = style.getPropertyValue("--ink");
    context.fillText(shorten(end.layer), end.x + 8, lowest + 4);
  }
}
