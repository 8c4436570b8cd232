// The static page: gives the components of the live page their values from files beside it, without a server.
(() => {
  const PICTURES = window.explorerPictures; // Names, labels and thumbnails, in order.
  const { parameters, setParameter } = window.explorerClassroom;
  const UNMEASURED = "Measured are the original with each picture, and the two pictures of one layer.";
  const PASS_MS = 900;
  const tabs = [...document.querySelectorAll("#tabs button[role=tab]")];
  const mounted = {};
  let chosen = null;
  let shown = null;
  let nextPass = null;
  let own = null;

  // What Gradio gives a component's script: its element, its value, a way to follow it and a way to tell.
  function mount(name, tell) {
    const element = document.getElementById(name);
    const props = { value: null };
    const watchers = [];
    window.explorerComponents[name](element, props, (_, follow) => watchers.push(follow), tell);
    mounted[name] = (value) => { props.value = value; for (const follow of watchers) follow(); };
  }

  function openTab(name) {
    for (const tab of tabs) {
      const isOpen = tab.dataset.tabId === name;
      tab.setAttribute("aria-selected", String(isOpen));
      tab.tabIndex = isOpen ? 0 : -1;
      document.getElementById(`panel-${tab.dataset.tabId}`).hidden = !isOpen;
    }
  }

  // Every picture stands once in its file; elsewhere is its key.
  function restore(value, pictures) {
    if (typeof value === "string") return Object.hasOwn(pictures, value) ? pictures[value] : value;
    if (Array.isArray(value)) return value.map((entry) => restore(entry, pictures));
    if (!value || typeof value !== "object" || value === pictures) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, restore(entry, pictures)]));
  }

  // A file tells of its picture by calling this.
  window.explorerPicture = (content) => {
    if (content.name !== chosen) return;
    shown = restore(content, content.pictures);
    showDecoder();
    showExperiment();
    mounted.live(shown.live ? JSON.stringify(shown.live) : null);
    compare(shown.compare.a, shown.compare.b);
  };

  function choose(name) {
    own?.leave();
    document.getElementById("explore").hidden = false;
    chosen = name;
    setParameter("example", name);
    for (const button of document.querySelectorAll("#examples button")) {
      button.setAttribute("aria-pressed", String(button.dataset.name === name));
    }
    const script = document.createElement("script");
    script.src = PICTURES.find((picture) => picture.name === name).file;
    script.addEventListener("load", () => script.remove());
    document.head.append(script);
  }

  // Offers choices by their keys, keeps the one that was chosen before, and returns it.
  function offer(box, labels) {
    const wanted = box.querySelector("input:checked")?.value;
    const names = Object.keys(labels);
    const name = names.includes(wanted) ? wanted : names[0];
    if (box.dataset.offered === String(names)) return name; // The keyboard's place in it stays.
    box.dataset.offered = names;
    box.replaceChildren(...names.map((key) => {
      const label = document.createElement("label"), input = document.createElement("input"), text = document.createElement("span");
      Object.assign(input, { type: "radio", name: box.id, value: key, checked: key === name });
      text.textContent = labels[key];
      label.append(input, text);
      return label;
    }));
    return name;
  }

  function showDecoder() {
    const names = Object.keys(shown.instant).map((key) => [key, window.explorerDecoders[key]]);
    const name = offer(document.querySelector("#decoder"), Object.fromEntries(names));
    showPasses(shown.instant[name]);
  }

  // A picture that is looked at again comes pass by pass, slowly enough to see; the last value holds all that is said.
  function showPasses({ passes, ...last }) {
    clearTimeout(nextPass);
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const earlier = isStill ? [] : passes.map((panels) => ({ ...last, panels, captions: [], is_over: false }));
    const values = [...earlier, last];
    const show = () => {
      mounted.instant(JSON.stringify(values.shift()));
      if (values.length) nextPass = setTimeout(show, PASS_MS);
    };
    show();
  }

  function showExperiment() {
    const names = Object.entries(window.explorerExperiments).map(([key, { title }]) => [key, title]);
    const name = offer(document.querySelector("#experiment"), Object.fromEntries(names));
    document.querySelector("#explore-explanation").textContent = window.explorerExperiments[name].explanation;
    mounted.explore(JSON.stringify(shown.explore[name]));
  }

  function compare(a, b) {
    const { pictures, opinions, pairs } = shown.compare;
    const [likeness, verdict, others] = pairs[`${a} | ${b}`] ?? pairs[`${b} | ${a}`] ?? [UNMEASURED, "", ""];
    mounted.compare({ pictures, opinions, a, b, likeness, verdict, others });
  }

  function layOutExamples() {
    const strip = document.createElement("div");
    strip.className = "strip";
    strip.setAttribute("role", "group");
    strip.setAttribute("aria-label", "Example pictures");
    strip.append(...PICTURES.map(({ name, thumbnail }) => {
      const button = document.createElement("button"), image = document.createElement("img");
      Object.assign(button, { type: "button", title: name });
      button.dataset.name = name;
      Object.assign(image, { src: thumbnail, alt: `Example: ${name}` });
      button.append(image);
      button.addEventListener("click", () => choose(name));
      return button;
    }));
    document.getElementById("examples").append(strip);
  }

  // A picture of the visitor's own takes the examples' place.
  function leaveExamples() {
    own?.leave();
    chosen = null;
    for (const button of document.querySelectorAll("#examples button")) button.setAttribute("aria-pressed", "false");
    document.getElementById("experiment").replaceChildren();
    delete document.getElementById("experiment").dataset.offered;
    document.getElementById("explore").hidden = true;
    document.querySelector("#explore-explanation").textContent = "Experiments are recorded for the examples only: choose one.";
  }

  mount("instant", () => {});
  mount("live", () => {});
  mount("explore", () => {});
  mount("compare", (_, picked) => (own?.isShown() ? own.compare : compare)(picked.a, picked.b));
  const original = () => shown.instant[Object.keys(shown.instant)[0]].original;
  own = window.explorerOwn(mounted, { offer, original, leave: leaveExamples });
  layOutExamples();
  document.querySelector("#decoder").addEventListener("change", () => (own?.isShown() ? own.decode() : showDecoder()));
  document.querySelector("#experiment").addEventListener("change", showExperiment);
  tabs.forEach((tab, at) => {
    tab.addEventListener("click", () => openTab(tab.dataset.tabId));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.stopPropagation();
      const next = tabs[(at + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
  });
  document.querySelector("#link").addEventListener("click", () => window.explorerCopyLink(chosen ? `example=${encodeURIComponent(chosen)}` : ""));
  const wantedTab = parameters.get("tab");
  openTab(tabs.some((tab) => tab.dataset.tabId === wantedTab) ? wantedTab : "instant");
  const wanted = parameters.get("example");
  choose(PICTURES.some(({ name }) => name === wanted) ? wanted : PICTURES[0].name);
})();
