"""Look a protein file over: what it holds, what stands in it twice, what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from protrek_hm.data.proteins import load_proteins
from protrek_hm.data.records import BadRecord


@dataclass(frozen=True)
class Spread:
    """How a number is distributed; all zero where there are none."""

    minimum: float
    quartile: float
    median: float
    mean: float
    upper_quartile: float
    maximum: float

    @classmethod
    def of(cls, numbers: pl.Series) -> "Spread":
        """Measure `numbers`, quantiles by linear interpolation.

        >>> Spread.of(pl.Series([1, 2, 3, 4, 10]))
        Spread(minimum=1.0, quartile=2.0, median=3.0, mean=4.0, upper_quartile=4.0, maximum=10.0)
        """
        if numbers.is_empty():
            return cls(0, 0, 0, 0, 0, 0)
        at = [numbers.quantile(quantile, "linear") or 0.0 for quantile in (0, 0.25, 0.5, 0.75, 1)]
        return cls(at[0], at[1], at[2], float(numbers.cast(pl.Float64).mean() or 0), at[3], at[4])  # type: ignore[arg-type]


@dataclass(frozen=True)
class ProteinReport:
    """What a protein file holds. All counts but the first two are over its good records.

    Attributes
    ----------
    records, bad
        How many records the file has, and those that cannot be used, by line.
    columns, other_columns
        Our name → the file's name of the recognised columns; the names of the others.
    ids, sequences, texts
        How many distinct ones there are.
    without_text
        Records whose text is missing.
    repeated_ids
        Ids of several records: proteins with several texts.
    repeated_sequences
        Sequences that stand under several ids.
    repeated_texts
        Texts that belong to several sequences.
    repeated_records
        Records with id, sequence and text of an earlier one.
    unusual_letters
        Records whose sequence holds B, Z, X, U or O.
    residues
        Residues in all, each distinct sequence counted once.
    lengths
        Of the distinct sequences, in residues.
    words
        Of the distinct texts, in words.
    """

    records: int
    bad: tuple[BadRecord, ...]
    columns: dict[str, str]
    other_columns: tuple[str, ...]
    ids: int
    sequences: int
    texts: int
    without_text: int
    repeated_ids: int
    repeated_sequences: int
    repeated_texts: int
    repeated_records: int
    unusual_letters: int
    residues: int
    lengths: Spread
    words: Spread


def check_proteins(path: Path | str, *, columns: Mapping[str, str] | None = None) -> ProteinReport:
    r"""Look a file over, with all its bad records.

    Parameters
    ----------
    path, columns
        As for `read_proteins`.

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError
        As `read_proteins`; bad records are no error here.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "four.tsv"
    >>> _ = path.write_text("id\tsequence\ttext\nA\tMKV\tBinds.\nB\tMKV\tBinds.\nC\tM-V\t\nD\tMUL\t\n")
    >>> report = check_proteins(path)
    >>> report.records, report.ids, report.sequences, report.repeated_sequences, report.without_text
    (4, 3, 2, 1, 1)
    >>> report.bad
    (BadRecord(line=4, record='C', problem="gap '-' at position 2: give the sequence unaligned"),)
    """
    loaded = load_proteins(Path(path), columns=columns)
    proteins = loaded.frame
    ours = {"id", "sequence", "text", *loaded.columns}
    sequences = proteins["sequence"].unique()
    with_text = proteins.filter(pl.col("text").is_not_null())
    texts = with_text["text"].unique()
    lengths = sequences.str.len_bytes()
    return ProteinReport(
        records=proteins.height + len(loaded.bad),
        bad=loaded.bad,
        columns=loaded.columns,
        other_columns=tuple(name for name in proteins.columns if name not in ours),
        ids=proteins["id"].n_unique(),
        sequences=sequences.len(),
        texts=texts.len(),
        without_text=proteins.height - with_text.height,
        repeated_ids=_count_repeated(proteins["id"]),
        repeated_sequences=_count_repeated(proteins.unique(["id", "sequence"])["sequence"]),
        repeated_texts=_count_repeated(with_text.unique(["text", "sequence"])["text"]),
        repeated_records=proteins.height - proteins.select("id", "sequence", "text").n_unique(),
        unusual_letters=int(proteins["sequence"].str.contains("[BZXUO]").sum()),
        residues=int(lengths.sum()),
        lengths=Spread.of(lengths),
        words=Spread.of(texts.str.count_matches(r"\S+")),
    )


def _count_repeated(cells: pl.Series) -> int:
    return cells.filter(cells.is_duplicated()).n_unique()
