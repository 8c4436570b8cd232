// The classroom's controls: they wait for the page's toolbar, live or static, and join it.
window.explorerClassroom = (() => {
  const parameters = new URLSearchParams(location.search);
  const POLL_MS = 100;

  // Calls back once the page has been laid out.
  const whenReady = (action) => {
    const toolbar = document.querySelector("#link")?.parentElement;
    if (toolbar && document.querySelector("#tabs button[role=tab]")) action(toolbar);
    else setTimeout(() => whenReady(action), POLL_MS);
  };

  const addButton = (id, label, action) => whenReady((toolbar) => {
    if (document.getElementById(id)) return;
    const button = document.createElement("button");
    Object.assign(button, { id, type: "button", textContent: label, className: "classroom-button" });
    button.addEventListener("click", action);
    toolbar.append(button);
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
