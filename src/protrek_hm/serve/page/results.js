// A search's answer: how the hits stand out, families with their members, and the same as a file.

import { sentence } from "./api.js";
import { copy, h, unfolding } from "./dom.js";
import { asCsv, asFasta, asJson, fileName, save } from "./download.js";
import { showFacets } from "./facets.js";
import { histogram } from "./histogram.js";
import { identityCell, numberCells } from "./hit.js";
import { counted, identical, likely } from "./numbers.js";

const NAMES = ["name", "protein_name", "gene"]; // columns by which hits are called unless another one is chosen
const HEADS = ["Rank", "Protein", "Score", "Probability", "E-value", "Compare"];

/** One sentence on the answers, for the heading and for a screen reader. */
export function summary(answers) {
  const [first, ...others] = answers;
  if (!others.length) return gist(first);
  const numbers = answers.map(({ families }) => families.flatMap(({ hits }) => hits).length);
  return `${counted(answers.length, "question")}, ${counted(numbers.reduce((sum, each) => sum + each, 0), first.want === "text" ? "text" : "protein")}`;
}

function gist({ families, want, looked_at }) {
  const hits = families.flatMap((family) => family.hits);
  if (hits.length === 0) return "No hits.";
  const grouped = families.length < hits.length ? ` in ${counted(families.length, "family", "families")}, among the ${counted(looked_at, "best hit")}` : "";
  return `${counted(hits.length, want === "text" ? "text" : "protein")}${grouped}; best: ${hits[0].id}`;
}

/**
 * The answers as elements: one as it is, several each behind its name.
 *
 * `context`: the `state`, `info` of the index, `picks`, which knows the hits that are chosen for comparison, and what buttons do: `align`, `scan`, `refine`.
 */
export function showResults(answers, context) {
  const name = context.state.name || NAMES.find((each) => context.info?.columns.some((column) => column.name === each)) || "id";
  const found = answers.some(({ families }) => families.length);
  const several = answers.length > 1;
  const each = (answer) => one(answer, { ...context, name, words: several && answer.by === "text" ? answer.query : "" });
  return [
    found && h("div", { class: "headline" }, h("h2", {}, summary(answers)), toolbar(answers)),
    showFacets(answers, context),
    several ? answers.map((answer, at) => unfolding(answer.name, gist(answer), () => each(answer), at === 0)) : each(answers[0]),
  ].flat().filter(Boolean);
}

function one(result, context) {
  const hits = result.families.flatMap((family) => family.hits);
  if (hits.length === 0) {
    return [h("p", { class: "notice" }, [gist(result), ...result.notes.map(sentence)].join(" "))];
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
    result.notes.length ? h("ul", { class: "notice warn" }, result.notes.map((note) => h("li", {}, sentence(note)))) : null,
    signals ? null : faint(result),
    signals ? null : histogram(result.background, result.families), // where the score alone does not decide, its place says little
    h("table", { class: "hits", role: "table" },
      h("caption", { class: "hidden" }, "Hits, best first, similar proteins together"),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, HEADS.filter((head) => shown[head] !== false).map((head) => h("th", { scope: "col", role: "columnheader" }, head)))),
      result.families.map((family) => familyBody(family, bounds, { ...context, scans: result.want !== "text" }))),
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

function toolbar(answers) {
  const about = answers.length > 1 ? `${answers.length} questions` : answers[0].query;
  const button = (name, ending, type, make) => {
    const write = () => save(fileName(about, ending), type, make(answers));
    return h("button", { type: "button", class: "quiet small", onclick: write, title: `This result as ${name}` }, name);
  };
  const take = (event) => copy(event.currentTarget, location.href, "Copy it from the address bar");
  return h("div", { class: "row", role: "group", "aria-label": "Keep this result" },
    button("CSV", "csv", "text/csv", asCsv),
    button("FASTA", "fasta", "text/x-fasta", asFasta),
    button("JSON", "json", "application/json", () => asJson(answers.length > 1 ? answers : unnamed(answers[0]))),
    h("button", { type: "button", class: "quiet small", onclick: take }, "Copy link"));
}

/** An answer as the server gave it. */
function unnamed({ name, ...result }) {
  return result;
}

const ORDER = { model: "the model", difference: "the difference", relatives: "labelled relatives" };

function familyBody(family, bounds, context) {
  const [best, ...others] = family.hits;
  const body = h("tbody", { role: "rowgroup" });
  const members = others.map((hit) => memberRow(hit, best, bounds, context));
  const below = [others.length ? toggle(others, members, family.decided) : null, alignButton(family, context), scanButton(best, context)];
  body.append(row(best, identityCell(best, { below, name: context.name }), bounds, context, "best"), ...members);
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

function memberRow(hit, best, bounds, context) {
  const listed = hit.changes.map((change) => h("li", {}, change));
  if (hit.differences > listed.length) listed.push(h("li", { class: "hint" }, `and ${hit.differences - listed.length} more`));
  const same = hit.differences === 0;
  const compare = () => context.picks.open(best.id, hit.id, context.words);
  const below = h("div", { class: "differs" },
    h("span", { class: "hint" }, same ? `the same sequence as ${best.id}` : `${identical([hit.identity])} to ${best.id}, ${counted(hit.differences, "difference")}`),
    !same && h("ul", { "aria-label": `Differences from ${best.id}` }, listed),
    !same && h("button", { type: "button", class: "quiet small", "aria-label": `Why? Compare ${best.id} with ${hit.id}`, onclick: compare }, "Why?"),
    scanButton(hit, context));
  const made = row(hit, identityCell(hit, { below, brief: true, name: context.name }), bounds, context, "member");
  made.hidden = true;
  return made;
}

function alignButton({ hits: [best, ...others] }, { align, words }) {
  return others.length ? h("button", { type: "button", class: "quiet small", "aria-label": `Align ${best.id} with its family`, onclick: () => align(best.id, words) }, "Align") : null;
}

/** Where the hit is a protein: to all of its substitutions. */
function scanButton(hit, { scans, scan, words }) {
  return scans && hit.record.sequence ? h("button", { type: "button", class: "quiet small", "aria-label": `Scan the substitutions of ${hit.id}`, onclick: () => scan(hit.id, words) }, "Scan") : null;
}

function row(hit, who, bounds, { picks, words }, kind) {
  const pick = h("input", { type: "checkbox", "data-id": hit.id, "aria-label": `Compare ${hit.id}`, onchange: (event) => picks.toggle(hit.id, event.target.checked, words) });
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
    ["Order", "By three signals together: the words of the question that a record holds, how alike its text is in meaning, and the score. A protein without a text is placed by its score, and by what words and meaning say of the texts of its labelled relatives; those that said most stand beside it."],
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
