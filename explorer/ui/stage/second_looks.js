// What a layer's other decoders tell: the dial from its faithful to its likely picture, and a veil over what two of
// them disagree about. Both are drawn over the pictures by the browser; no network runs while the dial moves.

// biome-ignore lint/correctness/noUnusedVariables: stage.js, which is joined to this file, calls it.
function followSecondLooks() {
  const SVG = "http://www.w3.org/2000/svg";
  const WAY = { width: 260, height: 150, left: 44, right: 14, top: 12, bottom: 34 };
  const dialBox = stage.querySelector(".dial"), dial = dialBox.querySelector("input"), veilButton = stage.querySelector(".veils");
  let mixtures = {}, doubts = {};

  // A dial stays with its picture; doubts belong to what one decoder has made.
  function take(value, isAnotherPicture) {
    for (const layer of Object.keys(mixtures)) leaveDial(layer);
    if (value.dial || isAnotherPicture) mixtures = value.dial ?? {};
    if (value.dial) dial.value = 100 * (Object.values(mixtures)[0]?.place ?? 0);
    doubts = value.doubts ?? {};
    for (const layer of layers) showDoubt(layer, doubts[layer]);
    veilButton.hidden = !Object.keys(doubts).length;
    if (Object.keys(mixtures).length) readDial();
  }

  const isDialReady = () => Object.keys(mixtures).length > 0 && Object.keys(mixtures).every(isTold);

  function turnDial() {
    const share = dial.value / 100;
    for (const [layer, mixture] of Object.entries(mixtures)) {
      if (share === mixture.place) { leaveDial(layer); showPanel(layer, shown.panels[layer]); } else showMixture(layer, mixture, share);
    }
    readDial();
  }

  // An image over another one, as opaque as its share, is their mixture.
  function showMixture(layer, mixture, share) {
    const node = figure(layer), psnr = fixed(between(mixture.psnr_db, share), 1);
    showPicture(layer, mixture.faithful, `${layer} reconstruction, PSNR ${psnr} dB`);
    const likely = layOver(node, "likely", "img");
    if (likely.src !== mixture.likely) likely.src = mixture.likely;
    likely.style.opacity = share;
    node.classList.add("dialled");
    text(node, ".psnr b", psnr);
    text(node, ".note", `${Math.round(100 * share)} % of the likely picture`);
  }

  function leaveDial(layer) {
    figure(layer).classList.remove("dialled");
    figure(layer).querySelector(".likely")?.remove();
  }

  function layOver(node, name, kind) {
    const known = node.querySelector(`.${name}`);
    if (known) return known;
    const made = Object.assign(document.createElement(kind), { className: name, alt: "" });
    node.querySelector("img").after(made);
    return made;
  }

  // A number at any share, from those at equal steps from 0 to 1.
  function between(values, share) {
    const at = share * (values.length - 1), low = Math.floor(at), high = Math.ceil(at);
    return values[low] == null || values[high] == null ? null : values[low] + (values[high] - values[low]) * (at - low);
  }

  function readDial() {
    const share = dial.value / 100;
    const numbers = Object.entries(mixtures).map(([layer, one]) =>
      `${layer}: PSNR ${fixed(between(one.psnr_db, share), 1)} dB, LPIPS ${fixed(between(one.lpips, share), 2)}`);
    text(dialBox, "output", numbers.join(" · "));
    dial.setAttribute("aria-valuetext", `${dial.value} % of the likely picture`);
    drawWay(share);
  }

  // The way between the two pictures: the closer in pixels the further right, the closer to the eye the higher.
  function drawWay(share) {
    const drawing = dialBox.querySelector("svg"), known = Object.entries(mixtures).filter(([, one]) => ![...one.psnr_db, ...one.lpips].includes(null));
    drawing.toggleAttribute("hidden", !known.length);
    if (!known.length) return;
    const x = axis(known.flatMap(([, one]) => one.psnr_db), false, WAY.left, WAY.width - WAY.right);
    const y = axis(known.flatMap(([, one]) => one.lpips), false, WAY.top, WAY.height - WAY.bottom);
    const place = (one, at) => `${x.place(between(one.psnr_db, at)).toFixed(1)} ${y.place(between(one.lpips, at)).toFixed(1)}`;
    const ways = known.flatMap(([layer, one]) => {
      const shares = one.shares.map((at) => place(one, at)), [cx, cy] = place(one, share).split(" ");
      const style = `--layer: var(${window.explorerColour(layer)})`;
      return [draw("polyline", { points: shares.join(" "), style }), ...shares.map((point) => { const [px, py] = point.split(" "); return draw("circle", { cx: px, cy: py, r: 2.5, style }); }),
        draw("circle", { cx, cy, r: 7, style, class: "mark" })];
    });
    const foot = WAY.height - WAY.bottom;
    drawing.replaceChildren(draw("path", { d: `M${WAY.left - 6} ${WAY.top - 6}V${foot + 6}H${WAY.width}` }), ...ways,
      ...x.ticks.map((value) => draw("text", { x: x.place(value), y: foot + 18, "text-anchor": "middle" }, String(Number(value.toPrecision(3))))),
      ...y.ticks.map((value) => draw("text", { x: WAY.left - 10, y: y.place(value) + 4, "text-anchor": "end" }, String(Number(value.toPrecision(2))))),
      draw("text", { x: WAY.width, y: WAY.height - 3, "text-anchor": "end" }, "PSNR, dB"), draw("text", { x: 0, y: WAY.height - 3 }, "LPIPS"));
  }

  function draw(kind, attributes, content = "") {
    const node = document.createElementNS(SVG, kind);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.textContent = content;
    return node;
  }

  function showDoubt(layer, doubt) {
    const node = figure(layer);
    node.querySelector(".veil")?.remove();
    const told = doubt ? `Foretells the errors: ${fixed(doubt.foresight, 2)}` : "No second decoder to ask";
    text(node, ".foresight", shown.panels[layer]?.src ? told : "");
    node.querySelector(".foresight").title = doubt ? `Asked: ${doubt.second}` : "";
    if (doubt) layOver(node, "veil", "i").style.setProperty("--veil", `url("${doubt.veil}")`);
  }

  dial.addEventListener("input", turnDial);
  veilButton.addEventListener("click", () => veilButton.setAttribute("aria-pressed", String(stage.classList.toggle("veiled"))));
  return { take, isDialReady, box: dialBox };
}
