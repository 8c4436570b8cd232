// Shows the page in another language: `?lang=de`. English texts are the keys of a catalogue, and {} in a key stands
// for what varies. Texts are translated where they appear, so that neither server nor stage knows of languages.
(() => {
  const catalogue = window.explorerCatalogue;
  const { parameters, setParameter, whenReady } = window.explorerClassroom;
  const LANGUAGES = { en: "English", de: "Deutsch", fr: "Français", es: "Español" };
  const ATTRIBUTES = ["aria-label", "title", "placeholder", "alt"];
  const SKIPPED = "script, style, code, pre, textarea, #models";
  const language = Object.hasOwn(LANGUAGES, parameters.get("lang")) ? parameters.get("lang") : "en";
  const texts = catalogue[language] ?? {};
  const written = new WeakMap(); // What this script has put into a node, so that it leaves its own work alone.

  const quote = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const patterns = Object.entries(texts).filter(([key]) => key.includes("{}")).map(([key, wanted]) => [
    new RegExp(`^${key.split("{}").map(quote).join("(.+?)")}$`, "s"), wanted]);
  // Longer keys say more, so they are tried first.
  patterns.sort(([a], [b]) => b.source.length - a.source.length);

  const localise = (text) => text.replace(/(\d)\.(\d)/g, "$1,$2");

  function translate(text) {
    const wanted = text.trim();
    if (!wanted) return text;
    if (Object.hasOwn(texts, wanted)) return text.replace(wanted, () => texts[wanted]);
    if (/^[\d.,\s%–−×→+-]+(dB|s)?$/.test(wanted)) return localise(text);
    for (const [pattern, sentence] of patterns) {
      const found = wanted.match(pattern);
      if (found) {
        let at = 0;
        return sentence.replace(/\{(\d*)\}/g, (_, place) => translate(found[place === "" ? ++at : Number(place) + 1]));
      }
    }
    return /^\S*\d\.\d\S*$/.test(wanted) ? localise(text) : text;
  }

  function visitText(node) {
    if (written.get(node) === node.data || node.parentElement?.closest(SKIPPED)) return;
    const text = translate(node.data);
    written.set(node, text);
    if (text !== node.data) node.data = text;
  }

  function visitAttributes(node) {
    const before = written.get(node) ?? {};
    for (const name of ATTRIBUTES) {
      const text = node.getAttribute(name);
      if (text === null || before[name] === text) continue;
      before[name] = translate(text);
      if (before[name] !== text) node.setAttribute(name, before[name]);
    }
    written.set(node, before);
  }

  function visit(root) {
    if (root.nodeType === Node.TEXT_NODE) return visitText(root);
    if (root.nodeType !== Node.ELEMENT_NODE || root.closest(SKIPPED)) return;
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = root; node; node = walker.nextNode()) {
      if (node.nodeType === Node.TEXT_NODE) visitText(node); else visitAttributes(node);
    }
  }

  function follow() {
    visit(document.body);
    new MutationObserver((changes) => {
      for (const change of changes) {
        if (change.type === "childList") change.addedNodes.forEach(visit);
        else if (change.type === "attributes") visitAttributes(change.target);
        else visitText(change.target);
      }
    }).observe(document.body, {
      childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES,
    });
  }

  window.explorerTranslate = translate;
  document.documentElement.lang = language;
  whenReady((toolbar) => {
    const select = document.createElement("select");
    select.id = "language";
    select.className = "classroom-button";
    select.setAttribute("aria-label", "Language");
    select.append(...Object.entries(LANGUAGES).map(([code, name]) => new Option(name, code, false, code === language)));
    select.addEventListener("change", () => { setParameter("lang", select.value === "en" ? null : select.value); location.reload(); });
    toolbar.append(select);
  });
  if (language !== "en") document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", follow) : follow();
})();
