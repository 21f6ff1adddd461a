"""Flags that come from a dataclass: names, types, help, defaults, and the file below them."""

import inspect
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer
from typer.testing import CliRunner

from protrek_hm.cli.flags import with_settings
from protrek_hm.config import describe_fields
from protrek_hm.data.structures.config import StructureConfig
from protrek_hm.data.uniprot.entry import ConvertConfig
from protrek_hm.errors import OptionError
from protrek_hm.evaluate.config import EvaluateConfig
from protrek_hm.index.config import IndexConfig
from protrek_hm.merge.config import SweepConfig
from protrek_hm.mine.config import MineConfig
from protrek_hm.serve.config import ServeConfig
from protrek_hm.train.config import TrainConfig

STAGES = (
    *(ConvertConfig, StructureConfig, MineConfig, TrainConfig),
    *(SweepConfig, EvaluateConfig, IndexConfig, ServeConfig),
)


@dataclass(frozen=True)
class WaterConfig:
    """Water.

    Attributes
    ----------
    degrees
        How hot the water is. In °C.
    """

    degrees: float = 96.0


@dataclass(frozen=True)
class BrewConfig(WaterConfig):
    """How to brew.

    Attributes
    ----------
    kind
        Sort of tea. Rooibos is none.
    milk
        Pour milk first.
    spices
        Spice; repeatable.
    sugar
        Lumps; none means none.
    """

    kind: Literal["green", "black"] = "black"
    milk: bool = False
    spices: tuple[str, ...] = ()
    sugar: int | None = 1


def lumps(text):
    return None if text == "none" else int(text)


@pytest.fixture
def brew():
    """A command line, and what its command was given."""
    app, seen = typer.Typer(rich_markup_mode=None), {}

    @app.command()
    @with_settings(BrewConfig, table="brew", names={"spices": "--spice"}, parsers={"sugar": lumps})
    def command(
        cup: Annotated[Path, typer.Argument()], *, settings: BrewConfig, config: Path | None, hurry: bool = False
    ) -> None:
        """Brew."""
        seen.update(cup=cup, settings=settings, config=config, hurry=hurry)

    def run(*words):
        result = CliRunner().invoke(app, list(words), env={"COLUMNS": "150"})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run, seen, command


def test_flags_are_the_fields_with_the_first_sentence_as_help_and_the_default(brew):
    shown = " ".join(brew[0]("--help").output.split())
    assert "--kind <green|black> Sort of tea. [default: black]" in shown
    assert "--milk / --no-milk Pour milk first. [default: no]" in shown
    assert "--spice <list[str]> Spice; repeatable." in shown
    assert "--degrees <float> How hot the water is. [default: 96]" in shown
    assert "--config <path> TOML file whose table [brew] holds any of these settings" in shown
    assert shown.index("--sugar") < shown.index("--degrees") < shown.index("--config") < shown.index("--hurry")


def test_flags_beat_the_file_and_the_file_beats_defaults(brew, tmp_path):
    run, seen, _ = brew
    run("cup")
    assert seen == {"cup": Path("cup"), "settings": BrewConfig(), "config": None, "hurry": False}
    path = tmp_path / "brew.toml"
    path.write_text('[brew]\nkind = "green"\nmilk = true\nspices = ["ginger"]\n')
    run("cup", "--config", str(path), "--no-milk", "--sugar", "none", "--hurry")
    assert seen["settings"] == BrewConfig(kind="green", milk=False, spices=("ginger",), sugar=None)
    assert (seen["config"], seen["hurry"]) == (path, True)
    run("cup", "--spice", "mint", "--spice", "clove")
    assert seen["settings"].spices == ("mint", "clove")


def test_what_is_no_setting_is_refused(brew, tmp_path):
    run, _, _ = brew
    assert "--kind" in run("cup", "--kind", "white").output
    path = tmp_path / "brew.toml"
    path.write_text("[brew]\nlemon = 1\n")
    with pytest.raises(OptionError, match="lemon = 1: unknown setting"):
        run("cup", "--config", str(path))


def test_the_command_can_be_called_as_a_function(brew):
    _, seen, command = brew
    command(Path("cup"), milk=True)
    assert seen["settings"] == BrewConfig(milk=True)
    assert "settings" not in inspect.signature(command).parameters


@pytest.mark.parametrize("kind", STAGES, ids=lambda kind: kind.__name__)
def test_every_setting_is_documented_and_nothing_else(kind):
    assert sorted(describe_fields(kind)) == sorted(field.name for field in fields(kind))
