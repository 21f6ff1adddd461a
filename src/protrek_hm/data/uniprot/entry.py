"""What an entry of UniProt says, whichever of its four formats it came in, and which of it is wanted."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from protrek_hm.config import OnBadRecord, require

SECTIONS = (
    *("function", "catalytic_activity", "cofactor", "activity_regulation", "pathway", "subunit"),
    *("subcellular_location", "tissue_specificity", "developmental_stage", "induction", "domain", "ptm"),
    *("polymorphism", "disease", "disruption_phenotype", "allergen", "toxic_dose", "biotechnology"),
    *("pharmaceutical", "miscellaneous", "similarity", "caution"),
)
"""Columns of the comments, in UniProt's own order as far as texts go; a comment's type in lower case."""

SECTION_COLUMN = "section"
"""Column that says which section a text is, where each section has a row of its own."""

_TAXA = 1 << 62
_GONE = re.compile(r"(?:deleted|merged into|demerged|obsolete)\b", re.IGNORECASE)
_RENAMED = {"enzyme_regulation": "activity_regulation"}


def section_of(kind: str) -> str:
    """Return the column for a comment's type.

    >>> section_of("TISSUE SPECIFICITY"), section_of("PTM"), section_of("enzyme regulation")
    ('tissue_specificity', 'ptm', 'activity_regulation')
    """
    section = kind.lower().replace(" ", "_")
    return _RENAMED.get(section, section)


def title(section: str) -> str:
    """Return a section's title.

    >>> title("catalytic_activity"), title("ptm")
    ('Catalytic activity', 'PTM')
    """
    return "PTM" if section == "ptm" else section.replace("_", " ").capitalize()


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


@dataclass(slots=True)
class Names:
    """What a protein is called, and its EC numbers, in the order in which they stand.

    `components` are the names of the chains it is cleaved into, `domains` those of its functional domains.
    """

    name: str = ""
    alternatives: list[str] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    ec: list[str] = field(default_factory=list)
    fragment: bool = False


@dataclass(frozen=True, slots=True)
class Feature:
    """A change of the sequence with what is said of it.

    Attributes
    ----------
    kind
        MUTAGEN or VARIANT.
    start, end
        First and last position, from 1; 0 where the position is unknown or that of another isoform.
    original, replacements
        The letters there and those instead, one item for each mutant; both empty where the residues are missing.
    description
        The effect, as UniProt words it.
    isoform
        The isoform that the position counts in, if it is not the entry's sequence.
    """

    kind: str
    start: int
    end: int
    original: str
    replacements: tuple[str, ...]
    description: str
    isoform: str | None = None


@dataclass(slots=True, kw_only=True)
class Entry:
    """One entry; lists keep the order of the file.

    Attributes
    ----------
    go
        Terms as (identifier, aspect and name), such as ``("GO:0005524", "F:ATP binding")``; where the aspect is
        unknown, the name alone.
    reviewed
        None where the file does not say it.
    comments
        Section → its statements, plain.
    evidence
        Section → the ECO codes of its statements, and `texts.UNTOLD` for those without.
    unread
        Features that could not be understood.
    """

    accession: str
    entry_name: str = ""
    reviewed: bool | None = None
    names: Names = field(default_factory=Names)
    sequence: str
    organism: str = ""
    taxon: int | None = None
    gene: str | None = None
    go: list[tuple[str, str]] = field(default_factory=list)
    alphafold: str | None = None
    comments: dict[str, list[str]] = field(default_factory=dict)
    evidence: dict[str, set[str]] = field(default_factory=dict)
    features: list[Feature] = field(default_factory=list)
    unread: int = 0

    def say(self, section: str, words: str, evidence: set[str]) -> None:
        """Add a statement, if there is one."""
        if words:
            self.comments.setdefault(section, []).append(words)
            self.evidence.setdefault(section, set()).update(evidence)


class BrokenRecordError(ValueError):
    """A record that violates its format; the message says how, the reader adds where."""


def is_gone(sequence: str, name: str) -> bool:
    """Say whether an entry without a sequence is one that UniProt has deleted or merged: its name says so.

    >>> is_gone("", "Merged into P00901."), is_gone("", "deleted"), is_gone("MKV", "Deleted in cancer"), is_gone("", "")
    (True, True, False, False)
    """
    return not sequence.strip() and _GONE.match(name.strip()) is not None


def check_entry(entry: Entry, stated_length: int | None) -> Entry:
    """Return the entry if it holds what each entry must: for what a format's own parser takes on trust.

    Raises
    ------
    BrokenRecordError
        If it has no accession or sequence, something that is no text where one belongs, a number of residues other
        than the `stated_length`, or an impossible taxon.

    Examples
    --------
    >>> check_entry(Entry(accession="P1", sequence="MKV"), 4)
    Traceback (most recent call last):
    ...
    protrek_hm.data.uniprot.entry.BrokenRecordError: 3 residues where its length says 4
    """
    names = entry.names
    texts = [entry.accession, entry.entry_name, entry.sequence, entry.organism, entry.gene or "", entry.alphafold or ""]
    texts += [names.name, *names.alternatives, *names.domains, *names.components, *names.ec, *sum(entry.go, ())]
    for text in texts:
        if not isinstance(text, str):
            raise BrokenRecordError(f"{text!r} stands where a text belongs")
    if not entry.accession.strip():
        raise BrokenRecordError("no accession")
    if not entry.sequence:
        raise BrokenRecordError("no sequence")
    if stated_length is not None and stated_length != len(entry.sequence):
        raise BrokenRecordError(f"{len(entry.sequence)} residues where its length says {stated_length}")
    if entry.taxon is not None and not (isinstance(entry.taxon, int) and 0 <= entry.taxon < _TAXA):
        raise BrokenRecordError(f"taxon {entry.taxon!r}")
    return entry


TextPer = Literal["protein", "section"]


@dataclass(frozen=True)
class ConvertConfig:
    """What becomes of an entry.

    Attributes
    ----------
    text_sections
        Section of the text; repeatable, in order. By default those that say what the protein does.
    text_per
        A row per protein, or per section. `protein`: its sections joined; `section`: a model reads them as several
        texts of a protein.
    release
        UniProt's release, such as 2026_03, to be recorded. Files do not say it themselves.
    on_bad_record
        Stop at a broken record, or leave it out.

    Raises
    ------
    OptionError
        If a value is none of these.
    """

    text_sections: tuple[str, ...] = ("function", "catalytic_activity", "cofactor", "activity_regulation", "pathway")
    text_per: TextPer = "protein"
    on_bad_record: OnBadRecord = "error"
    release: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text_sections", tuple(self.text_sections))
        for section in self.text_sections:
            require("text_sections", section, f"one of {', '.join(SECTIONS)}", holds=section in SECTIONS)
        require("text_sections", self.text_sections, "name at least one section", holds=bool(self.text_sections))
        per = self.text_per
        require("text_per", per, "must be protein or section", holds=per in get_args(TextPer))
        on_bad = self.on_bad_record
        require("on_bad_record", on_bad, "must be error or skip", holds=on_bad in get_args(OnBadRecord))
