"""The files of public scoreboards, which are the user's.

CLEAN's tables of enzymes (tab-separated `Entry`, `EC number`, `Sequence`) and CARE's (CSV), in which several classes of
one protein are joined by `;` or stand in several rows; ProTrek's own test folder, or a table with a column a section.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.data.proteins import check_bad_records
from protrek_hm.data.schema import bad_sequences, clean_sequences, or_null, says_nothing
from protrek_hm.data.tables import read_table
from protrek_hm.errors import FileFormatError, MissingColumnError
from protrek_hm.files import read_json

_NAMES = {
    "id": ("Entry", "entry", "id"),
    "ec": ("EC number", "EC", "ec", "ec_number"),
    "sequence": ("Sequence", "sequence", "seq"),
    "text": ("Text", "text", "description"),
}


@dataclass(frozen=True)
class Enzymes:
    """Distinct enzymes: their names, sequences and classes."""

    ids: tuple[str, ...]
    sequences: tuple[str, ...]
    classes: tuple[tuple[str, ...], ...]

    def shared_with(self, other: "Enzymes") -> int:
        """Count the sequences that both have."""
        return len({*self.sequences} & {*other.sequences})


def read_enzymes(path: Path) -> Enzymes:
    r"""Read a table of enzymes, distinct sequences in order of appearance.

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError, RecordError
        If the file is missing, empty, lacks a column, has a broken record, or a sequence has letters that are no
        residues.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "price.tsv"
    >>> _ = path.write_text("Entry\tEC number\tSequence\nA\t1.1.1.1;2.7.1.5\tMKV\n")
    >>> read_enzymes(path).classes
    (('1.1.1.1', '2.7.1.5'),)
    """
    frame = _read(path, ("id", "ec", "sequence")).with_columns(clean_sequences(pl.col("sequence").cast(pl.String)))
    for row, problem in bad_sequences(frame, "sequence").items():
        raise FileFormatError(path, f"{frame['id'][row]}: {problem}", "mend the record, or drop it")
    ids: dict[str, str] = {}
    classes: dict[str, dict[str, None]] = {}
    for name, ec, sequence in frame.select("id", "ec", "sequence").iter_rows():
        ids.setdefault(sequence, name)
        classes.setdefault(sequence, {}).update(dict.fromkeys(_split(ec)))
    return Enzymes(tuple(ids.values()), tuple(ids), tuple(tuple(each) for each in classes.values()))


def read_class_texts(path: Path) -> dict[str, str]:
    r"""Read what each class does, from a table such as CARE's `text2EC.csv` (`EC number`, `Text`).

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError, RecordError
        If the file is missing, empty, lacks a column, or has a broken record.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "text2EC.csv"
    >>> _ = path.write_text("EC number,Text\n1.1.1.1,alcohol dehydrogenase\n")
    >>> read_class_texts(path)
    {'1.1.1.1': 'alcohol dehydrogenase'}
    """
    frame = _read(path, ("ec", "text"))
    return {ec.strip(): text for ec, text in frame.select("ec", "text").iter_rows()}


def _read(path: Path, wanted: tuple[str, ...]) -> pl.DataFrame:
    table = read_table(path)
    check_bad_records(table.bad, path, "error")
    frame = table.frame
    chosen = {}
    for name in wanted:
        present = [each for each in _NAMES[name] if each in frame.columns]
        if not present:
            raise MissingColumnError(path, _NAMES[name][0], frame.columns, "give a table in CLEAN's or CARE's format")
        chosen[present[0]] = name
    found = frame.select(or_null(pl.col(*chosen).cast(pl.String))).rename(chosen).drop_nulls()
    if found.is_empty():
        raise FileFormatError(path, "holds no complete record", "check the file")
    return found


def _split(ec: str) -> list[str]:
    return [part.strip().removeprefix("EC:") for part in ec.split(";") if not says_nothing(part)]


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
        Proteins whose texts are queries and that are queries themselves; the others are only in the pool.
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
        If a file is missing or malformed.
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
