(() => {
  // Keys, and Copy link. Each tab's own behaviour lives with its component.
  const stageInView = () => [...document.querySelectorAll(".stage")].find((node) => node.offsetParent);
  const tell = (name, detail) => stageInView()?.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  const isTyping = (target) => target.closest?.("input:not([type=range]), textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "Escape") document.querySelector("#stop")?.click();
    else if (event.key === " " && !event.target.closest("button, input, a")) { event.preventDefault(); tell("stage:toggle"); }
    else if (/^[1-9]$/.test(event.key)) tell("stage:solo", Number(event.key) - 1);
    else if (event.key === "?") { const keys = document.querySelector("#keys"); keys.open ? keys.close() : keys.showModal(); }
    else if (event.key === "ArrowRight" && isClassMode) tell("stage:reveal");
  });

  const { addButton, setParameter } = window.explorerClassroom;
  // Read anew: a lesson has been unfolded into the address by now.
  let isClassMode = new URLSearchParams(location.search).get("mode") === "class";
  document.documentElement.classList.toggle("class-mode", isClassMode);
  addButton("class-mode", isClassMode ? "Leave class mode" : "Class mode", (event) => {
    isClassMode = document.documentElement.classList.toggle("class-mode");
    setParameter("mode", isClassMode ? "class" : null);
    event.currentTarget.textContent = isClassMode ? "Leave class mode" : "Class mode";
  });

  window.explorerCopyLink = (query) => {
    const state = new URLSearchParams(query);
    const tab = document.querySelector("#tabs button[role=tab][aria-selected=true]")?.dataset.tabId; // Its text may be translated.
    if (tab && tab !== "instant") state.set("tab", tab);
    const alone = stageInView()?.dataset.solo;
    if (alone) state.set("layer", alone);
    if (isClassMode) state.set("mode", "class");
    const zoom = document.querySelector("#compare .zoom input")?.value ?? "1";
    if (zoom !== "1") state.set("zoom", zoom);
    const language = document.documentElement.lang;
    if (language !== "en") state.set("lang", language);
    const link = `${location.href.split(/[?#]/)[0]}?${window.explorerFold(state)}`;
    const button = document.querySelector("#link");
    const say = (text) => { button.textContent = text; setTimeout(() => (button.textContent = "Copy link"), 2000); };
    copy(link).then((isCopied) => (isCopied ? say("Copied") : showLink(link)));
    history.replaceState(null, "", `${location.pathname}?${state}`);
  };

  // Over plain http, and inside a frame of another site, a browser has no clipboard or refuses it.
  const copy = async (link) => {
    try {
      await navigator.clipboard.writeText(link);
      return true;
    } catch {
      return false;
    }
  };

  // Shows a link to be copied by hand; inside a frame a browser's own prompt stays shut.
  const showLink = (link) => {
    const dialog = document.createElement("dialog"), label = document.createElement("label"), input = document.createElement("input");
    dialog.id = "link-text";
    label.textContent = "Copy this link:";
    Object.assign(input, { value: link, readOnly: true });
    label.append(input);
    dialog.append(label);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    document.body.append(dialog);
    dialog.showModal();
    input.select();
  };

  // The variable of style sheets that holds a layer's colour; what is no layer has none.
  window.explorerColour = (layer) => `--${layer.replaceAll(".", "-")}`;

  // Saves what the server has packed; returns what empties the box that it came in.
  window.explorerSave = (name, packed) => {
    const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes], { type: "application/zip" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    return "";
  };

})();
