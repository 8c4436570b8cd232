// Pictures and how close two are: the definitions of explorer/metrics. A picture is planes of RGB in [0, 1].
export const SIDE = 224;
const CUBIC = -0.5; // Pillow's.
const SIGMA = 1.5, RADIUS = 5; // Wang et al. (2004).
const RIPPLE_DB = 1, TOLERANCE_DB = 0.01;

export function squaredError(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}

// What is measured is what is shown, and would be saved: 8 bits.
export const quantise = (picture) => picture.map((value) => Math.round(255 * value) / 255);
export const psnr = (picture, original) => -10 * Math.log10(squaredError(picture, original) / original.length);

export function featureError(found, wanted) {
  let square = 0;
  for (const value of wanted) square += value * value;
  return squaredError(found, wanted) / square;
}

function cubic(x) {
  x = Math.abs(x);
  if (x < 1) return ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * CUBIC : 0;
}

// Along rows: `count` lines of `length` values, each to `size` values; what comes out is turned, to be done again.
function resizeLines(values, count, length, size, start = 0, span = length) {
  const scale = span / size, stretch = Math.max(scale, 1), out = new Float32Array(count * size);
  for (let x = 0; x < size; x++) {
    const centre = start + (x + 0.5) * scale, reach = 2 * stretch;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5)), last = Math.min(length, Math.trunc(centre + reach + 0.5));
    const weights = Array.from({ length: last - first }, (_, i) => cubic((first + i - centre + 0.5) / stretch));
    const whole = weights.reduce((sum, weight) => sum + weight, 0);
    for (let line = 0; line < count; line++) {
      let sum = 0;
      for (let i = first; i < last; i++) sum += values[line * length + i] * weights[i - first];
      out[x * count + line] = Math.min(255, Math.max(0, Math.round(sum / whole)));
    }
  }
  return out;
}

// Resizes one plane of bytes, antialiased bicubic, as Pillow does: rows first, rounded, then columns.
export function resizePlane(plane, width, height, size, box = [0, 0, width, height]) {
  const [left, top, wide, high] = box;
  return resizeLines(resizeLines(plane, height, width, size, left, wide), size, height, size, top, high);
}

// The centre square of pixels (RGBA, as a canvas gives them), on white where they are transparent.
export function prepare({ data, width, height }) {
  const side = Math.min(width, height), [wide, high] = [width, height].map((length) => Math.max(SIDE, Math.round(length * SIDE / side)));
  const [left, top] = [[wide, width], [high, height]].map(([now, old]) => Math.floor((now - SIDE) / 2) * old / now);
  const box = [left, top, SIDE * width / wide, SIDE * height / high], picture = new Float32Array(3 * SIDE * SIDE);
  for (let channel = 0; channel < 3; channel++) {
    const plane = Float32Array.from({ length: width * height }, (_, i) => Math.round(255 + (data[4 * i + channel] - 255) * data[4 * i + 3] / 255));
    const small = width === SIDE && height === SIDE ? plane : resizePlane(plane, width, height, SIDE, box);
    picture.set(small.map((value) => value / 255), channel * SIDE * SIDE);
  }
  return picture;
}

// The pictures that one could have kept instead: each side's PSNR, made when first asked for.
export class Thumbnails {
  constructor(original) { this.planes = planes(original.map((value) => Math.round(value * 255))); this.known = new Map(); }

  psnr(side) {
    if (!this.known.has(side)) {
      let sum = 0;
      for (const plane of this.planes) sum += squaredError(resizePlane(resizePlane(plane, SIDE, SIDE, side), side, side, SIDE), plane);
      this.known.set(side, -10 * Math.log10(sum / (3 * SIDE * SIDE) / 255 ** 2));
    }
    return this.known.get(side);
  }

  sideOf(db) {
    let low = 0, high = SIDE;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.psnr(middle) >= db - TOLERANCE_DB) high = middle; else low = middle;
    }
    for (let below = high - 1; below > 0 && this.psnr(below) >= db - TOLERANCE_DB - RIPPLE_DB; below--) {
      if (this.psnr(below) >= db - TOLERANCE_DB) high = below;
    }
    return high;
  }
}

const planes = (picture) => [0, 1, 2].map((channel) => picture.subarray(channel * SIDE * SIDE, (channel + 1) * SIDE * SIDE));
const GAUSS = Array.from({ length: 2 * RADIUS + 1 }, (_, i) => Math.exp(-((i - RADIUS) ** 2) / (2 * SIGMA ** 2)));
const MASS = GAUSS.reduce((sum, weight) => sum + weight, 0);

// Blurs the columns of a plane, and turns it: twice is both ways. Edges do not count, so what lies beyond is left out.
function blur(plane) {
  const out = new Float64Array(SIDE * SIDE);
  for (let y = RADIUS; y < SIDE - RADIUS; y++) for (let x = 0; x < SIDE; x++) {
    let sum = 0;
    for (let i = -RADIUS; i <= RADIUS; i++) sum += GAUSS[i + RADIUS] * plane[(y + i) * SIDE + x];
    out[x * SIDE + y] = sum / MASS;
  }
  return out;
}

export function ssim(picture, original) {
  const [c1, c2] = [0.01 ** 2, 0.03 ** 2], inner = SIDE - 2 * RADIUS, others = planes(original);
  let sum = 0;
  planes(picture).forEach((plane, channel) => {
    const other = others[channel], mean = (values) => blur(blur(values)), product = (a, b) => mean(Float64Array.from(a, (value, i) => value * b[i]));
    const [ma, mb, aa, bb, ab] = [mean(plane), mean(other), product(plane, plane), product(other, other), product(plane, other)];
    for (let y = RADIUS; y < SIDE - RADIUS; y++) for (let x = RADIUS; x < SIDE - RADIUS; x++) {
      const i = y * SIDE + x, [a, b] = [ma[i], mb[i]];
      sum += ((2 * a * b + c1) * (2 * (ab[i] - a * b) + c2)) / ((a * a + b * b + c1) * (aa[i] - a * a + bb[i] - b * b + c2));
    }
  });
  return sum / (3 * inner * inner);
}
