from itertools import product

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import NothingFoundError
from protrek_hm.mine.corpus import build_corpus, expand_pairs


def table(rows):
    return pl.DataFrame(rows, schema={"id": pl.String, "sequence": pl.String, "text": pl.String}, orient="row")


def test_identical_sequences_are_one_protein_with_several_texts():
    corpus = build_corpus(table([("a", "MK", "Red."), ("b", "MR", "Blue."), ("c", "MK", "Green."), ("d", "MK", "red")]))
    assert corpus.sequences == ["MK", "MR"]
    assert corpus.entries["id"].to_list() == ["a", "c", "b"]
    assert corpus.offsets.tolist() == [0, 2, 3]


def test_expansion_is_the_product_of_texts():
    corpus = build_corpus(
        table([("a", "MK", "One."), ("b", "MR", "Two."), ("c", "MK", "Three."), ("d", "MV", "Four.")])
    )
    a, b = np.array([0, 1, 0]), np.array([1, 2, 2])
    texts = {0: [0, 1], 1: [2], 2: [3]}
    wanted = [
        (pair, left, right)
        for pair, (one, other) in enumerate(zip(a.tolist(), b.tolist(), strict=True))
        for left, right in product(texts[one], texts[other])
    ]
    assert list(zip(*(part.tolist() for part in expand_pairs(corpus, a, b)), strict=True)) == wanted


@pytest.mark.parametrize(
    "rows",
    [
        [("a", "MK", "Red.")],
        [("a", "MK", "Red."), ("b", "MK", "Blue.")],
        [("a", "MK", "Red."), ("b", "MR", None)],
    ],
)
def test_too_few_proteins_are_told(rows):
    with pytest.raises(NothingFoundError, match="distinct sequences"):
        build_corpus(table(rows))


def test_no_text_at_all_names_the_column():
    with pytest.raises(NothingFoundError, match="--column text=NAME"):
        build_corpus(table([("a", "MK", None), ("b", "MR", " ")]))


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0]])
def test_of_rows_that_become_one_all_evidence_is_kept(order):
    rows = table([("a", "MK", "Red."), ("b", "MK", "red"), ("c", "MK", "RED"), ("d", "MR", "Red.")])
    rows = rows.with_columns(text_evidence=pl.Series(["ECO:0000250", "ECO:0000269", None, None], dtype=pl.String))
    entries = build_corpus(rows[order]).entries.sort("sequence")
    found = [set(told.split("; ")) if told else told for told in entries["text_evidence"]]
    assert found == [{"ECO:0000250", "ECO:0000269", "none"}, None]
