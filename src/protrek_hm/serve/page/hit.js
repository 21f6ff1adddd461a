// One hit: who it is, what the table says about it, its numbers.

import { copy, h, svg } from "./dom.js";
import { linksOf } from "./links.js";
import { count, identical, likely, score, tiny } from "./numbers.js";
import { toFasta } from "./sequences.js";

const SHOWN = ["id", "sequence", "structure", "text", "organism", "length"];

/** Name, organism, length and links, then the text and all the rest on demand. */
export function identityCell(hit, { below = null, brief = false, name = "id" } = {}) {
  const { record } = hit;
  const called = typeof record[name] === "string" && record[name] !== hit.id ? record[name] : "";
  const length = record.length ?? record.sequence?.length;
  const links = brief ? [] : linksOf(record);
  return h("div", { class: "who" },
    h("p", { class: "name" },
      h("b", {}, hit.id), " ",
      called && [h("span", { class: "called" }, called), " "],
      record.organism && h("i", {}, record.organism), " ",
      length && h("span", { class: "hint" }, `${count(length)} aa`), " ",
      links.map((link) => [external(link), " "])),
    record.text && h("p", { class: "text" }, marked(record.text, hit.matched?.words ?? [])),
    common(hit.matched),
    inferred(hit.matched),
    h("div", { class: "foot" }, below, details(hit)));
}

/** The words of a text, those marked that begin as a word of the question does. */
function marked(text, words) {
  if (words.length === 0) return text;
  const stems = words.map((word) => word.slice(0, Math.max(4, word.length - 3)));
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])((?:${stems.join("|")})[\\p{L}\\p{N}]*)`, "giu");
  return text.split(pattern).map((part, place) => place % 2 ? h("mark", {}, part) : part);
}

/** What a hit has in common with a question in words. */
function common(matched) {
  if (!matched) return null;
  const words = matched.words.map((word) => `“${word}”`).join(", ");
  const told = [words && `Its record holds ${words}.`, matched.meaning !== null && `Its text is ${matched.meaning.toFixed(2)} like the question.`];
  const alone = matched.by_relatives.length ? "It has no text of its own." : "Found by the model alone: it has no text.";
  return h("p", { class: "hint" }, told.filter(Boolean).join(" ") || alone);
}

/** The labelled relatives that speak for a hit without a text: who they are, how identical, what their texts say. */
function inferred(matched) {
  if (!matched?.by_relatives.length) return null;
  return h("div", { class: "relatives" }, h("p", { class: "hint" }, "By its relatives:"),
    h("ul", {}, matched.by_relatives.map(({ id, identity, text, words }) => h("li", { class: "text" }, h("b", {}, id), ` (${identical([identity])}): `, marked(text, words)))));
}

/** Score with its bar, probability and E-value, as cells of a table. */
export function numberCells(hit, bounds) {
  const share = Math.max(0, Math.min(1, (hit.score - bounds.low) / (bounds.high - bounds.low || 1)));
  return [
    h("td", { role: "cell", class: "number", "data-name": "Score" }, score(hit.score),
      svg("svg", { class: "bar", width: 56, height: 6, "aria-hidden": "true" },
        svg("rect", { class: "rail", width: 56, height: 6, rx: 3 }),
        svg("rect", { class: "value", width: 56 * share, height: 6, rx: 3 }))),
    bounds.shown.Probability && h("td", { role: "cell", class: "number", "data-name": "Probability" }, likely(hit.probability) ?? "–"),
    bounds.shown["E-value"] && h("td", { role: "cell", class: "number", "data-name": "E-value" }, tiny(hit.e_value)),
  ].filter(Boolean);
}

function details(hit) {
  const { record } = hit;
  const rest = Object.entries(record).filter(([name, value]) => !SHOWN.includes(name) && value !== null && value !== "");
  const rows = [["ProTrek's scale", hit.protrek_score?.toFixed(2)], ["p-value", hit.p_value === null ? null : tiny(hit.p_value)], ...rest]
    .filter(([, value]) => value !== null && value !== undefined);
  const body = h("div", { class: "record" });
  const open = () => {
    if (body.childElementCount) return;
    body.append(h("dl", { class: "keys" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))])));
    if (record.sequence) body.append(sequenceBlock(hit));
  };
  return h("details", { class: "more", ontoggle: open }, h("summary", {}, "Record"), body);
}

function sequenceBlock(hit) {
  const fasta = toFasta(hit.id, hit.record.sequence);
  const take = (event) => copy(event.currentTarget, fasta, "Select it and copy");
  return h("div", {},
    h("pre", { class: "sequence", tabindex: "0", role: "group", "aria-label": `Sequence of ${hit.id}` }, fasta),
    h("button", { type: "button", class: "quiet small", onclick: take }, "Copy FASTA"));
}

function external({ label, title, href }) {
  return h("a", { class: "out", href, title, target: "_blank", rel: "noopener noreferrer" }, label, h("span", { class: "hidden" }, `: ${title}, in a new tab`));
}
