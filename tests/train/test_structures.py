"""Structures learned beside sequences: which rows count, the parts of the loss by hand, a run that learns them."""

import numpy as np
import polars as pl
import pytest
import torch
from torch.nn.functional import normalize

from protrek_hm.errors import MissingColumnError, ModelError, NothingFoundError
from protrek_hm.train import TrainConfig, fine_tune
from protrek_hm.train.examples import read_examples
from protrek_hm.train.losses import contrastive_loss, distillation_loss, soft_triplet_loss, triplet_loss
from protrek_hm.train.objectives import Objective
from protrek_hm.train.validation import Validation

ROLES = ("text", "positive", "negative", "negative_text", "structure", "negative_structure")
TABLE = pl.DataFrame(
    {
        "anchor_text": ["a", "b", "c", "e"],
        "anchor_seq": ["MA", "MB", "MC", "ME"],
        "hard_neg_seq": ["MB", "MA", "MD", "MA"],
        "hard_neg_text": ["b", "a", "d", "a"],
        "anchor_structure": ["dv", "dp", None, "pp"],
        "hard_neg_structure": ["dp", "dv", "vv", "pp"],
    }
)
ROWS = torch.arange(4)
UNLIKE = [0, 1]
"""The rows with two structures that differ; the last one's are the same."""
TOLD = [0, 1, 3]


@pytest.fixture(scope="module")
def vectors():
    return {role: normalize(torch.randn(4, 3, generator=torch.manual_seed(i)), dim=1) for i, role in enumerate(ROLES)}


def objective(config, table=TABLE, base=None):
    needed = ROLES[:2] if config.objective == "contrastive" else ROLES[:4]
    return Objective(read_examples(table, needed, name="table", optional=ROLES[4:]), config, temperature=0.1, base=base)


def test_triplets(vectors):
    parts = objective(TrainConfig(objective="triplet", structures=True))(vectors, ROWS)
    text, own, other = (vectors[role][UNLIKE] for role in ("text", "structure", "negative_structure"))
    assert parts["triplet structure"].item() == pytest.approx(triplet_loss(text, own, other).item())
    sequences = (vectors[role] for role in ("text", "positive", "negative"))
    assert parts["triplet"].item() == pytest.approx(triplet_loss(*sequences).item())
    last = {role: each[3:] for role, each in vectors.items()}
    assert list(objective(TrainConfig(objective="triplet"))(last, ROWS[3:])) == ["triplet"], "equal structures"


def test_twins_and_the_balance(vectors):
    named = ("text", "structure", "negative_structure", "negative_text")
    text, own, other, other_text = (vectors[role][UNLIKE] for role in named)
    options = {"temperature": 0.1}
    expected = (
        soft_triplet_loss(text, own, other, **options) + soft_triplet_loss(own, text, other_text, **options)
    ) / 2
    parts = objective(TrainConfig(objective="twin", structures=True))(vectors, ROWS)
    assert parts["twin structure"].item() == pytest.approx(expected.item())

    made = read_examples(TABLE, ROLES[:4], name="table", optional=ROLES[4:])
    rng = np.random.default_rng(0)
    base = {task: rng.normal(size=(len(inputs), 3)).astype(np.float32) for task, inputs in made.inputs.items()}
    weights = {"contrastive_weight": 0.5, "twin_weight": 2.0, "distillation_weight": 3.0}
    parts = objective(TrainConfig(structures=True, **weights), base=base)(vectors, ROWS)
    assert parts["twin structure"].item() == pytest.approx(2 * expected.item())
    assert {"contrastive", "contrastive text-structure", "distillation", "distillation structure"} <= parts.keys()
    texts = base["text"][made.roles["text"][TOLD]]
    structures = base["structure"][made.roles["structure"][TOLD]]
    twins = [[False, True, False], [True, False, False], [True, False, False]]  # a-MB, b-MA, e-MA
    distilled = distillation_loss(
        vectors["text"][TOLD] @ vectors["structure"][TOLD].T,
        torch.from_numpy(texts @ structures.T),
        temperature=0.1,
        ignored=torch.tensor(twins),
    )
    assert parts["distillation structure"].item() == pytest.approx(3 * distilled.item(), rel=1e-5)


def test_the_same_structure_is_no_negative(vectors):
    table = TABLE.with_columns(anchor_structure=pl.Series(["dv", "dv", None, "pp"]))
    parts = objective(TrainConfig(objective="contrastive", structures=True), table)(vectors, ROWS)
    same = torch.tensor([[False, True, False], [True, False, False], [False, False, False]])
    expected = contrastive_loss(vectors["text"][TOLD], vectors["structure"][TOLD], temperature=0.1, ignored=same)
    assert parts["contrastive text-structure"].item() == pytest.approx(expected.item())


class Letters:
    """A model that counts letters."""

    def encode(self, inputs, *, task, **_options):
        alphabet = {"text": "abcde", "sequence": "ABCDE", "structure": "dvpgh"}[task]
        counts = np.array([[each.count(letter) for letter in alphabet] for each in inputs], dtype=float)
        return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1)


def test_validation_counts_the_choices_between_structures():
    options = {"margin": 0.2, "tolerance": 0.0, "batch_size": 4, "seed": 0}
    assert Validation(TABLE, **options)(Letters())["hard_accuracy"] == 1.0, "every protein holds its text's letter"
    # Text "a" is d, "b" is v. Row 1: d is in dv and in dp, a tie; dv holds a's d and b's v, a tie.
    # Row 2: v is in dv, not in dp: wrong; dp holds a's d, not b's v: wrong. The other rows' structures do not count.
    rows = [(1 + 1 + 0.5 + 0.5) / 4, (1 + 1 + 0 + 0) / 4, 1, 1]
    measured = Validation(TABLE, **options, structures=True)(Letters())
    assert measured["hard_accuracy"] == pytest.approx(np.mean(rows))


def test_a_run_learns_structures_that_stand_alone(triplets, tmp_path):
    """Sequences that say nothing: what is learned comes from the structures."""
    from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

    letters = {"K": "dvpdv", "H": "vvppd", "W": "ppdvv"}
    site = pl.col("anchor_seq").str.slice(-3, 1).replace_strict(letters)
    twin = pl.col("hard_neg_seq").str.slice(-3, 1).replace_strict(letters)
    table = triplets.with_columns(anchor_structure=site, hard_neg_structure=twin)
    tower = TowerConfig(layers=1, hidden=16, heads=2, max_tokens=20)
    config = ModelConfig(sequence=tower, text=tower, structure=tower, dimension=8, vocabulary=100)
    model = ProTrek.build(config, texts=table["anchor_text"].to_list(), device="cpu")
    settings = TrainConfig(objective="triplet", structures=True, epochs=8, learning_rate=5e-3, batch_size=8)
    run = fine_tune(model, table, settings, tmp_path / "run")
    texts = table["anchor_text"].unique().sort().to_list()
    own = [letters[{"B": "K", "C": "H", "R": "W"}[text[0]]] for text in texts]
    scores = run.model.encode(texts, task="text") @ run.model.encode(own, task="structure").T
    assert scores.argmax(axis=1).tolist() == [0, 1, 2]


def test_what_is_missing_is_told(base, triplets, tmp_path):
    settings = TrainConfig(objective="triplet", structures=True, epochs=1)
    with pytest.raises(MissingColumnError, match="no column 'anchor_structure'.*protrek-hm data structure"):
        fine_tune(base, triplets, settings, tmp_path / "run")
    empty = triplets.with_columns(anchor_structure=pl.lit("dv"), hard_neg_structure=pl.lit(None, pl.String))
    with pytest.raises(NothingFoundError, match="no row with structures"):
        fine_tune(base, empty, settings, tmp_path / "run")
    table = triplets.with_columns(anchor_structure=pl.lit("dv"), hard_neg_structure=pl.lit("dp"))
    with pytest.raises(ModelError, match="the model has no route 'structure'"):
        fine_tune(base, table, settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()
