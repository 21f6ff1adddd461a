"""An index split into shards, each an index of its own, that answer together as the whole one does.

The folder holds `shard-G-0`, `shard-G-1`, …, each with the next records of the table and all that is needed to search
it alone; `common-G`, which says how they are one; words and relatives of all; and `index.json`, which names them with
the digest of each shard's own `index.json`. Vectors are those of the whole index, never encoded again, and so are the
centres, the rotation and the codes of its engine: trained apart, they could not be asked as one. In `common-G` lie

- `KIND.rows.npy`: for each record the number of its vector in the whole index, -1 where it has none;
- `KIND.S.npy`: the places in shard S of its own vectors, those that no earlier shard has;
- `KIND.sizes.npy`, `KIND.closeness.npy`: of the whole engine's lists, by which shards choose where to look.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from protrek_hm.config import require
from protrek_hm.errors import FileFormatError
from protrek_hm.files import digest, new_folder, writing
from protrek_hm.index.approximate import Approximate
from protrek_hm.index.changes import commit, is_index, next_generation, refuse_other, sweep
from protrek_hm.index.engines import make_part
from protrek_hm.index.layout import (
    INFO,
    MEANING,
    EngineInfo,
    IndexInfo,
    Manifest,
    ShardInfo,
    path_from,
    read_manifest,
    refuse_damaged,
    write_manifest,
)
from protrek_hm.index.segments import (
    Embeddings,
    gather,
    order_of_use,
    read_embeddings,
    read_meaning,
    read_segments,
    write_array,
    write_segment,
)


def split_index(whole: Path, output: Path, *, shards: int, force: bool = False) -> IndexInfo:
    """Split the index `whole` into so many shards of equally many records; it stays as it is.

    Raises
    ------
    OptionError
        If there are fewer records than shards, or less than one.
    MissingFileError, FileFormatError
        If `whole` is no index, damaged, or has had records added or removed since it was last written in one piece.
    OutputExistsError, ProtectedOutputError, OutputError
        If `output` exists (without `force`), is another thing than an index, or cannot be written.
    """
    refuse_other(output, force=force, inputs=[whole])
    manifest = read_manifest(whole)
    refuse_damaged(whole, manifest)
    most = manifest.info.counts["records"]
    require("shards", shards, f"must lie in [1, {most}], the records of {whole}", holds=1 <= shards <= most)
    in_one_piece = len(manifest.segments) == 1 and manifest.removed is None and not manifest.shards
    if not in_one_piece:
        raise FileFormatError(whole, "not in one piece", "write it so with protrek-hm index compact, and split that")
    if not is_index(output):
        with new_folder(output, force=force, inputs=[whole]) as folder:
            return _write(whole, manifest, folder, output, shards).info
    with writing(output):
        later = _write(whole, manifest, output, output, shards)
        sweep(output, later)
    return later.info


def _write(whole: Path, manifest: Manifest, folder: Path, output: Path, count: int) -> Manifest:
    """Write all shards into `folder`, which will be `output`, and what makes them one."""
    generation = next_generation(folder)
    records, embeddings = read_segments(whole, manifest)
    held: dict[str, Embeddings] = {str(name): each for name, each in embeddings.items()}
    meaning = read_meaning(whole, manifest)
    if meaning is not None:
        held[MEANING] = meaning
    for kind, each in held.items():
        if len(order := order_of_use(each.of_row)) < len(each.vectors) or (np.diff(order) < 0).any():
            problem = f"its vectors of {kind} are not in the order of its records"
            raise FileFormatError(whole, problem, "write it anew with protrek-hm index compact, and split that")
    common = folder / f"common-{generation}"
    common.mkdir()
    for kind, each in held.items():
        write_array(common / f"{kind}.rows.npy", each.of_row.shape, "int64", [each.of_row])
    for modality, about in manifest.engines.items():
        sizes, closeness = Approximate.open(whole / about.file, vectors=about.vectors).state
        write_array(common / f"{modality}.sizes.npy", sizes.shape, "int64", [sizes])
        write_array(common / f"{modality}.closeness.npy", closeness.shape, "float32", [closeness])
    model = None if manifest.info.model_path is None else whole.resolve() / manifest.info.model_path
    shards = []
    bounds = np.linspace(0, len(records), count + 1).astype(int).tolist()
    for number, (start, stop) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
        shard = folder / f"shard-{generation}-{number}"
        shard.mkdir()
        place = None if model is None else path_from(output / shard.name, model)
        info = replace(manifest.info, model_path=place, created="", counts={})
        parts = {kind: Embeddings(each.vectors, each.of_row[start:stop]) for kind, each in held.items()}
        _write_shard(whole, manifest, shard, records[start:stop], parts, info)
        own = {}
        for kind, each in held.items():
            before = int(each.of_row[:start].max(initial=-1)) + 1  # vectors are numbered as their records come
            places = np.flatnonzero(order_of_use(parts[kind].of_row) >= before)
            write_array(common / f"{kind}.{number}.npy", places.shape, "int64", [places])
            own[kind] = len(places)
        shards.append(ShardInfo(shard.name, stop - start, own))
    beside = {"words": f"words-{generation}.sqlite", "relatives": f"relatives-{generation}.arrow"}
    beside = {kind: name for kind, name in beside.items() if getattr(manifest, kind) is not None}
    for kind, name in beside.items():
        shutil.copyfile(whole / getattr(manifest, kind), folder / name)
    paths = [*sorted(common.iterdir()), *(folder / each.name / INFO for each in shards)]
    paths += [folder / name for name in beside.values()]
    files = {str(path.relative_to(folder)): path.stat().st_size for path in paths}
    place = None if model is None else path_from(output, model)
    complete = replace(
        manifest,
        info=replace(manifest.info, model_path=place),
        segments=(),
        shards=tuple(shards),
        common=common.name,
        words=beside.get("words"),
        relatives=beside.get("relatives"),
        files=files,
        digests={name: digest(folder / name) for name in files},
        generation=generation,
    )
    write_manifest(folder, complete)
    return complete


def _write_shard(
    whole: Path,
    manifest: Manifest,
    shard: Path,
    records: pl.DataFrame,
    parts: dict[str, Embeddings],
    info: IndexInfo,
) -> None:
    """Write a shard as an index of its own, its engine from that of the whole one."""
    new = {kind: gather(each) for kind, each in parts.items()}
    segment = write_segment(shard, "segment-1", records, new)
    alone = Manifest(info, (segment,), {})
    embeddings = read_embeddings(shard, alone)
    engines: dict[str, EngineInfo] = {}
    for modality, about in manifest.engines.items():
        if modality in embeddings:
            numbers = order_of_use(parts[modality].of_row)
            engines[modality] = make_part(shard, embeddings, modality, whole / about.file, numbers)
    commit(shard, replace(alone, engines=engines))
