// Where else a protein can be looked up, as far as its ids tell.

const UNIPROT = /^(?:[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})$/;
const PDB = /^(?:pdb_0000)?([0-9](?=[0-9]*[A-Za-z])[A-Za-z0-9]{3})(?:[_:.-][A-Za-z0-9]{1,4})?$/;
const ALPHAFOLD = /^AF-([A-Z0-9]{6,10})-F[0-9]+/;
const REFSEQ = /^(?:[NXYW]P_[0-9]+(?:\.[0-9]+)?)$/;
const COLUMNS = ["id", "accession", "uniprot", "uniprot_id", "entry", "pdb", "pdb_id"];

/** Links for a record: [{label, title, href}], each place once. */
export function linksOf(record) {
  const found = new Map();
  const add = (label, title, href) => found.set(href, { label, title, href });
  for (const value of COLUMNS.map((column) => record[column])) {
    for (const name of typeof value === "string" ? names(value) : []) {
      const accession = UNIPROT.test(name) ? name : ALPHAFOLD.exec(name)?.[1];
      if (accession && UNIPROT.test(accession)) {
        add("UniProt", `UniProt entry ${accession}`, `https://www.uniprot.org/uniprotkb/${accession}/entry`);
        add("AlphaFold", `Predicted structure of ${accession}`, `https://alphafold.ebi.ac.uk/entry/${accession}`);
      } else if (PDB.test(name)) {
        const entry = PDB.exec(name)[1].toUpperCase();
        add("PDB", `Structure ${entry}`, `https://www.rcsb.org/structure/${entry}`);
      } else if (REFSEQ.test(name)) {
        add("RefSeq", `RefSeq protein ${name}`, `https://www.ncbi.nlm.nih.gov/protein/${name}`);
      }
    }
  }
  return [...found.values()];
}

/** "sp|P62593|BLAT_ECOLX" → its parts; an isoform's number is dropped. */
function names(value) {
  return value.split(/[|;,\s]+/).map((part) => part.replace(/-[0-9]+$/, ""));
}
