"""Records added to an index, removed from it, and the room of removed ones given back."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool

from protrek_hm.config import Modality
from protrek_hm.errors import NothingFoundError, OptionError, shorten
from protrek_hm.index.build import Known, encode_table
from protrek_hm.index.changes import SHARDS, changing, clear_shards, commit
from protrek_hm.index.config import IndexConfig
from protrek_hm.index.encoder import check_model, reader_of
from protrek_hm.index.layout import MEANING, IndexInfo, Manifest
from protrek_hm.index.records import conflict, describe_source, rows_of_ids, rows_where, with_types_of
from protrek_hm.index.segments import (
    Embeddings,
    gather,
    kept_rows,
    read_meaning,
    read_segments,
    write_array,
    write_segment,
)
from protrek_hm.model.encoder import FingerprintedEncoder

log = logging.getLogger(__name__)


def add_to_index(
    folder: Path,
    proteins: pl.DataFrame,
    model: FingerprintedEncoder,
    config: IndexConfig | None = None,
    *,
    source: Path | Sequence[Path] = (),
    replace_known: bool = False,
) -> IndexInfo:
    """Encode a table and add it to the index `folder`; readers see the old index until that is done, then the new.

    What the index has encoded already is not encoded again. An interrupted call continues as in `build_index`.

    Parameters
    ----------
    config
        As for `build_index`; the precision is that of the index, whatever stands here.
    replace_known
        Replace the records of proteins that the index has already; otherwise they are refused.

    Raises
    ------
    ModelError
        If the model is not the one that made the index, or fails.
    OptionError
        If the index has one of the proteins already (without `replace_known`).
    NothingFoundError, FileFormatError, OutputError, BusyError
        If the table is empty or its columns do not go with those of the index, or the index cannot be written to.
    """
    sources = [source] if isinstance(source, Path) else list(source)
    named = ", ".join(map(str, sources)) or "the table"
    if proteins.is_empty():
        raise NothingFoundError(f"{named}: no proteins to add; give a file with at least one")
    with changing(folder) as manifest:
        check_model(manifest.info, model, folder)
        config = replace(config or IndexConfig(), precision=manifest.info.precision)
        records, embeddings = read_segments(folder, replace(manifest, removed=None))
        removed = ~kept_rows(folder, manifest)
        proteins = with_types_of(records, proteins, named)
        twice = records["id"].is_in(proteins["id"].unique().to_list()).to_numpy() & ~removed
        if twice.any() and not replace_known:
            _refuse(records.filter(twice), proteins)
        _tell_duplicates(records.filter(~removed), proteins)
        known = {str(name): _known(records, held, name, proteins, model) for name, held in embeddings.items()}
        reader = reader_of(manifest.info, folder)
        meaning = read_meaning(folder, replace(manifest, removed=None))
        if reader is not None and meaning is not None:
            known[MEANING] = _known(records, meaning, "text", proteins, reader)
        new = encode_table(proteins, model, config, shards=folder / SHARDS, known=known, reader=reader)
        generation = manifest.generation + 1
        segment = write_segment(folder, f"segment-{generation}", proteins, new)
        larger = replace(
            manifest,
            info=replace(manifest.info, sources=(*manifest.info.sources, *map(describe_source, sources))),
            segments=(*manifest.segments, segment),
            generation=generation,
        )
        info = commit(folder, _with_removed(folder, larger, removed | twice), relatives=config.relatives).info
        clear_shards(folder)
    return info


def remove_from_index(folder: Path, *, ids: Sequence[str] = (), where: str | None = None) -> int:
    """Remove the records with these ids, and those that meet the condition `where`; see `records.rows_where`.

    Their vectors stay on disk until `compact_index`.

    Returns
    -------
    How many records were removed.

    Raises
    ------
    OptionError
        If an id is not there, or `where` is no condition on the columns.
    NothingFoundError
        If nothing fits, or nothing would be left.
    """
    with changing(folder) as manifest:
        records, _ = read_segments(folder, manifest)
        gone = np.zeros(len(records), dtype=bool)
        if ids:
            rows_of_ids(records, ids)
            gone |= records["id"].is_in(list(ids)).to_numpy()
        if where is not None:
            gone |= rows_where(records, where)
        if not gone.any():
            raise NothingFoundError(f"{folder}: no record meets {where!r}; nothing is removed")
        if gone.all():
            raise NothingFoundError(f"{folder}: all {len(gone)} records would go; delete the folder instead")
        removed = ~kept_rows(folder, manifest)
        removed[np.flatnonzero(~removed)[gone]] = True
        later = replace(manifest, generation=manifest.generation + 1)
        commit(folder, _with_removed(folder, later, removed))
    return int(gone.sum())


def compact_index(folder: Path) -> IndexInfo:
    """Write all that is left in an index as one segment: what was removed no longer takes room."""
    with changing(folder, largest=None) as manifest:  # what is damaged would get a digest of its own
        records, embeddings = read_segments(folder, manifest)
        new = {str(name): gather(held) for name, held in embeddings.items() if held.count}
        meaning = read_meaning(folder, manifest)
        if meaning is not None and meaning.count:
            new[MEANING] = gather(meaning)
        generation = manifest.generation + 1
        segment = write_segment(folder, f"segment-{generation}", records, new)
        held = replace(manifest, removed=None, words=None, relatives=None, engines={}, generation=generation)
        one = replace(held, segments=(segment,))
        return commit(folder, one, relatives=manifest.relatives is not None).info


def _refuse(known: pl.DataFrame, new: pl.DataFrame) -> None:
    other = conflict(known, new)
    about = "the index has it with another sequence" if other else "the index has it already"
    others = known["id"].n_unique() - 1
    counted = f" (and {others} more of these proteins)" * (others > 0)
    raise OptionError("id", other or known["id"][0], f"{about}{counted}; replace them with --replace")


def _tell_duplicates(known: pl.DataFrame, new: pl.DataFrame) -> None:
    """Say how many proteins the index holds already under another id, as it does where records are numbered."""
    held = known.group_by("sequence").agg(held="id")
    alike = new.unique(["id", "sequence"]).join(held, on="sequence").filter(~pl.col("id").is_in(pl.col("held")))
    if len(alike):
        first = alike.sort("id").row(0, named=True)
        such = f"such as {shorten(first['id'])}, which is {shorten(sorted(first['held'])[0])} there"
        log.warning("the index holds %s of these proteins already under another id, %s", f"{len(alike):,}", such)


def _known(
    records: pl.DataFrame, held: Embeddings, modality: Modality, new: pl.DataFrame, model: FingerprintedEncoder
) -> Known:
    """Look up which inputs of the new table the index has encoded, they or others that the model reads alike."""
    count = len(held.vectors)
    if modality not in new.columns or modality not in records.columns:
        return Known({}, count)
    wanted = new[modality].drop_nulls().unique(maintain_order=True)
    table = records.select(pl.col(modality).alias("value"), vector=pl.Series(held.of_row)).filter(pl.col("vector") >= 0)
    alike = table.filter(_opening(table["value"]).is_in(_opening(wanted).unique().to_list()))
    numbers = dict(alike.unique("value", keep="first", maintain_order=True).iter_rows())
    read_once = getattr(model, "read_once", None)
    if read_once is not None and numbers:
        _, reading = read_once([*numbers, *wanted], task=modality)
        vectors = dict(zip(reversed(reading[: len(numbers)]), reversed(numbers.values()), strict=True))
        read = zip(wanted, reading[len(numbers) :], strict=True)
        numbers = {value: vectors[each] for value, each in read if each in vectors} | numbers
    return Known({value: numbers[value] for value in wanted if value in numbers}, count)


def _opening(values: pl.Series) -> pl.Series:
    """Return the first letters of inputs, which are the same where tokens are: few need be read for the others."""
    plain = values.str.slice(0, 100).str.normalize("NFKD").str.to_lowercase()
    return plain.str.replace_all(r"[^\p{L}\p{N}]", "").str.slice(0, 8)


def _with_removed(folder: Path, manifest: Manifest, removed: Bool[np.ndarray, " rows"]) -> Manifest:
    rows = np.flatnonzero(removed)
    if not len(rows):
        return manifest
    name = f"removed-{manifest.generation}.npy"
    write_array(folder / name, rows.shape, "int64", [rows])
    return replace(manifest, removed=name)
