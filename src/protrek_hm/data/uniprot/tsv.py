"""Entries of the tables that UniProt's website and REST service export: one line each, columns by choice.

They hold less than the other formats: names and alternatives share a cell, GO terms lose their aspect unless the
three aspects have a column each, and what was not exported is not there.
"""

import html
import re
from collections.abc import Mapping, Sequence

from protrek_hm.data.schema import says_nothing
from protrek_hm.data.uniprot.entry import BrokenRecordError, Entry, check_entry, is_gone
from protrek_hm.data.uniprot.texts import cell_features, flat_comment, flat_evidence, parse_names

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


_OLD_KEYS = {
    "status": "reviewed",
    "enzymeregulation": "activityregulation",
    "crossreference(alphafolddb)": "alphafolddb",
    "organismid": "organism(id)",
}
"""Keys of columns as UniProt named them until 2022, and those of today."""
_REVIEWED = {"reviewed": True, "unreviewed": False}
_ESCAPED = re.compile(r"&(?:[gl]t|amp|quot|apos|#\d+);")


def parse_row(header: Sequence[str], line: str, *, features: bool = True) -> Entry | None:
    """Parse a line of a table whose column names are the keys `header`; features only if asked for.

    Entries that were deleted or merged give None.

    Raises
    ------
    BrokenRecordError
        If it has not as many cells as the header, or lacks its accession, or its length is wrong.
    """
    cells = line.split("\t")
    if len(cells) != len(header):
        raise BrokenRecordError(f"{len(cells)} fields where the header has {len(header)}")
    row = {key: "" if says_nothing(cell) else _unquoted(cell) for key, cell in zip(header, cells, strict=True)}
    row = {new: row[old] for old, new in _OLD_KEYS.items() if old in row} | row
    if is_gone(row["sequence"], row.get("proteinnames", "")):
        return None
    names = parse_names(row.get("proteinnames", ""))
    if row.get("ecnumber"):
        names.ec = row["ecnumber"].split("; ")
    names.fragment |= row.get("fragment", "").startswith("fragment")
    taxon = row.get("organism(id)", "")
    entry = Entry(
        accession=row["entry"],
        entry_name=row.get("entryname", ""),
        reviewed=_REVIEWED.get(row.get("reviewed", "").lower()),
        names=names,
        organism=row.get("organism", ""),
        taxon=int(taxon) if taxon.isdigit() else None,
        sequence="".join(row["sequence"].split()),
        gene=_gene(row),
        go=_go(row),
        alphafold=row.get("alphafolddb", "").split(";")[0] or None,
    )
    for section, key in _SECTION_KEYS.items():
        for body in _comments(section, row.get(key, "")):
            entry.say(section, flat_comment(section, body), flat_evidence(section, body))
    for key in ("naturalvariant", "mutagenesis") if features else ():
        for feature in cell_features(row.get(key, "")):
            entry.features += [feature] if feature else []
            entry.unread += feature is None
    length = row.get("length", "").replace(",", "")
    return check_entry(entry, int(length) if length.isdigit() else None)


def _unquoted(cell: str) -> str:
    quoted = len(cell) > 1 and cell.startswith('"') and cell.endswith('"')
    words = cell[1:-1].replace('""', '"') if quoted else cell.strip()
    return html.unescape(words) if _ESCAPED.search(words) else words


def _gene(row: Mapping[str, str]) -> str | None:
    """Return the first gene; genes stand between ``;``, and behind each its synonyms."""
    for key in ("genenames(primary)", "genenames"):
        names = row.get(key, "").replace(";", " ").split()
        if names:
            return names[0]
    return None


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


def _comments(section: str, cell: str) -> list[str]:
    """Split a cell at its topic, which stands before each comment."""
    topic = section.upper().replace("_", " ") + ": "
    if section == "activity_regulation":
        cell = cell.replace("ENZYME REGULATION: ", topic)
    return cell.removeprefix(topic).split(f"; {topic}") if cell else []
