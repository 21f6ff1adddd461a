import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from protrek_hm.homology.identity import GAP_EXTEND, GAP_OPEN, SCORE, Proteins, matches_and_columns
from protrek_hm.homology.verify import barriers, best_with_one_gap, mismatches_if_ungapped, verify


def distances(proteins, pairs):
    return np.array([Levenshtein.distance(proteins.letters[a], proteins.letters[b]) for a, b in pairs.tolist()])


@pytest.mark.parametrize("gap_rate", [0, 0.005, 0.05])
@pytest.mark.parametrize("change", [0.03, 0.2, 0.6])
def test_every_pair_as_parasail_alone(change, gap_rate, families):
    members = families(5, sizes=[12, 12], lengths=[120, 90], change=change, gap_rate=gap_rate)
    proteins = Proteins.of(members)
    pairs = np.array([(a, b) for a in range(len(members)) for b in range(a)])
    matches, columns = verify(proteins, pairs, distances(proteins, pairs))
    for (a, b), found in zip(pairs.tolist(), zip(matches.tolist(), columns.tolist(), strict=True), strict=True):
        first, second = sorted([proteins.order[a], proteins.order[b]])
        assert found == matches_and_columns(members[first], members[second])


@pytest.mark.realdata
def test_resistance_proteins_as_parasail_alone(real_data):
    import polars as pl

    table = pl.read_csv(real_data / "amr_proteins.tsv.gz", separator="\t")
    members = table["protein_sequence"].unique(maintain_order=True).to_list()
    proteins = Proteins.of(members)
    pairs = np.random.default_rng(0).integers(0, len(members), size=(40_000, 2))
    near = np.abs(np.diff(proteins.lengths[pairs], axis=1)[:, 0]) < 10
    pairs = pairs[near & (pairs[:, 0] != pairs[:, 1])][:3_000]
    matches, columns = verify(proteins, pairs, distances(proteins, pairs))
    for index, (a, b) in enumerate(pairs.tolist()):
        first, second = sorted([proteins.order[a], proteins.order[b]])
        assert (matches[index], columns[index]) == matches_and_columns(members[first], members[second])


@given(st.text("ACDW", min_size=1, max_size=12), st.text("ACDW", min_size=1, max_size=4))
def test_agrees_with_every_gap_position_tried(shorter, more):
    longer = shorter[: len(shorter) // 2] + more + shorter[len(shorter) // 2 + 1 :] + "A"
    proteins = Proteins.of([shorter, longer])
    x, y = proteins.rows(np.array([0])), proteins.rows(np.array([1]))
    score, matches, agree = best_with_one_gap(x, y)
    gap = len(longer) - len(shorter)
    tried = []
    for p in range(len(shorter) + 1):
        opposite = np.concatenate([y[0, :p], y[0, p + gap :]])
        tried.append(
            (
                int(SCORE[x[0], opposite].sum()) - GAP_OPEN - (gap - 1) * GAP_EXTEND,
                int((x[0] == opposite).sum()),
            )
        )
    best = max(tried)[0]
    among = {match for value, match in tried if value == best}
    assert score[0] == best
    assert matches[0] == max(among)
    assert agree[0] == (len(among) == 1)


def check_all_pairs(members):
    """Wherever a proof is claimed, parasail's statistics must say the same."""
    proteins = Proteins.of(members)
    ranks = np.arange(len(members))
    a, b = (side.ravel() for side in np.meshgrid(ranks, ranks, indexing="ij"))
    rows = proteins.rows(ranks)
    for given_barriers in (None, barriers(rows)[a]):
        count, certain = mismatches_if_ungapped(rows[a], rows[b], given_barriers)
        for index in np.flatnonzero(certain):
            x, y = proteins.letters[a[index]], proteins.letters[b[index]]
            assert matches_and_columns(x, y) == (len(x) - count[index], len(x))
    return certain.mean()


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["AG", "AILV", "AW", "KR", "DEKR", "ACDEFGHIKLMNPQRSTVWY", "ACX"]),
    st.integers(2, 40),
    st.randoms(use_true_random=False),
)
def test_proofs_hold_on_hostile_sequences(letters, length, random):
    """Repeats, few letters and shifts: where gaps pay soon and ties abound."""
    unit = "".join(random.choices(letters, k=random.randint(1, 7)))
    ancestor = (unit * length)[:length]
    members = {ancestor}
    for _ in range(5):
        child = list(ancestor)
        for _ in range(random.randint(1, 6)):
            child[random.randrange(length)] = random.choice(letters)
        cut, put = random.randrange(length), random.randrange(length)
        if random.random() < 0.5:  # a shift: a residue taken out here and put in there
            residue = child.pop(cut)
            child.insert(put, residue)
        members.add("".join(child))
    check_all_pairs(sorted(members))


def test_most_close_pairs_are_proven(family):
    members = family(np.random.default_rng(3), length=250, members=15, change=0.05, gap_rate=0)
    assert check_all_pairs(members) > 0.8


def test_a_shift_is_not_taken_for_substitutions():
    a, b = Proteins.of(["W" + "ACDEFGHIKLMNPQRSTVWY" * 3, "ACDEFGHIKLMNPQRSTVWY" * 3 + "W"]).rows(np.arange(2))
    _, certain = mismatches_if_ungapped(a[None], b[None], barriers(a[None]))
    assert not certain.any()
