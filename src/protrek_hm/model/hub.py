"""The Hugging Face hub: models from there, into its cache, and models to there."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from protrek_hm.errors import MissingFileError, ModelError, OptionError

SMALL_FILES = ["*.json", "*.txt", "*.model", "README.md"]  # settings, vocabularies, the card
_NAME = re.compile(r"[\w.-]+/[\w.-]+")


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
            snapshot = Path(snapshot_download(repository, revision=pinned or revision, allow_patterns=SMALL_FILES))
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
