"""Comments in words: what the flat file and its TSV write as ``Key=value`` and the others as a tree reads alike."""

import re
from collections.abc import Iterable

from protrek_hm.data.texts import UNTOLD, codes_in, codes_of
from protrek_hm.data.uniprot.plain import bare, plain

_IN_PARTS = ("catalytic_activity", "cofactor", "subcellular_location", "disease")
"""Sections whose comments are lists of parts rather than sentences: what tags one part speaks for all."""

_MOLECULE = re.compile(r"\[(.+?)\]:\s*")
_REACTION = re.compile(r"Reaction=(.+?)(?=; (?:Xref|EC|Evidence|PhysiologicalDirection|Reaction)=|;?\s*$)")
_COFACTOR = re.compile(r"Name=(.+?)(?=; (?:Xref|Evidence|Name|Note)=|;?\s*$)")
_NOTE = re.compile(r"(?:^|\s)Note=")
_MIM = re.compile(r" \[MIM:\d+\]")


def flat_comment(section: str, body: str) -> str:
    """Bring the body of a flat comment, its lines joined, into words; empty if it says nothing.

    >>> flat_comment("catalytic_activity", "Reaction=ATP + H2O = ADP + phosphate; Xref=Rhea:RHEA:1; EC=3.6.1.-;")
    'ATP + H2O = ADP + phosphate.'
    >>> flat_comment("cofactor", "Name=Mg(2+); Xref=ChEBI:1; Name=Mn(2+); Note=Binds 2 ions. {ECO:0000250};")
    'Mg(2+), Mn(2+). Binds 2 ions.'
    >>> flat_comment("subcellular_location", "[Isoform 2]: Cell membrane {ECO:1}; Lipid-anchor. Note=In cilia.")
    '[Isoform 2]: Cell membrane; Lipid-anchor. In cilia.'
    >>> flat_comment("disease", "Odd disease 1 (OD1) [MIM:1]: A disease. {ECO:1}. Note=Caused by variants.")
    'Odd disease 1 (OD1): A disease. Caused by variants.'
    """
    molecule = _MOLECULE.match(body) if body.startswith("[") else None
    rest = body[molecule.end() :] if molecule else body
    if section == "catalytic_activity" and "Reaction=" in rest:
        words = sentences(_REACTION.findall(rest))
    elif section == "cofactor" and ("Name=" in rest or rest.startswith("Note=")):
        names, *notes = _NOTE.split(rest, maxsplit=1)
        words = cofactor_text(_COFACTOR.findall(names), (note.rstrip("; ") for note in notes))
    elif section in ("subcellular_location", "disease"):
        words = plain(_NOTE.sub(" ", _MIM.sub("", rest)))
    else:
        words = plain(rest)
    return of_molecule(molecule[1] if molecule else None, words)


def flat_evidence(section: str, body: str) -> set[str]:
    """Return the ECO codes of a flat comment's statements, and `UNTOLD` for statements without.

    >>> sorted(flat_evidence("function", "Binds. {ECO:0000269|PubMed:1}. Rests."))
    ['ECO:0000269', 'none']
    >>> flat_evidence("cofactor", "Name=FAD; Xref=ChEBI:1; Evidence={ECO:0000250}; Note=One each;")
    {'ECO:0000250'}
    """
    return codes_in(body) or {UNTOLD} if section in _IN_PARTS else codes_of(body)


def tree_evidence(section: str, codes: set[str], untagged: Iterable[str]) -> set[str]:
    """Return the same for a comment that is a tree: from the codes in it, and its texts without any.

    >>> sorted(tree_evidence("function", {"ECO:0000269"}, ["Rests (By similarity)."]))
    ['ECO:0000250', 'ECO:0000269']
    """
    if section in _IN_PARTS:
        return codes or {UNTOLD}
    return codes.union(*map(codes_of, untagged)) or {UNTOLD}


def of_molecule(molecule: str | None, words: str) -> str:
    """Say which isoform or chain a statement is about.

    >>> of_molecule("Isoform 2", "Inert."), of_molecule(None, "Binds."), of_molecule("Isoform 2", "")
    ('[Isoform 2]: Inert.', 'Binds.', '')
    """
    return f"[{molecule}]: {words}" if molecule and words else words


def sentences(texts: Iterable[str]) -> str:
    """Join texts as sentences.

    >>> sentences(["One (PubMed:1)", "Two."])
    'One. Two.'
    """
    return " ".join(filter(None, map(plain, texts)))


def cofactor_text(names: Iterable[str], notes: Iterable[str]) -> str:
    """Say which cofactors there are, and what is noted.

    >>> cofactor_text(["FAD"], ["Binds 1 FAD per subunit"])
    'FAD. Binds 1 FAD per subunit.'
    """
    return sentences([", ".join(map(bare, names)), *notes])


def location_text(locations: Iterable[Iterable[str | None]], notes: Iterable[str]) -> str:
    """Say where a protein is: each location with its topology and orientation.

    >>> location_text([("Cytoplasm", None), ("Membrane", "Lipid-anchor")], [])
    'Cytoplasm. Membrane; Lipid-anchor.'
    """
    return sentences([*("; ".join(filter(None, parts)) for parts in locations), *notes])


def disease_text(name: str | None, acronym: str | None, description: str | None, notes: Iterable[str]) -> str:
    """Say which disease a protein is involved in.

    >>> disease_text("Odd disease 1", "OD1", "A disease", [])
    'Odd disease 1 (OD1): A disease.'
    """
    title = f"{name} ({acronym})" if name and acronym else name
    return sentences([": ".join(filter(None, [title, description])), *notes])
