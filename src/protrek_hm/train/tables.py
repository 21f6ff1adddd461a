"""Files that training reads: triplets, or proteins with their texts."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from protrek_hm.config import OnBadRecord
from protrek_hm.data.proteins import is_fasta, read_proteins
from protrek_hm.data.triplets import read_triplets
from protrek_hm.errors import MissingColumnError
from protrek_hm.train.examples import as_pairs


def read_tables(
    paths: Iterable[Path], *, columns: Mapping[str, str] | None = None, on_bad_record: OnBadRecord = "error"
) -> pl.DataFrame:
    r"""Read files of triplets, of proteins (tables, FASTA), or some of each, into one table with triplets' columns.

    columns: of proteins, our name → the file's. on_bad_record: what a bad record does, as `read_proteins` says.

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError, RecordError
        As `read_triplets` and `read_proteins`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "proteins.tsv"
    >>> _ = path.write_text("sequence\ttext\nMKV\tBinds iron.\n")
    >>> read_tables([path]).select("anchor_seq", "anchor_text").rows()
    [('MKV', 'Binds iron.')]
    """
    return pl.concat([as_pairs(_read(path, columns, on_bad_record)) for path in paths], how="diagonal_relaxed")


def _read(path: Path, columns: Mapping[str, str] | None, on_bad_record: OnBadRecord) -> pl.DataFrame:
    if path.is_file() and is_fasta(path):
        return read_proteins(path, on_bad_record=on_bad_record)
    try:
        return read_triplets(path, on_bad_record=on_bad_record)
    except MissingColumnError as error:
        if {"anchor_seq", "hard_neg_seq"} & set(error.present):
            raise
        return read_proteins(path, columns=columns, on_bad_record=on_bad_record)
