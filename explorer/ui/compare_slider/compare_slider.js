// Compare two pictures: a slider that the keyboard can move, a heat map of their difference, one zoom for both.
// A value holds: pictures ({key: {label, src, layer}}), a, b, likeness, verdict, others, opinions ({key: [[label, probability]]}).
const root = element.querySelector(".compare-slider");
const views = root.querySelector(".views");
const slider = root.querySelector(".slider");
const zoom = root.querySelector(".zoom input");
const canvas = root.querySelector("canvas");
const pick = (side) => root.querySelector(`select[data-side="${side}"]`);
// Dark violet over orange to pale yellow: rises in lightness, so it also reads in grey.
const HEAT = [[13, 8, 35], [94, 23, 110], [190, 55, 82], [245, 125, 21], [252, 255, 190]];
const FULL_DIFFERENCE = 128;
let value = { pictures: {} };

function receive(given) {
  if (!given?.pictures) return;
  value = given;
  const keys = Object.keys(value.pictures);
  for (const part of [".views", ".choices", ".finding"]) root.querySelector(part).hidden = keys.length < 2;
  root.querySelector(".nothing").hidden = keys.length >= 2;
  for (const side of ["a", "b"]) {
    pick(side).replaceChildren(...keys.map((key) => new Option(value.pictures[key].label, key)));
    pick(side).value = value[side];
  }
  if (keys.length >= 2) draw();
}

function draw() {
  for (const side of ["a", "b"]) {
    const picture = value.pictures[pick(side).value];
    const image = root.querySelector(`.view img[data-side="${side}"]`);
    if (image.getAttribute("src") !== picture.src) image.src = picture.src;
    image.alt = picture.label;
    drawOpinion(side, picture);
  }
  const isCurrent = pick("a").value === value.a && pick("b").value === value.b;
  root.querySelector(".likeness").textContent = isCurrent ? value.likeness : "";
  root.querySelector(".verdict").textContent = isCurrent ? value.verdict : "Measuring …";
  root.querySelector(".others").textContent = isCurrent ? value.others : "";
  drawDifference();
}

function drawOpinion(side, picture) {
  const box = root.querySelector(`.classes[data-side="${side}"]`);
  const title = document.createElement("h4");
  title.textContent = picture.label;
  box.style.setProperty("--layer", picture.layer ? `var(${window.explorerColour(picture.layer)})` : "var(--body-text-color-subdued)");
  const rows = (value.opinions[pick(side).value] || []).map(([label, probability]) => {
    const row = document.createElement("p");
    row.style.setProperty("--share", `${100 * probability}%`);
    const name = document.createElement("span"), share = document.createElement("b");
    name.textContent = label;
    share.textContent = `${(100 * probability).toFixed(probability < 0.01 ? 1 : 0)} %`;
    row.append(name, share);
    return row;
  });
  box.replaceChildren(title, ...rows);
}

async function drawDifference() {
  const [left, right] = await Promise.all(["a", "b"].map(async (side) => {
    const image = root.querySelector(`.view img[data-side="${side}"]`);
    await image.decode().catch(() => {});
    const sheet = new OffscreenCanvas(224, 224).getContext("2d", { willReadFrequently: true });
    sheet.drawImage(image, 0, 0, 224, 224);
    return sheet.getImageData(0, 0, 224, 224).data;
  }));
  const context = canvas.getContext("2d");
  const sheet = context.createImageData(224, 224);
  let sum = 0;
  for (let at = 0; at < sheet.data.length; at += 4) {
    const difference = (Math.abs(left[at] - right[at]) + Math.abs(left[at + 1] - right[at + 1]) + Math.abs(left[at + 2] - right[at + 2])) / 3;
    sum += difference;
    const level = Math.min(difference / FULL_DIFFERENCE, 1) * (HEAT.length - 1);
    const low = HEAT[Math.floor(level)], high = HEAT[Math.ceil(level)];
    for (let channel = 0; channel < 3; channel++) {
      sheet.data[at + channel] = low[channel] + (high[channel] - low[channel]) * (level % 1);
    }
    sheet.data[at + 3] = 255;
  }
  context.putImageData(sheet, 0, 0);
  const mean = (sum / (224 * 224) / 2.55).toFixed(1);
  canvas.setAttribute("aria-label", `Heat map of the difference; on average ${mean} % of the range`);
}

function placeEdge() {
  views.style.setProperty("--at", `${slider.value}%`);
  slider.setAttribute("aria-valuetext", `${slider.value} % of the left picture`);
}

function magnify() {
  views.style.setProperty("--zoom", zoom.value);
  root.querySelector(".zoom output").textContent = `${zoom.value}×`;
}

// The picture itself is a handle, too, for a mouse and for a finger.
const handle = root.querySelector('[data-view="slider"]');
function slideTo(event) {
  const box = handle.getBoundingClientRect();
  slider.value = Math.round((100 * (event.clientX - box.left)) / box.width);
  placeEdge();
}
handle.addEventListener("dragstart", (event) => event.preventDefault());
handle.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  event.preventDefault();
  handle.setPointerCapture(event.pointerId);
  slideTo(event);
});
handle.addEventListener("pointermove", (event) => { if (handle.hasPointerCapture(event.pointerId)) slideTo(event); });

slider.addEventListener("input", placeEdge);
zoom.addEventListener("input", magnify);
for (const view of root.querySelectorAll(".view")) {
  view.addEventListener("pointermove", (event) => {
    const box = view.getBoundingClientRect();
    views.style.setProperty("--x", `${((event.clientX - box.left) / box.width) * 100}%`);
    views.style.setProperty("--y", `${((event.clientY - box.top) / box.height) * 100}%`);
  });
}
for (const side of ["a", "b"]) {
  pick(side).addEventListener("change", () => {
    draw();
    trigger("pick", { a: pick("a").value, b: pick("b").value });
  });
}

// A link may name the zoom to begin with; the slider brings it within its limits.
zoom.value = new URLSearchParams(location.search).get("zoom") || "1";
magnify();
placeEdge();
watch("value", () => receive(props.value));
receive(props.value);
