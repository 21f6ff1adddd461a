"""Entries of the tables that UniProt's website and REST service export: one line each, columns by choice.

They hold less than the other formats: names and alternatives share a cell, GO terms lose their aspect unless the
three aspects have a column each, and what was not exported is not there.
"""

import re
from collections.abc import Mapping, Sequence

from protrek_hm.data.uniprot.comments import flat_comment
from protrek_hm.data.uniprot.entry import BrokenRecordError, Entry, check_entry
from protrek_hm.data.uniprot.features import cell_features
from protrek_hm.data.uniprot.names import parse_names

_CC = {
    "function": "function [CC]",
    "catalytic_activity": "catalytic activity",
    "cofactor": "cofactor",
    "activity_regulation": "activity regulation",
    "pathway": "pathway",
    "subunit": "subunit structure [CC]",
    "subcellular_location": "subcellular location [CC]",
    "tissue_specificity": "tissue specificity",
    "developmental_stage": "developmental stage",
    "induction": "induction",
    "domain": "domain [CC]",
    "ptm": "post-translational modification",
    "polymorphism": "polymorphism",
    "disease": "involvement in disease",
    "disruption_phenotype": "disruption phenotype",
    "allergen": "allergenic properties",
    "toxic_dose": "toxic dose",
    "biotechnology": "biotechnological use",
    "pharmaceutical": "pharmaceutical use",
    "miscellaneous": "miscellaneous [CC]",
    "similarity": "sequence similarities",
    "caution": "caution",
}
_GO = {
    "F": "gene ontology (molecular function)",
    "C": "gene ontology (cellular component)",
    "P": "gene ontology (biological process)",
}
_TERM = re.compile(r"(?:^|; )(.+?) \[(GO:\d+)\]")
_GO_ID = re.compile(r"GO:\d+")


def column_key(name: str) -> str:
    """Bring a column's name into the form in which it is compared: UniProt has spelled it with and without blanks.

    >>> column_key("Function [CC]"), column_key("Subunit structure[CC]")
    ('function', 'subunitstructure')
    """
    return re.sub(r"\[cc\]|[\s_-]", "", name.lower())


_SECTION_KEYS = {section: column_key(name) for section, name in _CC.items()}
_GO_KEYS = {aspect: column_key(name) for aspect, name in _GO.items()}


def parse_row(header: Sequence[str], line: str, *, features: bool = True) -> Entry:
    """Parse a line of a table whose column names are the keys `header`; features only if asked for.

    Raises
    ------
    BrokenRecordError
        If it has not as many cells as the header, or lacks its accession, or its length is wrong.
    """
    cells = line.split("\t")
    if len(cells) != len(header):
        raise BrokenRecordError(f"{len(cells)} fields where the header has {len(header)}")
    row = {key: _unquoted(cell) for key, cell in zip(header, cells, strict=True)}
    names = parse_names(row.get("proteinnames", ""))
    if row.get("ecnumber"):
        names.ec = row["ecnumber"].split("; ")
    names.fragment |= row.get("fragment", "").startswith("fragment")
    taxon = row.get("organism(id)") or row.get("organismid") or ""
    entry = Entry(
        accession=row["entry"],
        entry_name=row.get("entryname", ""),
        reviewed=row.get("reviewed", "").lower() == "reviewed",
        names=names,
        organism=row.get("organism", ""),
        taxon=int(taxon) if taxon.isdigit() else None,
        sequence="".join(row["sequence"].split()),
        gene=_gene(row),
        go=_go(row),
        alphafold=row.get("alphafolddb", "").split(";")[0] or None,
    )
    for section, key in _SECTION_KEYS.items():
        statements = _statements(section, row.get(key, ""))
        if statements:
            entry.comments[section] = statements
    if features:
        entry.features = [each for key in ("naturalvariant", "mutagenesis") for each in cell_features(row.get(key, ""))]
    length = row.get("length", "").replace(",", "")
    return check_entry(entry, int(length) if length.isdigit() else None)


def _unquoted(cell: str) -> str:
    quoted = len(cell) > 1 and cell.startswith('"') and cell.endswith('"')
    return cell[1:-1].replace('""', '"') if quoted else cell.strip()


def _gene(row: Mapping[str, str]) -> str | None:
    primary = row.get("genenames(primary)", "").split("; ")[0]
    return primary or row.get("genenames", "").split("; ")[0].split(" ")[0] or None


def _go(row: Mapping[str, str]) -> list[tuple[str, str]]:
    if any(key in row for key in _GO_KEYS.values()):
        return [
            (term, f"{aspect}:{name}")
            for aspect, key in _GO_KEYS.items()
            for name, term in _TERM.findall(row.get(key, ""))
        ]
    if "geneontology(go)" in row:
        return [(term, name) for name, term in _TERM.findall(row["geneontology(go)"])]
    return [(term, "") for term in _GO_ID.findall(row.get("geneontologyids", ""))]


def _statements(section: str, cell: str) -> list[str]:
    """Split a cell at its topic, which stands before each comment, and bring each into words."""
    if not cell:
        return []
    topic = section.upper().replace("_", " ") + ": "
    parts = cell.removeprefix(topic).split(f"; {topic}")
    return [words for part in parts if (words := flat_comment(section, part))]
