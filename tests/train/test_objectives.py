"""Which pairs are negatives, and what the parts of the loss are, against loops over the table."""

import numpy as np
import polars as pl
import pytest
import torch
from torch.nn.functional import normalize

from protrek_hm.errors import OptionError
from protrek_hm.train import TrainConfig
from protrek_hm.train.examples import read_examples
from protrek_hm.train.losses import contrastive_loss, distillation_loss, soft_triplet_loss, triplet_loss
from protrek_hm.train.objectives import Objective, check_negatives

ROWS = [  # text, protein, twin, twin's text, kind
    ("Binds heme.", "MA", "MB", "Cuts.", "1"),
    ("binds\u00a0 HEME", "MC", "MD", "Folds.", "2"),
    ("Cuts.", "MB", "MA", "Binds heme.", "1"),
    ("Cuts.", "MA", "MC", "Binds heme.", None),
    ("Folds.", "MD", "MC", "binds\u00a0 HEME", None),
    ("Moves.", "ME", "MA", "Cuts.", "3"),
]
TABLE = pl.DataFrame(ROWS, schema=["anchor_text", "anchor_seq", "hard_neg_seq", "hard_neg_text", "ec"], orient="row")
ALL = ["text", "positive", "negative", "negative_text"]


def make(group=None, guide=None, base=None, **settings):
    examples = read_examples(TABLE, ALL, name="table", group=group)
    return Objective(examples, TrainConfig(**settings), temperature=0.1, guide=guide, base=base)


def some_vectors(rows, seed=0):
    return {
        role: normalize(torch.randn(len(rows), 4, generator=torch.manual_seed(seed + i)), dim=1)
        for i, role in enumerate(ALL)
    }


def fold(text):
    return " ".join(text.lower().rstrip(".").split())


def known(i, j):
    pairs = [pair for text, protein, twin, twin_text, _ in ROWS for pair in ((text, protein), (twin_text, twin))]
    return any(fold(text) == fold(ROWS[i][0]) and protein == ROWS[j][1] for text, protein in pairs)


def test_pairs_of_the_table_are_never_negatives():
    rows = np.array([5, 0, 3, 2, 1])  # the row that says that "Cuts." is MB's is among them, others are not
    mask = make()._may_be_pairs(rows)
    assert mask.tolist() == [[known(i, j) for j in rows] for i in rows]
    grouped = make(group="ec")._may_be_pairs(rows)
    same = [[known(i, j) or (ROWS[i][4] == ROWS[j][4] and ROWS[i][4] is not None) for j in rows] for i in rows]
    assert grouped.tolist() == same


@pytest.mark.parametrize("needed", [ALL[:2], ALL])
def test_pairs_that_only_a_twin_states_are_never_negatives(needed):
    table = pl.DataFrame(
        [
            ("Binds heme.", "MA", "MC", " cuts "),  # MC cuts, and so may MD
            ("Cuts.", "MD", "MX", "Is not read."),
            ("Folds.", "MC", "MA", None),
        ],
        schema=["anchor_text", "anchor_seq", "hard_neg_seq", "hard_neg_text"],
        orient="row",
    )
    table = table.with_columns(pl.col("hard_neg_text").fill_null("Moves."))
    examples = read_examples(table, needed, name="table")
    mask = Objective(examples, TrainConfig(objective="contrastive"), temperature=0.1)._may_be_pairs(np.arange(3))
    assert mask.tolist() == [[True, False, False], [False, True, True], [False, False, True]]


@pytest.mark.parametrize(
    ("rows", "settings"),
    [
        ([("a", "MA")], {}),
        ([("a", "MA"), ("b", "MA")], {}),
        ([("A.", "MA"), ("a", "MB")], {"false_negatives": "keep"}),
        ([("a", "MA"), (None, "MB"), (None, "MC")], {"mlm": 0.5}),
        ([("a", "MA"), ("b", "MB")], {"group": "ec"}),
    ],
)
def test_a_table_without_negatives_is_refused(rows, settings):
    table = pl.DataFrame(rows, schema=["anchor_text", "anchor_seq"], orient="row").with_columns(ec=pl.lit("1"))
    config = TrainConfig(objective="contrastive", **settings)
    examples = read_examples(table, ["positive"], name="table", optional=["text"], group=config.group)
    with pytest.raises(OptionError, match="objective = 'contrastive': needs two rows or more, of different texts"):
        check_negatives(examples, config)
    more = pl.concat([table, table.with_columns(anchor_text=pl.lit("c"), anchor_seq=pl.lit("MX"), ec=pl.lit("2"))])
    examples = read_examples(more, ["positive"], name="table", optional=["text"], group=config.group)
    check_negatives(examples, config)


def test_a_guide_has_an_opinion():
    rows = np.arange(6)
    examples = read_examples(TABLE, ALL, name="table")
    rng = np.random.default_rng(1)
    vectors = {task: rng.normal(size=(len(inputs), 3)) for task, inputs in examples.inputs.items()}
    mask = make(guide=vectors)._may_be_pairs(rows)
    for i in rows:
        for j in rows:
            text, mine, theirs, other = (
                vectors[task][examples.inputs[task].index(value)]
                for task, value in (
                    ("text", ROWS[i][0]), ("sequence", ROWS[i][1]), ("sequence", ROWS[j][1]), ("text", ROWS[j][0])
                )
            )  # fmt: skip
            near = any(text @ theirs >= own - 0.05 * abs(own) for own in (text @ mine, other @ theirs))
            assert mask[i, j] == (known(i, j) or near)


def test_parts_of_the_balance():
    rows = torch.tensor([0, 1, 4, 5])
    vectors = some_vectors(rows)
    examples = read_examples(TABLE, ALL, name="table")
    rng = np.random.default_rng(2)
    base = {task: normalize(torch.from_numpy(rng.normal(size=(len(inputs), 3))), dim=1).float().numpy()
            for task, inputs in examples.inputs.items()}  # fmt: skip
    objective = make(base=base, contrastive_weight=0.5, twin_weight=2.0, distillation_weight=3.0)
    parts = objective(vectors, rows)
    text, protein, twin, twin_text = (vectors[role] for role in ALL)
    ignored = torch.tensor([[known(i, j) for j in rows] for i in rows])
    assert parts["contrastive"] == pytest.approx(
        0.5 * contrastive_loss(text, protein, temperature=0.1, ignored=ignored).item()
    )
    ways = [soft_triplet_loss(*each, temperature=0.1) for each in ((text, protein, twin), (protein, text, twin_text))]
    assert parts["twin"].item() == pytest.approx(sum(ways).item())
    twins = {(fold(mine), other) for mine, _, other, *_ in ROWS}
    free = torch.tensor([[i != j and (fold(ROWS[i][0]), ROWS[j][1]) in twins for j in rows] for i in rows])
    assert free.any()
    scores = [
        [
            float(
                base["text"][examples.inputs["text"].index(ROWS[i][0])]
                @ base["sequence"][examples.inputs["sequence"].index(ROWS[j][1])]
            )
            for j in rows
        ]
        for i in rows
    ]
    expected = distillation_loss(text @ protein.T, torch.tensor(scores), temperature=0.1, ignored=free)
    assert parts["distillation"].item() == pytest.approx(3 * expected.item())


def test_single_objectives():
    rows = torch.arange(6)
    vectors = some_vectors(rows)
    text, protein, twin, twin_text = (vectors[role] for role in ALL)
    assert make(objective="triplet", margin=0.4)(vectors, rows)["triplet"] == triplet_loss(
        text, protein, twin, margin=0.4
    )
    both = make(objective="twin", twin_shape="margin", margin=0.4)(vectors, rows)["twin"]
    ways = triplet_loss(text, protein, twin, margin=0.4) + triplet_loss(protein, text, twin_text, margin=0.4)
    assert both.item() == pytest.approx(ways.item() / 2)
    kept = make(objective="contrastive", false_negatives="keep")(vectors, rows)["contrastive"]
    assert kept == contrastive_loss(text, protein, temperature=0.1)


def test_proteins_without_text_and_with_structure():
    table = pl.DataFrame(
        {
            "anchor_text": ["a", None, "b", "c"],
            "anchor_seq": ["MA", "MB", "MC", "MD"],
            "anchor_structure": ["d", "v", None, "p"],
        }
    )
    examples = read_examples(table, ["positive"], name="table", optional=["text", "structure"])
    objective = Objective(examples, TrainConfig(objective="contrastive"), temperature=0.1)
    rows = torch.arange(4)
    vectors = {role: normalize(torch.randn(4, 3, generator=torch.manual_seed(i)), dim=1)
               for i, role in enumerate(("text", "positive", "structure"))}  # fmt: skip
    parts = objective(vectors, rows)

    def pairs(one, other, chosen):
        return contrastive_loss(vectors[one][chosen], vectors[other][chosen], temperature=0.1).item()

    assert parts["contrastive"].item() == pytest.approx(pairs("text", "positive", [0, 2, 3]))
    assert parts["contrastive text-structure"].item() == pytest.approx(pairs("text", "structure", [0, 3]))
    assert parts["contrastive sequence-structure"].item() == pytest.approx(pairs("positive", "structure", [0, 1, 3]))
    assert objective({role: each[:1] for role, each in vectors.items()}, rows[:1]) == {}, "one row is no choice"


def test_the_temperature_learns():
    objective = make(objective="contrastive", learn_temperature=True)
    assert objective.temperature == pytest.approx(0.1)
    rows = torch.arange(6)
    sum(objective(some_vectors(rows), rows).values()).backward()
    assert objective.log_temperature.grad.abs() > 0
    assert not make().log_temperature.requires_grad
