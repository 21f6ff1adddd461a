"""The index folder: which files it holds, and what `index.json` says about them."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.files import read_json, write_json

Modality = Literal["sequence", "text", "structure"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)
FORMAT_VERSION = 1
INFO = "index.json"
RECORDS = "records.parquet"
REBUILD = "build it again with protrek-hm index build --force"


@dataclass(frozen=True)
class IndexInfo:
    """What `index.json` holds.

    model: the name it was given; model_path: the model's folder as seen from the index (None for a hub id),
    so that both can be moved together; model_sha256: hash of its weights. dimension: numbers per vector.
    counts: `records`, and distinct vectors per modality. source, source_sha256: the file of proteins, where
    there was one. versions: of the software that wrote it. created: UTC, ISO 8601. precision: in what the model
    computed.
    """

    model: str
    model_path: str | None
    model_sha256: str
    dimension: int
    counts: Mapping[str, int]
    source: str | None
    source_sha256: str | None
    versions: Mapping[str, str]
    created: str
    precision: str = "float32"

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities that can be searched."""
        return tuple(modality for modality in MODALITIES if modality in self.counts)


def vectors_file(modality: Modality) -> str:
    """Name the file of one modality's vectors.

    >>> vectors_file("text")
    'text.safetensors'
    """
    return f"{modality}.safetensors"


def write_info(folder: Path, info: IndexInfo) -> None:
    """Write `index.json` into `folder`."""
    write_json(folder / INFO, {"format_version": FORMAT_VERSION, **asdict(info)})


def read_info(folder: Path) -> IndexInfo:
    """Read `index.json` of the index `folder`; its vectors stay on disk.

    Raises
    ------
    MissingFileError
        If there is no such folder.
    FileFormatError
        If it is not an index, or one of a format that this version does not read.
    """
    if not folder.exists():
        raise MissingFileError(folder, "build an index with protrek-hm index build")
    if not (folder / INFO).is_file():
        raise FileFormatError(folder, f"not an index (no {INFO})", "build one with protrek-hm index build")
    content = read_json(folder / INFO)
    version = content.pop("format_version", None)
    if version != FORMAT_VERSION:
        problem = f"index format {version!r}, and this version of protrek-hm reads format {FORMAT_VERSION}"
        raise FileFormatError(folder, problem, f"update protrek-hm, or {REBUILD}")
    missing = [field.name for field in fields(IndexInfo) if field.default is MISSING and field.name not in content]
    unknown = [key for key in content if key not in {field.name for field in fields(IndexInfo)}]
    if missing or unknown or not _plausible(content):
        problem = f"damaged (missing: {missing or 'nothing'}, unknown: {unknown or 'nothing'})"
        raise FileFormatError(folder / INFO, problem, REBUILD)
    return IndexInfo(**content)


def _plausible(content: Mapping[str, Any]) -> bool:
    """Check the two entries that the sizes of all other files are held against."""
    counts = content["counts"]
    numbers = [content["dimension"], *(counts.values() if isinstance(counts, dict) else [None])]
    return all(isinstance(number, int) and number >= 1 for number in numbers) and "records" in counts
