"""Triplets of one family side by side."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.train.blocks import family_blocks

PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] != pair[1]), min_size=1)


@settings(deadline=None)
@given(PAIRS, st.integers(1, 60), st.integers(2, 5), st.integers(1, 8), st.integers(0, 3))
def test_groups_are_proteins_and_their_twins(pairs, rows, proteins, most, seed):
    table = pl.DataFrame(
        {
            "anchor_seq": [f"M{a}" for a, _ in pairs],
            "hard_neg_seq": [f"M{b}" for _, b in pairs],
            "row": range(len(pairs)),
        }
    )
    drawn = family_blocks(table, rows=rows, proteins=proteins, most=most, seed=seed)
    assert drawn.height == rows
    assert drawn.join(table, on=table.columns, how="anti").is_empty(), "rows of the table, whole"
    assert drawn.equals(family_blocks(table, rows=rows, proteins=proteins, most=most, seed=seed))
    if most == 1:
        return
    twins = {frozenset(pair) for pair in table.select("anchor_seq", "hard_neg_seq").rows()}
    assert {frozenset(pair) for pair in drawn.select("anchor_seq", "hard_neg_seq").rows()} <= twins


def test_few_proteins_for_many_rows():
    pairs = [(f"{family}{a}", f"{family}{b}") for family in "ACDEFG" for a in range(20) for b in range(20) if a != b]
    table = pl.DataFrame(pairs, schema=["anchor_seq", "hard_neg_seq"], orient="row")
    drawn = family_blocks(table, rows=320, proteins=8, most=32, seed=1)
    blocks = [drawn[start : start + 32] for start in range(0, 320, 32)]
    held = [len({*block["anchor_seq"], *block["hard_neg_seq"]}) for block in blocks]
    assert max(held) == 8
    assert {family for block in blocks for family in block["anchor_seq"].str.slice(0, 1)} > {"A", "C"}
    spread = table.sample(32, seed=1)
    assert len({*spread["anchor_seq"], *spread["hard_neg_seq"]}) > 30
