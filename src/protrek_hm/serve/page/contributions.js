// What each difference is worth: the score of one protein when this residue alone is as in the other.

import { h, svg } from "./dom.js";
import { counted, magnitude, renumbered, signed } from "./numbers.js";

const WIDTH = 220;
const FIRST = 12;
const FULL = 0.05; // change of a cosine from which a bar may be full: less hardly moves a protein among others

/**
 * Diverging bars, the weightiest difference first; to the left: the residue of `a` speaks for `a`.
 *
 * The upper bar of each is measured in `a`, the lower in `b`: they differ where residues work together.
 */
export function contributions(found, names, point, offset) {
  const scored = found.substitutions.filter((each) => each.change !== null);
  if (scored.length === 0) return null;
  const rows = scored.map((each) => ({ ...each, inA: -each.change, inB: each.change_in_b ?? -each.change }))
    .sort((one, other) => weight(other) - weight(one));
  const most = Math.max(...rows.map(weight), FULL);
  const table = h("table", { class: "worth" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Difference"),
      h("th", { scope: "col", class: "bars" }, h("span", { class: "side-a" }, `← ${names[0]}`), h("span", { class: "side-b" }, `${names[1]} →`)),
      h("th", { scope: "col", class: "number" }, "Worth"))),
    h("tbody", {}, rows.map((each, at) => line(each, at, most, point, offset))));
  const more = rows.length > FIRST && h("button", { type: "button", class: "quiet small", onclick: (event) => {
    for (const row of table.querySelectorAll("tr[hidden]")) row.hidden = false;
    event.target.remove();
  } }, `All ${rows.length} differences`);
  return h("section", { class: "contributions" }, h("h3", {}, "What makes the difference"),
    h("p", { class: "hint" }, `Each difference taken back alone. Bars to the left: the residue of ${names[0]} fits the words better; to the right: that of ${names[1]}. `
      + `The upper bar is measured in ${names[0]}, the lower in ${names[1]}.`),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Worth of each difference" }, table), more, together(found, names));
}

function weight(each) {
  return Math.max(Math.abs(each.inA), Math.abs(each.inB));
}

function line(each, at, most, point, offset) {
  const show = () => point(each.column);
  const name = h("button", { type: "button", class: "chip mono", onclick: show, onfocus: show, title: "Show it in the alignment" }, renumbered(each.notation, offset));
  return h("tr", { hidden: at >= FIRST, onmouseenter: show },
    h("th", { scope: "row" }, name),
    h("td", { class: "bars" }, bars(each, most)),
    h("td", { class: "number" }, [each.inA, each.inB].map((value) => h("div", { class: value >= 0 ? "side-a" : "side-b" }, magnitude(value)))));
}

function bars(each, most) {
  const bar = (value, y) => {
    const long = Math.max((Math.abs(value) / most) * (WIDTH / 2 - 2), 0.5);
    return svg("rect", { class: value >= 0 ? "for-a" : "for-b", x: value >= 0 ? WIDTH / 2 - long : WIDTH / 2, y, width: long, height: 7 });
  };
  return svg("svg", { viewBox: `0 0 ${WIDTH} 18`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("line", { class: "axis", x1: WIDTH / 2, x2: WIDTH / 2, y1: 0, y2: 18 }), bar(each.inA, 1), bar(each.inB, 10));
}

function together(found, names) {
  if (found.explained === null || found.substitutions.length < 2) return null;
  const rest = Math.abs(found.interaction) < Math.abs(found.gap) / 20 ? "." : `: ${signed(-found.interaction)} comes of their acting together.`;
  return h("p", {}, `From ${names[0]} to ${names[1]}, the ${counted(found.substitutions.length, "difference")} change the score by ${signed(-found.gap)} together; `
    + `one by one in ${names[0]}, they add up to ${signed(-found.explained)}${rest}`);
}
