// L-BFGS with a strong-Wolfe line search: the steps of torch.optim.LBFGS (Nocedal & Wright 2006, algorithms 3.5, 3.6,
// 7.4) as explorer/inversion/descent.py drives it, one iterate at a time, every evaluation counted.
const LINE_SEARCH_EVALUATIONS = 10, HISTORY = 10, RESTART_FACTOR = 0.1;
const LEAST_CURVATURE = 1e-10, ARMIJO = 1e-4, WOLFE = 0.9;

const dot = (a, b) => { let sum = 0; for (let i = 0; i < a.length; i++) sum += a[i] * b[i]; return sum; };
const largest = (a) => a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const moved = (x, t, d) => x.map((value, i) => value + t * d[i]);

// The minimum of the cubic through two values and slopes, within bounds.
function interpolate(a, b, low = Math.min(a.t, b.t), high = Math.max(a.t, b.t)) {
  if (a.t > b.t) [a, b] = [b, a];
  const d1 = a.slope + b.slope - 3 * (a.total - b.total) / (a.t - b.t), square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  return Math.min(Math.max(b.t - (b.t - a.t) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2), low), high);
}

// `evaluate` answers parameters with { parameters, total, gradient, ... }; a point on the line also has t and slope.
export async function searchLine(evaluate, start, t, d, slope, most) {
  const look = async (t) => {
    const point = await evaluate(moved(start.parameters, t, d));
    return { ...point, t, slope: dot(point.gradient, d) };
  };
  const first = { ...start, t: 0, slope }, isTooHigh = (point) => point.total > first.total + ARMIJO * point.t * slope;
  const isFlat = (point) => Math.abs(point.slope) <= -WOLFE * slope;
  let before = first, point = await look(t), spent = 0, bracket = null;
  for (; spent < most && !bracket; spent++) {
    if (isTooHigh(point) || (spent > 1 && point.total >= before.total)) bracket = [before, point];
    else if (isFlat(point)) return point;
    else if (point.slope >= 0) bracket = [before, point];
    else {
      const next = interpolate(before, point, point.t + 0.01 * (point.t - before.t), point.t * 10);
      [before, point] = [point, await look(next)];
      continue;
    }
    break;
  }
  bracket ??= [first, point];
  let isSlow = false, low = bracket[0].total <= bracket[1].total ? 0 : 1;
  for (const width = largest(d); spent < most && Math.abs(bracket[1].t - bracket[0].t) * width >= 1e-9; spent++) {
    const [near, far] = [Math.min(bracket[0].t, bracket[1].t), Math.max(bracket[0].t, bracket[1].t)];
    const margin = 0.1 * (far - near);
    let next = interpolate(...bracket);
    if (Math.min(far - next, next - near) >= margin) isSlow = false;
    else if (!isSlow && next < far && next > near) isSlow = true;
    else [next, isSlow] = [far - next < next - near ? far - margin : near + margin, false];
    point = await look(next);
    if (isTooHigh(point) || point.total >= bracket[low].total) {
      bracket[1 - low] = point;
      low = bracket[0].total <= bracket[1].total ? 0 : 1;
      continue;
    }
    const isDone = isFlat(point);
    if (!isDone && point.slope * (bracket[1 - low].t - bracket[low].t) >= 0) bracket[1 - low] = bracket[low];
    bracket[low] = point;
    if (isDone) break;
  }
  return bracket[low];
}

// Yields iterates, the first at the start, until `evaluations` are spent or nothing better is found.
export async function* descend(ask, parameters, { firstStep, evaluations }) {
  let spent = 0, pairs = [], latest = null, isFresh = true;
  const evaluate = async (parameters) => { spent++; return ask(parameters); };
  let here = await evaluate(parameters);
  for (;;) {
    yield { ...here, evaluations: spent };
    if (spent >= evaluations || !Number.isFinite(here.total)) return;
    if (latest) {
      const y = here.gradient.map((value, i) => value - latest.gradient[i]);
      const s = latest.direction.map((value) => value * latest.t), curvature = dot(y, s);
      if (curvature > LEAST_CURVATURE) pairs = [...pairs.slice(1 - HISTORY), { y, s, ro: 1 / curvature }];
    }
    const direction = choose(here.gradient, pairs), slope = dot(here.gradient, direction);
    let next = null;
    if (slope < 0) {
      const sum = here.gradient.reduce((total, value) => total + Math.abs(value), 0);
      const t = isFresh ? Math.min(1, 1 / sum) * firstStep * parameters.length : 1;
      // Torch counts the starting point, which costs nothing here, among the most that a step may take.
      const most = Math.min(evaluations - spent, LINE_SEARCH_EVALUATIONS) - 1;
      const found = await searchLine(evaluate, here, t, direction, slope, most);
      if (found.t > 0) { next = found; latest = { gradient: here.gradient, direction, t: found.t }; }
    }
    if (next) { here = next; isFresh = false; continue; }
    if (isFresh) return; // Without memory it found nothing either.
    [pairs, latest, isFresh, firstStep] = [[], null, true, firstStep * RESTART_FACTOR];
  }
}

// The approximate inverse Hessian times the gradient, downhill.
function choose(gradient, pairs) {
  const q = gradient.map((value) => -value), shares = [];
  const add = (vector, share) => { for (let i = 0; i < q.length; i++) q[i] += share * vector[i]; };
  for (const { y, s, ro } of [...pairs].reverse()) { shares.unshift(dot(s, q) * ro); add(y, -shares[0]); }
  const last = pairs.at(-1);
  if (last) { const scale = 1 / (last.ro * dot(last.y, last.y)); for (let i = 0; i < q.length; i++) q[i] *= scale; }
  for (const [i, { y, s, ro }] of pairs.entries()) add(s, shares[i] - dot(y, q) * ro);
  return q;
}
