import polars as pl

from protrek_hm.mine.corpus import build_corpus
from protrek_hm.mine.triplets import build_triplets, limit_negatives


def test_both_directions_and_every_text_of_the_anchor():
    corpus = build_corpus(
        pl.DataFrame({"id": ["a", "b", "c"], "sequence": ["MK", "MK", "MR"], "text": ["Red.", "Green.", "Blue."]})
    )
    twins = pl.DataFrame(
        {
            "pair": [0, 0],
            "left": [0, 1],
            "right": [2, 2],
            "identity": [0.5, 0.5],
            "coverage": [1.0, 1.0],
            "text_similarity": [0.1, 0.2],
            "reasons": ["x", "y"],
        }
    )
    triplets = build_triplets(corpus, twins, kind="hard")
    assert triplets.select("anchor_text", "hard_neg_text").rows() == [
        ("Red.", "Blue."),
        ("Green.", "Blue."),
        ("Blue.", "Red."),
    ]
    assert triplets["anchor"].to_list() == [0, 0, 1]


def test_negatives_are_limited_for_each_text():
    triplets = pl.DataFrame({"anchor": [0] * 9 + [1] * 2, "anchor_text": ["x"] * 9 + ["y"] * 2, "n": range(11)})
    limited = limit_negatives(triplets, 3, seed=1)
    assert limited["anchor"].to_list() == [0, 0, 0, 1, 1]
    assert limited["n"].is_sorted()
    assert limited.equals(limit_negatives(triplets, 3, seed=1))
    assert not limited.equals(limit_negatives(triplets, 3, seed=5))
    assert limit_negatives(triplets, None, seed=1).equals(triplets)
