r"""The tables of enzyme scoreboards: CLEAN's (tab-separated `Entry`, `EC number`, `Sequence`) and CARE's (CSV).

Several classes of one protein are joined by `;`, or stand in several rows.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from protrek_hm.data.proteins import check_bad_records
from protrek_hm.data.schema import bad_sequences, clean_sequences, or_null, says_nothing
from protrek_hm.data.tables import read_table
from protrek_hm.errors import FileFormatError, MissingColumnError

_NAMES = {
    "id": ("Entry", "entry", "id"),
    "ec": ("EC number", "EC", "ec", "ec_number"),
    "sequence": ("Sequence", "sequence", "seq"),
    "text": ("Text", "text", "description"),
}


@dataclass(frozen=True)
class Enzymes:
    """Distinct enzymes: what they are called, their sequences, the classes of each."""

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
    MissingFileError, FileFormatError, MissingColumnError
        If it is not there, holds none, lacks a column, or a sequence has letters that are no residues.

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
