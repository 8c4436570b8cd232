() => {
  // Keys and page-wide drop and paste. Each tab's own behaviour lives with its component.
  const stageInView = () => [...document.querySelectorAll(".stage")].find((node) => node.offsetParent);
  const tell = (name, detail) => stageInView()?.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  const isTyping = (target) => target.closest("input:not([type=range]), textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "Escape") document.querySelector("#stop")?.click();
    else if (event.key === " " && !event.target.closest("button, input, a")) { event.preventDefault(); tell("stage:toggle"); }
    else if ("1234".includes(event.key)) tell("stage:solo", Number(event.key) - 1);
    else if (event.key === "?") { const keys = document.querySelector("#keys"); keys.open ? keys.close() : keys.showModal(); }
    else if (event.key === "ArrowRight" && document.body.classList.contains("class-mode")) tell("stage:reveal");
  });

  // Class mode and the layer to begin with come from the address.
  const address = new URLSearchParams(location.search);
  document.body.classList.toggle("class-mode", address.get("mode") === "class");
  const solo = ["layer1", "layer2", "layer3", "layer4"].indexOf(address.get("layer"));
  if (solo >= 0) setTimeout(() => tell("stage:solo", solo), 1500);

  window.explorerCopyLink = (query) => {
    const state = new URLSearchParams(query);
    const tab = document.querySelector("#tabs button[role=tab][aria-selected=true]")?.textContent.trim().toLowerCase();
    if (tab && tab !== "instant") state.set("tab", tab);
    const alone = stageInView()?.dataset.solo;
    if (alone) state.set("layer", alone);
    if (document.body.classList.contains("class-mode")) state.set("mode", "class");
    const link = `${location.origin}${location.pathname}?${state}`;
    const button = document.querySelector("#link");
    const say = (text) => { button.textContent = text; setTimeout(() => (button.textContent = "Copy link"), 2000); };
    navigator.clipboard?.writeText(link).then(() => say("Copied"), () => prompt("Copy this link:", link));
    history.replaceState(null, "", link);
  };

  const give = (files) => {
    const input = document.querySelector("#picture input[type=file]");
    if (!input || !files.length) return false;
    const transfer = new DataTransfer();
    transfer.items.add(files[0]);
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  };
  const isFromOutside = (event) => event.dataTransfer?.types.includes("Files") && !event.target.closest?.("#picture");
  document.addEventListener("dragover", (event) => { if (isFromOutside(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (isFromOutside(event) && give(event.dataTransfer.files)) event.preventDefault();
  });
  document.addEventListener("paste", (event) => {
    if (!isTyping(event.target) && give(event.clipboardData?.files ?? [])) event.preventDefault();
  });
}
