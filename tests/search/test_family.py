"""A star alignment and the worth of its differences, against pairs one by one."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.errors import OptionError
from protrek_hm.homology.identity import align
from protrek_hm.index.build import build_index
from protrek_hm.search.explain import Protein, explain_pair
from protrek_hm.search.family import align_family, lay_on_first
from protrek_hm.search.searcher import Searcher

FIRST = "MSIQHFRVALIPFFAAFCLPVFAHPETLVKVKDAEDQLGARVGYIELDLN"
OTHERS = [
    FIRST.replace("HFR", "KFR"),
    FIRST.replace("HFR", "KFWR")[:-2],
    "MG" + FIRST[:20] + FIRST[24:],
    FIRST.replace("HFR", "HFGGR"),
    FIRST,
]


@pytest.fixture(scope="module")
def searcher(tmp_path_factory, letter_encoder):
    folder = tmp_path_factory.mktemp("family") / "index"
    table = pl.DataFrame({"id": [f"P{at}" for at in range(6)], "sequence": [FIRST, *OTHERS]})
    build_index(table, letter_encoder(), folder, model_name="user/model")
    return Searcher.open(folder, model=letter_encoder())


@given(st.lists(st.text("ACD", min_size=1, max_size=9), min_size=2, max_size=5))
def test_every_row_is_its_sequence_and_every_pair_is_its_alignment(sequences):
    first, *others = sequences
    pairs = [align(first, each) for each in others]
    rows = lay_on_first(pairs)
    assert [row.replace("-", "") for row in rows] == sequences
    assert len({len(row) for row in rows}) == 1
    assert all(any(letter != "-" for letter in column) for column in zip(*rows, strict=True))
    for pair, row in zip(pairs, rows[1:], strict=True):
        both = [(a, b) for a, b in zip(rows[0], row, strict=True) if a != "-" and b != "-"]
        assert both == [(a, b) for a, b in zip(pair.a, pair.b, strict=True) if a != "-" and b != "-"]


def test_each_difference_is_worth_what_a_pair_says(searcher):
    members = [Protein(f"P{at}", each) for at, each in enumerate([FIRST, *OTHERS])]
    found = align_family(searcher, members, "many K and W")
    worth = {each.notation: each for each in found.variations}
    told = {}
    for place, member in enumerate(members[1:], start=1):
        for each in explain_pair(searcher.model, "many K and W", members[0], member).substitutions:
            told.setdefault(each.notation, (each.change, []))[1].append(place)
    assert sorted(worth) == sorted(told)
    for notation, (change, places) in told.items():
        assert list(worth[notation].members) == places
        assert worth[notation].model == pytest.approx(change, abs=1e-6)
        assert worth[notation].head is None
    assert found.ordered_by == "model"
    assert found.identities[-1] == 1.0
    columns = [each.column for each in found.variations]
    assert columns == sorted(columns)
    for each in found.variations:
        [letters] = {tuple(row[each.column - 1] for row in (found.rows[0], found.rows[at])) for at in each.members[:1]}
        assert letters[0] != letters[1], each.notation


def test_without_a_text_or_with_too_many_differences_nothing_is_scored(searcher):
    members = [Protein(f"P{at}", each) for at, each in enumerate([FIRST, *OTHERS])]
    plain = align_family(searcher, members)
    assert plain.text is None
    assert plain.ordered_by is None
    assert {each.model for each in plain.variations} == {None}
    cut = align_family(searcher, members, "K", most_variations=1)
    assert cut.ordered_by is None
    assert f"{len(plain.variations)} differences, more than the 1" in cut.notes[0]


def test_a_head_scores_the_substitutions(searcher, monkeypatch):
    class Head:
        weight = 1.0

        def read(self, texts):
            return np.zeros((len(texts), 2), dtype=np.float32)

        def scan(self, text, protein, profile, sites):
            return np.array([[100.0 * (site + 1) + column for column in range(20)] for site in sites])

    monkeypatch.setattr(searcher, "head", Head())
    found = align_family(searcher, [Protein("P0", FIRST), Protein("P2", OTHERS[1])], "K")
    assert {each.notation: each.head for each in found.variations if each.head is not None} == {"H5K": 508.0}
    assert found.ordered_by == "head"


def test_a_distant_member_and_a_family_of_one_are_told(searcher):
    found = align_family(searcher, [Protein("P0", FIRST), Protein(None, "WWWWWWWWWW")])
    assert found.notes[0].startswith("member 2: ")
    with pytest.raises(OptionError, match="an alignment needs two at least"):
        align_family(searcher, [Protein("P0", FIRST)])
