import pytest

from protrek_hm.errors import OptionError
from protrek_hm.merge import SweepConfig


def test_alphas_and_rule():
    config = SweepConfig()
    assert config.alphas == (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
    assert "minus 0.3 points" in config.rule


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("points", 1),
        ("easy_tolerance", -0.1),
        ("easy_tolerance", 1.1),
        ("batch_size", 0),
        ("resamples", 9),
        ("seed", -1),
    ],
)
def test_out_of_range(setting, value):
    with pytest.raises(OptionError, match=setting):
        SweepConfig(**{setting: value})
