// A search's answer: how the hits stand out, families with their members, and the same as a file.

import { copy, h } from "./dom.js";
import { differences } from "./differences.js";
import { asCsv, asFasta, asJson, fileName, save } from "./download.js";
import { histogram } from "./histogram.js";
import { identityCell, numberCells } from "./hit.js";
import { counted } from "./numbers.js";

const HEADS = ["Rank", "Protein", "Score", "Probability", "E-value", "Compare"];
const LISTED = 5;

/** One sentence on a result, for the heading and for a screen reader. */
export function summary(result) {
  const hits = result.families.flatMap((family) => family.hits);
  if (hits.length === 0) return "Nothing in this index meets that.";
  const noun = result.want === "text" ? "text" : "protein";
  const grouped = result.families.length < hits.length ? ` in ${counted(result.families.length, "family", "families")}` : "";
  return `${counted(hits.length, noun)}${grouped}; best: ${result.families[0].hits[0].id}`;
}

/** The whole answer as elements. `picks` knows which hits are chosen for comparison. */
export function showResult(result, picks) {
  const hits = result.families.flatMap((family) => family.hits);
  if (hits.length === 0) {
    const remedy = result.where ? "Loosen the filter, or leave it empty." : "The index holds no vectors of this kind.";
    return [h("p", { class: "notice" }, `${summary(result)} ${remedy}`)];
  }
  const scores = [...hits.map((hit) => hit.score), ...(result.background?.edges ?? [])];
  const calibrated = hits.some((hit) => hit.probability !== null);
  const bounds = { low: Math.min(...scores), high: Math.max(...scores), calibrated };
  return [
    h("div", { class: "headline" }, h("h2", {}, summary(result)), toolbar(result)),
    result.notes.length ? h("ul", { class: "notice warn" }, result.notes.map((note) => h("li", {}, note))) : null,
    faint(result),
    histogram(result.background, result.families),
    h("table", { class: "hits", role: "table" },
      h("caption", { class: "hidden" }, "Hits, best first, near-identical proteins together"),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, HEADS.filter((head) => calibrated || head !== "Probability").map((head) => h("th", { scope: "col", role: "columnheader" }, head)))),
      result.families.map((family) => familyBody(family, bounds, picks))),
    meaning(isWhole(result)),
  ].filter(Boolean);
}

function faint(result) {
  const [best] = result.families[0].hits;
  if (best.e_value === null || best.e_value < 1 || isWhole(result)) return null;
  return h("p", { class: "notice warn" }, h("b", {}, "Nothing stands out. "),
    "Chance alone gives a score like the best one here: read this list as a guess, or say it in other words.");
}

/** Whether the background is the whole index: then each hit is in it, and no E-value can be far below 1. */
function isWhole({ background, families }) {
  const { p_value: p, e_value: e } = families[0].hits[0];
  return Boolean(background && p) && background.counts.reduce((sum, each) => sum + each) >= Math.round(e / p);
}

function toolbar(result) {
  const button = (name, ending, type, make) => {
    const write = () => save(fileName(result.query, ending), type, make(result));
    return h("button", { type: "button", class: "quiet small", onclick: write, title: `This result as ${name}` }, name);
  };
  const take = (event) => copy(event.currentTarget, location.href, "Copy it from the address bar");
  return h("div", { class: "row", role: "group", "aria-label": "Keep this result" },
    button("CSV", "csv", "text/csv", asCsv),
    button("FASTA", "fasta", "text/x-fasta", asFasta),
    button("JSON", "json", "application/json", asJson),
    h("button", { type: "button", class: "quiet small", onclick: take }, "Copy link"));
}

function familyBody(family, bounds, picks) {
  const [best, ...others] = family.hits;
  const body = h("tbody", { role: "rowgroup" });
  const members = others.map((hit) => memberRow(hit, best, bounds, picks));
  body.append(row(best, identityCell(best, { below: others.length ? toggle(best, others, members) : null }), bounds, picks, "best"), ...members);
  return body;
}

function toggle(best, others, members) {
  const sure = others.every((hit) => hit.record.sequence && best.record.sequence);
  const numbers = sure ? others.map((hit) => differences(best.record.sequence, hit.record.sequence).length) : [];
  const span = numbers.length && Math.max(...numbers) > 0 ? `, ${range(numbers)} away` : "";
  const words = `${counted(others.length, "near-identical protein")}${span}`;
  const turn = (event) => {
    const open = event.currentTarget.getAttribute("aria-expanded") !== "true";
    event.currentTarget.setAttribute("aria-expanded", String(open));
    for (const member of members) member.hidden = !open;
  };
  return h("button", { type: "button", class: "family", "aria-expanded": "false", onclick: turn }, words);
}

function memberRow(hit, best, bounds, picks) {
  const changes = best.record.sequence && hit.record.sequence ? differences(best.record.sequence, hit.record.sequence) : [];
  const listed = changes.slice(0, LISTED).map((change) => h("li", {}, change.label));
  if (changes.length > LISTED) listed.push(h("li", { class: "hint" }, `and ${changes.length - LISTED} more`));
  const same = hit.record.sequence && hit.record.sequence === best.record.sequence;
  const compare = () => picks.open(best.id, hit.id);
  const below = h("div", { class: "differs" },
    h("span", { class: "hint" }, same ? `the same sequence as ${best.id}` : `unlike ${best.id}`),
    !same && h("ul", { "aria-label": `Differences from ${best.id}` }, listed),
    !same && h("button", { type: "button", class: "quiet small", "aria-label": `Compare ${best.id} with ${hit.id}`, onclick: compare }, "Why?"));
  const made = row(hit, identityCell(hit, { below, brief: true }), bounds, picks, "member");
  made.hidden = true;
  return made;
}

function row(hit, who, bounds, picks, kind) {
  const pick = h("input", { type: "checkbox", "data-id": hit.id, "aria-label": `Compare ${hit.id}`, onchange: (event) => picks.toggle(hit.id, event.target.checked) });
  pick.checked = picks.has(hit.id);
  return h("tr", { role: "row", class: kind },
    h("td", { role: "cell", class: "rank" }, String(hit.rank)),
    h("td", { role: "cell" }, who),
    numberCells(hit, bounds),
    h("td", { role: "cell", class: "pick" }, h("label", {}, pick, h("span", {}, "Compare"))));
}

function range(numbers) {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least === most ? counted(most, "difference") : `${least} to ${most} differences`;
}

function meaning(whole) {
  const words = [
    ["Score", "The cosine between your query and the protein, from −1 to 1. Compare it within one search; another query has another scale."],
    ["Probability", "How likely this is the right answer, if the index holds one: fitted to the index's own pairs of text and protein. An upper bound where the model was trained on them."],
    ["E-value", "How many hits of this score or better an index of this size would give by chance. Below 0.01 is rare luck; above 1, expect as much from any query."
      + (whole ? " This index is so small that each hit stands in its own background: no E-value can be far below 1." : "")],
    ["Near-identical", "Proteins of one family differ in few residues, sometimes in the very one that matters. Open the family, choose two and compare."],
  ];
  return h("details", { class: "meaning" }, h("summary", {}, "How to read these numbers"),
    h("dl", { class: "keys" }, words.map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])));
}
