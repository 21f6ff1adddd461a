"""Cases against what a loop over the rows finds, clear errors for tables that cannot be scored, and groups."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.evaluate.cases import Cases, independent_groups, make_cases, make_pool, other_texts


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


def groups_of(frame, kind="hard"):
    return independent_groups(frame, make_cases(frame, make_pool([frame])), kind)


def partition(labels):
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


def naive_partition(rows):
    """Merge rows that share an item until nothing changes."""
    groups = [({at}, set(items)) for at, items in enumerate(rows)]
    merged = True
    while merged:
        merged = False
        for first in range(len(groups)):
            for second in range(first + 1, len(groups)):
                if groups[first][1] & groups[second][1]:
                    groups[first] = (
                        groups[first][0] | groups[second][0],
                        groups[first][1] | groups[second][1],
                    )
                    del groups[second]
                    merged = True
                    break
            if merged:
                break
    return {frozenset(members) for members, _ in groups}


@given(st.lists(st.tuples(*[st.integers(0, 9)] * 4), min_size=1, max_size=12))
def test_linked_rows_equal_naive_merging(rows):
    text, positive, negative, other = np.array(rows).T
    cases = Cases(text, positive, negative, other, np.ones(len(rows), dtype=bool))
    spelled = [[f"text {text}", f" TEXT\u00a0{text}."] for text in range(10)]  # one text, whatever its spelling
    frame = pl.DataFrame(
        {
            "anchor_text": [spelled[each][row % 2] for row, each in enumerate(text)],
            "hard_neg_text": [spelled[each][row % 3 == 0] for row, each in enumerate(other)],
            "anchor_seq": [f"M{protein}" for protein in positive],
        }
    )
    labels = independent_groups(frame, cases, "hard").of_case
    named = [(f"t{a}", f"p{b}", f"p{c}", f"t{d}") for a, b, c, d in rows]
    assert partition(labels) == naive_partition(named)


def test_components_come_first(hard):
    groups = groups_of(hard)
    assert (groups.basis, groups.count(), groups.largest_share()) == ("components", 20, pytest.approx(1 / 20))


@pytest.mark.parametrize("spoil", ["drop", "null", "text"])
def test_without_whole_components_links_are_used(hard, spoil):
    if spoil == "text":  # labels may be words, too
        groups = groups_of(hard.with_columns("family " + pl.col("component").cast(pl.String)))
        assert groups.basis == "components"
    elif spoil == "drop":
        groups = groups_of(hard.drop("component"))
        assert groups.basis.startswith("sets of rows linked")
    else:
        groups = groups_of(hard.with_columns(pl.when(pl.col("component") > 3).then(pl.col("component"))))
        assert groups.basis.startswith("sets of rows linked")
    assert partition(groups.of_case) == partition(hard["component"].to_numpy())


def test_easy_pairs_are_grouped_by_anchor(easy):
    groups = groups_of(easy.drop("component"), "easy")
    assert (groups.basis, groups.count()) == ("anchor proteins", 60)
