import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.homology.identity import matches_and_columns
from protrek_hm.homology.scoring import Proteins
from protrek_hm.homology.ungapped import barriers, mismatches_if_ungapped


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
