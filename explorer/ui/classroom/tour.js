// The tour: eight steps on the page's real controls. Each points at one thing, says one sentence, and is done when
// the visitor has done it. `?tour=3` begins at the third; the address follows the steps.
(() => {
  const { addButton, parameters, setParameter, whenReady, openTab } = window.explorerClassroom;
  // `at`: what a step points at, the first selector that is on the page; `done`: the event there that ends it;
  // {} in what it says: the layer pointed at.
  const STEPS = [
    { at: ["#examples .strip"], done: "click", say: "Choose a picture: an example, or drop a photo of your own." },
    { at: ["#instant [data-dash]"], tab: "instant", done: "click",
      say: "This came back from {}’s features alone: click it." },
    { at: ["#instant [data-dash]:last-of-type"], tab: "instant", done: "click",
      say: "And this is all that {} still tells of the same picture: click it." },
    { at: ['#tabs button[role=tab][data-tab-id="live"]', "#tabs button[role=tab]:nth-of-type(2)"], done: "click",
      say: "A decoder guesses in one pass; open Live, where a search goes step by step." },
    { at: ["#recorded:not(.hidden)", "#run", "#live .play"], tab: "live", done: "click",
      say: "Start it: each layer’s picture changes until its features match." },
    { at: ['#live [data-measure="psnr_db"]', "#live .curves"], tab: "live", done: "click", optional: "#live .curves:not([hidden])",
      say: "The left curve is what the search sees, the right one what we see: they need not agree." },
    { at: ['#tabs button[role=tab][data-tab-id="compare"]', "#tabs button[role=tab]:nth-of-type(3)"], done: "click",
      say: "Open Compare and slide between any two pictures." },
    { at: ["#share"], done: "click", say: "Share gives others this page as it stands: by a link, or as files." },
  ];
  let current = 0;
  let target = null;

  const card = document.createElement("div");
  card.id = "tour";
  card.hidden = true;
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-label", "Tour");
  card.innerHTML = `<p class="place"></p><p class="say" aria-live="polite"></p>
    <div class="actions"><button type="button" data-go="-1">Back</button>
    <button type="button" data-go="1" class="next">Next</button><button type="button" data-go="end">End the tour</button></div>`;

  const find = (step) => step.at.map((selector) => document.querySelector(selector)).find((node) => node);
  const isHere = (node, event) => node && (node === event.target || node.contains(event.target));

  function show(index) {
    target?.classList.remove("tour-target");
    if (index < 0 || index >= STEPS.length) return end();
    current = index;
    const step = STEPS[index];
    if (step.tab) openTab(step.tab);
    setParameter("tour", String(index + 1));
    card.hidden = false;
    card.querySelector(".place").textContent = `Step ${index + 1} of ${STEPS.length}`;
    card.querySelector(".say").textContent = step.say.replace("{}", find(step)?.dataset.panel ?? "the layer");
    card.querySelector('[data-go="-1"]').disabled = index === 0;
    card.querySelector(".next").textContent = index === STEPS.length - 1 ? "Done" : "Next";
    requestAnimationFrame(() => point(step));
  }

  function point(step) {
    target = find(step);
    target?.classList.add("tour-target");
    target?.scrollIntoView({ block: "center", behavior: "auto" });
  }

  function end() {
    target?.classList.remove("tour-target");
    card.hidden = true;
    setParameter("tour", null);
    document.querySelector("#teach")?.focus();
  }

  card.addEventListener("click", (event) => {
    const go = event.target.closest("button")?.dataset.go;
    if (go === "end") end();
    else if (go) show(current + Number(go));
  });
  document.addEventListener("click", (event) => {
    if (card.hidden || card.contains(event.target)) return;
    if (isHere(find(STEPS[current]), event)) setTimeout(() => show(current + 1), 400);
  }, true);
  // A photo of one's own is a picture, too.
  let original = null;
  document.addEventListener("stage:value", (event) => {
    const { isLive, value } = event.detail;
    if (isLive || !value.original) return;
    const isNew = original !== null && value.original !== original;
    original = value.original;
    if (isNew && !card.hidden && current === 0) show(1);
  });
  document.addEventListener("keydown", (event) => {
    if (!card.hidden && event.key === "Escape") end();
  });

  addButton("tour-start", "Tour", () => { show(0); card.querySelector(".next").focus(); });
  whenReady(() => {
    document.body.append(card);
    const wanted = Number(parameters.get("tour"));
    if (Number.isInteger(wanted) && wanted >= 1 && wanted <= STEPS.length) show(wanted - 1);
  });
})();
