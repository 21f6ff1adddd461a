"""An index folder, read back whole or refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index.embeddings import Embeddings
from protrek_hm.index.layout import REBUILD, RECORDS, IndexInfo, Modality, read_info, vectors_file


@dataclass(frozen=True)
class Index:
    """A table of proteins and, for each modality, its vectors."""

    info: IndexInfo
    records: pl.DataFrame
    embeddings: Mapping[Modality, Embeddings]

    @classmethod
    def open(cls, folder: Path) -> "Index":
        """Read the index `folder` into memory.

        Raises
        ------
        MissingFileError
            If there is no such folder, or a file is missing in it.
        FileFormatError
            If it is not an index, of another format version, or damaged.
        """
        info = read_info(folder)
        records = _read_records(folder / RECORDS, rows=info.counts["records"])
        embeddings = {
            modality: Embeddings.load(
                folder / vectors_file(modality),
                vectors=info.counts[modality],
                dimension=info.dimension,
                rows=len(records),
            )
            for modality in info.modalities
        }
        return cls(info, records, embeddings)


def _read_records(path: Path, *, rows: int) -> pl.DataFrame:
    try:
        records = pl.read_parquet(path)
    except FileNotFoundError:
        raise MissingFileError(path, REBUILD) from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FileFormatError(path, f"damaged or cut off ({error})", REBUILD) from None
    if len(records) != rows:
        raise FileFormatError(path, f"holds {len(records)} records, not {rows}", REBUILD)
    return records
