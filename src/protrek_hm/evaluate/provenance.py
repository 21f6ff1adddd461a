"""What a report was made from: models by name, files by checksum, the command."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from protrek_hm.data.compression import digest
from protrek_hm.errors import OptionError


def name_models(paths: Sequence[str]) -> dict[str, str]:
    """Name each model by the last part of its path, as many parts as it takes to tell them apart.

    Raises
    ------
    OptionError
        If a model is given twice.

    Examples
    --------
    >>> name_models(["models/base", "models/tuned/"])
    {'base': 'models/base', 'tuned': 'models/tuned/'}
    >>> name_models(["first/model", "second/model"])
    {'first/model': 'first/model', 'second/model': 'second/model'}
    """
    resolved = [str(Path(path).resolve()) if Path(path).exists() else path for path in paths]
    for position, path in enumerate(resolved):
        if path in resolved[:position]:
            raise OptionError("model", paths[position], "is given twice; compare two different models")
    parts = [Path(path).parts for path in resolved]
    depth = 1
    while len({each[-depth:] for each in parts}) < len(parts):
        depth += 1
    return {"/".join(each[-depth:]): path for each, path in zip(parts, paths, strict=True)}


def describe_inputs(
    tables: Mapping[str, Path], models: Mapping[str, str], fingerprints: Mapping[str, str]
) -> dict[str, Any]:
    """Return the command, the tables with the SHA-256 of what was read, the models with that of the weights."""
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "tables": {role: {"path": str(path), "sha256": digest(path).sha256} for role, path in tables.items()},
        "models": {name: {"path": path, "weights_sha256": fingerprints[name]} for name, path in models.items()},
    }
