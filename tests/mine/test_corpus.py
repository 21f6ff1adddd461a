from itertools import combinations, product

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import NothingFoundError
from protrek_hm.homology import HomologyConfig, align, connected_components, find_families, find_homologs
from protrek_hm.homology.identity import matches_and_columns
from protrek_hm.homology.lookup import Lookup
from protrek_hm.mine import corpus as module
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.corpus import Related, build_corpus, expand_pairs


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


@pytest.mark.parametrize("identity", [0.5, 0.6, 0.7, 0.9])
def test_families_are_the_components_of_all_alignments(make_families, identity):
    sequences = make_families(1)["sequence"].to_list()
    pairs = list(combinations(range(len(sequences)), 2))
    aligned = [align(sequences[a], sequences[b]) for a, b in pairs]
    linked = [
        pair for pair, each in zip(pairs, aligned, strict=True) if each.identity >= identity and each.coverage >= 0.8
    ]
    truth = connected_components(len(sequences), np.array(linked).reshape(-1, 2))
    related = Related(sequences, MineConfig(threads=1))
    assert related.families(identity).tolist() == truth.tolist()


def test_a_cap_leaves_the_families_alone(make_families):
    sequences = make_families(1)["sequence"].to_list()
    free, capped = (Related(sequences, MineConfig(threads=1, max_pairs_per_protein=most)) for most in (None, 1))
    (every, none), (kept, left_out) = free.twins(), capped.twins()
    assert none == 0
    assert kept.height + left_out == every.height
    both = pl.concat([kept["a"], kept["b"]])
    assert both.is_unique().all()
    assert capped.families(0.7).tolist() == free.families(0.7).tolist()


def test_finished_parts_are_not_done_again(make_families, tmp_path, monkeypatch):
    sequences = make_families(1)["sequence"].to_list()
    first = Related(sequences, MineConfig(threads=1), work_dir=tmp_path).families(0.5)
    with monkeypatch.context() as patch:
        patch.delattr(module, "find_families")
        assert Related(sequences, MineConfig(threads=1), work_dir=tmp_path).families(0.5).tolist() == first.tolist()
        with pytest.raises(NameError):  # other proteins are another search
            Related(sequences[1:], MineConfig(threads=1), work_dir=tmp_path).families(0.5)


@pytest.mark.parametrize("hundredths", range(30, 100))
def test_every_way_to_look_agrees_at_the_threshold(hundredths):
    """A pair of 100 columns, `hundredths` of them identical, is a pair, a family, one component and a relative."""
    one = "".join(np.random.default_rng(hundredths).choice(list("ADKIFM"), 100))
    pair = [one, one[:hundredths] + one[hundredths:].translate(str.maketrans("ADKIFM", "SERVYL"))]
    assert matches_and_columns(*pair) == (hundredths, 100)
    for least, found in ((hundredths / 100, True), ((hundredths + 1) / 100, False)):
        config = HomologyConfig(min_identity=least, max_identity=1, threads=1)
        assert (find_homologs(pair, config).height == 1) == found
        assert (find_families(pair, config).tolist() == [0, 0]) == found
        assert (Lookup.of(pair[:1]).nearest(pair[1:], least=least, also=[[0]]) != [None]) == found
        for mined_at in (0.3, least):  # of the pairs that were mined, or by a search of its own
            related = Related(pair, MineConfig(min_identity=mined_at, max_identity=1, threads=1))
            assert (related.families(least).tolist() == [0, 0]) == found
        related = Related(pair, MineConfig(min_identity=1, max_identity=1, threads=1))
        assert (related.families(least).tolist() == [0, 0]) == found
