// The result on the screen as a file, built here from that very result: nobody else's can get in between.

import { identical } from "./numbers.js";
import { toFasta } from "./sequences.js";

// What a spreadsheet would run: it looks behind blanks and marks that are not seen, and reads full-width signs, too.
const FORMULA = /^[\s\p{C}]*[=+\-@|\uff1d\uff0b\uff0d\uff20\u2212]|^[\t\r\n]/u;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const OWN = ["family", "rank", "id", "score", "protrek_score", "probability", "p_value", "e_value", "matched_words", "meaning", "by_relatives"];

/** Answers as JSON, complete. */
export function asJson(answers) {
  return JSON.stringify(answers, null, 2);
}

/** Answers as one table in CSV: a line for each hit, then the columns of the index; ours keep their names. Several answers begin with the question's name. */
export function asCsv(answers) {
  const hits = answers.flatMap(({ name, families }) =>
    families.flatMap((family) => family.hits.map((hit) => ({ ...hit, ...common(hit.matched), query: name, family: family.rank }))));
  const own = answers.length > 1 ? ["query", ...OWN] : OWN;
  const columns = [...new Set(hits.flatMap((hit) => Object.keys(hit.record)))].filter((name) => name !== "id");
  const heads = [...own, ...columns.map((name) => (own.includes(name) ? `record.${name}` : name))];
  const lines = hits.map((hit) => [...own.map((name) => hit[name]), ...columns.map((name) => hit.record[name])]);
  return [heads, ...lines].map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}

function common(matched) {
  const relatives = matched?.by_relatives.map(({ id, identity }) => `${id} (${identical([identity])})`);
  return { matched_words: matched?.words.join(" "), meaning: matched?.meaning, by_relatives: relatives?.join(", ") };
}

/** Hits as FASTA, those of each answer best first; a protein that answers several questions stands there once. */
export function asFasta(answers) {
  const found = new Map();
  for (const { families } of answers) {
    for (const hit of families.flatMap((family) => family.hits).sort((one, other) => one.rank - other.rank)) {
      if (hit.record.sequence && !found.has(hit.id)) found.set(hit.id, toFasta(`${hit.id} rank=${hit.rank} score=${hit.score}`, hit.record.sequence));
    }
  }
  return [...found.values()].join("");
}

/** Hand a text to the browser as a file. */
export function save(name, type, content) {
  const href = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = href;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** A file name that tells what was asked: "protrek-hm_heat-stable-enzyme.csv". */
export function fileName(query, ending) {
  const words = query.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 40);
  return `protrek-hm_${words || "result"}.${ending}`;
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const harmless = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
