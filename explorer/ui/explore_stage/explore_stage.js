// Shows what an experiment has found so far, and lets a rectangle be drawn on the original.
// A value is JSON of: pictures ([{src, caption, layer}], the original first), sentences, charts ([{src, title}]),
// table ({columns, rows, left_out}), progress (0 to 1), status.
const root = element.querySelector(".explore-stage");
const part = (name) => root.querySelector(`.${name}`);
const make = (tag, text = "") => Object.assign(document.createElement(tag), { textContent: text });

function receive(text) {
  if (typeof text !== "string" || !text) return;
  const value = JSON.parse(text);
  part("status").textContent = value.status || "";
  const bar = root.querySelector("progress");
  bar.hidden = !(value.progress < 1 && value.status);
  bar.value = value.progress || 0;
  showPictures(value.pictures || []);
  showHint(value.takes_region);
  part("sentences").replaceChildren(...(value.sentences || []).map((sentence) => make("p", sentence)));
  showCharts(value.charts || []);
  showTable(value.table);
}

// Pictures that stay in their place keep their nodes, so that a slider moves without flicker.
function showPictures(pictures) {
  const box = part("pictures");
  while (box.children.length > pictures.length) box.lastChild.remove();
  while (box.children.length < pictures.length) {
    const figure = make("figure"), frame = make("div");
    frame.className = "frame";
    frame.append(make("img"));
    figure.append(frame, make("figcaption"));
    box.append(figure);
  }
  pictures.forEach((picture, place) => {
    const figure = box.children[place], image = figure.querySelector("img");
    if (image.getAttribute("src") !== picture.src) image.src = picture.src;
    image.alt = picture.caption;
    image.draggable = false;
    figure.querySelector("figcaption").textContent = picture.caption;
    figure.style.setProperty("--layer", colourOf(picture.layer || ""));
  });
}

// Said where it is done, until it has been done.
function showHint(takesRegion) {
  const frame = original();
  if (!frame) return;
  frame.classList.toggle("drawable", Boolean(takesRegion));
  if (!frame.querySelector(".hint")) frame.append(Object.assign(make("p", "Draw a rectangle here: that is what is kept"), { className: "hint" }));
}

// The colour of the layer that a node is, or else is inside; ink for any other.
function colourOf(node) {
  const names = node ? [node, node.split(".")[0]] : [];
  return names.reduceRight((other, name) => `var(${window.explorerColour(name)}, ${other})`, "var(--body-text-color)");
}

function showCharts(charts) {
  part("charts").replaceChildren(...charts.map((chart) => {
    const image = make("img");
    image.src = chart.src;
    image.alt = `Chart: ${chart.title}; its numbers stand in the table below`;
    return image;
  }));
}

function showTable(table) {
  part("numbers").hidden = !table?.columns.length;
  if (!table?.columns.length) return;
  const head = make("tr"), rows = table.rows.map((cells) => {
    const row = make("tr");
    row.append(...cells.map((cell) => make("td", cell)));
    return row;
  });
  head.append(...table.columns.map((column) => make("th", column.replaceAll("_", " "))));
  if (table.left_out) rows.push(make("tr", `${table.left_out} more rows are in the export`));
  root.querySelector("table").replaceChildren(head, ...rows);
}

// A rectangle drawn on the original is a region to keep.
let start = null, drawn = null;
const share = (event, box) => [
  Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1),
  Math.min(Math.max((event.clientY - box.top) / box.height, 0), 1),
];
const original = () => part("pictures").firstElementChild?.querySelector(".frame");

root.addEventListener("pointerdown", (event) => {
  const frame = original();
  if (!frame?.contains(event.target)) return;
  start = share(event, frame.getBoundingClientRect());
  drawn?.remove();
  frame.querySelector(".hint").hidden = true;
  drawn = frame.appendChild(make("i"));
  frame.setPointerCapture(event.pointerId);
});
root.addEventListener("pointermove", (event) => {
  if (!start) return;
  const [left, top, right, bottom] = corners(event);
  Object.assign(drawn.style, { left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%` });
});
root.addEventListener("pointerup", (event) => {
  if (!start) return;
  const region = corners(event);
  start = null;
  if (region[2] - region[0] > 0.01 && region[3] - region[1] > 0.01) {
    trigger("region", { region: region.map((number) => number.toFixed(3)).join(",") });
  }
});
function corners(event) {
  const [x, y] = share(event, original().getBoundingClientRect());
  return [Math.min(x, start[0]), Math.min(y, start[1]), Math.max(x, start[0]), Math.max(y, start[1])];
}

watch("value", () => receive(props.value));
receive(props.value);
