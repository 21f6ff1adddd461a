import pytest

from protrek_hm.errors import OptionError
from protrek_hm.train.tuning import Tuning


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("tune", "half"), ("tune", "last:0"), ("tune", "last:"), ("tune", "last:2.5"), ("schedule", "square"),
        ("learning_rate", 0), ("max_gradient", 0), ("lora_alpha", 0), ("lr_text", -1e-9), ("lr_sequence", -1),
        ("lr_structure", -1), ("layer_decay", 0), ("layer_decay", 1.1), ("warmup", 1), ("ema", 1), ("ema", -0.1),
        ("weight_decay", -1), ("lora_rank", 0),
    ],
)  # fmt: skip
def test_out_of_range(setting, value):
    with pytest.raises(OptionError, match=setting):
        Tuning(**{setting: value})


def test_what_is_allowed():
    for tune in ("full", "heads", "lora", "last:1", "last:33"):
        assert Tuning(tune=tune).tune == tune
    config = Tuning(learning_rate=1e-4, lr_sequence=0, ema=0.999, layer_decay=0.5, schedule="cosine")
    assert [config.rate(task) for task in ("text", "sequence", "structure")] == [1e-4, 0, 1e-4]
