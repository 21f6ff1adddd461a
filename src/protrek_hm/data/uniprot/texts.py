"""Names, comments and features, as the formats of UniProt write them in one text, become plain words."""

import re
from collections.abc import Iterable, Iterator

from protrek_hm.data.texts import UNTOLD, clean_text, codes_in, codes_of
from protrek_hm.data.uniprot.entry import Feature, Names

_TAG = re.compile(r"\s*\{ECO:[^}]*\}")


def plain(text: str) -> str:
    """Clean a text (`data.texts.clean_text`), and end it with a full stop.

    >>> plain("Binds iron (PubMed:1, PubMed:2). Inert in vitro (at pH 5; PubMed:3) {ECO:0000269|PubMed:1}.")
    'Binds iron. Inert in vitro (at pH 5).'
    >>> plain("Homodimer (By similarity). {ECO:0000250}."), plain("Was said by PubMed:7 to bind zinc")
    ('Homodimer.', 'Was said by a publication to bind zinc.')
    >>> plain("  ")
    ''
    """
    text = clean_text(text)
    return text if not text or text.endswith((".", "?", "!")) else text + "."


def bare(text: str) -> str:
    """Take evidence tags out of a name, and nothing else.

    >>> bare("Iron sulfur cluster {ECO:0000255|HAMAP-Rule:MF_1}")
    'Iron sulfur cluster'
    """
    return _TAG.sub("", text).strip() if "{ECO" in text else text.strip()


_BLOCK = re.compile(r"\s*\[(Cleaved into|Includes|Contains): ")
_KIND = re.compile(r"(?:allergen|biotech|CD antigen) ", re.IGNORECASE)


def parse_names(cell: str) -> Names:
    """Take a cell such as ``Full name (EC 1.1.1.1) (Other name) [Cleaved into: One; Two] (Fragment)`` apart.

    A name that itself ends in brackets cannot be told from a name with an alternative; the other formats keep them
    apart.

    >>> names = parse_names("NAD(P)H oxidase (EC 1.6.3.-) (NOX) [Cleaved into: Chain A (EC 1.1.1.1); B] (Fragment)")
    >>> names.name, names.alternatives, names.components, names.ec, names.fragment
    ('NAD(P)H oxidase', ['NOX'], ['Chain A', 'B'], ['1.6.3.-', '1.1.1.1'], True)
    """
    names = Names()
    while cell.endswith((" (Fragment)", " (Fragments)")):
        names.fragment = True
        cell = cell[: cell.rindex(" (")]
    main, *blocks = _BLOCK.split(cell)
    names.name, others = _split(main)
    for other in others:
        if other in ("Fragment", "Fragments"):
            names.fragment = True
        elif other.startswith("EC "):
            names.ec.append(other[3:])
        else:
            names.alternatives.append(_KIND.sub("", other, count=1))
    for kind, content in zip(blocks[::2], blocks[1::2], strict=True):
        for part in content.strip().removesuffix("]").split("; "):
            name, others = _split(part)
            (names.domains if kind == "Includes" else names.components).append(name)
            names.ec += [other[3:] for other in others if other.startswith("EC ")]
    return names


def _split(cell: str) -> tuple[str, list[str]]:
    """Return a name and what stands in brackets behind it; brackets that touch a letter belong to the name."""
    name, others = cell.strip(), list[str]()
    while name.endswith(")"):
        depth = 0
        for place in range(len(name) - 1, -1, -1):
            depth += (name[place] == ")") - (name[place] == "(")
            if depth == 0:
                break
        if depth or place == 0 or name[place - 1] != " ":
            break
        others.append(name[place + 1 : -1])
        name = name[:place].rstrip()
    return name, others[::-1]


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


KINDS = ("MUTAGEN", "VARIANT")
_POSITION = re.compile(r"(?:(?P<isoform>[A-Z0-9]+-\d+):)?(?P<start>[<>?]?\d*)(?:\.\.(?P<end>[<>?]?\d*))?$")
_MUTAGEN = re.compile(r"(?P<from>[A-Z\s]+)->(?P<to>[A-Z,\s]+)(?::\s*(?P<text>.*)|\.)?$", re.DOTALL)
_VARIANT = re.compile(r"(?P<from>[A-Z\s]+?)\s*->\s*(?P<to>[A-Z,\s]+?)\s*(?:\((?P<text>.*)\))?\.?$", re.DOTALL)
_MISSING = re.compile(r"Missing(?::\s*(?P<text>.*)|\s*\((?P<text2>.*)\)\.?)?\.?$", re.DOTALL)
_CELL_STARTS = re.compile(r"(?:^|;\s*)(?=(?:MUTAGEN|VARIANT)\s)")
_IN_CELL = re.compile(r'(MUTAGEN|VARIANT)\s+(\S+);\s*/note="((?:[^"]|"")*)"')
_IN_OLD_CELL = re.compile(r"(MUTAGEN|VARIANT)\s+([<>?]?\d*)\s+([<>?]?\d*)\s+(.+)", re.DOTALL)
OLD_TAIL = re.compile(r"\s*/FTId=\S+$")
"""What stood behind a feature before 2019."""


def make_feature(kind: str, position: str, note: str) -> Feature | None:
    """Read a feature's position and note; None if the note says no change.

    >>> make_feature("MUTAGEN", "45..46", "KR->AA,SS: Loss of binding. {ECO:0000269}.")
    Feature(kind='MUTAGEN', start=45, end=46, original='KR', replacements=('AA', 'SS'),
            description='Loss of binding.', isoform=None)
    >>> make_feature("VARIANT", "9", "R -> Q (in OD1; loss of activity; dbSNP:rs1)").description
    'in OD1; loss of activity; dbSNP:rs1'
    >>> make_feature("VARIANT", "9", "R -> Q (loss of activity). {ECO:0000269|PubMed:1}.").description  # before 2019
    'loss of activity'
    >>> missing = make_feature("MUTAGEN", "P00001-2:?..9", "Missing: Inactive.")
    >>> missing.start, missing.end, missing.replacements, missing.isoform
    (0, 9, (), 'P00001-2')
    """
    place, note = _POSITION.match(position), clean_text(note.rstrip("; "))
    change = (_MUTAGEN if kind == "MUTAGEN" else _VARIANT).match(note)
    missing = None if change else _MISSING.match(note)
    found = change or missing
    if place is None or found is None:
        return None
    start = _number(place["start"])
    end = start if place["end"] is None else _number(place["end"])
    original, replacements = "", tuple[str, ...]()
    if change:
        original = "".join(change["from"].split())
        replacements = tuple("".join(each.split()) for each in change["to"].split(","))
    text = found["text"] or (missing["text2"] if missing else None) or ""
    return Feature(kind, start, end, original, replacements, describe(kind, text), place["isoform"])


def describe(kind: str, text: str) -> str:
    """Clean a description; that of a variant is a list, not a sentence, and keeps no full stop.

    >>> describe("MUTAGEN", "No effect"), describe("VARIANT", "in OD1; loss of activity.")
    ('No effect.', 'in OD1; loss of activity')
    """
    return plain(text) if kind == "MUTAGEN" else plain(text).removesuffix(".")


def cell_features(cell: str) -> Iterator[Feature | None]:
    """Read a cell of a table, such as ``MUTAGEN 45; /note="K->A: Inactive."; /evidence="ECO:…"; MUTAGEN …``.

    Before 2019 it was ``MUTAGEN 45 45 K->A: Inactive. {ECO:…}.; MUTAGEN …``. A feature that is neither gives None.

    >>> [feature.start for feature in cell_features('MUTAGEN 4; /note="K->A: X."; MUTAGEN 9; /note="R->A: Y."')]
    [4, 9]
    >>> [feature and feature.end for feature in cell_features("MUTAGEN 4 5 KR->AA: X. {ECO:1}.; MUTAGEN here")]
    [5, None]
    """
    for piece in filter(None, map(str.strip, _CELL_STARTS.split(cell))):
        new, old = _IN_CELL.match(piece), _IN_OLD_CELL.match(piece)
        if new:
            yield make_feature(new[1], new[2], new[3].replace('""', '"'))
        else:
            yield make_feature(old[1], f"{old[2]}..{old[3]}", OLD_TAIL.sub("", old[4].rstrip("; "))) if old else None


def _number(digits: str) -> int:
    return int(digits) if digits.isdigit() else 0
