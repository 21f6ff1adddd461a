import pytest

from protrek_hm.errors import OptionError
from protrek_hm.model import ModelConfig, TowerConfig


def test_the_defaults_are_fine():
    assert ModelConfig().sequence.max_tokens == 1024


@pytest.mark.parametrize(
    ("setting", "value"),
    [("layers", 0), ("hidden", 0), ("heads", 0), ("heads", 3), ("max_tokens", 2)],
)
def test_towers_out_of_range(setting, value):
    fine = {"layers": 1, "hidden": 16, "heads": 2, "max_tokens": 20}
    with pytest.raises(OptionError, match="hidden" if (setting, value) == ("heads", 3) else setting):
        TowerConfig(**{**fine, setting: value})


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("dimension", 0),
        ("temperature", 0.0),
        ("temperature", 1.1),
        ("temperature", float("nan")),
        ("vocabulary", 99),
        ("license", "MIT\nevil: true"),
    ],
)
def test_models_out_of_range(setting, value):
    with pytest.raises(OptionError, match=setting):
        ModelConfig(**{setting: value})
