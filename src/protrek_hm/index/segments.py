"""Segments: records that were added together, with the vectors that nobody had before.

Vectors are numbered through all segments, and a later segment refers to the vectors of earlier ones where sequence or
text are the same. Segments never change; removed rows are listed beside them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.config import Modality
from protrek_hm.index.arrays import Stack, open_array, write_array
from protrek_hm.index.embeddings import Embeddings
from protrek_hm.index.layout import MODALITIES, Manifest, Segment
from protrek_hm.index.records import open_records, write_records

RECORDS = "records.arrow"


@dataclass(frozen=True)
class NewVectors:
    """What a segment adds of one modality.

    Attributes
    ----------
    count, dimension, blocks
        How many new vectors there are, of how many numbers, and they themselves in order, float32 of length 1.
    of_row
        For each record of the segment the number of its vector, counted through the whole index; -1: none.
    """

    count: int
    dimension: int
    blocks: Iterable[np.ndarray]
    of_row: Int[np.ndarray, " rows"]


def write_segment(index: Path, name: str, records: pl.DataFrame, new: Mapping[Modality, NewVectors]) -> Segment:
    """Write the folder of a segment; `commit` makes it a part of the index."""
    folder = index / name
    folder.mkdir()
    write_records(records, folder / RECORDS)
    for modality, each in new.items():
        write_array(folder / f"{modality}.rows.npy", each.of_row.shape, "int64", [each.of_row])
        if each.count:
            write_array(folder / f"{modality}.vectors.npy", (each.count, each.dimension), "float32", each.blocks)
    return Segment(name, len(records), {modality: each.count for modality, each in new.items()})


def read_segments(index: Path, manifest: Manifest) -> tuple[pl.DataFrame, dict[Modality, Embeddings]]:
    """Map the records and vectors of all segments, without the removed rows."""
    segments, dimension = manifest.segments, manifest.info.dimension
    tables = [open_records(index / each.name / RECORDS, rows=each.records) for each in segments]
    records = tables[0] if len(tables) == 1 else pl.concat(tables, how="diagonal", rechunk=False)
    kept = None
    if manifest.removed is not None:
        removed = open_array(index / manifest.removed, None, "int64")
        kept = np.ones(len(records), dtype=bool)
        kept[removed] = False
        records = records.filter(kept)
    embeddings: dict[Modality, Embeddings] = {}
    for modality in (each for each in MODALITIES if any(segment.vectors.get(each) for segment in segments)):
        parts, rows = [], []
        for segment in segments:
            folder, count = index / segment.name, segment.vectors.get(modality)
            if count:
                parts.append(open_array(folder / f"{modality}.vectors.npy", (count, dimension), "float32"))
            shape = (segment.records,)
            missing = np.full(shape, -1, dtype=np.int64)
            rows.append(missing if count is None else open_array(folder / f"{modality}.rows.npy", shape, "int64"))
        of_row = rows[0] if len(rows) == 1 else np.concatenate(rows)
        embeddings[modality] = Embeddings(Stack(parts), of_row if kept is None else of_row[kept])
    return records, embeddings
