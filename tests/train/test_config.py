import pytest

from protrek_hm.errors import OptionError
from protrek_hm.train import TrainConfig


def test_the_defaults_are_the_reference_s():
    config = TrainConfig()
    assert (config.objective, config.epochs, config.learning_rate) == ("triplet", 30, 1e-5)
    assert (config.margin, config.batch_size, config.seed) == (0.2, 16, 42)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("objective", "quadruplet"), ("epochs", 0), ("batch_size", 0), ("learning_rate", 0.0),
        ("learning_rate", -1), ("max_gradient", 0), ("margin", 0), ("margin", 2.1), ("warmup", 1.0),
        ("warmup", -0.1), ("weight_decay", -1),
    ],
)  # fmt: skip
def test_out_of_range(setting, value):
    with pytest.raises(OptionError, match=setting):
        TrainConfig(**{setting: value})
