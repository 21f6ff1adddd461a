"""Merged weights against the formula, and models that do not belong together."""

import pytest
import torch

from protrek_hm.errors import ModelError, OptionError
from protrek_hm.merge import average_models, merge_models
from protrek_hm.model import ModelConfig, ProTrek, TowerConfig


def test_the_ends_are_the_models_to_the_bit(base, tuned):
    for alpha, expected in ((0, base), (1, tuned)):
        merged = merge_models(base, tuned, alpha=alpha)
        assert merged.fingerprint() == expected.fingerprint()
        assert merged.temperature == expected.temperature
        vectors = [model.encode(["MGSKLA"], task="sequence") for model in (merged, expected)]
        assert abs(vectors[0] - vectors[1]).max() < 1e-6  # products differ by how memory is aligned
    assert base.fingerprint() != tuned.fingerprint()


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.9])
def test_between_by_the_formula(base, tuned, alpha):
    before = base.fingerprint(), tuned.fingerprint()
    merged = merge_models(base, tuned, alpha=alpha)
    for name, weight in merged.state_dict().items():
        ours, theirs = base.state_dict()[name], tuned.state_dict()[name]
        torch.testing.assert_close(weight, (1 - alpha) * ours + alpha * theirs, rtol=0, atol=1e-6)
        if "structure" in name:
            assert torch.equal(weight, ours), "what is common stays to the bit"
    assert merged.temperature == pytest.approx((1 - alpha) * 0.07 + alpha * 0.03)
    assert (base.fingerprint(), tuned.fingerprint()) == before


def test_several_models_are_averaged(load, base):
    several = [load(noise=0.1, seed=seed, temperature=0.01 * seed) for seed in (1, 2, 3)]
    mean = average_models(several)
    for name, weight in mean.state_dict().items():
        torch.testing.assert_close(weight, sum(each.state_dict()[name] for each in several) / 3, rtol=0, atol=1e-6)
    assert mean.temperature == pytest.approx(0.02)
    merged = merge_models(base, several, alpha=0.25)
    assert merged.fingerprint() == merge_models(base, mean, alpha=0.25).fingerprint()
    assert average_models(several[:1]).fingerprint() == several[0].fingerprint()


def test_half_precision_is_merged_in_single(base, tuned, load):
    merged = merge_models(base, load(noise=0.2, seed=1).bfloat16(), alpha=0.5)
    assert merged.dtype == torch.float32
    halves = [each.bfloat16() for each in (load(), load(noise=0.2, seed=1))]
    merged = merge_models(*halves, alpha=0.3)
    assert merged.dtype == torch.bfloat16
    name = "0.sub_modules.text.2.linear.weight"
    ours, theirs = (each.state_dict()[name].float() for each in halves)
    assert torch.equal(merged.state_dict()[name], (ours + 0.3 * (theirs - ours)).bfloat16())


def test_models_that_do_not_belong_together(base, tuned):
    texts = ["Binds potassium.", "Carries heme.", "Recognises tryptophan."]
    shape = {"layers": 1, "hidden": 16, "heads": 2, "max_tokens": 20}
    tower = TowerConfig(**shape)

    def other(texts=texts, **changes):
        settings = {"sequence": tower, "text": tower, "structure": tower, "dimension": 8, "vocabulary": 100}
        return ProTrek.build(ModelConfig(**settings | changes), texts=texts, device="cpu")

    for problem, model in (
        ("towers: text, sequence against text, sequence, structure", other(structure=None)),
        ("the sequence tower's num_attention_heads: 4 against 2", other(sequence=TowerConfig(**shape | {"heads": 4}))),
        ("the sequence tower's num_hidden_layers: 2 against 1", other(sequence=TowerConfig(**shape | {"layers": 2}))),
        (r"differs in the shape of .*linear.bias: \(4,\) against \(8,\)", other(dimension=4)),
        ("the tuned model has another tokenizer for text", other(texts=["Breaks down penicillins."])),
    ):
        with pytest.raises(ModelError, match=problem) as caught:
            merge_models(base, model, alpha=0.5)
        assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="tuned model 2 differs"):
        merge_models(base, [tuned, other(dimension=4)], alpha=0.5)
    with pytest.raises(ModelError, match="no model"):
        merge_models(base, [], alpha=0.5)


@pytest.mark.parametrize("alpha", [-0.1, 1.01, float("nan")])
def test_alpha_lies_between(base, tuned, alpha):
    with pytest.raises(OptionError, match="alpha"):
        merge_models(base, tuned, alpha=alpha)
