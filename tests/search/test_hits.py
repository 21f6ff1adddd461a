import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.errors import OptionError
from protrek_hm.homology.identity import identity
from protrek_hm.index.build import build_index
from protrek_hm.search.hits import Hit, group_hits, identity_and_difference
from protrek_hm.search.searcher import SearchConfig, Searcher


def hits_of(sequences):
    return [
        Hit(rank, f"P{rank}", 1 - rank / 1000, 1.0, None, None, None, {"sequence": sequence})
        for rank, sequence in enumerate(sequences, start=1)
    ]


@given(
    sequences=st.lists(st.text(alphabet="ACW", min_size=1, max_size=8), max_size=12),
    min_identity=st.sampled_from([0.3, 0.5, 0.7, 0.9, 1.0]),
)
@settings(max_examples=150, deadline=None)
def test_agrees_with_comparing_with_every_head(sequences, min_identity):
    hits, wanted = hits_of(sequences), []
    for hit in hits:
        near = [g for g in wanted if identity(g[0].record["sequence"], hit.record["sequence"]) >= min_identity]
        if near:
            near[0].append(hit)
        else:
            wanted.append([hit])
    found = group_hits(hits, min_identity=min_identity)
    assert [list(family.hits) for family in found] == wanted
    assert [family.rank for family in found] == list(range(1, len(wanted) + 1))
    assert all(family.best is family.hits[0] for family in found)


@pytest.mark.parametrize("min_identity", [0, 1.1, -1, float("nan")])
def test_identities_out_of_range(min_identity):
    with pytest.raises(OptionError, match=r"must lie in \(0, 1\]"):
        group_hits([], min_identity=min_identity)


def test_differences_in_words():
    best = "MSIQHFRVALIPFFAAFCLPVFA"
    assert identity_and_difference(best, best.replace("QH", "KH")) == (pytest.approx(22 / 23), "Q4K")
    assert identity_and_difference(best, best.replace("QH", "KH")[:-1])[1] == "Q4K, A23del"
    assert identity_and_difference(best, "W" * 23)[1].endswith("differences")


@pytest.fixture(scope="module")
def searcher(tmp_path_factory, letter_encoder):
    """One big family of 60 that fits best, then others of two."""
    big = ["A" * 20 + "CDEFGHIKLM"[n % 10] + "NPQRST"[n // 10] for n in range(60)]
    small = [letter * 20 + end for letter in "CDEFG" for end in "KL"]
    proteins = pl.DataFrame({"id": [f"P{n}" for n in range(70)], "sequence": big + small, "text": ["t"] * 70})
    folder = tmp_path_factory.mktemp("families") / "index"
    build_index(proteins, letter_encoder(), folder, model_name="m")
    return Searcher.open(folder, model=letter_encoder())


def families_of(searcher, queries, **options):
    queries = [queries] if isinstance(queries, str) else queries
    return searcher.answer(queries, SearchConfig(group=True, **options))


def test_fetches_until_the_families_are_full(searcher):
    [found] = families_of(searcher, "AAAAAAAACCCDD", query_type="sequence", k=3)
    assert [len(family.hits) for family in found] == [60, 2, 2]
    assert [family.best.record["sequence"][0] for family in found] == list("ACD")
    [everything] = families_of(searcher, "AAAAAAAACCCDD", query_type="sequence", k=10)
    assert len(everything) == 6


def test_is_bounded(searcher):
    [found] = families_of(searcher, "AAAAAAAACCCDD", query_type="sequence", k=3, most_hits=50)
    assert [len(family.hits) for family in found] == [50]


def test_several_queries_give_the_answers_of_each(searcher):
    queries = ["AAAAAACC", "FFG", "DDDDE"]
    together = families_of(searcher, queries, query_type="sequence", k=3)
    assert together == [families_of(searcher, query, query_type="sequence", k=3)[0] for query in queries]


def test_texts_are_never_grouped(searcher):
    [found] = families_of(searcher, "t", target_type="text", k=5)
    assert [len(family.hits) for family in found] == [1]


def test_without_groups_of_one_letter_the_ranks_are_those_of_the_search(searcher):
    [found] = families_of(searcher, "CCDDEE", query_type="sequence", k=20, min_identity=1.0)
    [hits] = searcher.search("CCDDEE", query_type="sequence", k=20)
    assert [family.best for family in found] == hits
    assert np.isfinite([hit.p_value for hit in hits]).all()
