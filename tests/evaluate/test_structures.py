"""Asked by structure: the same measures on the rows that hold two structures, and retrieval with a third kind."""

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import MissingColumnError, NothingFoundError
from protrek_hm.evaluate import EvaluateConfig, evaluate
from protrek_hm.evaluate.report.write import report
from protrek_hm.evaluate.table import result_table

CONFIG = EvaluateConfig(resamples=100, structures=True)
HARD = pl.DataFrame(
    {
        "anchor_text": ["d", "v", "p", "g"],
        "anchor_seq": ["MD", "MV", "MP", "MG"],
        "hard_neg_seq": ["MV", "MD", "MG", "MP"],
        "hard_neg_text": ["v", "d", "g", "p"],
        "anchor_structure": ["ddv", "dvv", "pgg", None],
        "hard_neg_structure": ["dvv", "ddv", "ppg", "pgg"],
        "component": [0, 0, 1, 1],
    }
)


class Letters:
    """Counts d, v, p and g in whatever it reads."""

    tasks = ("text", "sequence", "structure")

    def __init__(self, weight=1.0):
        self.weight = weight

    def encode(self, inputs, *, task, batch_size, show_progress_bar):
        assert task in self.tasks
        counts = np.array([[each.lower().count(letter) for letter in "dvpg"] for each in inputs], dtype=float)
        return counts * [1, self.weight, 1, 1] + 1e-3


@pytest.fixture(scope="module")
def result():
    return evaluate({"letters": Letters(), "blind": Letters(0.0)}, HARD, HARD.head(2), CONFIG)


def test_accuracies_by_hand(result):
    found = result.models[0].estimates
    assert found["hard_text_to_protein"].value == 1.0
    # "d" prefers ddv, "v" dvv; "p" prefers ppg to its own pgg; the last row has no structure of its own
    assert found["hard_text_to_structure"].value == pytest.approx(2 / 3)
    assert (found["hard_text_to_structure"].n, found["hard_text_to_structure"].groups) == (3, 2)
    # ddv prefers "d" to "v"; dvv "v"; pgg prefers "g" to its own "p"
    assert found["hard_structure_to_text"].value == pytest.approx(2 / 3)
    assert found["easy_text_to_structure"].value == 1.0
    assert set(result.differences) >= {"hard_text_to_structure", "easy_text_to_structure"}
    assert result.differences["hard_text_to_structure"].value < 0
    assert "hard_text_to_structure" in result.significance


def test_sequences_are_measured_as_without(result):
    without = evaluate({"letters": Letters(), "blind": Letters(0.0)}, HARD, HARD.head(2), EvaluateConfig(resamples=100))
    for asked, plain in zip(result.models, without.models, strict=True):
        assert {key: asked.estimates[key] for key in plain.estimates} == plain.estimates
        assert not any("structure" in key for key in plain.estimates)
        assert {key for key in asked.retrieval if "structure" not in key} == set(plain.retrieval)


def test_retrieval_in_every_direction(result):
    found = result.models[0].retrieval
    assert set(found) == {f"{a}_to_{b}" for a in Letters.tasks for b in Letters.tasks if a != b}, (
        "text, sequence, structure"
    )
    # Of the pool ddv, dvv, pgg, ppg: "d" finds ddv first, "v" dvv, "p" ppg before pgg; "g", a twin's text, pgg
    assert found["text_to_structure"].estimates["recall@1"].value == pytest.approx(2 / 3)


def test_they_stand_in_report_and_table(result):
    content = report(result, provenance={})
    assert content["models"]["letters"]["measures"]["hard_text_to_structure"]["value"] == pytest.approx(2 / 3)
    heads = [str(column.header) for column in result_table(result).columns]
    assert any("text → structure" in head for head in heads)


def test_equal_structures_are_ties():
    same = HARD.with_columns(hard_neg_structure=pl.col("anchor_structure"))
    result = evaluate({"letters": Letters()}, same, None, CONFIG)
    assert result.models[0].estimates["hard_text_to_structure"].value == 0.5
    assert any("text → structure: 3 of 3 cases are ties" in caveat for caveat in result.caveats)


def test_without_structures_there_is_nothing_to_ask():
    with pytest.raises(MissingColumnError, match="hard triplets: no column 'anchor_structure'.*data structure"):
        evaluate({"letters": Letters()}, HARD.drop("anchor_structure"), None, CONFIG)
    with pytest.raises(NothingFoundError, match="no row with structures"):
        evaluate({"letters": Letters()}, HARD.tail(1), None, CONFIG)
