// What a protein may do: the texts that fit it best, and beside them what its nearest relative would have told.

import { sentence } from "./api.js";
import { h, svg, unfolding } from "./dom.js";
import { asJson, fileName, save } from "./download.js";
import { linksOf } from "./links.js";
import { counted, likely, percent, score } from "./numbers.js";

const NAMES = { text: "Texts that fit best" };

/** Descriptions as elements; `compare(id, sequence, words)` sets a protein beside its relative. */
export function showDescriptions(found, compare) {
  const [first, ...others] = found;
  const title = others.length ? `What these ${found.length} proteins may do` : `What this protein of ${counted(first.length, "residue")} may do`;
  return [
    h("div", { class: "headline" }, h("h2", {}, title),
      h("div", { class: "row", role: "group", "aria-label": "Keep this result" },
        h("button", { type: "button", class: "quiet small", onclick: () => save(fileName("description", "json"), "application/json", asJson(others.length ? found : first)) }, "JSON"))),
    others.length ? found.map((each, at) => unfolding(each.name, `${counted(each.length, "residue")}; ${each.texts[0]?.text ?? "no text"}`, () => one(each, compare), at === 0)) : one(first, compare),
  ].flat();
}

function one(found, compare) {
  const { homolog, sections } = found;
  const parts = Object.entries(sections);
  return [
    found.notes.length ? h("ul", { class: "notice warn" }, found.notes.map((note) => h("li", {}, sentence(note)))) : null,
    relative(homolog, () => compare(homolog.id, found.sequence, homolog.text)),
    h("h3", {}, NAMES.text),
    list(found.texts, homolog?.text),
    parts.map(([name, texts]) => section(name, texts, homolog?.sections?.[name])),
  ].flat().filter(Boolean);
}

function relative(homolog, compare) {
  if (!homolog) {
    return h("div", { class: "relative" }, h("h3", {}, "By plain homology"),
      h("p", {}, "No protein of this index with a text is 30 % identical or more. The model's texts below are all there is to go by."));
  }
  const advice = homolog.identity >= 0.999
    ? "The very same sequence: its text needs no model."
    : homolog.identity >= 0.7
      ? "So close that its text is the first thing to read. One residue can still change the work."
      : homolog.identity >= 0.4
        ? "Close enough for fold and family; the work may differ."
        : "A distant relative: fold and family at best.";
  return h("div", { class: "relative" },
    h("h3", {}, "By plain homology"),
    h("p", {}, "Nearest with a text: ", h("b", {}, homolog.id), `, ${percent(homolog.identity)} identical over ${percent(homolog.coverage)} of the length. `,
      linksOf({ id: homolog.id }).map((link) => [h("a", { class: "out", href: link.href, title: link.title, target: "_blank", rel: "noopener noreferrer" }, link.label), " "])),
    h("blockquote", {}, homolog.text),
    h("p", { class: "hint" }, advice),
    homolog.identity >= 0.5 && homolog.identity < 1 && h("p", {}, h("button", { type: "button", class: "quiet small", onclick: compare }, `Compare with ${homolog.id}`)));
}

function section(name, texts, own) {
  return h("section", {}, h("h3", {}, name.replaceAll("_", " ")), own ? h("p", { class: "hint" }, "The relative's own: ", own) : null, list(texts, own));
}

function list(texts, own) {
  const best = Math.max(...texts.map((each) => each.score), 0.01);
  return h("ol", { class: "texts" }, texts.map((each) =>
    h("li", {},
      h("p", { class: "number" }, h("b", {}, score(each.score)),
        svg("svg", { class: "bar", width: 56, height: 6, "aria-hidden": "true" },
          svg("rect", { class: "rail", width: 56, height: 6, rx: 3 }),
          svg("rect", { class: "value", width: 56 * Math.max(each.score / best, 0), height: 6, rx: 3 })),
        likely(each.probability) && h("span", { class: "hint" }, `${likely(each.probability)} likely`)),
      h("div", {}, h("p", {}, each.text),
        h("p", { class: "hint" }, `written for ${each.id}`, each.text === own ? " – the relative's own text, too" : "")))));
}
