// Lesson links: `?lesson=…` holds a page's state and the controls that pupils see. It is unfolded into the ordinary
// parameters before the page asks the server for its state.
(() => {
  const { addButton, parameters, whenReady } = window.explorerClassroom;
  // What a lesson may hide, by name.
  const PARTS = {
    settings: [".advanced", "#settings"],
    compare: ['#tabs button[role=tab][data-tab-id="compare"]'],
    explore: ['#tabs button[role=tab][data-tab-id="explore"]'],
    live: ['#tabs button[role=tab][data-tab-id="live"]'],
    examples: ["#examples"],
    upload: ["#picture"],
    export: ["#export"],
  };
  const LABELS = {
    settings: "Settings", compare: "Compare", explore: "Explore", live: "Live", examples: "Example pictures",
    upload: "Own pictures", export: "Export",
  };
  // Only these go into the page's address: the server checks each again.
  const KEYS = ["example", "tab", "decoder", "layer", "layers", "start", "optimiser", "prior", "steps", "seconds", "seed", "pair", "zoom",
    "experiment", "mode", "guess", "tour", "lang"];
  const isKey = (name) => KEYS.includes(name) || name.startsWith("experiment."); // The experiment's options.
  const MAX_LENGTH = 2000;

  const pack = (lesson) => btoa(JSON.stringify(lesson)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

  function unpack(text) {
    if (!text || text.length > MAX_LENGTH) return null;
    try {
      const lesson = JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
      return lesson && typeof lesson === "object" ? lesson : null;
    } catch {
      return null;
    }
  }

  function unfold() {
    const lesson = unpack(parameters.get("lesson"));
    if (!lesson) return;
    const state = new URLSearchParams(location.search);
    for (const key of Object.keys(lesson).filter(isKey)) if (typeof lesson[key] === "string") state.set(key, lesson[key]);
    history.replaceState(null, "", `${location.pathname}?${state}`);
    hide(Array.isArray(lesson.hide) ? lesson.hide : []);
  }

  function hide(names) {
    const selectors = names.flatMap((name) => (Object.hasOwn(PARTS, name) ? PARTS[name] : []));
    if (!selectors.length) return;
    const sheet = document.createElement("style");
    sheet.textContent = `${selectors.join(", ")} { display: none !important; }`;
    document.head.append(sheet);
  }

  const dialog = document.createElement("dialog");
  dialog.id = "lesson";
  dialog.setAttribute("aria-label", "Lesson link");
  const choices = Object.keys(PARTS).map((name) =>
    `<label><input type="checkbox" name="${name}" checked> <span>${LABELS[name]}</span></label>`);
  dialog.innerHTML = `<form method="dialog"><h2>Lesson link</h2><p>Pupils see the page as it stands now, with:</p>
    <div class="choices">${choices.join("")}</div>
    <label><input type="checkbox" name="class-mode" checked> <span>class mode: layers stay covered until they are revealed</span></label>
    <menu><button value="copy" class="primary">Copy lesson link</button><button value="cancel">Cancel</button></menu></form>`;

  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "copy") return;
    window.explorerLesson = {
      hide: Object.keys(PARTS).filter((name) => !dialog.querySelector(`[name="${name}"]`).checked),
      ...(dialog.querySelector('[name="class-mode"]').checked ? { mode: "class" } : {}),
    };
    document.querySelector("#link").click(); // The page writes its state; `explorerCopyLink` folds it into the lesson.
  });

  // Turns a page's state into the state that is copied: as it is, or folded into a lesson that was asked for.
  window.explorerFold = (state) => {
    const lesson = window.explorerLesson;
    if (!lesson) return state;
    window.explorerLesson = null;
    for (const [key, value] of state) if (isKey(key)) lesson[key] ??= value;
    return new URLSearchParams({ lesson: pack(lesson) });
  };

  // The lesson plans, with links that open this page as each step needs it.
  const plans = document.createElement("dialog");
  plans.id = "lessons";
  plans.setAttribute("aria-label", "Lesson plans");
  plans.innerHTML = `<form method="dialog"><menu><button>Close</button></menu></form>${(window.explorerLessons ?? []).join("<hr>")}`;

  unfold();
  addButton("lesson-start", "Lesson link", () => dialog.showModal());
  addButton("lessons-start", "Lessons", () => plans.showModal());
  whenReady(() => document.body.append(dialog, plans));
})();
