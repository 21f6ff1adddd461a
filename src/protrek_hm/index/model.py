"""The model that an index names."""

from dataclasses import dataclass
from pathlib import Path

from protrek_hm.errors import MissingFileError
from protrek_hm.index.layout import IndexInfo


@dataclass(frozen=True)
class NamedModel:
    """A model by the name that it was given, its fingerprint, and how many numbers its vectors have, if known."""

    name: str
    sha256: str
    dimension: int | None = None


def locate_model(index: Path, info: IndexInfo) -> str | Path:
    """Find the model that made an index: a folder as seen from the index, or a hub id.

    Raises
    ------
    MissingFileError
        If the folder is no longer there.

    Examples
    --------
    >>> locate_model(Path("index"), IndexInfo("user/model", None, "hash", 8, {"records": 1}))
    'user/model'
    """
    if info.model_path is None:
        return info.model
    folder = (index.resolve() / info.model_path).resolve()
    if not folder.exists():
        raise MissingFileError(folder, f"{index} was built with this model; name its new place with -m")
    return folder
