// The crop box: drag the square or its corner, or use the keys; nothing is computed before it is used.
// A value holds: choosable (there is a picture), src (all of it) and crop: the square's centre as shares of width and
// height, its side as one of the short side. No value: there is no picture, or there are features alone.
const dialog = element.querySelector("dialog");
const whole = dialog.querySelector(".whole");
const image = whole.querySelector("img");
const square = whole.querySelector(".square");
const FEWEST = 32; // Pixels that the server takes; the photo shown has at most as many as the file.
const STEP = 0.02; // Of a key, as a share.
const KEYS = { ArrowLeft: [-1, 0, 0], ArrowRight: [1, 0, 0], ArrowUp: [0, -1, 0], ArrowDown: [0, 1, 0], "+": [0, 0, 1], "=": [0, 0, 1], "-": [0, 0, -1] };
let value = {};
let x = 0.5, y = 0.5, side = 1;

const clamp = (number, low, high) => Math.min(high, Math.max(low, number));
const shortSide = (sides) => Math.min(sides.width, sides.height);
const photo = () => ({ width: image.naturalWidth, height: image.naturalHeight });

function place(atX, atY, ofSide) {
  const { width, height } = photo(), short = shortSide(photo());
  side = clamp(ofSide, Math.min(1, FEWEST / short), 1);
  const wide = (side * short) / width, high = (side * short) / height;
  x = clamp(atX, wide / 2, 1 - wide / 2);
  y = clamp(atY, high / 2, 1 - high / 2);
  const shares = { left: x - wide / 2, top: y - high / 2, width: wide, height: high };
  for (const [name, share] of Object.entries(shares)) square.style[name] = `${100 * share}%`;
  const [across, down, big] = [x, y, side].map((share) => Math.round(100 * share));
  dialog.querySelector(".place").textContent = `Centre ${across} % across and ${down} % down, side ${big} % of the short side`;
}

function drag(from, event) {
  const box = image.getBoundingClientRect(), short = shortSide(box);
  const right = event.clientX - from.event.clientX, down = event.clientY - from.event.clientY;
  if (!from.isCorner) return place(from.x + right / box.width, from.y + down / box.height, from.side);
  // The corner across stays where it is, so the square grows as far as there is room.
  const half = (from.side * short) / 2, left = from.x * box.width - half, top = from.y * box.height - half;
  const least = FEWEST * short / shortSide(photo()), room = Math.min(box.width - left, box.height - top);
  const wanted = clamp(2 * half + Math.max(right, down), Math.min(least, room), room);
  place((left + wanted / 2) / box.width, (top + wanted / 2) / box.height, wanted / short);
}

let from = null;
square.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  event.preventDefault();
  square.focus();
  square.setPointerCapture(event.pointerId);
  from = { x, y, side, event, isCorner: event.target.matches(".corner") };
});
square.addEventListener("pointermove", (event) => { if (from && square.hasPointerCapture(event.pointerId)) drag(from, event); });
square.addEventListener("lostpointercapture", () => (from = null));

dialog.addEventListener("keydown", (event) => {
  event.stopPropagation(); // Escape closes the box alone, and ends no run.
  const key = KEYS[event.key];
  if (!key || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const [right, down, more] = key.map((sign) => sign * STEP);
  place(x + right, y + down, side + more);
});

async function show() {
  image.src = value.src;
  await image.decode();
  if (!dialog.open) dialog.showModal();
  place(...value.crop);
  square.focus();
}

function receive(json) {
  value = json ? JSON.parse(json) : {};
  document.documentElement.classList.toggle("choosable-square", Boolean(value.choosable));
  if (value.src) show();
  else dialog.close();
}

// The button stands with the original, on both stages.
document.addEventListener("click", (event) => {
  if (!event.target.closest(".stage .choose-square")) return;
  if (value.src) show();
  else trigger("look");
});
dialog.querySelector(".cancel").addEventListener("click", () => dialog.close());
dialog.querySelector(".use").addEventListener("click", () => {
  dialog.close();
  // As many digits as the command line is given, so that both take the same square.
  const [atX, atY, ofSide] = [x, y, side].map((share) => Math.round(1e4 * share) / 1e4);
  trigger("cut", { x: atX, y: atY, side: ofSide });
});
watch("value", () => receive(props.value));
receive(props.value);
