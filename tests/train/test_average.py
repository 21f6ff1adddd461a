"""The average against its formula, written out."""

import pytest
import torch
from torch import nn

from protrek_hm.train.average import WeightAverage


def test_by_the_formula(tmp_path):
    layer = nn.Linear(2, 1)
    layer.bias.requires_grad_(requires_grad=False)
    average = WeightAverage(layer, decay=0.4)
    expected, mean = [], layer.weight.detach().clone()
    for step in range(1, 12):
        with torch.no_grad():
            layer.weight.copy_(torch.tensor([[float(step), -(float(step) ** 2)]]))
        average.update(step)
        keep = {1: 2 / 11, 2: 3 / 12, 3: 4 / 13, 4: 5 / 14, 5: 6 / 15}.get(step, 0.4)  # 6 / 15 is 0.4
        mean = keep * mean + (1 - keep) * layer.weight.detach()
        expected.append(mean)
    torch.testing.assert_close(average.mean, {"weight": expected[-1]})

    own = layer.weight.detach().clone()
    with average.applied():
        torch.testing.assert_close(layer.weight.detach(), expected[-1])
    assert torch.equal(layer.weight.detach(), own)
    with pytest.raises(KeyboardInterrupt), average.applied():
        raise KeyboardInterrupt
    assert torch.equal(layer.weight.detach(), own)

    average.save(tmp_path)
    other = WeightAverage(layer, decay=0.4)
    other.load(tmp_path)
    assert torch.equal(other.mean["weight"], average.mean["weight"])
    other.apply()
    assert torch.equal(layer.weight.detach(), average.mean["weight"])


def test_small_changes_of_half_precision_add_up():
    layer = nn.Linear(1, 1, bias=False, dtype=torch.bfloat16)
    nn.init.ones_(layer.weight)
    average = WeightAverage(layer, decay=0.999)
    nn.init.constant_(layer.weight, 1.0078125)  # the next number of that precision
    for step in range(10_000, 10_400):
        average.update(step)
    assert average.mean["weight"].item() == pytest.approx(1.0078125 - 0.0078125 * 0.999**400, abs=1e-5)
