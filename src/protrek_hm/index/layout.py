"""The index folder: which files it holds, and what `index.json` says about them."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from protrek_hm.config import Modality
from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.files import digest, read_json, write_json

Read = TypeVar("Read")
Precision = Literal["float32", "bf16"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)
MEANING = "meaning"
"""What the vectors of texts are called that a sentence encoder made."""

FORMAT_VERSION = 4
EARLIER = (2, 3)  # formats that are read: 2 has no digests, neither has words
OF_SHARDS = 5  # the format of an index that was split; versions that cannot read it say so
WITH_RELATIVES = 6  # the format of an index, split or not, that holds relatives of proteins without a text
CHEAP = 2**25  # bytes of a file that is read and compared with its digest whenever an index is opened
INFO = "index.json"
REBUILD = "take a copy of it, or build it again in another folder with protrek-hm index build"
_ATTEMPTS = 50  # each fails only if another change was made meanwhile


@dataclass(frozen=True)
class Source:
    """A file that records came from: its name as given, SHA-256, and size."""

    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class IndexInfo:
    """What an index holds and what made it.

    Attributes
    ----------
    model, model_path, model_sha256
        The name it was given; the model's folder as seen from the index (None for a hub id), so that both can be
        moved together; its fingerprint, see `model.fingerprint`.
    dimension
        Numbers per vector.
    counts
        `records`, and distinct vectors per modality.
    sources
        The files that the records came from, in the order in which they were added.
    versions
        Of the software that wrote it last.
    created, updated
        UTC, ISO 8601.
    precision
        In what the model computed.
    reader, reader_sha256, reader_dimension
        The sentence encoder of the texts, its fingerprint, and the numbers of its vectors; None where there is none.
    """

    model: str
    model_path: str | None
    model_sha256: str
    dimension: int
    counts: Mapping[str, int]
    sources: tuple[Source, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    updated: str = ""
    precision: Precision = "float32"
    reader: str | None = None
    reader_sha256: str | None = None
    reader_dimension: int | None = None

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities that can be searched."""
        return tuple(modality for modality in MODALITIES if modality in self.counts)


@dataclass(frozen=True)
class Segment:
    """Records that were added together: the folder `name`, how many, and their new vectors per modality."""

    name: str
    records: int
    vectors: Mapping[str, int]


@dataclass(frozen=True)
class ShardInfo:
    """A part of an index that was split: the folder `name`, an index of its own, which holds the next `records`.

    vectors: per modality, and `MEANING`, how many vectors have their first record in it. Where an earlier shard has the
    same sequence or text, the shard holds the vector again, and it does not count.
    """

    name: str
    records: int
    vectors: Mapping[str, int]


@dataclass(frozen=True)
class EffortInfo:
    """How an engine is asked for up to `neighbours` vectors, and the share of them that it finds; see `EngineInfo`."""

    neighbours: int
    reach: float
    scatter: float
    candidates: int
    recall: Mapping[str, float]


@dataclass(frozen=True)
class EngineInfo:
    """An approximate engine over the first vectors of a modality.

    Attributes
    ----------
    file
        Its name in the index.
    vectors, lists
        How many vectors it holds, in how many lists.
    reach, candidates, scatter
        Which lists a search looks into, and how many candidates of each query are compared exactly; see
        `approximate.Effort`.
    recall
        Share of the ten nearest that it finds with those, by kind of query, measured when it was built.
    wider
        The same for more neighbours, as far as an engine is worth asking; beyond, all vectors are compared.
    """

    file: str
    vectors: int
    lists: int
    reach: float
    candidates: int
    recall: Mapping[str, float]
    scatter: float = 0.0
    wider: tuple[EffortInfo, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """What `index.json` holds: it alone says which files are part of the index.

    Attributes
    ----------
    segments
        In the order of their records.
    removed
        Name of the file that lists the removed rows, or None.
    words
        Name of the file that says which records hold a word, see `words`; None where there are no texts.
    relatives
        Name of the file of labelled relatives, see `relatives`; None where no protein without a text has any.
    engines
        Per modality, where there is one.
    files, digests
        Every file of the index: its size in bytes, and its SHA-256 (none in an index of an earlier format).
    generation
        Rises by one with every change.
    shards, common
        Of an index that was split: its parts, in the order of their records, and the folder that says how they are one
        (see `split`). It has no segments of its own then, and its engines lie in the shards.
    """

    info: IndexInfo
    segments: tuple[Segment, ...]
    files: Mapping[str, int]
    digests: Mapping[str, str] = field(default_factory=dict)
    engines: Mapping[str, EngineInfo] = field(default_factory=dict)
    removed: str | None = None
    words: str | None = None
    relatives: str | None = None
    generation: int = 1
    shards: tuple[ShardInfo, ...] = ()
    common: str | None = None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `index.json` into `folder`, in one step: from then on the index is what it says."""
    content = asdict(manifest)
    if not manifest.shards:
        del content["shards"], content["common"]
    version = OF_SHARDS if manifest.shards else FORMAT_VERSION
    if manifest.relatives is None:
        del content["relatives"]
    else:
        version = WITH_RELATIVES
    content = {"format_version": version, **content.pop("info"), **content}
    write_json(folder / INFO, {**content, "sha256": _sha256(content)})


def unchanged(folder: Path, read: Callable[[], Read]) -> Read:
    """Read an index; once more where a writer has changed it meanwhile: files may be gone, or others of their names.

    Raises
    ------
    MissingFileError, FileFormatError
        What `read` raises although nobody changes the index.
    """
    for _ in range(_ATTEMPTS):
        before = _manifest_bytes(folder)
        try:
            found = read()
        except (MissingFileError, FileFormatError):
            if _manifest_bytes(folder) == before:
                raise
        else:
            if _manifest_bytes(folder) == before:
                return found
    return read()


def _manifest_bytes(folder: Path) -> bytes | None:
    try:
        return (folder / INFO).read_bytes()
    except OSError:
        return None


def read_info(folder: Path) -> IndexInfo:
    """Read what the index `folder` says of itself; its vectors stay on disk. Raises as `read_manifest`."""
    return read_manifest(folder).info


def read_manifest(folder: Path) -> Manifest:
    """Read `index.json` of the index `folder`, and hold the sizes of all files against it.

    Raises
    ------
    MissingFileError
        If there is no such folder, or a file of the index is missing.
    FileFormatError
        If it is not an index, is of a format that this version does not read, or a file has another size.
    """
    return unchanged(folder, lambda: _read_manifest(folder))


def _read_manifest(folder: Path) -> Manifest:
    if not folder.exists():
        raise MissingFileError(folder, "build an index with protrek-hm index build")
    if not (folder / INFO).is_file():
        raise FileFormatError(folder, f"not an index (no {INFO})", "build one with protrek-hm index build")
    content = read_json(folder / INFO)
    recorded = content.pop("sha256", None)
    if recorded is not None and recorded != _sha256(content):
        raise FileFormatError(folder / INFO, "damaged (not as it was written)", REBUILD)
    version = content.pop("format_version", None)
    plain = (OF_SHARDS,) if "shards" in content else (FORMAT_VERSION, *EARLIER)
    if version not in ((WITH_RELATIVES,) if "relatives" in content else plain):
        problem = f"index format {version!r}, and this version of protrek-hm reads format {FORMAT_VERSION}"
        raise FileFormatError(folder, problem, f"update protrek-hm, or {REBUILD}")
    try:
        manifest = _parse(content)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise FileFormatError(folder / INFO, f"damaged ({type(error).__name__}: {error})", REBUILD) from None
    for name, size in manifest.files.items():
        path = folder / name
        try:
            found = path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            raise MissingFileError(path, REBUILD) from None
        if found != size:
            raise FileFormatError(path, f"damaged or cut off ({found} bytes, not {size})", REBUILD)
    return manifest


def path_from(index: Path, model: Path) -> str | None:
    """Say where the model's folder lies as seen from the index, so that both can be moved together."""
    return os.path.relpath(model.resolve(), index.resolve()) if model.exists() else None


def damaged_files(folder: Path, manifest: Manifest, *, largest: int | None = None) -> list[str]:
    """List the files of an index that are not as they were written, by their digests.

    largest: leave out files of more bytes.
    """
    return [
        name
        for name, recorded in manifest.digests.items()
        if (largest is None or manifest.files[name] <= largest) and _digest(folder / name) != recorded
    ]


def _digest(path: Path) -> str:
    try:
        return digest(path)
    except FileNotFoundError:  # a writer has taken it away meanwhile
        raise MissingFileError(path, REBUILD) from None


def refuse_damaged(folder: Path, manifest: Manifest, *, largest: int | None = None) -> None:
    """Raise FileFormatError for the first of `damaged_files`."""
    for name in damaged_files(folder, manifest, largest=largest):
        raise FileFormatError(folder / name, "damaged (not as it was written)", REBUILD)


def _sha256(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _parse(content: dict[str, Any]) -> Manifest:
    own = {name: content.pop(name) for name in ("segments", "files", "engines", "removed", "generation")}
    own |= {"digests": content.pop("digests", {}), "words": content.pop("words", None)}
    own |= {"relatives": content.pop("relatives", None)}
    own |= {"common": content.pop("common", None)}
    shards = tuple(ShardInfo(**each) for each in content.pop("shards", ()))
    sources = tuple(Source(**source) for source in content.pop("sources"))
    info = IndexInfo(**content, sources=sources)
    segments = tuple(Segment(**segment) for segment in own.pop("segments"))
    engines = {name: _parse_engine(**engine) for name, engine in own.pop("engines").items()}
    manifest = Manifest(info, segments, engines=engines, shards=shards, **own)
    held = [each.records for each in segments] + [each.records for each in shards]
    vectors = [*(each.vectors for each in segments), *(each.vectors for each in shards)]
    numbers = [info.dimension, *info.counts.values(), *manifest.files.values(), *held]
    kinds = {type(number) for each in (numbers, *(each.values() for each in vectors)) for number in each}
    if kinds != {int} or min(numbers) < 1:
        raise ValueError("counts and sizes are whole numbers from 1")
    if not isinstance(info.model, str) or not isinstance(info.model_sha256, str):
        raise TypeError("the model has a name and a fingerprint")
    if info.counts["records"] > sum(held):
        raise ValueError("more records than its segments hold")
    named = {each.name for each in segments} | {each.name for each in shards}
    if not shards:
        named |= {each.file for each in engines.values()}
    named |= {
        each for each in (manifest.removed, manifest.words, manifest.relatives, manifest.common) if each is not None
    }
    found = {Path(name).parts[0] for name in manifest.files}
    outside = [name for name in (*manifest.files, *named) if Path(name).is_absolute() or ".." in Path(name).parts]
    if outside or named != found:
        raise ValueError(f"{[*outside, *sorted(named ^ found)][0]} is no part of the index, or has no files")
    if manifest.digests.keys() - manifest.files.keys():
        raise ValueError("digests of other files")
    return manifest


def _parse_engine(*, wider: Sequence[Mapping[str, Any]] = (), **about: Any) -> EngineInfo:
    return EngineInfo(**about, wider=tuple(EffortInfo(**each) for each in wider))
