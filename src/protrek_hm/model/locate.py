"""Where a model lies: a folder of ours, a folder or a checkpoint of ProTrek's own, the package, or the hub."""

from pathlib import Path

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.model.hub import download, is_hub_name
from protrek_hm.model.shipped import shipped_model

MODULES = "modules.json"  # what makes a folder a SentenceTransformer
CHECKPOINT = ".pt"  # how ProTrek's own weights end


def is_official(place: Path) -> bool:
    """Tell whether `place` is a checkpoint of ProTrek's own, or a folder that looks like its layout.

    >>> is_official(Path("ProTrek_650M.pt")), is_official(Path("no such folder"))
    (True, False)
    """
    if place.suffix == CHECKPOINT:
        return True
    if not place.is_dir() or (place / MODULES).is_file():
        return False
    return any(place.glob(f"*{CHECKPOINT}")) or any(place.glob("esm*/config.json"))


def find_model(path: str | Path, *, revision: str | None = None) -> Path:
    """Return the folder of the model, or its checkpoint where `path` names one.

    That is `path` itself, or `model` in it if `train` wrote it; if neither holds one, the model of this name that comes
    with the package (`mini`, `mini-base`), or the cached copy of a hub's model.

    revision: of a hub's model: branch, tag or commit. The name may carry it, too: user/model@revision.

    Raises
    ------
    MissingFileError, FileFormatError
        If there is no model, neither here nor on the hub.

    Examples
    --------
    >>> import tempfile
    >>> run = Path(tempfile.mkdtemp())
    >>> (run / "model").mkdir()
    >>> (run / "model" / "modules.json").touch()
    >>> find_model(run) == find_model(run / "model") == run / "model"
    True
    """
    folder = Path(path)
    for place in (folder, folder / "model"):
        if (place / MODULES).is_file() or (place.exists() and is_official(place)):
            return place
    if (shipped := shipped_model(str(path))) is not None:
        return shipped
    if (folder / "checkpoints").is_dir():
        raise FileFormatError(path, "the training has not finished", "go on with it by train --resume")
    if folder.is_dir():
        problem = f"holds no model (neither {MODULES} nor a checkpoint *{CHECKPOINT})"
        raise FileFormatError(path, problem, "give a folder that `train` wrote, or one of ProTrek's")
    if folder.exists() or folder.parent.is_dir() or not is_hub_name(str(path)):
        raise MissingFileError(path, "give the folder of a saved model, or a hub name such as user/model")
    snapshot = download(str(path), revision=revision, weights=_weights)
    if not ((snapshot / MODULES).is_file() or is_official(snapshot)):
        raise FileFormatError(path, "a model of the hub, but no ProTrek", "give another one")
    return snapshot


def _weights(snapshot: Path) -> tuple[str]:
    return ("*.safetensors" if (snapshot / MODULES).is_file() else f"*{CHECKPOINT}",)
