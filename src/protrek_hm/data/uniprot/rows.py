"""Rows of the table: an entry's words in columns, its functional sections as the text that a model reads."""

from collections.abc import Sequence

import polars as pl

from protrek_hm.data.texts import EVIDENCE, join_evidence
from protrek_hm.data.uniprot.entry import SECTIONS, Entry, Names

SCHEMA: dict[str, type[pl.DataType]] = {
    "id": pl.String,
    "sequence": pl.String,
    "text": pl.String,
    "ec": pl.String,
    "go": pl.String,
    "organism": pl.String,
    "entry_name": pl.String,
    "protein_name": pl.String,
    "alternative_names": pl.String,
    "domains": pl.String,
    "components": pl.String,
    "gene": pl.String,
    "taxon": pl.Int64,
    "reviewed": pl.Boolean,
    "fragment": pl.Boolean,
    "length": pl.Int64,
    "alphafold_id": pl.String,
    EVIDENCE: pl.String,
    **dict.fromkeys(SECTIONS, pl.String),
}
"""Columns of the table and their types. Lists are joined by "; "."""

SECTION_COLUMN = "section"
"""Column that says which section a text is, where each section has a row of its own."""

_ASPECTS = "FCP"


def row_of(entry: Entry, text_sections: Sequence[str]) -> tuple[object, ...]:
    """Return an entry's cells, as `SCHEMA` orders them.

    >>> names = Names("Testase", ["Tst"], ec=["3.5.1.10", "3.5.1.2", "3.5.1.2"])
    >>> go = [("GO:0005737", "C:cytoplasm"), ("GO:0005524", "F:ATP binding")]
    >>> comments = {"function": ["Cleaves."], "cofactor": ["Zn(2+)."]}
    >>> entry = Entry(accession="P1", names=names, sequence="MK", go=go, comments=comments)
    >>> row_of(entry, ["function", "cofactor"])[:7]
    ('P1', 'MK', 'Cleaves. Cofactor: Zn(2+).', '3.5.1.2; 3.5.1.10',
     'GO:0005524 F:ATP binding; GO:0005737 C:cytoplasm', None, None)
    """
    sections = {section: " ".join(statements) for section, statements in entry.comments.items()}
    names = entry.names
    return (
        entry.accession,
        entry.sequence,
        " ".join(section_texts(sections, text_sections).values()) or None,
        "; ".join(_sorted_ec(names)) or None,
        "; ".join(f"{term} {name}".rstrip() for term, name in sorted(set(entry.go), key=_go_order)) or None,
        entry.organism or None,
        entry.entry_name or None,
        names.name or None,
        _joined(names.alternatives),
        _joined(names.domains),
        _joined(names.components),
        entry.gene,
        entry.taxon,
        entry.reviewed,
        names.fragment,
        len(entry.sequence),
        entry.alphafold,
        evidence_of(entry, text_sections),
        *(sections.get(section) for section in SECTIONS),
    )


def evidence_of(entry: Entry, sections: Sequence[str]) -> str | None:
    """Return how the statements of these sections are known, as the column `EVIDENCE` has it.

    >>> entry = Entry(accession="P1", sequence="MK", evidence={"function": {"ECO:0000250"}, "ptm": {"ECO:0000269"}})
    >>> evidence_of(entry, ["function", "cofactor"])
    'ECO:0000250'
    """
    return join_evidence(set[str]().union(*(entry.evidence.get(section, set()) for section in sections)))


def section_texts(sections: dict[str, str], wanted: Sequence[str]) -> dict[str, str]:
    """Return the wanted sections that there are, each as a text that stands alone: its title, but for the function.

    >>> section_texts({"function": "Cleaves.", "tissue_specificity": "Liver."}, ["function", "tissue_specificity"])
    {'function': 'Cleaves.', 'tissue_specificity': 'Tissue specificity: Liver.'}
    """
    return {
        section: sections[section] if section == "function" else f"{title(section)}: {sections[section]}"
        for section in wanted
        if section in sections
    }


def title(section: str) -> str:
    """Return a section's title.

    >>> title("catalytic_activity"), title("ptm")
    ('Catalytic activity', 'PTM')
    """
    return "PTM" if section == "ptm" else section.replace("_", " ").capitalize()


def _joined(names: list[str]) -> str | None:
    return "; ".join(filter(None, names)) or None


def _sorted_ec(names: Names) -> list[str]:
    return sorted(set(names.ec), key=lambda number: [(part.isdigit(), part.zfill(5)) for part in number.split(".")])


def _go_order(term: tuple[str, str]) -> tuple[int, str]:
    return _ASPECTS.find(term[1][:1]), term[0]
