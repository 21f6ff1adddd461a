// A file as a query: FASTA is read here, structures become letters on the server.

import { ask, Problem } from "./api.js";
import { announce, byId, h } from "./dom.js";
import { count, counted } from "./numbers.js";
import { looksLikeStructure, parseRecords, writeRecords } from "./sequences.js";

const MOST = 50_000_000;

/** Let the file input fill the query box; `onProblem` hears of what cannot be read, `limits()` tells what one request may hold. */
export function listenForFiles(onProblem, limits) {
  const input = byId("file");
  input.addEventListener("change", () => take(input.files[0], onProblem, limits).finally(() => (input.value = "")));
  const box = byId("query");
  box.addEventListener("dragover", (event) => event.preventDefault());
  box.addEventListener("drop", (event) => {
    const file = event.dataTransfer.files[0];
    if (!file) return;
    event.preventDefault();
    take(file, onProblem, limits);
  });
}

/** Forget which file the query came from. */
export function forgetFile() {
  byId("file-hint").textContent = "";
  byId("record-choice").hidden = true;
}

async function take(file, onProblem, limits) {
  if (!file) return;
  forgetFile();
  const by = document.querySelector('input[name="by"]:checked').value;
  try {
    const records = await read(file, by);
    const asked = fitting(records, limits());
    byId("query").value = writeRecords(asked);
    byId("query").dispatchEvent(new Event("change", { bubbles: true }));
    offer(records, asked);
    const letters = counted(asked.reduce((sum, { sequence }) => sum + sequence.length, 0), "residue");
    const told = records.length === 1 ? `${file.name}: ${letters}`
      : asked.length === records.length ? `${file.name}: ${records.length} records, ${letters}`
      : `${file.name}: the first ${count(asked.length)} of ${count(records.length)} records, ${letters}; for all of them use protrek-hm search`;
    byId("file-hint").textContent = told;
    announce(`${told}.`);
    byId("submit").focus();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    onProblem(error);
  }
}

async function read(file, by) {
  if (file.size > MOST) {
    throw new Problem(`${file.name} has ${Math.round(file.size / 1e6)} MB.`, "Files of up to 50 MB are taken.", { field: "query" });
  }
  const start = await file.slice(0, 4000).text();
  if (looksLikeStructure(file.name, start)) {
    const form = new FormData();
    form.append("file", file);
    const found = await ask("v1/structure", form);
    return [{ name: file.name, sequence: by === "structure" ? found.structure : found.sequence }];
  }
  if (/\.(xlsx?|ods|csv)$/i.test(file.name)) {
    throw new Problem(`${file.name} is a spreadsheet.`, "Copy its columns of names and sequences, and paste them into the box.", { field: "query" });
  }
  if (start.includes("\0")) {
    throw new Problem(`${file.name} is neither FASTA nor a structure.`, "Choose a FASTA, PDB or mmCIF file.", { field: "query" });
  }
  const records = parseRecords(await file.text());
  if (records.length === 0) {
    throw new Problem(`${file.name} holds no sequence.`, "Choose a FASTA, PDB or mmCIF file.", { field: "query" });
  }
  return records;
}

/** As many of the records as one request may hold, at least the first. */
function fitting(records, { max_queries, max_letters }) {
  let letters = 0;
  const most = records.slice(0, max_queries).findIndex(({ sequence }) => (letters += sequence.length) > max_letters);
  return records.slice(0, most < 0 ? max_queries : Math.max(most, 1));
}

/** Let one of the records be chosen, or all that are asked at once. */
function offer(records, asked) {
  byId("record-choice").hidden = records.length < 2;
  const options = records.slice(0, 1000).map((record, at) => h("option", { value: at }, record.name || `record ${at + 1}`));
  byId("record").replaceChildren(h("option", { value: "" }, `all ${count(asked.length)} at once`), ...options);
  byId("record").onchange = ({ target }) => (byId("query").value = target.value === "" ? writeRecords(asked) : records[target.value].sequence);
}
