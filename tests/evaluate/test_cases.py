"""Cases against what a loop over the rows finds, and clear errors for tables that cannot be scored."""

import polars as pl
import pytest

from protrek_hm.evaluate.cases import make_cases, make_pool, other_texts


def test_positions_lead_back_to_the_table(hard, easy):
    pool = make_pool([hard, easy])
    assert len(set(pool.texts)) == len(pool.texts)
    assert len(set(pool.sequences)) == len(pool.sequences)
    for frame in (hard, easy):
        cases = make_cases(frame, pool)
        for row, record in enumerate(frame.iter_rows(named=True)):
            assert pool.texts[cases.text[row]] == record["anchor_text"]
            assert pool.texts[cases.other_text[row]] == record["hard_neg_text"]
            assert pool.sequences[cases.positive[row]] == record["anchor_seq"]
            assert pool.sequences[cases.negative[row]] == record["hard_neg_seq"]


def test_each_pair_is_new_once(hard):
    cases = make_cases(hard, make_pool([hard]))
    assert cases.new_pair.sum() == len({frozenset(pair) for pair in hard.select("anchor_seq", "hard_neg_seq").rows()})


@pytest.mark.parametrize("other", [None, "", "A kinase."])
def test_a_text_that_is_missing_or_the_same_is_unknown(other):
    frame = pl.DataFrame(
        {
            "anchor_seq": ["MK"],
            "anchor_text": ["A kinase."],
            "hard_neg_seq": ["MR"],
            "hard_neg_text": [other],
        },
        schema_overrides={"hard_neg_text": pl.String},
    )
    assert make_cases(frame, make_pool([frame])).other_text.tolist() == [-1]


def test_no_column_of_other_texts(hard):
    assert other_texts(hard.drop("hard_neg_text")) == [None] * hard.height
