// A search's answer: how the hits stand out, families with their members, and the same as a file.

import { sentence } from "./api.js";
import { copy, h } from "./dom.js";
import { asCsv, asFasta, asJson, fileName, save } from "./download.js";
import { histogram } from "./histogram.js";
import { identityCell, numberCells } from "./hit.js";
import { counted, identical, likely } from "./numbers.js";

const HEADS = ["Rank", "Protein", "Score", "Probability", "E-value", "Compare"];

/** One sentence on a result, for the heading and for a screen reader. */
export function summary(result) {
  const hits = result.families.flatMap((family) => family.hits);
  if (hits.length === 0) return "No hits.";
  const noun = result.want === "text" ? "text" : "protein";
  const grouped = result.families.length < hits.length ? ` in ${counted(result.families.length, "family", "families")}, among the ${counted(result.looked_at, "best hit")}` : "";
  return `${counted(hits.length, noun)}${grouped}; best: ${result.families[0].hits[0].id}`;
}

/** The whole answer as elements. `picks` knows which hits are chosen for comparison. */
export function showResult(result, picks, scan) {
  const hits = result.families.flatMap((family) => family.hits);
  if (hits.length === 0) {
    return [h("p", { class: "notice" }, [summary(result), ...result.notes.map(sentence)].join(" "))];
  }
  const scores = [...hits.map((hit) => hit.score), ...(result.background?.edges ?? [])];
  const signals = hits.some((hit) => hit.matched);
  const shown = {
    Probability: !signals && hits.some((hit) => likely(hit.probability)),
    "E-value": !signals && !result.background?.whole,
    Order: signals,
  };
  const bounds = { low: Math.min(...scores), high: Math.max(...scores), shown };
  return [
    h("div", { class: "headline" }, h("h2", {}, summary(result)), toolbar(result)),
    result.notes.length ? h("ul", { class: "notice warn" }, result.notes.map((note) => h("li", {}, sentence(note)))) : null,
    signals ? null : faint(result),
    signals ? null : histogram(result.background, result.families), // where the score alone does not decide, its place says little
    h("table", { class: "hits", role: "table" },
      h("caption", { class: "hidden" }, "Hits, best first, similar proteins together"),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, HEADS.filter((head) => shown[head] !== false).map((head) => h("th", { scope: "col", role: "columnheader" }, head)))),
      result.families.map((family) => familyBody(family, bounds, picks, result.want === "text" ? null : scan))),
    meaning(shown),
  ].filter(Boolean);
}

/** A note where the score does not stand out; of questions in words the server's own notes tell. */
function faint({ families, background }) {
  const [best] = families[0].hits;
  if (best.e_value === null || best.e_value < 1 || background?.whole || likely(best.probability)) return null;
  return h("p", { class: "notice warn" }, h("b", {}, "Nothing stands out. "),
    "By its score alone, the best hit is not told from the rest of this index. The right one may be among them: read their records, or say it in other words.");
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

const ORDER = { model: "the model", difference: "the difference", relatives: "labelled relatives" };

function familyBody(family, bounds, picks, scan) {
  const [best, ...others] = family.hits;
  const body = h("tbody", { role: "rowgroup" });
  const members = others.map((hit) => memberRow(hit, best, bounds, picks, scan));
  body.append(row(best, identityCell(best, { below: [others.length ? toggle(others, members, family.decided) : null, scanButton(best, scan)] }), bounds, picks, "best"), ...members);
  return body;
}

function toggle(others, members, decided) {
  const known = others.filter((hit) => hit.identity !== null);
  const numbers = known.map((hit) => hit.differences);
  const span = known.length ? `, ${identical(known.map((hit) => hit.identity))}` : "";
  const away = Math.max(...numbers, 0) > 0 ? `, ${range(numbers)} away` : "";
  const turn = (event) => {
    const open = event.currentTarget.getAttribute("aria-expanded") !== "true";
    event.currentTarget.setAttribute("aria-expanded", String(open));
    for (const member of members) member.hidden = !open;
  };
  return h("button", { type: "button", class: "family", "aria-expanded": "false", onclick: turn }, `${others.length} more${span}${away}${decided ? `, ordered by ${ORDER[decided]}` : ""}`);
}

function memberRow(hit, best, bounds, picks, scan) {
  const listed = hit.changes.map((change) => h("li", {}, change));
  if (hit.differences > listed.length) listed.push(h("li", { class: "hint" }, `and ${hit.differences - listed.length} more`));
  const same = hit.differences === 0;
  const compare = () => picks.open(best.id, hit.id);
  const below = h("div", { class: "differs" },
    h("span", { class: "hint" }, same ? `the same sequence as ${best.id}` : `${identical([hit.identity])} to ${best.id}, ${counted(hit.differences, "difference")}`),
    !same && h("ul", { "aria-label": `Differences from ${best.id}` }, listed),
    !same && h("button", { type: "button", class: "quiet small", "aria-label": `Compare ${best.id} with ${hit.id}`, onclick: compare }, "Why?"),
    scanButton(hit, scan));
  const made = row(hit, identityCell(hit, { below, brief: true }), bounds, picks, "member");
  made.hidden = true;
  return made;
}

/** Where the hit is a protein: to all of its substitutions. */
function scanButton(hit, scan) {
  return scan && hit.record.sequence ? h("button", { type: "button", class: "quiet small", "aria-label": `Scan the substitutions of ${hit.id}`, onclick: () => scan(hit.id) }, "Scan") : null;
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

function meaning(shown) {
  const words = [
    ["Order", "By three signals together: the words of the question that a record holds, how alike its text is in meaning, and the score. A protein without a text is placed by its score alone."],
    ["Score", "The cosine between your query and the protein, from −1 to 1. Compare it within one search; another query has another scale."],
    ["Probability", "The share of hits of such a score that are right, by their text or their family, when this index is asked for its own records. An upper bound where the model was trained on them. Left empty below 10 %, where the model cannot tell: that says nothing against the hit."],
    ["E-value", "How many hits of this score or better an index of this size would give by chance. Below 0.01 is rare luck; above 1, the score alone decides nothing."],
    ["Family", "Hits that are 70 % identical or more to the best of them. They can differ in the very residue that matters: open the family, choose two and compare. Only the best hits are looked at, so the index may hold more members. Where its members are ordered by the model, by the difference of the twins or by labelled relatives, it says so: their ranks are those that they had before."],
  ];
  const told = words.filter(([name]) => shown[name] !== false);
  const left = shown["E-value"] || shown.Order ? null : h("p", { class: "hint" }, "This index is so small that its background is the index itself: an E-value would be no more than the rank, and is not shown.");
  return h("details", { class: "meaning" }, h("summary", {}, "How to read these numbers"),
    h("dl", { class: "keys" }, told.map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])), left);
}
