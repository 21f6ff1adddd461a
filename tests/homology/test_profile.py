"""Profiles of sites against counts by hand and a naive loop."""

import numpy as np
import parasail
import pytest

from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.homology.lookup import Lookup
from protrek_hm.homology.profile import E_VALUE, Profile, _votes, find_relatives, numbers, profiles

BASE = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLGEENFKALVLIAFAQYLQQCPFEDHVKLVNEVTEFAKTCVADESAENCDKSLHT"


def mutate(rng: np.random.Generator, protein: str, changes: int) -> str:
    letters = list(protein)
    for place in rng.choice(len(protein), changes, replace=False):
        letters[place] = rng.choice(list(AMINO_ACIDS.replace(letters[place], "")))
    return "".join(letters)


def test_without_relatives_a_site_expects_what_blosum62_does() -> None:
    profile = Profile.of(BASE)
    assert np.allclose(profile.depth, 1.0)
    own = numbers(BASE)
    assert (profile.log_odds.argmax(axis=1) == own).all()
    order = [AMINO_ACIDS.index(each) for each in "ILV"]
    isoleucine = profile.log_odds[BASE.index("I")]
    assert isoleucine[order].min() > isoleucine[AMINO_ACIDS.index("G")]


def test_a_site_that_relatives_vary_has_more_entropy_and_depth_counts_votes() -> None:
    rng = np.random.default_rng(0)
    relatives = [mutate(rng, BASE[:40], 12) + BASE[40:] for _ in range(12)]
    profile = Profile.of(BASE, relatives)
    assert profile.entropy[:40].mean() > profile.entropy[45:].mean()
    assert profile.depth.max() <= 13


def test_copies_share_one_vote() -> None:
    once, often = Profile.of(BASE, [BASE]), Profile.of(BASE, [BASE] * 9)
    assert np.allclose(once.log_odds, often.log_odds)
    assert np.allclose(often.depth, 2.0)


def test_votes_are_those_of_a_naive_loop() -> None:
    rng = np.random.default_rng(1)
    rows = rng.integers(-1, 3, size=(9, 30)).astype(np.int8)
    rows[4], rows[5] = rows[0], rows[0]
    expected = []
    for one in rows:
        copies = 0
        for other in rows:
            both = [(x, y) for x, y in zip(one, other, strict=True) if x >= 0 and y >= 0]
            copies += sum(x == y for x, y in both) >= 0.8 * max(len(both), 1)
        expected.append(1 / copies)
    assert np.allclose(_votes(rows), expected)


def test_relatives_are_those_with_a_significant_alignment_and_strangers_are_none() -> None:
    rng = np.random.default_rng(2)
    strangers = ["".join(rng.choice(list(AMINO_ACIDS), 90)) for _ in range(50)]
    kin = [mutate(rng, BASE, changes) for changes in (3, 15, 30)]
    pool = Lookup.of([*strangers, *kin])
    [found] = find_relatives([BASE], pool)
    assert set(found) == set(kin)
    residues = int(pool.starts[-1])
    for other in kin:
        score = parasail.sw_scan_16(BASE, other, 11, 1, parasail.blosum62).score
        assert 0.041 * len(BASE) * residues * np.exp(-0.267 * score) <= E_VALUE


def test_letters_that_are_no_amino_acid_say_nothing() -> None:
    profile = Profile.of("MXV", ["MXV"])
    assert np.abs(profile.log_odds[1]).max() < 0.5 < np.abs(profile.log_odds[0]).max()
    assert profile.depth[1] == pytest.approx(0.0, abs=1e-6)


def test_profiles_without_a_pool_are_those_of_each_alone() -> None:
    [one] = profiles([BASE], None)
    assert np.array_equal(one.log_odds, Profile.of(BASE).log_odds)
