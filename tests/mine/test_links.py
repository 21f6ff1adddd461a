import numpy as np
import polars as pl

from protrek_hm.mine.corpus import build_corpus
from protrek_hm.mine.links import TextLinks


def corpus_of(texts):
    letters = "ACDEFGHIKL"
    return build_corpus(
        pl.DataFrame(
            {
                "id": [f"p{n}" for n in range(len(texts))],
                "sequence": list(letters[: len(texts)]),
                "text": texts,
            }
        )
    )


def test_equal_and_nearly_equal_texts_are_linked():
    long = "a protein that binds iron and heme in red blood cells of many animals and carries oxygen to tissues"
    corpus = corpus_of(["Iron.", "zinc", "IRON", long, long + " a", "Zinc."])
    assert sorted(tuple(sorted(link)) for link in TextLinks(corpus).links().tolist()) == [(0, 2), (1, 5), (3, 4)]


def test_texts_of_many_families_can_be_left_out():
    corpus = corpus_of(["Iron.", "iron", "IRON", "Zinc.", "zinc"])
    families = np.array([0, 1, 2, 3, 3])
    assert TextLinks(corpus).links(families=families, most=2).tolist() == [[3, 4]]
    assert len(TextLinks(corpus).links(families=families, most=3)) == 3
