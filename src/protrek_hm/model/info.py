"""What a model is made of, read from its files without building it."""

from math import prod
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from protrek_hm.errors import FileFormatError, ProTrekHMError
from protrek_hm.files import read_json
from protrek_hm.model.card import describe_tower
from protrek_hm.model.config import TEXTS, hash_files, read_settings
from protrek_hm.model.encoder import is_current
from protrek_hm.model.locate import find_model, is_official

_BUFFERS = ("inv_freq", "position_ids")  # saved with the weights, and no parameters


def describe_model(path: str | Path, *, revision: str | None = None) -> dict[str, Any]:
    """Return what `ProTrek.describe` returns, from a saved model's files alone where they say it all.

    ProTrek's own layout, and models whose fingerprint is not recorded, or not that of their files any more, are loaded
    for it.

    Raises
    ------
    MissingFileError, FileFormatError
        If there is no model, or only a part of one.
    """
    place = find_model(path, revision=revision)
    settings = None if is_official(place) else read_settings(place)
    if settings is None or not is_current(settings.fingerprint) or settings.files != hash_files(place):
        from protrek_hm.model.protrek import ProTrek  # here, as it loads torch

        return ProTrek.from_pretrained(place, device="cpu").describe()
    towers = {}
    dimension = 0
    try:
        for route, modules in read_json(place / "router_config.json")["structure"].items():
            transformer, *_, dense = (place / module for module in modules)
            dimension = read_json(dense / "config.json")["out_features"]
            towers["text" if route == TEXTS else route] = describe_tower(
                read_json(transformer / "config.json"),
                parameters=sum(_count_parameters(place / module) for module in modules),
                max_tokens=read_json(transformer / "sentence_bert_config.json")["processor_kwargs"]["model_max_length"],
            )
    except (KeyError, TypeError, AttributeError, ValueError, OSError, SafetensorError) as error:
        raise FileFormatError(path, f"damaged ({error})", "copy or train it again") from error
    return {
        "towers": towers,
        "parameters": sum(tower["parameters"] for tower in towers.values()),
        "dimension": dimension,
        "temperature": settings.temperature,
        "license": settings.license,
        "fingerprint": settings.fingerprint,
        "history": settings.history,
    }


def check_model(path: str | Path, *, revision: str | None = None) -> list[str]:
    """Load a model, and say what of it is not as it was saved, a sentence each; none if all is.

    Compared are weights, settings, vocabularies and the twin head, with what `protrek.json` and the head say of them;
    not the model card.

    Raises
    ------
    MissingFileError
        If there is no model.
    """
    from protrek_hm.model.protrek import ProTrek  # here, as they load torch
    from protrek_hm.model.twin_head import HEAD, TwinHead

    place = find_model(path, revision=revision)
    problems = []
    try:
        settings = None if is_official(place) else read_settings(place)
        ProTrek.from_pretrained(place, device="cpu")
        if settings is None or settings.files is None or not is_current(settings.fingerprint):
            problems.append(f"{path}: loads, but nothing says how it was saved; protrek-hm model convert writes that")
    except FileFormatError as error:
        problems.append(str(error))
    try:
        if ((place if place.is_dir() else place.parent) / HEAD).is_file():
            TwinHead.load(place if place.is_dir() else place.parent)
    except ProTrekHMError as error:
        problems.append(str(error))
    return problems


def _count_parameters(module: Path) -> int:
    """Count the numbers in the weights' files by their headers."""
    total = 0
    for path in sorted(module.glob("*.safetensors")):
        with safe_open(path, framework="np") as tensors:
            names = [name for name in tensors.keys() if not name.endswith(_BUFFERS)]
            total += sum(prod(tensors.get_slice(name).get_shape()) for name in names)
    return total
