"""Write docs/settings.md, the tables of all settings, from the classes that declare them: python docs/settings.py."""

from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import typer

from protrek_hm.cli.app import app
from protrek_hm.cli.flags import plain_type
from protrek_hm.config import describe_fields, show_default
from protrek_hm.data.structures.config import StructureConfig
from protrek_hm.data.twins.config import TwinsConfig
from protrek_hm.data.uniprot.entry import ConvertConfig
from protrek_hm.evaluate.config import BoardConfig, EvaluateConfig
from protrek_hm.index.config import IndexConfig
from protrek_hm.merge.config import SweepConfig
from protrek_hm.mine.config import CaseConfig, MineConfig
from protrek_hm.search.config import ScanConfig
from protrek_hm.serve.config import ServeConfig
from protrek_hm.train.config import HeadTrainConfig, TrainConfig
from protrek_hm.tune.config import TuneConfig

STAGES = {
    "tune": TuneConfig,
    "data convert": ConvertConfig,
    "data structure": StructureConfig,
    "data twins": TwinsConfig,
    "mine": MineConfig,
    "mine twins": CaseConfig,
    "train": TrainConfig,
    "train head": HeadTrainConfig,
    "merge": SweepConfig,
    "evaluate": EvaluateConfig,
    "evaluate twins": BoardConfig,
    "index build": IndexConfig,
    "scan": ScanConfig,
    "serve": ServeConfig,
}
HEAD = """# Settings

The settings of each command. A file given by `--config` holds them by name in the table of the command, such as
`[train]`; flags override the file. In Python they are the fields of the command's class. `python docs/settings.py`
writes this page from those classes.
"""


def main() -> None:
    """Write the page beside this script."""
    Path(__file__).with_suffix(".md").write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the page: a table for each stage, a row for each setting."""
    return HEAD + "".join(_stage(words.split(), kind) for words, kind in STAGES.items())


def _stage(words: list[str], kind: type) -> str:
    command: Any = typer.main.get_command(app)
    for word in [*words, "run"]:
        command = getattr(command, "commands", {}).get(word, command)
    flags = {parameter.name: parameter for parameter in command.params}
    config = "flags or `--config`" if "config" in flags else "flags"
    place = f"`protrek_hm.{'.'.join(kind.__module__.split('.')[1:-1])}.{kind.__name__}`"
    lines = [
        "",
        f"## {' '.join(words)}",
        "",
        f"{place}, {config}.",
        "",
        "| setting | flag | default | meaning |",
        "|---|---|---|---|",
    ]
    defaults = {field.name: show_default(field.default) for field in fields(kind)}
    types = get_type_hints(kind)
    for name, text in describe_fields(kind).items():
        default = f"`{defaults[name]}`" if defaults[name] else ""
        meaning = text.replace("|", "\\|")
        lines.append(f"| `{name}` | {_flag(flags.get(name), plain_type(types[name]))} | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _flag(parameter: Any, sort: Any) -> str:
    if parameter is None:
        return ""
    values = "\\|".join(get_args(sort) if get_origin(sort) is Literal else ())
    return f"`{'`, `'.join((*parameter.opts, *parameter.secondary_opts))}{' ' if values else ''}{values}`"


if __name__ == "__main__":
    main()
