(() => {
  // Drop and paste, anywhere on the page, and the files and addresses that Gradio's picture input would swallow.
  // This runs before Gradio lays out the page, so that nothing a visitor does meanwhile is lost.
  const INPUT_POLL_MS = 100, SAID_MS = 8000;
  const NO_PICTURE = "There was no picture in this. Save the picture first, then drop the file.";
  const NOT_FETCHED = "The site of this picture does not give it to other pages. Save it first, then drop the file.";
  const isTyping = (target) => target.closest?.("input:not([type=range]), textarea, select, [contenteditable]");
  const inBox = (event) => event.target.closest?.("#picture");
  // The page without a server takes pictures where it can compute.
  const takesPictures = () => !window.explorerComponents || document.querySelector("#picture input[type=file]") !== null;
  let isOwnDrag = false; // Of one of the page's own pictures, which goes nowhere but into the box.

  document.documentElement.classList.toggle("no-camera", !navigator.mediaDevices?.getUserMedia);

  // A browser names no type of what its system does not know, such as HEIC: the server looks into the file.
  const asPicture = (file) => (file.type.startsWith("image/") ? file : new File([file], file.name, { type: "image/unknown" }));

  // Features of a picture may be chosen in its place; Gradio's own list of kinds has pictures alone.
  document.addEventListener("click", (event) => {
    const input = inBox(event) && !window.explorerComponents ? document.querySelector("#picture input[type=file]") : null;
    if (input) input.accept = "image/*,.safetensors";
  }, true);

  const hand = (file) => {
    const input = document.querySelector("#picture input[type=file]");
    if (!input) return setTimeout(() => hand(file), INPUT_POLL_MS); // The page is still being laid out.
    const transfer = new DataTransfer();
    transfer.items.add(asPicture(file));
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const say = (text) => {
    const line = document.querySelector("#said") ?? Object.assign(document.createElement("p"), { id: "said" });
    line.setAttribute("role", "alert");
    line.textContent = text;
    document.body.append(line);
    clearTimeout(say.timer);
    say.timer = setTimeout(() => line.remove(), SAID_MS);
  };

  // The address of a picture that another page gives: of the picture itself rather than of a link around it.
  const addressIn = (transfer) => {
    const html = new DOMParser().parseFromString(transfer.getData("text/html"), "text/html");
    const listed = transfer.getData("text/uri-list") || transfer.getData("text/plain");
    const lines = listed.split(/\r?\n/).filter((line) => !line.startsWith("#"));
    const address = html.querySelector("img[src]")?.getAttribute("src") ?? lines[0]?.trim() ?? "";
    return /^(https?:\/\/|data:image\/|blob:)\S+$/i.test(address) ? address : null;
  };

  const fetchPicture = async (address) => {
    try {
      const answer = await fetch(address, { credentials: "omit", referrerPolicy: "no-referrer" });
      const content = await answer.blob();
      if (!answer.ok || !content.type.startsWith("image/")) throw new TypeError(content.type);
      hand(new File([content], "picture", { type: content.type }));
    } catch {
      say(NOT_FETCHED);
    }
  };

  const take = (transfer) => {
    const [file] = transfer?.files ?? [];
    const address = file || !transfer ? null : addressIn(transfer);
    if (file) hand(file);
    else if (address) fetchPicture(address);
    else say(NO_PICTURE);
  };

  const carriesPicture = (event) => {
    const types = event.dataTransfer?.types ?? [];
    return types.includes("Files") || (!isOwnDrag && (types.includes("text/uri-list") || types.includes("text/html")));
  };
  document.addEventListener("dragstart", () => (isOwnDrag = true), true);
  document.addEventListener("dragend", () => (isOwnDrag = false), true);
  document.addEventListener("dragover", (event) => {
    if (takesPictures() && carriesPicture(event) && !isTyping(event.target)) event.preventDefault();
  });
  // Gradio's own handler empties the box before it knows whether there is a picture.
  document.addEventListener("drop", (event) => {
    if (!takesPictures() || !inBox(event)) return;
    event.preventDefault();
    event.stopPropagation();
    event.target.dispatchEvent(new DragEvent("dragleave", { bubbles: true }));
    take(event.dataTransfer);
  }, true);
  document.addEventListener("drop", (event) => {
    if (!takesPictures() || event.defaultPrevented || !carriesPicture(event) || isTyping(event.target)) return;
    event.preventDefault();
    take(event.dataTransfer);
  });
  document.addEventListener("change", (event) => {
    const file = event.target.files?.[0];
    if (!file || !inBox(event) || file.type.startsWith("image/")) return;
    event.stopPropagation();
    hand(file);
  }, true);
  // What no browser draws, such as a HEIC or features, stands there by its name.
  const nameUndrawn = ({ type, target }) => {
    if (!target.matches?.("#picture img")) return;
    target.parentElement.dataset.undrawn = type === "error" ? decodeURIComponent(target.src.split("/").pop()) : "";
  };
  for (const kind of ["error", "load"]) document.addEventListener(kind, nameUndrawn, true);
  document.addEventListener("paste", (event) => {
    if (!takesPictures() || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    take(event.clipboardData);
  });
})();
