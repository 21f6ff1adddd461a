"""Which weights move and at which rate, against a table written out by hand, and against a step."""

import pytest
import torch
from torch import nn

from protrek_hm.errors import OptionError
from protrek_hm.model import ModelConfig, ProTrek, TowerConfig
from protrek_hm.train.config import Tuning
from protrek_hm.train.parameters import WeightAverage, parameter_groups, trainable_parameters

TEXTS = ["Binds potassium.", "Carries heme."]
PAIR = ("text", "sequence")
TOWER = "0.sub_modules.{}.".format


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    shape = {"hidden": 16, "heads": 2, "max_tokens": 20}
    text, protein = TowerConfig(layers=2, **shape), TowerConfig(layers=3, **shape)
    config = ModelConfig(sequence=protein, text=text, structure=text, dimension=8, vocabulary=100)
    folder = tmp_path_factory.mktemp("models") / "three"
    ProTrek.build(config, texts=TEXTS, device="cpu").save_pretrained(str(folder))
    return folder


@pytest.fixture
def model(saved):
    return ProTrek.from_pretrained(saved, device="cpu")


def vectors(model):
    both = [
        model.encode(inputs, task=task, convert_to_tensor=True)
        for task, inputs in (("text", TEXTS), ("sequence", ["MKTAY", "MHWLA"]), ("structure", ["dvpqd", "ddvvl"]))
    ]
    return torch.cat(both)


def steps(model, config, count=2):
    """Take steps on a made-up loss of all towers, as a trainer would; return the model's weights before them."""
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    optimizer = torch.optim.AdamW(parameter_groups(model, config))
    for _ in range(count):
        loss = torch.tensor(0.0)
        for task, text in (("text", TEXTS), ("sequence", ["MKTAY", "MHWLA"]), ("structure", ["dvpqd", "ddvvl"])):
            features = model.preprocess(text, task=task)
            found = model(features)["sentence_embedding"]
            loss = loss + (found[:, 0] - found[:, 1]).square().mean() + found[0] @ found[1]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return before


def moved(model, before):
    return {name for name, weight in model.state_dict().items() if not torch.equal(weight, before[name])}


def rates(model, config):
    """Return the rate and the decay of each parameter by its name."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in parameter_groups(model, config)
        for parameter in group["params"]
    }


def test_rates_by_hand(model):
    config = Tuning(learning_rate=1.0, lr_text=2.0, layer_decay=0.5, weight_decay=0.1)
    with trainable_parameters(model, config, tasks=PAIR, seed=0):
        found = rates(model, config)
    expected = {}
    for task, peak, layers in (("text", 2.0, 2), ("sequence", 1.0, 3)):
        for name, weight in model.routes[task].named_parameters():
            if "contact_head" in name:
                continue
            # powers of a half, counted from the projection: 0, then the blocks from the last, the embeddings last
            powers = {"2.linear": 0, "emb_layer_norm_after": 1, "embeddings": layers + 1}
            powers |= {f"layer.{block}.": layers - block for block in range(layers)}
            power = next(power for part, power in powers.items() if part in name)
            plain = "norm" in name.lower() or name.endswith("bias")
            assert plain == (weight.ndim == 1)
            expected[TOWER(task) + name] = (peak * 0.5**power, 0.0 if plain else 0.1)
    assert found == expected
    assert found["0.sub_modules.sequence.0.model.encoder.layer.1.output.dense.weight"] == (0.25, 0.1)


def test_every_parameter_is_in_one_group_the_fastest_first(model):
    config = Tuning(layer_decay=0.7)
    with trainable_parameters(model, config, tasks=model.tasks, seed=0):
        groups = parameter_groups(model, config)
        learning = [id(weight) for weight in model.parameters() if weight.requires_grad]
    assert sorted(id(weight) for group in groups for weight in group["params"]) == sorted(learning)
    assert [group["lr"] for group in groups] == sorted((group["lr"] for group in groups), reverse=True)
    assert groups[0]["lr"] == config.learning_rate
    assert len({group["name"] for group in groups}) == len(groups)


HEADS = {TOWER(task) + f"2.linear.{kind}" for task in PAIR for kind in ("weight", "bias")}


@pytest.mark.parametrize(
    ("tune", "parts"),
    [
        ("heads", ["2.linear"]),
        ("last:1", ["text.0.model.encoder.layer.1.", "sequence.0.model.encoder.layer.2.", "norm_after", "2.linear"]),
        ("last:2", ["text.0.model.encoder.layer.", "sequence.0.model.encoder.layer.1.",
                    "sequence.0.model.encoder.layer.2.", "norm_after", "2.linear"]),
        ("last:9", ["encoder.layer.", "norm_after", "2.linear"]),
        ("full", [".embeddings.", "encoder.layer.", "norm_after", "2.linear"]),
    ],
)  # fmt: skip
def test_what_a_step_moves(model, tune, parts):
    config = Tuning(tune=tune, learning_rate=1e-2)
    with trainable_parameters(model, config, tasks=PAIR, seed=0):
        before = steps(model, config)
    allowed = {name for name in before if any(part in name for part in parts) and "structure" not in name}
    found = moved(model, before)
    assert found <= allowed
    # softmax sees differences only, so that the keys' biases have no gradient but noise
    assert {name for name in allowed - found if not name.endswith("key.bias")} == set()
    assert found >= HEADS
    assert all(weight.requires_grad for weight in model.parameters()), "as it was before"


def test_the_structure_tower_stays_to_the_bit(model):
    config = Tuning(learning_rate=0.1, weight_decay=0.5)
    with trainable_parameters(model, config, tasks=PAIR, seed=0):
        before = steps(model, config)
    structure = model.routes["structure"].state_dict()
    assert all(torch.equal(weight, before[TOWER("structure") + name]) for name, weight in structure.items())
    with trainable_parameters(model, config, tasks=model.tasks, seed=0):  # with structures it learns
        before = steps(model, config)
    assert any("structure" in name for name in moved(model, before))


def test_a_rate_of_0_keeps_a_tower(model):
    for tune in ("full", "lora"):
        config = Tuning(tune=tune, learning_rate=1e-2, lr_text=0)
        with trainable_parameters(model, config, tasks=PAIR, seed=0):
            assert all("sequence" in group["name"] for group in parameter_groups(model, config))
    config = Tuning(lr_text=0, lr_sequence=0)
    with (
        pytest.raises(OptionError, match="nothing would learn"),
        trainable_parameters(model, config, tasks=PAIR, seed=0),
    ):
        pass
    assert all(weight.requires_grad for weight in model.parameters())


def test_adapters_start_as_nothing_and_end_in_the_weights(model, saved, tmp_path):
    before, names = vectors(model), set(model.state_dict())
    fingerprint = model.fingerprint()
    config = Tuning(tune="lora", learning_rate=1e-2, lora_rank=4)
    with trainable_parameters(model, config, tasks=PAIR, seed=0):
        torch.testing.assert_close(vectors(model), before, rtol=0, atol=0)
        adapters = {name for name, weight in model.named_parameters() if weight.requires_grad} - HEADS
        # 6 matrices a block, 2 factors each
        assert len(adapters) == 2 * 6 * (2 + 3)
        assert all(".lora_" in name for name in adapters)
        steps(model, config)
        tuned = vectors(model)
    assert (tuned - before).abs().max() > 1e-3
    torch.testing.assert_close(vectors(model), tuned, rtol=0, atol=1e-6)
    assert set(model.state_dict()) == names, "a plain model"
    assert model.fingerprint() != fingerprint
    model.save_pretrained(str(tmp_path / "tuned"))
    loaded = ProTrek.from_pretrained(tmp_path / "tuned", device="cpu")
    assert loaded.fingerprint() == model.fingerprint()
    assert type(loaded.routes["text"][0].model) is type(model.routes["text"][0].model)
    moved_blocks = moved(model, ProTrek.from_pretrained(saved, device="cpu").state_dict()) - HEADS
    assert all(".encoder.layer." in name and name.endswith("weight") for name in moved_blocks)


def test_adapters_of_the_same_seed_are_the_same(saved):
    torch.manual_seed(1)
    found = []
    for seed in (3, 3, 4):
        model = ProTrek.from_pretrained(saved, device="cpu")
        state = torch.get_rng_state()
        with trainable_parameters(model, Tuning(tune="lora"), tasks=PAIR, seed=seed):
            found.append([w.detach().clone() for n, w in model.named_parameters() if ".lora_A." in n])
        assert torch.equal(state, torch.get_rng_state()), "the rest of the run draws what it always did"
    same, again, other = ([weight.flatten() for weight in each] for each in found)
    assert torch.equal(torch.cat(same), torch.cat(again))
    assert not torch.equal(torch.cat(same), torch.cat(other))


def test_an_adapter_by_hand(model):
    """The merged matrix is W + alpha ÷ rank · B A."""
    name = "0.sub_modules.sequence.0.model.encoder.layer.1.intermediate.dense"
    before = model.get_submodule(name).weight.detach().clone()
    config = Tuning(tune="lora", lora_rank=2, lora_alpha=6)
    with trainable_parameters(model, config, tasks=PAIR, seed=0):
        layer = model.get_submodule(name)
        torch.nn.init.normal_(layer.lora_B["default"].weight)
        factors = [each["default"].weight.detach().clone() for each in (layer.lora_B, layer.lora_A)]
    expected = before + 3.0 * factors[0] @ factors[1]
    torch.testing.assert_close(model.get_submodule(name).weight.detach(), expected)


def test_an_error_leaves_a_plain_model(model):
    names = set(model.state_dict())
    with pytest.raises(KeyboardInterrupt), trainable_parameters(model, Tuning(tune="lora"), tasks=PAIR, seed=0):
        raise KeyboardInterrupt
    assert set(model.state_dict()) == names


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
