// A family's members below each other, and which of their differences decide for the words.

import { lineWidth, point, showAlignment } from "./alignment.js";
import { ask, Problem, sentence } from "./api.js";
import { wordsForm } from "./compare.js";
import { fileName, save } from "./download.js";
import { announce, h, svg } from "./dom.js";
import { counted, identical, magnitude, renumbered, signed } from "./numbers.js";
import { toFasta } from "./sequences.js";

const MOST = 100; // proteins that are aligned
const FIRST = 12; // differences that are shown at once
const WIDTH = 160;
const FULL = { model: 0.05, head: 1 }; // change from which a bar may be full
const SIGNALS = { model: "model, score", head: "twin head, log odds" };

let asked = "";

/** Open the dialog on the family of `state.family`, whose members are `all`, by id; `leave()` closes it, `leave({words, offset})` shows it again. */
export async function showFamily(dialog, state, all, leave) {
  const ids = all.slice(0, MOST);
  const text = state.words || (state.by === "text" ? state.q : "");
  const key = JSON.stringify([ids, text, state.offset]);
  if (dialog.open && key === asked) return;
  asked = key;
  dialog.oncancel = (event) => {
    event.preventDefault();
    leave();
  };
  const body = h("div", { class: "body" }, h("p", { class: "hint", role: "status" }, "Aligning…"));
  dialog.replaceChildren(
    h("div", { class: "dialog-head" },
      h("h2", { id: "family-title", tabindex: "-1", autofocus: true }, `${ids.length < all.length ? `The first ${ids.length} of ` : ""}${counted(all.length, "protein")} like `, h("span", { class: "side-a" }, ids[0])),
      h("button", { type: "button", class: "quiet", "aria-label": "Close the family", onclick: () => leave() }, "Close")),
    wordsForm(text, state.offset, leave), body);
  if (!dialog.open) dialog.showModal();
  try {
    const found = await ask("v1/family", { proteins: ids, text: text || null });
    if (key === asked) body.replaceChildren(...content(found, dialog, state.offset));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    body.replaceChildren(h("p", { class: "notice bad", role: "alert" }, h("b", {}, error.message), ` ${error.remedy}`));
  }
}

function content(found, dialog, offset) {
  const names = found.members.map(({ id }) => id);
  const { ordered_by: signal } = found;
  const worth = (each) => Math.abs(each[signal] ?? 0);
  const ranked = signal ? found.variations.toSorted((one, other) => worth(other) - worth(one)) : found.variations;
  const most = signal ? worth(ranked[0]) : 0;
  const deciding = ranked.filter((each) => signal && worth(each) >= most / 2 && magnitude(most) !== "0");
  const told = verdict(found, names, deciding, offset);
  announce(told);
  const rows = found.members.map(({ aligned }) => aligned);
  const aligned = showAlignment(rows, names, { width: lineWidth(dialog), offset, deciding: new Set(deciding.map(({ column }) => column)) });
  const keep = () => save(fileName(`family ${names[0]}`, "fasta"), "text/x-fasta", found.members.map((each) => toFasta(each.id, each.aligned)).join(""));
  return [
    h("p", { class: "lead" }, told),
    found.notes.length ? h("ul", { class: "notice warn" }, found.notes.map((note) => h("li", {}, sentence(note)))) : null,
    found.variations.length ? differences(found, ranked, names, { most, offset, show: (column) => point(aligned, column) }) : null,
    h("div", { class: "headline" }, h("h3", {}, "Alignment"), h("button", { type: "button", class: "quiet small", onclick: keep }, "Aligned FASTA")),
    h("p", { class: "hint" }, `Each protein is aligned with ${names[0]} alone, ${identical(found.members.slice(1).map(({ identity }) => identity))} to it; insertions stand from the left. `
      + `A dot is the residue of ${names[0]}; below, * marks a substitution and - a gap.${deciding.length ? " What decides is framed." : ""}`),
    aligned,
  ].filter(Boolean);
}

function verdict(found, names, deciding, offset) {
  const number = counted(found.variations.length, "difference");
  if (found.variations.length === 0) return "All of them are the same sequence.";
  if (!found.text) return `${number} from ${names[0]}. Write what the protein should do above, and see which of them decide.`;
  if (deciding.length === 0) return `${number} from ${names[0]}; for these words none of them changes the score.`;
  const listed = deciding.slice(0, 5).map(({ notation }) => renumbered(notation, offset)).join(", ");
  const rest = deciding.length > 5 ? ` and ${deciding.length - 5} more` : "";
  return `Of ${number} from ${names[0]}, ${listed}${rest} ${deciding.length === 1 ? "decides" : "decide"} most for these words.`;
}

function differences(found, ranked, names, { most, offset, show }) {
  const signals = ["head", "model"].filter((name) => found.variations.some((each) => each[name] !== null));
  const full = Math.max(most, FULL[found.ordered_by] ?? 0);
  const table = h("table", { class: "worth" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Difference"), h("th", { scope: "col" }, "In"),
      signals.length ? h("th", { scope: "col", class: "bars" }, h("span", { class: "side-b" }, "← fits less"), h("span", { class: "side-a" }, "fits better →")) : null,
      signals.map((name) => h("th", { scope: "col", class: "number" }, SIGNALS[name])))),
    h("tbody", {}, ranked.map((each, at) => {
      const point = () => show(each.column);
      return h("tr", { hidden: at >= FIRST, onmouseenter: point },
        h("th", { scope: "row" }, h("button", { type: "button", class: "chip mono", onclick: point, onfocus: point, title: "Show it in the alignment" }, renumbered(each.notation, offset))),
        h("td", { class: "holders" }, holders(each, names)),
        signals.length ? h("td", { class: "bars" }, bar(each[found.ordered_by], full)) : null,
        signals.map((name) => h("td", { class: "number" }, each[name] === null ? "–" : signed(each[name]))));
    })));
  const more = ranked.length > FIRST && h("button", { type: "button", class: "quiet small", onclick: (event) => {
    for (const row of table.querySelectorAll("tr[hidden]")) row.hidden = false;
    event.target.remove();
  } }, `All ${ranked.length} differences`);
  return h("section", { class: "contributions" }, h("h3", {}, "What differs"),
    signals.length ? h("p", { class: "hint" }, `What each difference does to ${names[0]} when it alone is put there: to the right, the words fit better.`) : null,
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Worth of each difference" }, table), more);
}

function holders({ members }, names) {
  const shown = members.slice(0, 3).map((at) => names[at]).join(", ");
  return members.length > 3 ? `${shown} and ${members.length - 3} more` : shown;
}

function bar(value, full) {
  if (value === null) return null;
  const long = Math.max((Math.abs(value) / full) * (WIDTH / 2 - 2), 0.5);
  return svg("svg", { viewBox: `0 0 ${WIDTH} 10`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("line", { class: "axis", x1: WIDTH / 2, x2: WIDTH / 2, y1: 0, y2: 10 }),
    svg("rect", { class: value >= 0 ? "for-a" : "for-b", x: value >= 0 ? WIDTH / 2 : WIDTH / 2 - long, y: 1, width: long, height: 8 }));
}
