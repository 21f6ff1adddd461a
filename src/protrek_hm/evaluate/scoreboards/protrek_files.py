"""Which protein has which text, by section: ProTrek's own test folder, or a table with a column a section."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.errors import FileFormatError, MissingColumnError
from protrek_hm.files import read_json

_NOT_SECTIONS = ("seq", "foldseek")
TOTAL = "Total"


@dataclass(frozen=True)
class SectionedTexts:
    """Proteins, and the texts of each section with the proteins that they belong to.

    Attributes
    ----------
    sequences
        The pool of proteins.
    texts
        The distinct texts of each section.
    pairs
        For each section (protein, text) that belong together, once each.
    asks
        Proteins whose texts are queries and that are queries themselves; the others are only in the way.
    """

    sequences: tuple[str, ...]
    texts: dict[str, tuple[str, ...]]
    pairs: dict[str, Int[np.ndarray, "pairs 2"]]
    asks: frozenset[int]


def read_protrek_folder(folder: Path) -> SectionedTexts:
    """Read `uniprot2label.json`, `label2text.json` and `swissprot_ids.tsv` as ProTrek's evaluation does.

    Of several wordings of a text the first counts. All proteins are in the pool, those of `swissprot_ids.tsv`
    ask; without that file all ask.

    Raises
    ------
    MissingFileError, FileFormatError
        If a file is not there, or not what it should be.
    """
    labels, texts_of = (read_json(folder / name) for name in ("uniprot2label.json", "label2text.json"))
    curated = folder / "swissprot_ids.tsv"
    asking = set(curated.read_text(encoding="utf-8").split()) if curated.is_file() else set(labels)
    try:
        sections = [section for section in texts_of if section != TOTAL]
        texts = {section: tuple(each[0] for each in texts_of[section].values()) for section in sections}
        texts[TOTAL] = tuple(_total_text(texts, place) for place in texts_of.get(TOTAL, {}).values())
        found: dict[str, list[tuple[int, int]]] = {section: [] for section in texts}
        for number, entry in enumerate(labels.values()):
            for section, numbers in entry.items():
                if section not in _NOT_SECTIONS and section in found:
                    found[section] += [(number, int(each)) for each in numbers]
        sequences = tuple(str(entry["seq"]) for entry in labels.values())
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise FileFormatError(folder, f"not ProTrek's test data ({error!r})", "give the folder as it was") from None
    return SectionedTexts(
        sequences=sequences,
        texts={section: each for section, each in texts.items() if found[section]},
        pairs={section: np.unique(np.array(pairs), axis=0) for section, pairs in found.items() if pairs},
        asks=frozenset(number for number, name in enumerate(labels) if name in asking),
    )


def sections_of_table(proteins: pl.DataFrame, sections: Sequence[str], *, name: Path | str) -> SectionedTexts:
    """Take each of the columns `sections` as a section, and all of them together as "Total".

    Raises
    ------
    MissingColumnError
        If there is no such column.

    Examples
    --------
    >>> table = pl.DataFrame({"sequence": ["MK", "MR", "MK"], "text": ["a", "a", "b"]})
    >>> found = sections_of_table(table, ["text"], name="proteins.tsv")
    >>> found.sequences, found.texts["text"], found.pairs["text"].tolist()
    (('MK', 'MR'), ('a', 'b'), [[0, 0], [0, 1], [1, 0]])
    """
    for section in sections:
        if section not in proteins.columns:
            raise MissingColumnError(name, section, proteins.columns, "name text columns with --section")
    sequences = {each: number for number, each in enumerate(dict.fromkeys(proteins["sequence"]))}
    texts: dict[str, tuple[str, ...]] = {}
    pairs: dict[str, Int[np.ndarray, "pairs 2"]] = {}
    whole = [proteins.select("sequence", text=section).drop_nulls() for section in sections]
    named = dict(zip(sections, whole, strict=True))
    if len(sections) > 1:
        named[TOTAL] = pl.concat(whole)
    for section, frame in named.items():
        numbers = {each: number for number, each in enumerate(dict.fromkeys(frame["text"]))}
        if numbers:
            rows = [(sequences[sequence], numbers[text]) for sequence, text in frame.iter_rows()]
            texts[section], pairs[section] = tuple(numbers), np.unique(np.array(rows), axis=0)
    return SectionedTexts(tuple(sequences), texts, pairs, frozenset(range(len(sequences))))


def _total_text(texts: dict[str, tuple[str, ...]], place: str) -> str:
    section, _, number = place.partition("|")
    return texts[section][int(number)]
