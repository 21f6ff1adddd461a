"""Tables as training reads them, against the tables read row by row."""

import polars as pl
import pytest

from protrek_hm.errors import MissingColumnError, ModelError, NothingFoundError, RecordError
from protrek_hm.train.examples import ABSENT, ROLES, check_routes, read_examples


def test_each_row_finds_its_inputs(triplets):
    examples = read_examples(triplets, ["text", "positive", "negative"], name="table")
    assert len(examples) == triplets.height
    for role in ("text", "positive", "negative"):
        task, column = ROLES[role]
        assert [examples.inputs[task][number] for number in examples.roles[role]] == triplets[column].to_list()
    assert len(examples.inputs["text"]) == 3
    assert all(len({*inputs}) == len(inputs) for inputs in examples.inputs.values())


def test_proteins_some_without_text_or_group():
    proteins = pl.DataFrame(
        {"id": ["P1", None, "P3"], "sequence": ["MK", "ML", "MK"], "text": ["a", None, "b"], "ec": ["1", None, "1"]}
    )
    examples = read_examples(proteins, ["positive"], name="proteins", optional=["text", "structure"], group="ec")
    assert examples.roles["text"].tolist() == [0, ABSENT, 1]
    assert examples.names == ["P1", "row 2", "P3"]
    assert examples.groups.tolist() == [1, ABSENT, 1]
    assert "structure" not in examples.inputs


def test_bad_tables(triplets):
    roles = ["text", "positive", "negative"]
    with pytest.raises(MissingColumnError, match="table: no column 'hard_neg_seq'"):
        read_examples(triplets.drop("hard_neg_seq"), roles, name="table")
    with pytest.raises(MissingColumnError, match="no column 'family'"):
        read_examples(triplets, roles, name="table", group="family")
    with pytest.raises(NothingFoundError, match="table: no rows"):
        read_examples(triplets.clear(), roles, name="table")
    first = pl.int_range(pl.len()) == 1
    for bad, problem in (
        (triplets.with_columns(anchor_text=pl.when(~first).then("anchor_text")), "table:2: row 2: no anchor_text"),
        (triplets.with_columns(anchor_text=pl.when(first).then(pl.lit(" ")).otherwise("anchor_text")), "no anchor_t"),
        (triplets.with_columns(hard_neg_seq="anchor_seq"), "table:1: row 1: .* are the same protein"),
    ):
        with pytest.raises(RecordError, match=problem):
            read_examples(bad, roles, name="table")


def test_a_route_that_the_model_lacks():
    proteins = pl.DataFrame({"sequence": ["MK"], "text": ["a"], "structure": ["dv"]})
    examples = read_examples(proteins, ["text", "positive"], name="table", optional=["structure"])
    with pytest.raises(ModelError, match="the model has no route 'structure' .it has text, sequence"):
        check_routes(examples, ("text", "sequence"))
