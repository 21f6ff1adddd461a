"""A table of proteins, encoded and written as an index folder."""

import hashlib
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version

import polars as pl

from protrek_hm.errors import NothingFoundError
from protrek_hm.files import new_folder, refuse_existing
from protrek_hm.index.config import IndexConfig
from protrek_hm.index.embeddings import Embeddings, number_distinct
from protrek_hm.index.encoder import encode_unit
from protrek_hm.index.layout import MODALITIES, RECORDS, IndexInfo, Modality, vectors_file, write_info
from protrek_hm.model.encoder import FingerprintedEncoder

PACKAGES = ("protrek-hm", "numpy", "polars", "safetensors", "sentence-transformers", "torch")


def build_index(
    proteins: pl.DataFrame,
    model: FingerprintedEncoder,
    output: Path,
    config: IndexConfig | None = None,
    *,
    model_name: str,
    source: Path | None = None,
    force: bool = False,
) -> IndexInfo:
    """Encode a table as `read_proteins` gives it, and write the index folder `output`, whole or not at all.

    Each distinct sequence and text is encoded once, and each structure where the model has that route.
    Progress goes to stderr where that is a terminal.

    Parameters
    ----------
    proteins
        Columns `id`, `sequence`, optionally `text` and `structure`; all others are kept as they are.
    config
        How they are encoded; the defaults where None.
    model_name
        The folder or hub id that `model` was loaded from; `Searcher.open` loads it from there.
    source
        The file that the table was read from, for the record.

    Raises
    ------
    NothingFoundError
        If the table is empty.
    ModelError, OutputExistsError, OutputError
        If the model fails, or `output` exists (without `force`) or cannot be made.
    """
    config = config or IndexConfig()
    refuse_existing(output, force=force)
    if proteins.is_empty():
        raise NothingFoundError(f"{source or 'the table'}: no proteins to index; give a file with at least one")
    embeddings = {}
    for modality in _modalities(proteins, model):
        distinct, of_row = number_distinct(proteins[modality].to_list())
        if distinct:
            progress = sys.stderr.isatty()
            vectors = encode_unit(model, distinct, task=modality, **asdict(config), progress=progress)
            embeddings[modality] = Embeddings(vectors, of_row)
    info = IndexInfo(
        model=model_name,
        model_path=_path_from(output, Path(model_name)),
        model_sha256=model.fingerprint(),
        dimension=embeddings["sequence"].vectors.shape[1],
        counts={"records": len(proteins), **{name: len(each.vectors) for name, each in embeddings.items()}},
        source=None if source is None else str(source),
        source_sha256=None if source is None else _sha256(source),
        versions={"python": python_version(), **{package: version(package) for package in PACKAGES}},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        precision=config.precision,
    )
    with new_folder(output, force=force) as folder:
        proteins.write_parquet(folder / RECORDS)
        for modality, each in embeddings.items():
            each.save(folder / vectors_file(modality))
        write_info(folder, info)
    return info


def _modalities(proteins: pl.DataFrame, model: FingerprintedEncoder) -> list[Modality]:
    """List what to encode: sequences and texts always, structures only where the model has that route."""
    present = [modality for modality in MODALITIES if modality in proteins.columns]
    return [modality for modality in present if modality != "structure" or "structure" in model.tasks]


def _path_from(index: Path, model: Path) -> str | None:
    """Where the model's folder lies as seen from the index, so that both can be moved together."""
    return os.path.relpath(model.resolve(), index.resolve()) if model.exists() else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
