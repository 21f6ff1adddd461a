import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.errors import OptionError
from protrek_hm.homology.identity import Alignment, align
from protrek_hm.search.differences import align_in_bounds, differences, with_one_difference

columns = st.sampled_from(["AA", "CC", "KK", "AC", "KR", "WB", "A-", "W-", "-C", "-X"])
alignments = st.lists(columns, min_size=1, max_size=30).map(
    lambda pairs: Alignment("".join(pair[0] for pair in pairs), "".join(pair[1] for pair in pairs))
)


def edited(sequence, edits):
    """Edit a sequence by hand: (position from 1 or, without letters to take out, after it; out; in), any order."""
    letters = list(sequence)
    for position, out, into in sorted(edits, reverse=True, key=lambda edit: (edit[0], bool(edit[1]))):
        start = position - 1 if out else position
        assert "".join(letters[start : start + len(out)]) == out
        letters[start : start + len(out)] = into
    return "".join(letters)


@given(alignments)
@settings(deadline=None)
def test_each_alone_is_an_edit_of_the_sequence_and_all_together_make_the_other(alignment):
    a, b = alignment.a.replace("-", ""), alignment.b.replace("-", "")
    found = differences(alignment)
    for each in found:
        there = (each.position_a, each.letter_a, each.letter_b)
        back = (each.position_b, each.letter_b, each.letter_a)
        assert with_one_difference(alignment, each, into="a") == edited(a, [there])
        assert with_one_difference(alignment, each, into="b") == edited(b, [back])
    gaps_apart = all("-" not in pair for pair in zip(alignment.a, alignment.b, strict=True))
    if gaps_apart:  # neighbouring gaps share a position, and their order is the alignment's
        assert edited(a, [(each.position_a, each.letter_a, each.letter_b) for each in found]) == b


@given(alignments)
@settings(deadline=None)
def test_every_differing_column_is_in_one_item(alignment):
    covered = []
    for each in differences(alignment):
        assert each.letter_a != each.letter_b
        assert len(each.letter_a) <= 1 or not each.letter_b  # runs are gaps alone
        covered += range(each.column - 1, each.column - 1 + max(len(each.letter_a), len(each.letter_b)))
    assert covered == [i for i, (x, y) in enumerate(zip(alignment.a, alignment.b, strict=True)) if x != y]


@pytest.mark.parametrize(
    ("a", "b", "notation"),
    [
        ("MKT", "MRT", "K2R"),
        ("MUT", "MCT", "U2C"),
        ("MKT", "M-T", "K2del"),
        ("MKTY", "M--Y", "K2_T3del"),
        ("M--T", "MGGT", "M1_T2insGG"),
        ("--MT", "GGMT", "insGG_M1"),
        ("MT--", "MTGG", "T2_insGG"),
        ("M" + "-" * 12 + "T", "M" + "G" * 12 + "T", "M1_T2insGGGGGGGGGG…(12)"),
    ],
)
def test_notation(a, b, notation):
    [only] = differences(Alignment(a, b))
    assert only.notation == notation


def test_neighbouring_substitutions_are_items_of_their_own_and_so_are_gaps_on_either_side():
    found = differences(Alignment("MKTA--Y", "MRS-GGY"))
    assert [each.notation for each in found] == ["K2R", "T3S", "A4del", "A4_Y5insGG"]
    assert [(each.column, each.position_a, each.position_b) for each in found] == [
        (2, 2, 2),
        (3, 3, 3),
        (4, 4, 3),
        (5, 4, 4),
    ]


proteins = st.text(alphabet="ACDKW", min_size=1, max_size=12)


@given(start=proteins, one=proteins, other=proteins, end=proteins)
@settings(max_examples=50, deadline=None)
def test_within_bounds_it_is_the_best_alignment_and_beyond_still_one_of_these_two(start, one, other, end):
    a, b = start + one + end, start + other + end
    assert align_in_bounds(a, b) == align(a, b)
    bounded = align_in_bounds(a, b, cells=max(len(one) * len(other), 1))
    assert (bounded.a.replace("-", ""), bounded.b.replace("-", "")) == (a, b)


def test_titin_against_its_mutant_needs_no_memory_and_against_a_stranger_is_refused():
    titin = "MTTQAPTFTQPLQSVVVLEGSTATFEAHISGFPVPE" * 978
    mutant = titin[:20_000] + "W" + titin[20_001:]
    [only] = differences(align_in_bounds(titin, mutant))
    assert only.position_a == only.position_b == 20_001
    assert differences(align_in_bounds(titin, titin)) == []
    with pytest.raises(OptionError, match=r"35,208 and 35,208 residues.: too long to be aligned"):
        align_in_bounds(titin, titin[::-1])
