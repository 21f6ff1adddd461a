// What is asked at once: records of FASTA or of a pasted table, lines of words; and a record as FASTA.

const HEAD = /^(protein[ _]?|aa[ _]?)?seq(uence)?$/i;

/** Records of a text: [{name, sequence}]; of FASTA, or of cells that were copied from a spreadsheet. A record without letters stays, to be told of. */
export function parseRecords(text) {
  const lines = text.split(/\r?\n|\r/).filter((line) => line.trim() !== "" && !line.startsWith(";"));
  const table = lines.length > 0 && !lines[0].startsWith(">") && lines.every((line) => line.includes("\t"));
  return table ? ofTable(lines) : ofFasta(lines);
}

/** Letters without a header are one nameless record. */
function ofFasta(lines) {
  const records = [];
  for (const line of lines) {
    if (line.startsWith(">")) records.push({ name: line.slice(1).trim().split(/\s+/)[0], sequence: "" });
    else {
      if (records.length === 0) records.push({ name: "", sequence: "" });
      records.at(-1).sequence += line.replace(/\s+/g, "");
    }
  }
  return records;
}

/** The first column is the name; the sequence stands where the heading says, or is the longest cell of letters alone, if there is one. */
function ofTable(lines) {
  const rows = lines.map((line) => line.split("\t").map((cell) => cell.trim()));
  const column = rows[0].findIndex((cell) => HEAD.test(cell));
  const letters = (cell) => (/^[A-Za-z*]+$/.test(cell) ? cell.length : 0);
  const longest = (row) => row.slice(1).reduce((best, cell) => (letters(cell) > letters(best) ? cell : best));
  return (column < 0 ? rows : rows.slice(1)).map((row) => ({ name: row[column === 0 ? 1 : 0], sequence: column < 0 ? longest(row) : row[column] ?? "" }));
}

/** What a state asks: [{name, query}]; several records of a sequence or a structure, or several lines of words. */
export function queriesOf({ q, by, each }) {
  if (by !== "text") return parseRecords(q).map(({ name, sequence }, at) => ({ name: name || `record ${at + 1}`, query: sequence }));
  const lines = each ? linesOf(q) : [q.trim()];
  return lines.filter(Boolean).map((query) => ({ name: query, query }));
}

/** The lines of a text that say something. */
export function linesOf(text) {
  return text.split(/\r?\n|\r/).map((line) => line.trim()).filter(Boolean);
}

/** Records as a query: one is its letters alone. */
export function writeRecords(records) {
  return records.length === 1 ? records[0].sequence : records.map(({ name, sequence }, at) => `>${name || `record-${at + 1}`}\n${sequence}\n`).join("");
}

/** Whether a file is a structure, by its name or its first lines. */
export function looksLikeStructure(name, start) {
  return /\.(pdb|ent|cif|mmcif|bcif)(\.gz)?$/i.test(name) || /^(HEADER|ATOM  |MODEL |CRYST1|data_)/m.test(start);
}

/** A record as FASTA, 60 letters a line. */
export function toFasta(name, sequence) {
  return `>${name}\n${sequence.replace(/.{1,60}/g, "$&\n")}`;
}
