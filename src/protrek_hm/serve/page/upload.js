// A file as a query: FASTA is read here, structures become letters on the server.

import { ask, Problem } from "./api.js";
import { announce, byId, h } from "./dom.js";
import { looksLikeStructure, parseFasta } from "./sequences.js";

const MOST = 50_000_000;

/** Let the file input fill the query box; `onProblem` hears of what cannot be read. */
export function listenForFiles(onProblem) {
  const input = byId("file");
  input.addEventListener("change", () => take(input.files[0], onProblem).finally(() => (input.value = "")));
  const box = byId("query");
  box.addEventListener("dragover", (event) => event.preventDefault());
  box.addEventListener("drop", (event) => {
    const file = event.dataTransfer.files[0];
    if (!file) return;
    event.preventDefault();
    take(file, onProblem);
  });
}

/** Forget which file the query came from. */
export function forgetFile() {
  byId("file-hint").textContent = "";
  byId("record-choice").hidden = true;
}

async function take(file, onProblem) {
  if (!file) return;
  forgetFile();
  const by = document.querySelector('input[name="by"]:checked').value;
  try {
    const { query, records } = await read(file, by);
    byId("query").value = query;
    offer(records);
    const many = records.length > 1 ? `, ${records.length} records` : "";
    byId("file-hint").textContent = `${file.name}${many}: ${query.length} residues`;
    announce(`${file.name} is read, ${query.length} residues.`);
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
    return { query: by === "structure" ? found.structure : found.sequence, records: [] };
  }
  if (start.includes("\0")) {
    throw new Problem(`${file.name} is neither FASTA nor a structure.`, "Choose a FASTA, PDB or mmCIF file.", { field: "query" });
  }
  const records = parseFasta(await file.text());
  if (records.length === 0) {
    throw new Problem(`${file.name} holds no sequence.`, "Choose a FASTA, PDB or mmCIF file.", { field: "query" });
  }
  return { query: records[0].sequence, records };
}

function offer(records) {
  byId("record-choice").hidden = records.length < 2;
  const options = records.slice(0, 1000).map((record, at) => h("option", { value: at }, record.name || `record ${at + 1}`));
  byId("record").replaceChildren(...options);
  byId("record").onchange = (event) => (byId("query").value = records[event.target.value].sequence);
}
