"""Settings: one frozen dataclass per stage (beside its code), filled from a TOML file, then from flags.

Choices that several stages offer are declared here: `Modality`, `OnBadRecord`.

>>> from dataclasses import dataclass
>>> @dataclass(frozen=True)
... class BrewConfig:
...     minutes: int = 4
...     milk: bool = False
>>> resolve(BrewConfig, {"minutes": 3}, {"milk": True, "minutes": None})
BrewConfig(minutes=3, milk=True)
"""

import inspect
import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from protrek_hm.errors import FileFormatError, MissingFileError, OptionError

Config = TypeVar("Config")
Modality = Literal["sequence", "text", "structure"]
"""What a model encodes: amino acids, a description, or 3Di letters."""

OnBadRecord = Literal["error", "skip"]
"""What to do about a record that cannot be used: raise an error that names it, or leave it out and say so."""


def resolve(kind: type[Config], file: Mapping[str, Any], flags: Mapping[str, Any]) -> Config:
    """Build a stage's settings: its defaults, overridden by `file`, overridden by the `flags` that are not None.

    Raises
    ------
    OptionError
        If a key is unknown, or a value outside its range (the dataclass checks its own values).
    """
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    given = {**file, **{key: value for key, value in flags.items() if value is not None}}
    for key, value in given.items():
        if key not in known:
            raise OptionError(key, value, f"unknown setting; known ones are {', '.join(known)}")
        if isinstance(value, list):  # settings are frozen, and so are their values
            given[key] = tuple(value)
    return kind(**given)


def read_toml(path: Path | None, table: str) -> dict[str, Any]:
    """Read one stage's `[table]` of a TOML file; without a path there is nothing to read.

    Raises
    ------
    MissingFileError, FileFormatError
        If the file is not there, or not TOML.
    """
    if path is None:
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingFileError(path) from None
    except ValueError as error:
        raise FileFormatError(path, f"not TOML ({error})", "mend the line it names") from None
    section = content.get(table, {})
    if not isinstance(section, dict):
        raise FileFormatError(path, f"{table!r} is not a table", f"write its settings below [{table}]")
    return section


def describe_fields(kind: type) -> dict[str, str]:
    """Return what the numpydoc section `Attributes` of a dataclass says of each field, those of its bases last.

    >>> class BrewConfig:
    ...     '''How to brew.
    ...
    ...     Attributes
    ...     ----------
    ...     minutes
    ...         How long it draws. Green tea takes
    ...         three.
    ...     '''
    >>> describe_fields(BrewConfig)
    {'minutes': 'How long it draws. Green tea takes three.'}
    """
    documented: dict[str, str] = {}
    for each in kind.__mro__[:-1]:
        text = inspect.cleandoc(each.__doc__ or "")
        section = re.search(r"^Attributes\n-+\n(.*?)(?=\n\n\S|\Z)", text, flags=re.DOTALL | re.MULTILINE)
        entries = re.findall(r"^(\w+)\n((?:    .*\n?)+)", section[1] if section else "", flags=re.MULTILINE)
        documented |= {name: " ".join(lines.split()) for name, lines in entries}
    return documented


def show_default(value: object) -> str:
    """Write a setting's default for people; nothing for None and for an empty tuple, which the field's text explains.

    >>> [show_default(value) for value in (1e-5, 60.0, True, ("a", "b"), None)]
    ['1e-5', '60', 'yes', 'a, b', '']
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}".replace("e-0", "e-") if isinstance(value, float) else str(value)


def require_characters(name: str, value: str) -> None:
    """Raise OptionError if `value` holds half a character (a lone surrogate): it can be neither read nor written.

    >>> require_characters("text", "a kinase")
    """
    try:
        value.encode()
    except UnicodeEncodeError as error:
        half = f"{error.start + 1}: {ascii(value[error.start])[1:-1]}"
        raise OptionError(name, value[:60], f"holds half a character at position {half}; write it in UTF-8") from None


def require(name: str, value: object, wanted: str, *, holds: bool) -> None:
    """Raise OptionError unless the check on a setting `holds`."""
    if not holds:
        raise OptionError(name, value, wanted)
