"""Whether all of a model is there."""

import json
import pickle
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Router, Transformer
from torch import nn
from transformers.utils import logging as transformers_logging

from protrek_hm.errors import FileFormatError, ProTrekHMError
from protrek_hm.files import read_json
from protrek_hm.model.locate import MODULES

# What the libraries below raise on settings and weights that are cut off, missing, senseless or of another model
_BROKEN_FILES = (
    *(OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, ArithmeticError, MemoryError),
    *(AssertionError, EOFError, ImportError, StopIteration),
    *(SafetensorError, StrictDataclassError),
)
_SHOWN = 6
_AGAIN = "copy or train it again"


@contextmanager
def whole_model(path: str | Path, place: Path) -> Iterator[None]:
    """Load quietly, and raise what goes wrong as an error of ours; see `check_weights` for what is missing.

    path: what the user calls it. place: what `find_model` found.

    Raises
    ------
    FileFormatError
        If the model is damaged. The library below has no words for a missing tokenizer.
    """
    for tower in place.glob("*_Transformer"):
        if not any((tower / name).is_file() for name in ("tokenizer.json", "vocab.txt")):
            raise FileFormatError(path, f"{tower.name}/tokenizer.json is missing", _AGAIN)
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        with no_progress_bars(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol")  # what follows is told in a line
            yield
    except ProTrekHMError:
        raise
    except pickle.UnpicklingError as error:  # whose message would have the guard taken away
        problem = "weights that are more than tensors, or damaged: code in them is not run"
        raise FileFormatError(path, problem, "give weights in safetensors") from error
    except Exception as error:
        if not isinstance(error, _BROKEN_FILES) and type(error) is not Exception:  # which tokenizers raises
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise FileFormatError(path, f"the model does not load ({reason})", _AGAIN) from error
    finally:
        transformers_logging.set_verbosity(verbosity)


def check_weights(path: str | Path, place: Path, model: SentenceTransformer) -> None:
    """Make sure that the files of a loaded model hold all its weights: the library below takes random numbers instead.

    Raises
    ------
    FileFormatError
        If a tensor is missing or has another shape.
    """
    for folder, module in _parts(place, model):
        encoder: Any = module.auto_model if isinstance(module, Transformer) else module
        prefix = f"{getattr(encoder, 'base_model_prefix', '')}."
        found = {name.removeprefix(prefix): shape for name, shape in _shapes(folder).items()}
        lacking = {name for name, each in encoder.state_dict().items() if found.get(name) != tuple(each.shape)}
        if lacking and isinstance(module, Transformer):  # unless transformers knows other names of them
            _, report = type(encoder).from_pretrained(folder, config=encoder.config, output_loading_info=True)
            lacking &= {*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])}
        require_weights(path, sorted(lacking))


def require_weights(path: str | Path, lacking: Sequence[str]) -> None:
    """Raise FileFormatError if a model lacks tensors."""
    if lacking:
        listed = ", ".join(lacking[:_SHOWN]) + (", …" if len(lacking) > _SHOWN else "")
        raise FileFormatError(path, f"weights are missing or of another shape: {listed}", _AGAIN)


def _parts(place: Path, model: SentenceTransformer) -> Iterator[tuple[Path, nn.Module]]:
    """Yield each module of a model with the folder that holds it, those of a router's routes one by one."""
    listed = json.loads((place / MODULES).read_text(encoding="utf-8"))
    for entry, module in zip(listed, model.children(), strict=True):
        folder = place / entry["path"]
        if isinstance(module, Router):
            routes = read_json(folder / "router_config.json")["structure"].values()
            for names, tower in zip(routes, module.sub_modules.values(), strict=True):
                yield from zip(map(folder.joinpath, names), tower.children(), strict=True)
        else:
            yield folder, module


def _shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors in a folder's files, by name."""
    shapes: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="np") as tensors:
            shapes |= {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}
    if not shapes:
        for path in sorted(folder.glob("*.bin")):
            stored = torch.load(path, map_location="meta", weights_only=True)
            shapes |= {name: tuple(tensor.shape) for name, tensor in stored.items()}
    return shapes


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
