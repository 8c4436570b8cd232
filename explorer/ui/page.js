(() => {
  // Keys and page-wide drop and paste. Each tab's own behaviour lives with its component.
  // This runs before Gradio lays out the page, so that nothing a visitor does meanwhile is lost.
  const stageInView = () => [...document.querySelectorAll(".stage")].find((node) => node.offsetParent);
  const tell = (name, detail) => stageInView()?.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  const INPUT_POLL_MS = 100;
  const isTyping = (target) => target.closest("input:not([type=range]), textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "Escape") document.querySelector("#stop")?.click();
    else if (event.key === " " && !event.target.closest("button, input, a")) { event.preventDefault(); tell("stage:toggle"); }
    else if (/^[1-9]$/.test(event.key)) tell("stage:solo", Number(event.key) - 1);
    else if (event.key === "?") { const keys = document.querySelector("#keys"); keys.open ? keys.close() : keys.showModal(); }
    else if (event.key === "ArrowRight" && isClassMode) tell("stage:reveal");
  });

  const isClassMode = new URLSearchParams(location.search).get("mode") === "class";
  document.documentElement.classList.toggle("class-mode", isClassMode);

  window.explorerCopyLink = (query) => {
    const state = new URLSearchParams(query);
    const tab = document.querySelector("#tabs button[role=tab][aria-selected=true]")?.dataset.tabId; // Its text may be translated.
    if (tab && tab !== "instant") state.set("tab", tab);
    const alone = stageInView()?.dataset.solo;
    if (alone) state.set("layer", alone);
    if (isClassMode) state.set("mode", "class");
    const link = `${location.href.split(/[?#]/)[0]}?${window.explorerFold(state)}`;
    const button = document.querySelector("#link");
    const say = (text) => { button.textContent = text; setTimeout(() => (button.textContent = "Copy link"), 2000); };
    navigator.clipboard?.writeText(link).then(() => say("Copied"), () => prompt("Copy this link:", link));
    history.replaceState(null, "", `${location.pathname}?${state}`);
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

  const give = (files) => {
    if (files.length) hand(files[0]);
    return files.length > 0;
  };
  const hand = (file) => {
    const input = document.querySelector("#picture input[type=file]");
    if (!input) return setTimeout(() => hand(file), INPUT_POLL_MS); // The page is still being laid out.
    const transfer = new DataTransfer();
    transfer.items.add(file);
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const isFromOutside = (event) => event.dataTransfer?.types.includes("Files") && !event.target.closest?.("#picture");
  document.addEventListener("dragover", (event) => { if (isFromOutside(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (isFromOutside(event) && give(event.dataTransfer.files)) event.preventDefault();
  });
  document.addEventListener("paste", (event) => {
    if (!isTyping(event.target) && give(event.clipboardData?.files ?? [])) event.preventDefault();
  });
})();
