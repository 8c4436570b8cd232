// Guess, then reveal: which layer made which picture, how close a layer comes, and what the deepest keeps.
// Everything stays in the browser. `?guess=SEED` gives every phone the same order and the same questions.
(() => {
  const { addButton, parameters, setParameter, whenReady } = window.explorerClassroom;
  const { compare, KEPT } = window.explorerMeasure;
  const NAMES = ["A", "B", "C", "D"];
  const LOWEST_DB = 5, HIGHEST_DB = 40, START_DB = 20;
  const NEAR_DB = [[1, 3], [2, 2], [4, 1]]; // Within so many decibels: so many points.
  const NEAR_SIDE = [[1.2, 3], [1.5, 2], [2, 1]]; // Within this factor of the thumbnail's side: so many points.
  const SIDE_STEPS = 8, HIGHEST_SIDE = 224, START_SIDE = 28; // Eight steps of the slider double the side.
  const KEEPS = { colours: "colours", places: "places", kind: "the kind of thing", lines: "exact lines" };
  const STORE = "explorer-scores";
  let value = null; // What the Instant stage last showed in full.
  let seed = 0;
  let order = [];
  let asked = "";
  let truth = {};

  const dialog = document.createElement("dialog");
  dialog.id = "guess";
  dialog.setAttribute("aria-label", "Guess, then reveal");

  // Mulberry32: the same numbers for the same seed in every browser.
  function random(state) {
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
  }

  function shuffle(list, next) {
    const left = [...list], out = [];
    while (left.length) out.push(...left.splice(Math.floor(next() * left.length), 1));
    return out;
  }

  const stepOf = (side) => Math.round(SIDE_STEPS * Math.log2(side));
  const sideOf = (step) => Math.min(Math.round(2 ** (step / SIDE_STEPS)), HIGHEST_SIDE);
  const showSide = (side) => `${side} × ${side}`;
  // The stage's own, shallow ones first.
  const layersOf = () => [...document.querySelectorAll("#instant [data-dash]")].map((panel) => panel.dataset.panel);
  const deepest = () => layersOf().at(-1);
  const isComplete = (given) => given?.is_over && given.original && layersOf().every((layer) => given.panels[layer]);

  function open(wanted) {
    seed = wanted;
    setParameter("guess", String(seed));
    if (!dialog.open) dialog.showModal();
    if (isComplete(value)) ask();
    else dialog.innerHTML = `<h2>Guess, then reveal</h2><p>Choose a picture first; the questions come when it has been decoded.</p>
      <menu><button type="button" data-do="close">Close</button></menu>`;
  }

  function ask() {
    const next = random(seed);
    order = shuffle(layersOf(), next);
    asked = shuffle(layersOf(), next)[0];
    truth = {};
    const options = layersOf().map((layer) => `<option>${layer}</option>`).join("");
    const pictures = order.map((layer, at) => `<figure><img src="${value.panels[layer].src}" alt="Picture ${NAMES[at]}">
      <figcaption><b>${NAMES[at]}</b> <select data-at="${at}" aria-label="Which layer made picture ${NAMES[at]}?">
      <option value="">which layer?</option>${options}</select> <span class="truth"></span></figcaption></figure>`);
    const keeps = Object.entries(KEEPS).map(([name, label]) =>
      `<label><input type="checkbox" name="${name}"> <span>${label}</span> <span class="truth" data-keep="${name}"></span></label>`);
    dialog.innerHTML = `<form method="dialog"><h2>Guess, then reveal</h2>
      <div class="guess-original"><figure><img src="${value.original}" alt="Original picture"><figcaption><b>Original</b></figcaption></figure></div>
      <fieldset><legend>Which layer made which picture?</legend><div class="guess-pictures">${pictures.join("")}</div></fieldset>
      <fieldset><legend>How close does <b>${asked}</b> come, in decibels of PSNR?</legend>
        <input type="range" data-unit="dB" min="${LOWEST_DB}" max="${HIGHEST_DB}" value="${START_DB}" step="0.5" aria-label="Your guess in decibels">
        <output>${START_DB.toFixed(1)} dB</output> <span class="truth"></span></fieldset>
      <fieldset><legend>As good as a thumbnail of which size is <b>${asked}</b>?</legend>
        <input type="range" data-unit="px" min="0" max="${stepOf(HIGHEST_SIDE)}" value="${stepOf(START_SIDE)}" aria-label="Your guess of the thumbnail’s side">
        <output>${showSide(START_SIDE)}</output> <span class="truth"></span></fieldset>
      <fieldset><legend>What does <b>${deepest()}</b> keep?</legend><div class="guess-keeps">${keeps.join("")}</div></fieldset>
      <p class="score" role="status" aria-live="polite"></p>
      <menu><button type="button" data-do="reveal" class="primary">Reveal</button>
      <button type="button" data-do="again">Another round</button><button type="button" data-do="close">Close</button></menu></form>`;
  }

  async function reveal() {
    const button = dialog.querySelector('[data-do="reveal"]');
    button.disabled = true;
    const points = revealLayers() + revealCloseness() + revealSide() + (await revealKeeps());
    const most = order.length + NEAR_DB[0][1] + NEAR_SIDE[0][1] + Object.keys(truth).length;
    dialog.querySelector(".score").textContent = `Your score: ${points} of ${most}.`;
    remember(points, most);
  }

  function revealLayers() {
    return [...dialog.querySelectorAll("select[data-at]")].reduce((points, select) => {
      const layer = order[select.dataset.at];
      const isRight = select.value === layer;
      mark(select.parentElement.querySelector(".truth"), isRight, layer);
      select.disabled = true;
      return points + isRight;
    }, 0);
  }

  function revealCloseness() {
    const slider = dialog.querySelector('[data-unit="dB"]');
    const psnr = value.panels[asked].psnr_db;
    return revealSlider(slider, Math.abs(psnr - Number(slider.value)), NEAR_DB, `${psnr.toFixed(1)} dB`);
  }

  function revealSide() {
    const slider = dialog.querySelector('[data-unit="px"]');
    const side = value.panels[asked].thumbnail;
    const factor = Math.exp(Math.abs(Math.log(sideOf(slider.value) / side)));
    return revealSlider(slider, factor, NEAR_SIDE, showSide(side));
  }

  function revealSlider(slider, distance, near, said) {
    const points = near.find(([limit]) => distance <= limit)?.[1] ?? 0;
    mark(slider.parentElement.querySelector(".truth"), points > 0, said);
    slider.disabled = true;
    return points;
  }

  async function revealKeeps() {
    truth = await compare(value.panels[deepest()].src, value.original);
    // The kind of thing is kept if a network that had no part in the picture still finds it; null: not measured.
    const { recognised } = value.panels[deepest()];
    if (recognised !== null) truth.kind = recognised;
    let points = 0;
    for (const box of dialog.querySelectorAll(".guess-keeps input")) {
      box.disabled = true;
      const note = dialog.querySelector(`[data-keep="${box.name}"]`);
      if (!(box.name in truth)) { note.textContent = "not measured"; continue; }
      const isKept = truth[box.name] >= KEPT;
      points += isKept === box.checked;
      const share = box.name === "kind" ? "" : ` (${(100 * truth[box.name]).toFixed(0)} %)`;
      mark(note, isKept === box.checked, `${isKept ? "kept" : "lost"}${share}`);
    }
    return points;
  }

  function mark(node, isRight, text) {
    node.textContent = `${isRight ? "✓" : "✗"} ${text}`;
    node.dataset.right = isRight ? "yes" : "no";
  }

  function remember(points, most) {
    try {
      const scores = JSON.parse(localStorage.getItem(STORE) ?? "{}");
      scores[seed] = { points, most };
      localStorage.setItem(STORE, JSON.stringify(scores));
    } catch { /* A browser that keeps nothing still plays. */ }
  }

  dialog.addEventListener("input", (event) => {
    if (event.target.type !== "range") return;
    const given = Number(event.target.value);
    event.target.parentElement.querySelector("output").textContent =
      event.target.dataset.unit === "dB" ? `${given.toFixed(1)} dB` : showSide(sideOf(given));
  });
  dialog.addEventListener("click", (event) => {
    const action = event.target.closest("[data-do]")?.dataset.do;
    if (action === "reveal") reveal();
    else if (action === "again") open(seed + 1);
    else if (action === "close") dialog.close();
  });
  dialog.addEventListener("close", () => setParameter("guess", null));
  document.addEventListener("stage:value", (event) => {
    if (event.detail.isLive) return;
    if (!event.detail.value.original) value = null; // Features alone leave nothing to ask.
    if (!isComplete(event.detail.value)) return;
    value = event.detail.value;
    if (dialog.open && !dialog.querySelector("fieldset")) ask();
  });

  addButton("guess-start", "Guess", () => open(1 + Math.floor(Math.random() * 9999)));
  whenReady(() => {
    document.body.append(dialog);
    const wanted = Number(parameters.get("guess"));
    if (Number.isInteger(wanted) && wanted > 0) open(wanted);
  });
})();
