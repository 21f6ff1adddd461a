import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.homology.config import HomologyConfig
from protrek_hm.homology.identity import (
    CODE,
    GAP_EXTEND,
    GAP_OPEN,
    SCORE,
    Alignment,
    align,
    fractions,
    identity,
    matches_and_columns,
)

proteins = st.text("ACDEFGHIKLMNPQRSTVWY", min_size=1, max_size=25)


def best_score_by_hand(a, b):
    """Truth: Gotoh's recursion, cell by cell."""
    low = -(10**6)
    best = np.full((len(a) + 1, len(b) + 1), low)
    in_a, in_b = best.copy(), best.copy()
    best[0, 0] = 0
    for i in range(len(a) + 1):
        for j in range(len(b) + 1):
            if i:
                in_b[i, j] = max(best[i - 1, j] - GAP_OPEN, in_b[i - 1, j] - GAP_EXTEND)
            if j:
                in_a[i, j] = max(best[i, j - 1] - GAP_OPEN, in_a[i, j - 1] - GAP_EXTEND)
            pair = best[i - 1, j - 1] + SCORE[CODE[ord(a[i - 1])], CODE[ord(b[j - 1])]] if i and j else low
            if i or j:
                best[i, j] = max(pair, in_a[i, j], in_b[i, j])
    return best[-1, -1]


def score_of(alignment):
    total, gap_in_a, gap_in_b = 0, False, False
    for x, y in zip(alignment.a, alignment.b, strict=True):
        if x == "-" or y == "-":
            goes_on = gap_in_a if x == "-" else gap_in_b
            total -= GAP_EXTEND if goes_on else GAP_OPEN
        else:
            total += int(SCORE[CODE[ord(x)], CODE[ord(y)]])
        gap_in_a, gap_in_b = x == "-", y == "-"
    return total


@settings(max_examples=60, deadline=None)
@given(proteins, proteins)
def test_alignment_is_a_best_one(a, b):
    found = align(a, b)
    assert (found.a.replace("-", ""), found.b.replace("-", "")) == (a, b)
    assert score_of(found) == best_score_by_hand(a, b)


def test_alignment_and_identity_agree_on_related_proteins(families):
    members = families(1, sizes=[30], lengths=[150], gap_rate=0.03)
    for a, b in zip(members[:-1], members[1:], strict=True):
        assert align(a, b).identity == identity(a, b)


@pytest.mark.parametrize(("a", "b"), [("WWWMKT", "MKT"), ("MKT", "WWWMKT"), ("MKTWWW", "MKT"), ("MKT", "MKTWWW")])
def test_gaps_at_either_end_count(a, b):
    assert matches_and_columns(a, b) == (3, 6)
    assert align(a, b).identity == identity(a, b) == 0.5
    assert align(a, b).coverage == 0.5


def test_fractions_decide_as_whole_numbers_do():
    """Every quotient of up to 300 columns against every threshold of two digits."""
    columns, matches = np.array([(c, m) for c in range(1, 301) for m in range(c + 1)]).T
    identity, coverage = fractions(matches, columns, both=columns + matches, longer=columns)
    for hundredths in range(30, 101):
        config = HomologyConfig(min_identity=hundredths / 100, max_identity=1, coverage=hundredths / 100)
        exactly = 100 * matches >= hundredths * columns
        assert (config.wants(identity, coverage) == exactly).all()
        config = HomologyConfig(min_identity=0.3, max_identity=hundredths / 100, coverage=0)
        within = (100 * matches >= 30 * columns) & (100 * matches <= hundredths * columns)
        assert (config.wants(identity, coverage) == within).all()


def test_identical_and_unlike():
    assert identity("MKT", "MKT") == 1
    assert identity("AAA", "WWW") == 0


def test_long_proteins_leave_16_bits():
    a = "W" * 4_000
    assert matches_and_columns(a, a[:-1] + "A") == (3_999, 4_000)


def test_coverage_of_the_longer():
    assert Alignment("ACDEF", "AC---").coverage == 0.4
