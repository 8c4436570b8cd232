// The toolbar: two menus and the language. What stands in them waits for the page, live or static, to be laid out.
window.explorerClassroom = (() => {
  const parameters = new URLSearchParams(location.search);
  const POLL_MS = 100;
  const MENUS = { share: "Share", teach: "Teach" };
  const GAP = 6; // Pixels between a menu and its button.

  // Calls back once the page has been laid out.
  const whenReady = (action) => {
    const toolbar = document.querySelector("#header .toolbar");
    if (toolbar?.querySelector("#link") && document.querySelector("#tabs button[role=tab]")) action(toolbar);
    else setTimeout(() => whenReady(action), POLL_MS);
  };

  const place = (box, button) => {
    const { left, bottom, right } = button.getBoundingClientRect();
    const isAtTheRight = left > innerWidth / 2;
    Object.assign(box.style, { top: `${bottom + GAP}px`, left: isAtTheRight ? "auto" : `${left}px`, right: isAtTheRight ? `${document.documentElement.clientWidth - right}px` : "auto" });
  };

  // A button that opens a box; Escape and a click elsewhere close it.
  const opener = (name) => {
    const box = Object.assign(document.createElement("div"), { id: `menu-${name}`, className: "menu", popover: "auto" });
    const button = Object.assign(document.createElement("button"), { id: name, type: "button", className: "classroom-button" });
    button.popoverTargetElement = box;
    box.addEventListener("beforetoggle", () => place(box, button));
    return { box, button };
  };

  // A box of further buttons, which a choice closes.
  const menu = (toolbar, name) => {
    const found = document.getElementById(`menu-${name}`);
    if (found) return found;
    const { box, button } = opener(name);
    button.textContent = MENUS[name];
    box.addEventListener("click", (event) => { if (event.target.closest("button")) box.hidePopover(); });
    toolbar.append(button, box);
    return box;
  };

  // Folds a list of choices into one button, which names the present one.
  const fold = (list, label) => {
    const { box, button } = opener(`${list.id}-menu`);
    const head = document.createElement("span"), chosen = document.createElement("b");
    head.textContent = label;
    button.append(head, " ", chosen);
    list.replaceWith(button, box);
    box.append(list);
    const name = () => {
      const text = list.querySelector("label:has(input:checked)")?.textContent.trim() ?? "";
      if (chosen.textContent !== text) chosen.textContent = text;
    };
    new MutationObserver(name).observe(list, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["class"] });
    list.addEventListener("change", name);
    // The keyboard moves through the choices; a click is one.
    list.addEventListener("click", (event) => { if (event.detail && event.target.closest("label")) box.hidePopover(); });
    name();
  };

  const addButton = (id, label, action, name = "teach") => whenReady((toolbar) => {
    if (document.getElementById(id)) return;
    const button = document.createElement("button");
    Object.assign(button, { id, type: "button", textContent: label, className: "classroom-button" });
    button.addEventListener("click", action);
    menu(toolbar, name).append(button);
  });

  whenReady((toolbar) => {
    menu(toolbar, "share").append(...toolbar.querySelectorAll("#link, #export"));
    menu(toolbar, "teach");
  });

  // The choices come after the tabs.
  const foldDecoders = () => {
    const list = document.querySelector("#decoder");
    if (list?.querySelector("input")) fold(list, "Decoder"); else setTimeout(foldDecoders, POLL_MS);
  };
  whenReady(foldDecoders);

  // What lies over the page goes when a visitor turns to something else.
  document.addEventListener("click", (event) => {
    const weights = document.querySelector("#models details[open]");
    if (weights && !weights.contains(event.target)) weights.open = false;
  });

  const openTab = (name) => {
    const tabs = [...document.querySelectorAll("#tabs button[role=tab]")];
    tabs.find((tab) => (tab.dataset.tabId ?? tab.textContent.trim().toLowerCase()).includes(name))?.click();
  };

  const setParameter = (name, value) => {
    const state = new URLSearchParams(location.search);
    if (value === null) state.delete(name); else state.set(name, value);
    history.replaceState(null, "", `${location.pathname}?${state}`);
  };

  const goFullScreen = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.();
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest?.("input:not([type=range]), textarea, select, [contenteditable]")) return;
    if (event.key.toLowerCase() === "f") goFullScreen();
  });

  return { addButton, goFullScreen, openTab, parameters, setParameter, whenReady };
})();
