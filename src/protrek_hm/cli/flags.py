"""Flags that several commands have, and those of a dataclass, which declares names, types, defaults and help once."""

import atexit
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from functools import wraps
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typer

from protrek_hm.config import OnBadRecord as BadRecords
from protrek_hm.config import describe_fields, read_toml, resolve, show_default
from protrek_hm.copies import copy_to_edit, discard, local_path
from protrek_hm.errors import LocationError
from protrek_hm.locations import output, parse_url, path_of, without_secrets

ModelOrMini = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="Folder or hub name of the model; mini, which comes with the package, is for trying things.",
    ),
]
"""With the default "mini"."""

ModelOfIndex = Annotated[
    str | None,
    typer.Option("--model", "-m", help="Folder or hub id of the model; the one in the index by default."),
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, …; the best there is by default.")]
Devices = Annotated[
    str | None, typer.Option("--devices", help="GPUs of this machine that encode side by side: 0,1,2,3 or all.")
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Work on a Ray cluster: auto, local, or ray://HOST:PORT. The result is the same.",
    ),
]
BatchSize = Annotated[int, typer.Option(help="Inputs per batch.")]
Precision = Annotated[
    Literal["float32", "bf16"], typer.Option(help="bf16 encodes about twice as fast, nearly the same numbers.")
]
Embeddings = Annotated[
    Path | None, typer.Option("--cache", help="Folder of embeddings to use and to add to.  [default: in the output]")
]
RowsFormat = Annotated[
    Literal["table", "jsonl", "tsv"], typer.Option("--format", help="table for people, jsonl and tsv complete.")
]
OutputFile = Annotated[Path | None, typer.Option("--output", "-o", help="File to write instead of stdout.")]
Columns = Annotated[
    list[str] | None, typer.Option("--column", help="NAME=COLUMN where a column is not recognised, e.g. text=comment.")
]
OnBadRecord = Annotated[BadRecords, typer.Option(help="Stop at a bad record, or leave it out.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output.")]

Command = Callable[..., None]


def with_settings(
    kind: type,
    *,
    table: str | None = None,
    names: Mapping[str, str] | None = None,
    parsers: Mapping[str, Callable[[str], Any]] | None = None,
    without: Collection[str] = (),
) -> Callable[[Command], Command]:
    """Replace a command's parameter `settings` by a flag for each field of the dataclass `kind`.

    A flag's help is the first sentence of the field's documentation. Flags override the TOML file of `--config`, whose
    path the command receives if it has a parameter `config`.

    Parameters
    ----------
    kind
        Frozen dataclass whose numpydoc section `Attributes` documents each field, in the order of the flags.
    table
        Table of the TOML file; without one there is no `--config`.
    names
        Flags that are not the field's name in kebab case, such as ``{"learning_rate": "--lr"}``.
    parsers
        Functions that read the text of a flag, for fields of other types than typer knows.
    without
        Fields that get no flag.
    """
    parsers = parsers or {}

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command)
        flags = _flags(kind, names or {}, parsers, without)
        kept = list(flags)
        if table is not None:
            remark = f"TOML file whose table [{table}] holds any of these settings; flags override it."
            flags["config"] = Annotated[Path | None, typer.Option("--config", help=remark)]

        @wraps(command)
        def run(*arguments: Any, **given: Any) -> None:
            file = given.pop("config", None)
            content = read_toml(file, table or "")
            if "config" in signature.parameters:
                given["config"] = file
            for name in kept:
                value = given.pop(name, None)
                if value not in (None, []):
                    content[name] = parsers[name](value) if name in parsers else value
            command(*arguments, settings=resolve(kind, content, {}), **given)

        parameters = []
        for parameter in signature.parameters.values():
            if parameter.name == "settings":
                parameters += [parameter.replace(name=name, annotation=flags[name], default=None) for name in flags]
            elif parameter.name != "config":
                parameters.append(parameter)
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return decorate


def _flags(
    kind: type, names: Mapping[str, str], parsers: Mapping[str, Any], without: Collection[str]
) -> dict[str, Any]:
    types, defaults = get_type_hints(kind), {field.name: field.default for field in fields(kind)}
    flags = {}
    for name, text in describe_fields(kind).items():
        if name in without:
            continue
        sort = str if name in parsers else plain_type(types[name])
        flag = names.get(name, "--" + name.replace("_", "-"))
        declared = f"{flag}/--no-{flag.removeprefix('--')}" if sort is bool else flag
        default = show_default(defaults[name])
        remark = text.partition(". ")[0].rstrip(".") + "." + (f"  [default: {default}]" if default else "")
        flags[name] = Annotated[sort | None, typer.Option(declared, help=remark)]
    return flags


def plain_type(hint: Any) -> Any:
    """Return the type without None; a list for a tuple of any length, which a flag fills when it is repeated."""
    if get_origin(hint) in (Union, UnionType):
        kinds = [each for each in get_args(hint) if each is not NoneType]
        hint = kinds[0] if len(kinds) == 1 else hint
    return list[get_args(hint)[0]] if get_origin(hint) is tuple else hint  # type: ignore[misc]


def reading(given: str | Path) -> Path:
    """Read an argument that names what a command reads: a path, or a URL, of which a copy is made (again)."""
    return local_path(str(given))


def writing(given: str | Path) -> Path:
    """Read an argument that names what a command writes: a path, or a URL, to which the whole result is uploaded."""
    path = path_of(str(given))
    return output(parse_url(str(given))) if path is None else path


def changing(given: str | Path) -> Path:
    """Read an argument that names a folder which a command changes: a path, or a URL, from a copy of which it goes."""
    path = path_of(str(given))
    if path is not None:
        return path
    copy = copy_to_edit(str(given))
    atexit.register(discard, copy)
    return copy


def local(given: str | Path) -> Path:
    """Read an argument that must be a path of this machine."""
    path = path_of(str(given))
    if path is None:
        raise LocationError(
            without_secrets(str(given)), "this must lie on this machine", "give a path, or a mounted disk"
        )
    return path


_WRITTEN = {"output", "gold_twins", "report"}
_LOCAL = {"cache", "work_dir", "figure", "api_keys"}


def take_urls(app: typer.Typer) -> None:
    """Have every argument of type Path, of all commands, also take URLs.

    What is called `output` (or otherwise in `_WRITTEN`) is written, what is in `_LOCAL` must lie on this machine, all
    others are read; a parameter that has a parser keeps it.
    """
    for command in app.registered_commands:
        assert command.callback is not None
        for parameter in inspect.signature(command.callback).parameters.values():
            kind, *remarks = get_args(parameter.annotation) or (None,)
            if not _holds_paths(kind):
                continue
            for info in remarks:
                if info.parser is None:
                    name = parameter.name
                    info.parser = writing if name in _WRITTEN else local if name in _LOCAL else reading
    for group in app.registered_groups:
        assert group.typer_instance is not None
        take_urls(group.typer_instance)


def _holds_paths(kind: Any) -> bool:
    return kind is Path or any(map(_holds_paths, get_args(kind)))
