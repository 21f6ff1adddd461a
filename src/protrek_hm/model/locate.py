"""Where a model lies: a folder of ours, a folder or a checkpoint of ProTrek's own, the package, or the hub.

Models of the Hugging Face hub are fetched into its cache, and ours uploaded to it.
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from protrek_hm.copies import local_path
from protrek_hm.errors import FileFormatError, MissingFileError, ModelError, OptionError

MODULES = "modules.json"  # what makes a folder a SentenceTransformer
CHECKPOINT = ".pt"  # how ProTrek's own weights end
SHIPPED = {
    "mini": "protrek-hm-mini, fine-tuned on twins",
    "mini-base": "the same before it saw twins: what fine-tuning starts from",
    "mini-words": "protrek-hm-mini with a sentence encoder for texts: everyday words, and texts against texts",
}
"""The small models that come with the package, for trying things without a download: their names, and what they are."""
_SMALL_FILES = ["*.json", "*.txt", "*.model", "README.md"]  # settings, vocabularies, the card
_NAME = re.compile(r"[\w.-]+/[\w.-]+")


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
    with the package (`mini`, `mini-base`, `mini-words`), or the cached copy of a hub's model.

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
    folder = local_path(str(path))
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


def shipped_model(name: str) -> Path | None:
    """Return the folder of a model that comes with the package, None if there is none of this name.

    >>> shipped_model("mini").name, shipped_model("ProTrek_650M")
    ('mini', None)
    """
    return Path(__file__).parent / "shipped_weights" / name if name in SHIPPED else None


def origin_of(path: str | Path, revision: str | None) -> tuple[str, str | None]:
    """Return the name of a model, or its whole path, for another process.

    >>> origin_of("mini", None)
    ('mini', None)
    """
    return str(Path(path).resolve() if Path(path).exists() else path), revision


def is_hub_name(name: str) -> bool:
    """Tell whether `name` has the form of a hub name: user/model or user/model@revision.

    >>> is_hub_name("westlake-repl/ProTrek_650M@main"), is_hub_name("runs/a/model"), is_hub_name("model.pt")
    (True, False, False)
    """
    return _NAME.fullmatch(name.partition("@")[0]) is not None


def download(name: str, *, revision: str | None = None, weights: Callable[[Path], Sequence[str]]) -> Path:
    """Return the cached snapshot of a model, fetched as far as it is not there yet; a cut connection goes on.

    Parameters
    ----------
    name
        user/model, or user/model@revision.
    revision
        Branch, tag or commit; `main` by default.
    weights
        Looks at the snapshot with its small files (settings, vocabularies) and says which others to fetch, as
        patterns.

    Raises
    ------
    MissingFileError
        If there is no such model, or it cannot be reached (with HF_HUB_OFFLINE=1: is not in the cache).
    OptionError
        If the revision is given twice.
    """
    from huggingface_hub import snapshot_download

    repository, _, pinned = name.partition("@")
    if pinned and revision not in (None, pinned):
        raise OptionError("revision", revision, f"{name} names another one; give one of them")
    try:
        with _quiet():
            snapshot = Path(snapshot_download(repository, revision=pinned or revision, allow_patterns=_SMALL_FILES))
            # The commit, not the branch, which may move between the two calls
            snapshot_download(repository, revision=snapshot.name, allow_patterns=list(weights(snapshot)))
    except _refusals() as error:
        raise MissingFileError(name, f"nor is it a model that the hub gives ({_reason(error)})") from error
    return snapshot


def push(folder: Path, name: str, *, public: bool = False, message: str = "Upload the model") -> str:
    """Upload the model in `folder` to the hub as `name` (made if it is not there); return its address.

    public: a new repository is private otherwise; one that is there stays as it is.

    Raises
    ------
    OptionError
        If `name` is not user/model.
    ModelError
        If there is no token, or the hub refuses.
    """
    from huggingface_hub import HfApi, get_token

    if not is_hub_name(name) or "@" in name:
        raise OptionError("name", name, "give user/model")
    if get_token() is None:
        raise ModelError("no token of the hub", "log in with `hf auth login`, or set HF_TOKEN")
    api = HfApi()
    try:
        with _quiet():
            address = api.create_repo(name, private=not public, exist_ok=True)
            # Files that begin with a dot are ours of the moment or of the system
            api.upload_folder(repo_id=name, folder_path=folder, commit_message=message, ignore_patterns=[".*"])
    except _refusals() as error:
        problem = f"{name}: the hub did not take the model ({_reason(error)})"
        raise ModelError(problem, "check the name, the token and the network") from error
    return str(address)


def _weights(snapshot: Path) -> tuple[str]:
    return ("*.safetensors" if (snapshot / MODULES).is_file() else f"*{CHECKPOINT}",)


def _refusals() -> tuple[type[Exception], ...]:
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    # The client's HTTP library is httpx or httpx2, by its version: its errors are the base of the client's own
    return (EntryNotFoundError, HfHubHTTPError.__bases__[0], OSError, ValueError)


def _reason(error: BaseException) -> str:
    """Return the telling line of an error: after an HTTP status comes a line that says what it means."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[1 if hasattr(error, "response") and len(lines) > 1 else 0].rstrip(".:")


@contextmanager
def _quiet() -> Iterator[None]:
    """Show bars on terminals only, and no warnings: what matters is raised."""
    from huggingface_hub import utils

    hub: Any = utils  # which says nothing of its types
    verbosity, hide = hub.logging.get_verbosity(), not (sys.stderr.isatty() or hub.are_progress_bars_disabled())
    hub.logging.set_verbosity_error()
    if hide:
        hub.disable_progress_bars()
    try:
        yield
    finally:
        hub.logging.set_verbosity(verbosity)
        if hide:
            hub.enable_progress_bars()
