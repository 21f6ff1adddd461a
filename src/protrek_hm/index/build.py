"""A table of proteins, encoded and written as an index folder."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from protrek_hm.config import Modality
from protrek_hm.data.schema import require_polars
from protrek_hm.errors import NothingFoundError
from protrek_hm.files import new_folder, refuse_unwritable, writing
from protrek_hm.index.changes import clear_shards, commit, is_index, next_generation, refuse_other, sweep
from protrek_hm.index.config import IndexConfig
from protrek_hm.index.layout import MEANING, MODALITIES, IndexInfo, Manifest, Precision, path_from
from protrek_hm.index.records import describe_source
from protrek_hm.index.segments import NewVectors, number_distinct, write_segment
from protrek_hm.index.shards import encode_in_shards
from protrek_hm.index.split import split_index
from protrek_hm.model.encoder import FingerprintedEncoder
from protrek_hm.model.reader import packaged_reader


def build_index(
    proteins: pl.DataFrame,
    model: FingerprintedEncoder,
    output: Path,
    config: IndexConfig | None = None,
    *,
    model_name: str,
    source: Path | Sequence[Path] = (),
    force: bool = False,
) -> IndexInfo:
    """Encode a table as `read_proteins` gives it, and write the index folder `output`, whole or not at all.

    Each distinct sequence and text is encoded once, and each structure where the model has that route.
    An interrupted run leaves what it has encoded in a hidden folder beside `output`, and the same call continues
    from there. With `config.shards` the index is built there and then split, see `split.split_index`.

    Parameters
    ----------
    proteins
        Columns `id`, `sequence`, optionally `text` and `structure`; all others are kept as they are.
    config
        How they are encoded; the defaults where None.
    model_name
        The folder or hub id that `model` was loaded from; `Searcher.open` loads it from there.
    source
        The file or files that the table was read from, for the record.

    Raises
    ------
    NothingFoundError
        If the table is empty.
    ModelError, OutputExistsError, OutputError
        If the model fails, or `output` exists (without `force`) or cannot be made.
    BusyError
        If another process builds the same index.
    """
    require_polars("proteins", proteins)
    config = config or IndexConfig()
    sources = [source] if isinstance(source, Path) else list(source)
    refuse_other(output, force=force, inputs=[*sources, Path(model_name)])
    refuse_unwritable(output)
    if proteins.is_empty():
        named = ", ".join(map(str, sources)) or "the table"
        raise NothingFoundError(f"{named}: no proteins to index; give a file with at least one")
    shards = output.with_name(f".{output.name}.shards")
    with writing(shards):
        reader = packaged_reader() if config.meaning else None
        new = encode_table(proteins, model, config, shards=shards, reader=reader)
        if not any(each.count for each in new.values()):
            raise NothingFoundError("the model encodes none of these proteins; take another model")
        read_by = (reader.name, reader.fingerprint(), reader.dimension) if reader and MEANING in new else ()
        name = (model_name, path_from(output, Path(model_name)), model.fingerprint(), config.precision)
        made = Made(*name, *read_by)
        if config.shards == 1:
            info = write_index(output, proteins, new, made, sources=sources, force=force, relatives=config.relatives)
        else:
            whole = shards / "whole"
            name_there = replace(made, model_path=path_from(whole, Path(model_name)))
            write_index(whole, proteins, new, name_there, sources=sources, force=True, relatives=config.relatives)
            info = split_index(whole, output, shards=config.shards, force=force)
        shutil.rmtree(shards)
    return info


@dataclass(frozen=True)
class Known:
    """What an index has encoded of one modality: the numbers of inputs, and how many vectors there are."""

    numbers: Mapping[str, int]
    vectors: int


@dataclass(frozen=True)
class Made:
    """What made the vectors of an index; see `IndexInfo`."""

    model: str
    model_path: str | None
    model_sha256: str
    precision: Precision
    reader: str | None = None
    reader_sha256: str | None = None
    reader_dimension: int | None = None


def write_index(
    output: Path,
    records: pl.DataFrame,
    new: Mapping[str, NewVectors],
    made: Made,
    *,
    sources: Sequence[Path],
    force: bool = False,
    relatives: bool = True,
) -> IndexInfo:
    """Write records and their vectors as a new index of one segment, whole or not at all.

    An index that is there is replaced by a new generation in the same folder: readers see the old one or the new one,
    and other files in it stay. relatives: as in `IndexConfig`.

    Raises
    ------
    OutputExistsError, ProtectedOutputError, OutputError
        If `output` exists (without `force`), is another thing than an index, or cannot be written.
    """
    info = IndexInfo(
        **asdict(made),
        dimension=max(each.dimension for kind, each in new.items() if kind != MEANING),
        counts={},
        sources=tuple(map(describe_source, sources)),
    )
    refuse_other(output, force=force)
    if not is_index(output):
        with new_folder(output, force=force) as folder:
            return _write_generation(folder, records, new, info, relatives=relatives).info
    with writing(output):
        manifest = _write_generation(output, records, new, info, relatives=relatives)
        sweep(output, manifest)
        clear_shards(output)
    return manifest.info


def _write_generation(
    folder: Path, records: pl.DataFrame, new: Mapping[str, NewVectors], info: IndexInfo, *, relatives: bool
) -> Manifest:
    generation = next_generation(folder)
    segment = write_segment(folder, f"segment-{generation}", records, new)
    return commit(folder, Manifest(info, (segment,), {}, generation=generation), relatives=relatives)


def encode_table(
    proteins: pl.DataFrame,
    model: FingerprintedEncoder,
    config: IndexConfig,
    *,
    shards: Path,
    known: Mapping[str, Known] | None = None,
    reader: FingerprintedEncoder | None = None,
) -> dict[str, NewVectors]:
    """Encode what the table and the model have: sequences and texts, structures where the model has that route.

    known: what need not be encoded again. reader: encodes the texts, too, as `MEANING`.
    """
    known, new = known or {}, dict[str, NewVectors]()
    work: list[tuple[str, Modality, FingerprintedEncoder]] = [
        (each, each, model) for each in modalities_of(proteins, model)
    ]
    if reader is not None and "text" in proteins.columns:
        work.append((MEANING, "text", reader))
    for kind, modality, encoder in work:
        distinct, of_row = number_distinct(proteins[modality].to_list())
        held = known.get(kind, Known({}, 0))
        fresh = [each for each in distinct if each not in held.numbers]
        numbers = np.array([held.numbers.get(each, -1) for each in distinct] + [-1], dtype=np.int64)
        count, dimension, blocks = 0, 0, iter(list[np.ndarray]())
        if fresh:
            encoded = encode_in_shards(encoder, fresh, task=modality, config=config, folder=shards)
            count, dimension, blocks = int(encoded.usable.sum()), encoded.stack.shape[1], encoded.blocks()
            numbers[:-1][numbers[:-1] < 0] = np.where(encoded.numbers < 0, -1, encoded.numbers + held.vectors)
        if distinct:
            new[kind] = NewVectors(count, dimension, blocks, numbers[of_row])
    return new


def modalities_of(proteins: pl.DataFrame, model: FingerprintedEncoder) -> list[Modality]:
    """List what can be encoded: sequences and texts always, structures only where the model has that route."""
    present = [modality for modality in MODALITIES if modality in proteins.columns]
    return [modality for modality in present if modality != "structure" or "structure" in model.tasks]
