() => {
  // Keys and page-wide drop and paste. Each tab's own behaviour lives with its component.
  const stageInView = () => [...document.querySelectorAll("#instant, #live")].find((node) => node.offsetParent);
  const tell = (name, detail) => stageInView()?.dispatchEvent(new CustomEvent(name, { detail }));
  const isTyping = (target) => target.closest("input:not([type=range]), textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "Escape") document.querySelector("#stop")?.click();
    else if (event.key === " " && !event.target.closest("button, input, a")) { event.preventDefault(); tell("stage:toggle"); }
    else if ("1234".includes(event.key)) tell("stage:solo", Number(event.key) - 1);
    else if (event.key === "ArrowRight" && document.body.classList.contains("class-mode")) tell("stage:reveal");
  });

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
