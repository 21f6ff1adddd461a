"""Where a model lies, and whether all of it is there."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from protrek_hm.errors import FileFormatError, MissingFileError, OptionError, ProTrekHMError
from protrek_hm.files import read_json

MODULES = "modules.json"  # what makes a folder a SentenceTransformer
SETTINGS = "protrek.json"
# What the libraries below raise on settings and weights that are cut off, missing or of another model
_BROKEN_FILES = (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError)
FORMAT_VERSION = 1


def find_model(path: str | Path) -> str:
    """Return the folder of the model: `path` itself, or `model` in it if `train` wrote it; or a hub name.

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
    >>> find_model(run) == find_model(run / "model") == str(run / "model")
    True
    """
    folder = Path(path)
    for place in (folder, folder / "model"):
        if (place / MODULES).is_file():
            return str(place)
    if (folder / "checkpoints").is_dir():
        raise FileFormatError(path, "the training has not finished", "go on with it by train --resume")
    if folder.is_dir():
        raise FileFormatError(path, f"holds no model ({MODULES} is missing)", "give a folder that `train` wrote")
    if folder.exists() or folder.parent.is_dir() or str(path).count("/") != 1:
        raise MissingFileError(path, "give the folder of a saved model, or a hub name such as user/model")
    return _find_on_hub(str(path))


def _find_on_hub(name: str) -> str:
    try:
        hf_hub_download(name, MODULES)
    except (EntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise MissingFileError(name, f"nor is it a SentenceTransformer on the hub ({reason})") from error
    return name


def check_device(device: str | None) -> None:
    """Make sure that this machine has the device.

    Raises
    ------
    OptionError
        If it has not.
    """
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise OptionError("device", device, f"not on this machine ({reason}); leave it out, or give cpu") from error


@contextmanager
def whole_model(path: str | Path, place: str) -> Iterator[None]:
    """Load quietly what is whole; what lacks a file, a tensor or a byte is an error.

    path: what the user calls it. place: what `find_model` found.

    Raises
    ------
    FileFormatError
        If the model is damaged. The library below would go on with random numbers for a missing tensor,
        and with no words for a missing tokenizer.
    """
    for tower in Path(place).glob("*_Transformer"):
        if not any((tower / name).is_file() for name in ("tokenizer.json", "vocab.txt")):
            raise FileFormatError(path, f"{tower.name}/tokenizer.json is missing", "copy or train it again")
    report = _LoadReport()
    logger = transformers_logging.get_logger("transformers.modeling_utils")
    logger.addFilter(report)
    try:
        with no_progress_bars():
            yield
    except ProTrekHMError:
        raise
    except (*_BROKEN_FILES, SafetensorError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise FileFormatError(path, f"the model does not load ({reason})", "copy or train it again") from error
    finally:
        logger.removeFilter(report)
    if report.lacking:
        raise FileFormatError(path, "weights are missing or of another shape", "copy or train it again")


class _LoadReport(logging.Filter):
    """Takes note of transformers' report on loaded weights instead of printing it."""

    lacking = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Hold the report back."""
        message = record.getMessage()
        is_report = "LOAD REPORT" in message
        self.lacking |= is_report and ("MISSING" in message or "MISMATCH" in message)
        return not is_report


def read_temperature(folder: Path) -> float | None:
    """Return the temperature of the model in `folder`; None where nothing of ours stands beside it.

    Raises
    ------
    FileFormatError
        If the file is damaged, or of a later version.
    """
    path = folder / SETTINGS
    if not path.is_file():
        return None
    settings = read_json(path)
    if settings.get("format_version") != FORMAT_VERSION:
        version = settings.get("format_version")
        raise FileFormatError(path, f"format_version {version!r}", f"this version reads {FORMAT_VERSION}")
    temperature = settings.get("temperature")
    if not (isinstance(temperature, int | float) and temperature > 0):
        raise FileFormatError(path, f"temperature {temperature!r} is not above 0", "copy the model again")
    return float(temperature)


@contextmanager
def no_progress_bars() -> Iterator[None]:
    """Silence transformers' bars over a model's few files."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
