"""Settings: defaults < file < flags, and nothing unknown."""

from dataclasses import dataclass

import pytest

from protrek_hm.config import read_toml, require, resolve
from protrek_hm.errors import FileFormatError, MissingFileError, OptionError


@dataclass(frozen=True)
class BrewConfig:
    minutes: int = 4
    milk: bool = False

    def __post_init__(self):
        require("minutes", self.minutes, "must be at least 1", holds=self.minutes >= 1)


def test_flags_beat_the_file_and_the_file_beats_defaults():
    assert resolve(BrewConfig, {}, {}) == BrewConfig(4, milk=False)
    assert resolve(BrewConfig, {"minutes": 3}, {}) == BrewConfig(3, milk=False)
    assert resolve(BrewConfig, {"minutes": 3}, {"minutes": 2}) == BrewConfig(2, milk=False)


def test_a_flag_that_was_not_given_changes_nothing_and_false_is_given():
    assert resolve(BrewConfig, {"minutes": 3, "milk": True}, {"minutes": None, "milk": False}) == BrewConfig(3)


@pytest.mark.parametrize("source", ["file", "flags"])
def test_unknown_settings_fail_and_the_known_are_told(source):
    with pytest.raises(OptionError, match=r"sugar = 2: unknown setting; known ones are minutes, milk"):
        resolve(BrewConfig, **({"file": {}, "flags": {}} | {source: {"sugar": 2}}))


def test_values_are_checked_by_the_dataclass():
    with pytest.raises(OptionError, match="minutes = 0: must be at least 1"):
        resolve(BrewConfig, {"minutes": 0}, {})


def test_toml_gives_its_table(tmp_path):
    path = tmp_path / "brew.toml"
    path.write_text("[brew]\nminutes = 3\n[other]\nx = 1\n")
    assert read_toml(path, "brew") == {"minutes": 3}
    assert read_toml(path, "absent") == {}
    assert read_toml(None, "brew") == {}


def test_toml_that_cannot_be_read(tmp_path):
    with pytest.raises(MissingFileError, match=r"no\.toml: no such file"):
        read_toml(tmp_path / "no.toml", "brew")
    path = tmp_path / "brew.toml"
    path.write_text("minutes = = 3\n")
    with pytest.raises(FileFormatError, match="not TOML .*line 1"):
        read_toml(path, "brew")
    path.write_text("brew = 3\n")
    with pytest.raises(FileFormatError, match="'brew' is not a table"):
        read_toml(path, "brew")
