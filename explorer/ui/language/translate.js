// Shows the page in another language: `?lang=de`. English texts are the keys of a catalogue, and {} in a key stands
// for what varies. Texts are translated where they appear, so that neither server nor stage knows of languages, and
// another language changes them in their place.
(() => {
  const catalogue = window.explorerCatalogue;
  const { parameters, setParameter, whenReady } = window.explorerClassroom;
  const LANGUAGES = { en: "English", de: "Deutsch", fr: "Français", es: "Español" };
  const ATTRIBUTES = ["aria-label", "title", "placeholder", "alt"];
  const SKIPPED = "script, style, code, pre, textarea";
  const isKnown = (code) => Object.hasOwn(LANGUAGES, code ?? "");
  const seen = new WeakMap(); // By node and attribute: the English text, and what this script has put in its place.
  let language = "en", texts = {}, patterns = [];
  let isFollowing = false;

  const quote = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

  function speak(code) {
    language = code;
    texts = catalogue[code] ?? {};
    patterns = Object.entries(texts).filter(([key]) => key.includes("{}")).map(([key, wanted]) => [
      new RegExp(`^${key.split("{}").map(quote).join("(.+?)")}$`, "s"), wanted]);
    // Longer keys say more, so they are tried first.
    patterns.sort(([a], [b]) => b.source.length - a.source.length);
    document.documentElement.lang = code;
  }

  const localise = (text) => text.replace(/(\d)\.(\d)/g, "$1,$2");

  function translate(text) {
    const wanted = text.trim();
    if (!wanted || language === "en") return text;
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

  // Returns a text in the language of now; one that the page has changed meanwhile is English anew.
  function renew(node, name, shown) {
    if (!seen.has(node)) seen.set(node, {});
    const known = seen.get(node);
    const english = known[name]?.shown === shown ? known[name].english : shown;
    known[name] = { english, shown: translate(english) };
    return known[name].shown;
  }

  function visitText(node) {
    if (node.parentElement?.closest(SKIPPED)) return;
    const text = renew(node, "data", node.data);
    if (text !== node.data) node.data = text;
  }

  function visitAttributes(node) {
    for (const name of ATTRIBUTES) {
      const before = node.getAttribute(name);
      if (before === null) continue;
      const text = renew(node, name, before);
      if (text !== before) node.setAttribute(name, text);
    }
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
    if (isFollowing || language === "en") return;
    isFollowing = true;
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
  speak(isKnown(parameters.get("lang")) ? parameters.get("lang") : "en");
  whenReady((toolbar) => {
    const select = document.createElement("select");
    select.id = "language";
    select.className = "classroom-button";
    select.setAttribute("aria-label", "Language");
    select.append(...Object.entries(LANGUAGES).map(([code, name]) => new Option(name, code, false, code === language)));
    select.addEventListener("change", () => {
      setParameter("lang", select.value === "en" ? null : select.value);
      speak(select.value);
      follow();
    });
    toolbar.append(select);
  });
  if (language !== "en") document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", follow) : follow();
})();
