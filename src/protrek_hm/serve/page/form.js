// The form: what is asked, as a state and back; examples; columns to filter by; problems beside their field.

import { byId, h } from "./dom.js";
import { linesOf, parseRecords, writeRecords } from "./sequences.js";
import { closed } from "./state.js";

const KINDS = {
  text: {
    label: "What should the protein do?",
    placeholder: "Serine protease that works at alkaline pH and survives bleach",
    hint: "A name, a few words, a question or a sentence; several questions on lines of their own.",
  },
  sequence: {
    label: "Amino acid sequence",
    placeholder: "MSIQHFRVALIPFFAAFCLPVFAHPETLVKVKDAEDQLGARVGYIELDLNSGKILESFRPEERF…",
    hint: "One-letter code, FASTA of one protein or many, or two columns of a spreadsheet: name and sequence. Or open a file: FASTA, PDB or mmCIF.",
  },
  structure: {
    label: "Structure in 3Di letters",
    placeholder: "DPVVVLVVCCVVVVHDSVVSNVVVVVVVVVLCVVLVADSQEWEWEA…",
    hint: "Foldseek's alphabet. Open a PDB or mmCIF file and the letters are made for you.",
  },
};
const FIELDS = ["query", "where", "k", "fdr"];

/** What the form asks, over a state. */
export function readForm(state) {
  const by = chosen("by");
  const query = byId("query").value;
  const records = by === "text" ? [] : parseRecords(query);
  return {
    ...closed(state),
    q: by === "text" ? query.trim() : records.length ? writeRecords(records) : "",
    by,
    each: byId("each").checked,
    want: chosen("want"),
    where: byId("where").value.trim(),
    k: Number(byId("k").value) || 10,
    group: byId("group").checked,
    signals: byId("signals").value,
    fdr: byId("fdr").value,
    name: byId("name").value,
  };
}

/** Show a state in the form. */
export function writeForm(state) {
  byId("query").value = state.q;
  byId("where").value = state.where;
  byId("k").value = state.k;
  byId("group").checked = state.group;
  byId("signals").value = state.signals;
  byId("fdr").value = state.fdr;
  byId("each").checked = state.each;
  writeName(state);
  choose("by", state.by);
  choose("want", state.want);
  if (state.where || state.signals || state.fdr) byId("options").open = true;
  adapt();
}

/** Show by which column hits are called. */
export function writeName({ name }) {
  byId("name").value = [...byId("name").options].some(({ value }) => value === name) ? name : "";
}

/** Fit labels, examples and choices to the kind of query. */
export function adapt() {
  const by = chosen("by");
  const kind = KINDS[by];
  byId("query-label").textContent = kind.label;
  byId("query-hint").textContent = kind.hint;
  byId("query").placeholder = kind.placeholder;
  byId("query").classList.toggle("letters", by !== "text");
  byId("upload").hidden = by === "text";
  const many = by === "text" ? linesOf(byId("query").value).length : 0;
  byId("each").parentElement.hidden = many < 2;
  byId("each-label").textContent = `Each of the ${many} lines is a question of its own`;
  const describe = radio("want", "describe");
  describe.parentElement.hidden = by !== "sequence";
  if (by !== "sequence" && describe.checked) choose("want", "sequence");
  const describing = chosen("want") === "describe";
  byId("options").hidden = describing;
  byId("submit").textContent = describing ? "Describe" : "Search";
  const set = [byId("where").value.trim() && "filter", byId("k").value !== "10" && `up to ${byId("k").value}`, byId("fdr").value && `at most ${100 * Number(byId("fdr").value)} % wrong`];
  byId("options-summary").textContent = set.filter(Boolean).join(", ");
  showExamples(by);
}

/** Take the columns, kinds and examples of this index into the form. */
export function equip(info) {
  examples = info.examples ?? {};
  for (const [name, known] of [["by", info.queries], ["want", [...info.modalities, "describe"]]]) {
    for (const input of document.querySelectorAll(`#${name} input`)) input.parentElement.hidden = !known.includes(input.value);
  }
  byId("k").max = info.limits.max_k;
  const columns = info.columns.some(({ name }) => name === "length") ? info.columns : [...info.columns, { name: "length", type: "residues" }];
  byId("columns").replaceChildren(...columnButtons(columns));
  offerFilters(columns);
  const names = info.columns.filter(({ name, type }) => /^str/i.test(type) && !["id", "sequence", "structure", "text"].includes(name));
  byId("name").replaceChildren(h("option", { value: "" }, "as by default"), h("option", { value: "id" }, "id alone"), ...names.map(({ name }) => h("option", { value: name }, name)));
  adapt();
}

/** Show a problem beside the field that it belongs to; false if the form has no such field. */
export function showProblem(problem) {
  const field = /^(queries|sequences)\b/.test(problem.field ?? "") ? "query" : problem.field;
  if (!FIELDS.includes(field)) return false;
  const line = byId(`${field}-problem`);
  line.textContent = `${problem.message} ${problem.remedy}`.trim();
  line.hidden = false;
  const input = byId(field);
  input.setAttribute("aria-invalid", "true");
  if (byId("options").contains(input)) byId("options").open = true;
  input.focus();
  return true;
}

/** Take back all problems. */
export function clearProblems() {
  for (const field of FIELDS) {
    byId(`${field}-problem`).hidden = true;
    byId(field).removeAttribute("aria-invalid");
  }
}

let examples = {};

function showExamples(by) {
  const texts = examples[by] ?? [];
  byId("examples").hidden = texts.length === 0 || byId("query").value !== "";
  byId("examples").querySelector("ul").replaceChildren(
    ...texts.map(({ label, query }) => {
      const use = () => {
        byId("query").value = query;
        byId("form").requestSubmit();
      };
      return h("li", {}, h("button", { type: "button", class: "chip", title: query, onclick: use }, label));
    }),
  );
}

const COMPARISONS = [["contains", "contains"], ["is", "is"], ["least", "is at least"], ["most", "is at most"], ["filled", "is filled in"]];
const NUMBER = /int|float|decimal|residues/i;

/** Let filters be put together from a column, a comparison and a value. */
function offerFilters(columns) {
  const [column, how, value] = ["filter-column", "filter-how", "filter-value"].map(byId);
  const suits = () => {
    const numeric = NUMBER.test(columns[column.selectedIndex].type);
    const fitting = COMPARISONS.filter(([name]) => name === "is" || name === "filled" || (name === "contains") !== numeric);
    how.replaceChildren(...fitting.map(([name, label]) => h("option", { value: name }, label)));
    value.inputMode = numeric ? "decimal" : "text";
    value.hidden = false;
  };
  column.replaceChildren(...columns.map(({ name }, place) => h("option", { value: place }, name)));
  const first = columns.findIndex(({ name }) => name === "organism");
  column.selectedIndex = Math.max(first, 0);
  suits();
  column.onchange = suits;
  how.onchange = () => { value.hidden = how.value === "filled"; };
  const add = () => {
    const { name, type } = columns[column.selectedIndex];
    const condition = conditionOf(name, how.value, value.value.trim(), NUMBER.test(type));
    if (condition === null) return value.focus();
    const where = byId("where");
    where.value = withAlso(where.value.trim(), condition);
    value.value = "";
    adapt();
    byId("filter-add").focus();
  };
  byId("filter-add").onclick = add;
  value.onkeydown = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  };
}

/** A filter and one more condition. */
export function withAlso(where, condition) {
  if (!where) return condition;
  return `${/\bor\b/i.test(where) ? `(${where})` : where} and ${condition}`;
}

/** Whether a filter holds a condition that `withAlso` has put there. */
export function holds(where, condition) {
  return ` and ${where} and `.includes(` and ${condition} and `);
}

/** A filter without one of its conditions, which `withAlso` has put there. */
export function without(where, condition) {
  if (where === condition) return "";
  return where.includes(` and ${condition}`) ? where.replace(` and ${condition}`, "") : where.replace(`${condition} and `, "");
}

/** Write a comparison as SQL; null where the value does not suit it. */
export function conditionOf(name, how, value, numeric) {
  const column = quotedName(name);
  if (how === "filled") return `${column} is not null`;
  if (value === "" || (numeric && !/^[-+]?[0-9]*[.]?[0-9]+$/.test(value))) return null;
  const text = value.replaceAll("'", "''");
  if (how === "contains") return `${column} ilike '%${text}%'`;
  return `${column} ${{ is: "=", least: ">=", most: "<=" }[how]} ${numeric ? value : `'${text}'`}`;
}

/** A column's name as SQL takes it. */
export function quotedName(name) {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `"${name}"`;
}

function columnButtons(columns) {
  return columns.map(({ name, type }) => {
    const plain = quotedName(name);
    const insert = () => {
      const where = byId("where");
      const before = where.value.slice(0, where.selectionStart ?? where.value.length);
      const space = before && !/[\s(]$/.test(before) ? " " : "";
      where.setRangeText(`${space}${plain} `, before.length, where.selectionEnd ?? before.length, "end");
      where.focus();
    };
    return h("button", { type: "button", class: "chip mono", title: type, onclick: insert }, name);
  });
}

function radio(name, value) {
  return document.querySelector(`input[name="${name}"][value="${value}"]`);
}

function chosen(name) {
  return document.querySelector(`input[name="${name}"]:checked`).value;
}

function choose(name, value) {
  radio(name, value).checked = true;
}
