// Two similar proteins side by side: which fits the words better, and which residues make it so.

import { lineWidth, point, showAlignment } from "./alignment.js";
import { ask, Problem, sentence } from "./api.js";
import { contributions } from "./contributions.js";
import { announce, h } from "./dom.js";
import { counted, magnitude, percent, score, signed } from "./numbers.js";

let asked = "";

/** Open the dialog on `state.a` and `state.b`; `leave()` closes it, `leave({words, offset})` shows it again for other words, by other numbers. */
export async function showComparison(dialog, state, leave) {
  const text = state.words || (state.by === "text" ? state.q : "");
  const key = JSON.stringify([state.a, state.b, text, state.offset]);
  if (dialog.open && key === asked) return;
  asked = key;
  dialog.oncancel = (event) => {
    event.preventDefault();
    leave();
  };
  const body = h("div", { class: "body", "aria-live": "polite" });
  dialog.replaceChildren(head(state, leave), wordsForm(text, state.offset, leave), body);
  if (!dialog.open) dialog.showModal();
  if (!text) {
    body.replaceChildren(h("p", { class: "hint" }, "Your query was no text. Write what the protein should do, and see which of the two fits it better."));
    dialog.querySelector("#words").focus();
    return;
  }
  body.replaceChildren(h("p", { class: "hint" }, "Comparing…"));
  try {
    const found = await ask("v1/explain", { text, a: state.a, b: state.b });
    if (key === asked) body.replaceChildren(...content(found, dialog, state.offset));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    body.replaceChildren(h("p", { class: "notice bad", role: "alert" }, h("b", {}, error.message), ` ${error.remedy}`));
  }
}

/** What a candidate is called: its id; a sequence has none. */
function nameOf(given) {
  return given.length > 40 ? "your sequence" : given;
}

function head(state, leave) {
  return h("div", { class: "dialog-head" },
    h("h2", { id: "compare-title", tabindex: "-1", autofocus: true }, h("span", { class: "side-a" }, nameOf(state.a)), " or ", h("span", { class: "side-b" }, nameOf(state.b)), "?"),
    h("button", { type: "button", class: "quiet", "aria-label": "Close the comparison", onclick: () => leave() }, "Close"));
}

/** The words for which a dialog compares, and a number that is added to those of residues. */
export function wordsForm(text, offset, leave) {
  const input = h("input", { id: "words", type: "text", value: text, autocomplete: "off" });
  const shift = h("input", { id: "offset", type: "number", step: "1", min: "-99999", max: "99999", value: offset, "aria-describedby": "offset-hint" });
  const again = (event) => {
    event.preventDefault();
    leave({ words: input.value.trim(), offset: Math.trunc(Number(shift.value)) || 0 });
  };
  return h("form", { class: "words row", onsubmit: again },
    h("label", { for: "words" }, "For the words"), input,
    h("label", { for: "offset" }, "Add to residue numbers"), shift,
    h("button", { type: "submit", class: "quiet" }, "Show"),
    h("p", { class: "hint", id: "offset-hint" }, "−23 where a signal peptide of 23 residues is not counted, 2 for the literature's numbers of TEM."));
}

function content(found, dialog, offset) {
  const names = [found.a, found.b].map((each) => each.id ?? "your sequence");
  const aligned = showAlignment([found.alignment.a, found.alignment.b], names, { width: lineWidth(dialog), offset });
  announce(verdict(found, names));
  return [
    h("p", { class: "lead" }, verdict(found, names)),
    duel(found, names),
    found.notes.length ? h("ul", { class: "notice warn" }, found.notes.map((note) => h("li", {}, sentence(note)))) : null,
    contributions(found, names, (column) => point(aligned, column), offset),
    h("h3", {}, "Alignment"),
    h("p", { class: "hint" }, `${percent(found.identity)} identical, ${counted(found.substitutions.length, "difference")}. `
      + "Below the pair, * marks a substitution and - a gap."),
    aligned,
  ].filter(Boolean);
}

function verdict(found, names) {
  const size = Math.abs(found.gap);
  if (!found.winner || magnitude(size) === "0") return `The model sees no difference between ${names[0]} and ${names[1]} for these words.`;
  const [better, worse] = found.winner === "a" ? names : [names[1], names[0]];
  return `${better} fits these words better than ${worse}, by ${magnitude(size)}.`;
}

function duel(found, names) {
  const card = (side, name, candidate) =>
    h("div", { class: `score-card side-${side} ${found.winner === side ? "wins" : ""}` },
      h("b", {}, name), h("span", { class: "big" }, score(candidate.score)),
      h("span", { class: "hint" }, `${candidate.length} aa, ${candidate.protrek_score.toFixed(2)} on ProTrek's scale`));
  return h("div", { class: "duel" }, card("a", names[0], found.a),
    h("div", { class: "gap" }, h("span", { class: "hint" }, "difference"), h("b", {}, signed(found.gap))),
    card("b", names[1], found.b));
}
