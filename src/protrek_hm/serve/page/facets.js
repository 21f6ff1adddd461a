// What the hits have in common: values of the index's columns with their numbers, each a filter at a press.

import { h } from "./dom.js";
import { conditionOf, holds, quotedName } from "./form.js";

const PREFERRED = ["organism", "family", "ec", "class", "gene"];
const HIDDEN = ["id", "sequence", "structure", "text"];
const COLUMNS = 5;
const VALUES = 6;
const LONGEST = 60; // letters of a value that is a name, not a description
const LENGTHS = [0, 100, 200, 400, 800, 1600];

let open = false;

/** Facets of all answers' hits as elements; `context.refine(condition)` adds a filter or takes it away. Null where there is nothing to choose. */
export function showFacets(answers, { state, info, refine }) {
  const hits = new Map(answers.flatMap(({ families }) => families.flatMap((family) => family.hits)).map((hit) => [hit.id, hit.record]));
  const facets = facetsOf([...hits.values()], info?.columns ?? [], state.where);
  if (facets.length === 0) return null;
  const turn = (event) => (open = event.currentTarget.open);
  return h("details", { class: "facets", open: open || facets.some(({ values }) => values.some(({ chosen }) => chosen)), ontoggle: turn },
    h("summary", {}, `Narrow these hits by ${facets.map(({ column }) => column.replaceAll("_", " ")).join(", ")}`),
    h("dl", {}, facets.map((facet) => [
      h("dt", {}, facet.column.replaceAll("_", " ")),
      h("dd", {}, facet.values.map(({ label, count, condition, chosen }) =>
        h("button", { type: "button", class: "chip", "aria-pressed": String(chosen), title: chosen ? "Take this filter away" : `Only ${condition}`,
          onclick: () => refine(condition) },
          label, " ", h("span", { class: "hint" }, String(count))))),
    ])));
}

/** [{column, values: [{label, count, condition, chosen}]}]: of columns whose values some records share. */
export function facetsOf(records, columns, where = "") {
  const ranked = [...PREFERRED.filter((name) => columns.some((column) => column.name === name)), ...columns.map(({ name }) => name)];
  const found = [...new Set(ranked)].filter((name) => !HIDDEN.includes(name) && name !== "length").map((name) => {
    const { type } = columns.find((column) => column.name === name);
    return { column: name, values: /^bool/i.test(type) ? truths(records, name) : /^str/i.test(type) ? words(records, name) : [] };
  });
  const chosen = ({ values }) => values.some((value) => value.chosen);
  return [...found, { column: "length", values: lengths(records) }]
    .map(({ column, values }) => ({ column, values: values.map((each) => ({ ...each, chosen: holds(where, each.condition) })) }))
    .filter((facet) => facet.values.length > 1 || chosen(facet))
    .filter((facet, at) => at < COLUMNS || facet.column === "length" || chosen(facet));
}

/** Values of a column of words, the commonest first; a cell may hold several, joined by semicolons. */
function words(records, name) {
  const cells = records.map((record) => (record[name] ? [...new Set(record[name].split(/;\s*/).filter(Boolean))] : []));
  const counts = tally(cells.flat());
  const shared = [...counts.values()].some((count) => count > 1) && [...counts.keys()].every((value) => value.length <= LONGEST);
  const joined = cells.some((cell) => cell.length > 1);
  return !shared ? [] : [...counts].sort((one, other) => other[1] - one[1]).slice(0, VALUES)
    .map(([value, count]) => ({ label: value, count, condition: conditionOf(name, joined ? "contains" : "is", value, false) }));
}

function truths(records, name) {
  return [...tally(records.map((record) => record[name]).filter((value) => typeof value === "boolean"))]
    .map(([value, count]) => ({ label: value ? "yes" : "no", count, condition: `${quotedName(name)} = ${value}` }));
}

function lengths(records) {
  const counts = tally(records.map((record) => record.length ?? record.sequence?.length).filter(Boolean).map((length) => LENGTHS.findLastIndex((least) => length >= least)));
  return [...counts].sort(([one], [other]) => one - other).map(([at, count]) => {
    const [least, most] = [LENGTHS[at], LENGTHS[at + 1]];
    if (most === undefined) return { label: `${least} and more`, count, condition: `length >= ${least}` };
    return { label: least ? `${least} to ${most - 1}` : `below ${most}`, count, condition: least ? `length between ${least} and ${most - 1}` : `length < ${most}` };
  });
}

function tally(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
