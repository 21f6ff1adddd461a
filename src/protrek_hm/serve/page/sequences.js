// Query files and pasted FASTA.

/** Records of a FASTA text: [{name, sequence}]; letters without a header are one nameless record. */
export function parseFasta(text) {
  const records = [];
  for (const line of text.split(/\r?\n|\r/)) {
    if (line.startsWith(">")) records.push({ name: line.slice(1).trim().split(/\s+/)[0], sequence: "" });
    else if (line.startsWith(";") || line.trim() === "") continue;
    else {
      if (records.length === 0) records.push({ name: "", sequence: "" });
      records.at(-1).sequence += line.replace(/\s+/g, "");
    }
  }
  return records.filter((record) => record.sequence !== "");
}

/** Whether a file is a structure, by its name or its first lines. */
export function looksLikeStructure(name, start) {
  return /\.(pdb|ent|cif|mmcif|bcif)(\.gz)?$/i.test(name) || /^(HEADER|ATOM  |MODEL |CRYST1|data_)/m.test(start);
}

/** A record as FASTA, 60 letters a line. */
export function toFasta(name, sequence) {
  return `>${name}\n${sequence.replace(/.{1,60}/g, "$&\n")}`;
}
