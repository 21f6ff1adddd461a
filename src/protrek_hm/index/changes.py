"""How an index changes: one writer at a time, new files beside the old, and one rename that makes them count.

Whatever happens before that rename (an error, a full disk, a killed process) leaves the old index whole. Segments,
engines and lists of removed rows that the manifest does not name are swept away by the next writer; readers that opened
them keep them. Their names are never given twice in a folder, and whatever else lies there stays.
"""

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from protrek_hm.errors import FileFormatError, ProTrekHMError
from protrek_hm.files import digest, refuse_existing, sweep_litter, writing
from protrek_hm.index.engines import make_engines
from protrek_hm.index.layout import CHEAP, INFO, MODALITIES, Manifest, read_manifest, refuse_damaged, write_manifest
from protrek_hm.index.relatives import write_relatives
from protrek_hm.index.segments import RECORDS, kept_rows, read_embeddings, read_records
from protrek_hm.index.words import write_words

PACKAGES = ("protrek-hm", "faiss-cpu", "numpy", "polars", "pyarrow", "sentence-transformers", "torch")
SHARDS = ".shards"
_OWN = re.compile(
    r"segment-(\d+)|shard-(\d+)-\d+|common-(\d+)|removed-(\d+)\.npy|words-(\d+)\.sqlite|relatives-(\d+)\.arrow"
    rf"|(?:{'|'.join(MODALITIES)})-(\d+)\.faiss"
)


@contextmanager
def changing(folder: Path, *, largest: int | None = CHEAP) -> Iterator[Manifest]:
    """Lock the folder of an index for writing, and sweep away what earlier writers left behind.

    largest: files of up to so many bytes are compared with their digests; None: all.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not an index, or damaged.
    BusyError, OutputError
        As `writing`.
    """
    read_manifest(folder)  # before a lock is laid into a folder that is no index
    with writing(folder):
        manifest = read_manifest(folder)
        if manifest.shards:
            problem = f"an index of {len(manifest.shards)} shards, which does not change"
            raise FileFormatError(folder, problem, "change the whole one that it was made of, and split that again")
        refuse_damaged(folder, manifest, largest=largest)
        sweep(folder, manifest)
        try:
            yield manifest
        finally:
            sweep(folder, read_manifest(folder))


def commit(folder: Path, manifest: Manifest, *, relatives: bool | None = None) -> Manifest:
    """Complete `manifest` (engines, words, relatives, counts, sizes, date) and make it what the index is.

    relatives: whether to look for labelled relatives of proteins without a text; None: if the index has had any.
    """
    records, kept, embeddings = (
        read_records(folder, manifest),
        kept_rows(folder, manifest),
        read_embeddings(folder, manifest),
    )
    engines = make_engines(folder, embeddings, manifest.engines, generation=manifest.generation)
    counts: dict[str, int] = {
        "records": int(kept.sum()),
        **{str(name): held.count for name, held in embeddings.items() if held.count},
    }
    versions = {"python": python_version(), **{package: version(package) for package in PACKAGES}}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    info = replace(manifest.info, counts=counts, versions=versions, created=manifest.info.created or now, updated=now)
    name = f"words-{manifest.generation}.sqlite"
    before = folder / manifest.words if manifest.words else None
    words = name if write_words(folder / name, records, kept, before) else None
    related = None
    if manifest.relatives is not None if relatives is None else relatives:
        path = folder / f"relatives-{manifest.generation}.arrow"
        known = folder / manifest.relatives if manifest.relatives else None
        seen = sum(each.records for each in manifest.segments if f"{each.name}/{RECORDS}" in manifest.files)
        related = path.name if write_relatives(path, records, kept, before=known, seen=seen) else None
    loose = [each.file for each in engines.values()]
    loose += [each for each in (manifest.removed, words, related) if each]
    held_by_segments = [path for segment in manifest.segments for path in sorted((folder / segment.name).iterdir())]
    paths = [*held_by_segments, *(folder / name for name in loose)]
    files = {str(path.relative_to(folder)): path.stat().st_size for path in paths}
    digests = {name: manifest.digests.get(name) or digest(folder / name) for name in files}  # no name is given twice
    complete = replace(
        manifest, info=info, engines=engines, words=words, relatives=related, files=files, digests=digests
    )
    write_manifest(folder, complete)
    return complete


def sweep(folder: Path, manifest: Manifest) -> None:
    """Remove what this module wrote and the index no longer needs; the shards of an interrupted run stay."""
    kept = {Path(name).parts[0] for name in manifest.files}
    for path in folder.iterdir():
        if path.name not in kept and _OWN.fullmatch(path.name) and not path.is_symlink():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    sweep_litter(folder)


def is_index(folder: Path) -> bool:
    """Tell whether a folder is an index, even a damaged one: an `index.json`, and segments or shards beside it."""
    return (folder / INFO).is_file() and any(any(folder.glob(f"{each}-*/")) for each in ("segment", "shard"))


def refuse_other(output: Path, *, force: bool, inputs: Iterable[Path] = ()) -> None:
    """Raise an error if an index built at `output` would replace anything but an index; call it before long work.

    Raises
    ------
    OutputExistsError, ProtectedOutputError
        As `files.refuse_existing`.
    """
    if is_index(output):
        refuse_existing(output, force=force, folder=True, replaced=False)
    else:
        refuse_existing(output, force=force, inputs=inputs, folder=True)


def next_generation(folder: Path) -> int:
    """Return the first generation whose names nothing in `folder` bears, whatever its manifest says."""
    taken = (_OWN.fullmatch(path.name) for path in folder.iterdir())
    numbers = [int(number) for match in taken if match for number in match.groups() if number]
    with suppress(ProTrekHMError):
        numbers.append(read_manifest(folder).generation)
    return 1 + max(numbers, default=0)


def clear_shards(folder: Path) -> None:
    """Remove the shards of a run that is complete."""
    shutil.rmtree(folder / SHARDS, ignore_errors=True)
