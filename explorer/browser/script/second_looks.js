// What two decoders of a layer tell together: the definitions of explorer/lab/between.py.
import { SIDE } from "./measures.js";

// So much of the second picture, the rest of the first.
export const mix = (first, second, share) => first.map((value, i) => value + share * (second[i] - value));

// The squared difference of two pictures, averaged over colours and over blocks of so many pixels a side.
export function differ(a, b, blockPixels) {
  const count = SIDE / blockPixels, sums = new Float64Array(count * count);
  for (let i = 0; i < a.length; i++) {
    const row = Math.trunc((Math.trunc(i / SIDE) % SIDE) / blockPixels), column = Math.trunc((i % SIDE) / blockPixels);
    sums[row * count + column] += (a[i] - b[i]) ** 2;
  }
  return Float32Array.from(sums, (sum) => sum / (3 * blockPixels ** 2));
}

// The place of each value in their order; equal ones share the mean of their places.
function rank(values) {
  const order = [...values.keys()].sort((a, b) => values[a] - values[b]), ranks = new Float64Array(values.length);
  for (let first = 0, end = 0; first < order.length; first = end) {
    while (end < order.length && values[order[end]] === values[order[first]]) end++;
    for (let i = first; i < end; i++) ranks[order[i]] = (first + end - 1) / 2;
  }
  return ranks;
}

// Spearman's rank correlation; null where one of the two has a single value.
export function correlateRanks(a, b) {
  const [x, y] = [rank(a), rank(b)], mean = (a.length - 1) / 2;
  const spread = (u, v) => u.reduce((sum, value, i) => sum + (value - mean) * (v[i] - mean), 0);
  const scale = Math.sqrt(spread(x, x) * spread(y, y));
  return scale ? spread(x, y) / scale : null;
}
