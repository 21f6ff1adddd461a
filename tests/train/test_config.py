import pytest

from protrek_hm.errors import OptionError
from protrek_hm.train import TrainConfig
from protrek_hm.train.config import Tuning


def test_triplets_by_default_are_the_reference_s():
    config = TrainConfig(objective="triplet")
    assert (config.epochs, config.learning_rate, config.margin) == (30, 1e-5, 0.2)
    assert (config.batch_size, config.seed) == (16, 42)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("objective", "quadruplet"), ("epochs", 0), ("batch_size", 0), ("learning_rate", 0.0),
        ("learning_rate", -1), ("max_gradient", 0), ("margin", 0), ("margin", 2.1), ("warmup", 1.0),
        ("warmup", -0.1), ("weight_decay", -1), ("mlm", -1), ("twin_weight", -0.5), ("twin_shape", "cubic"),
        ("precision", "fp8"), ("crop", "end"), ("tokens", 0), ("patience", 0), ("checkpoint_every", 0),
        ("easy_tolerance", 1.5), ("tune", "some"),
    ],
)  # fmt: skip
def test_out_of_range(setting, value):
    with pytest.raises(OptionError, match=setting):
        TrainConfig(**{setting: value})


def test_a_balance_of_nothing():
    with pytest.raises(OptionError, match="needs a part"):
        TrainConfig(contrastive_weight=0, twin_weight=0, distillation_weight=0)


def test_structures_are_not_guessed():
    with pytest.raises(OptionError, match="reads sequences"):
        TrainConfig(objective="masked", structures=True)
    assert (TrainConfig(objective="masked").masking, TrainConfig().masking, TrainConfig(mlm=0.5).masking) == (1, 0, 0.5)


def test_a_step_of_one_row_has_no_negatives():
    for objective in ("contrastive", "balanced"):
        with pytest.raises(OptionError, match=f"batch_size = 1: must be at least 2 for '{objective}'"):
            TrainConfig(objective=objective, batch_size=1)
    assert TrainConfig(objective="balanced", batch_size=1, contrastive_weight=0, distillation_weight=0).least_rows == 1
    assert TrainConfig(objective="triplet", batch_size=1).least_rows == 1


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("tune", "half"), ("tune", "last:0"), ("tune", "last:"), ("tune", "last:2.5"), ("schedule", "square"),
        ("learning_rate", 0), ("max_gradient", 0), ("lora_alpha", 0), ("lr_text", -1e-9), ("lr_sequence", -1),
        ("lr_structure", -1), ("layer_decay", 0), ("layer_decay", 1.1), ("warmup", 1), ("ema", 1), ("ema", -0.1),
        ("weight_decay", -1), ("lora_rank", 0),
    ],
)  # fmt: skip
def test_what_cannot_move_so(setting, value):
    with pytest.raises(OptionError, match=setting):
        Tuning(**{setting: value})


def test_what_is_allowed():
    for tune in ("full", "heads", "lora", "last:1", "last:33"):
        assert Tuning(tune=tune).tune == tune
    config = Tuning(learning_rate=1e-4, lr_sequence=0, ema=0.999, layer_decay=0.5, schedule="cosine")
    assert [config.rate(task) for task in ("text", "sequence", "structure")] == [1e-4, 0, 1e-4]
