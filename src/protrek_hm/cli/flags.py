"""Flags that several commands have, and those of a dataclass, which declares names, types, defaults and help once."""

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
