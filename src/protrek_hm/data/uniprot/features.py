"""Features that change the sequence: MUTAGEN and VARIANT, as the flat file and its TSV write them."""

import re
from collections.abc import Iterator

from protrek_hm.data.texts import clean_text
from protrek_hm.data.uniprot.entry import Feature
from protrek_hm.data.uniprot.plain import plain

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
