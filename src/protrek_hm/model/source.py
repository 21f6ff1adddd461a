"""Whether all of a model is there, and a device for it."""

import logging
import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from protrek_hm.errors import FileFormatError, OptionError, ProTrekHMError

# What the libraries below raise on settings and weights that are cut off, missing, senseless or of another model
_BROKEN_FILES = (
    *(OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, ArithmeticError, MemoryError),
    *(AssertionError, EOFError, ImportError, StopIteration),
    *(SafetensorError, StrictDataclassError),
)
_SHOWN = 6


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
def whole_model(path: str | Path, place: Path, *, optional: str = r"(?!)") -> Iterator[None]:
    """Load quietly what is whole; what lacks a file, a tensor or a byte is an error.

    path: what the user calls it. place: what `find_model` found. optional: regular expression of the names of
    tensors that may be missing; none by default.

    Raises
    ------
    FileFormatError
        If the model is damaged. The library below would go on with random numbers for a missing tensor,
        and with no words for a missing tokenizer.
    """
    for tower in place.glob("*_Transformer"):
        if not any((tower / name).is_file() for name in ("tokenizer.json", "vocab.txt")):
            raise FileFormatError(path, f"{tower.name}/tokenizer.json is missing", "copy or train it again")
    report = _LoadReport(optional)
    logger = transformers_logging.get_logger("transformers.modeling_utils")
    logger.addFilter(report)
    try:
        with no_progress_bars():
            yield
    except ProTrekHMError:
        raise
    except pickle.UnpicklingError as error:  # whose message would have the guard taken away
        problem = "weights that are more than tensors, or damaged: code in them is not run"
        raise FileFormatError(path, problem, "give weights in safetensors") from error
    except _BROKEN_FILES as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise FileFormatError(path, f"the model does not load ({reason})", "copy or train it again") from error
    finally:
        logger.removeFilter(report)
    if report.lacking:
        listed = ", ".join(report.lacking[:_SHOWN]) + (", …" if len(report.lacking) > _SHOWN else "")
        raise FileFormatError(path, f"weights are missing or of another shape: {listed}", "copy or train it again")


class _LoadReport(logging.Filter):
    """Takes note of transformers' report on loaded weights instead of printing it."""

    def __init__(self, optional: str) -> None:
        super().__init__()
        self.optional = optional
        self.lacking: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Hold the report back."""
        message = record.getMessage()
        if "LOAD REPORT" not in message:
            return True
        names = re.findall(r"^(\S+)\s*\|[^|\n]*(?:MISSING|MISMATCH)", message, flags=re.MULTILINE)
        self.lacking += [name for name in names if not re.fullmatch(self.optional, name)]
        return False


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
