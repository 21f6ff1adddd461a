import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.homology.one_gap import best_with_one_gap
from protrek_hm.homology.scoring import GAP_EXTEND, GAP_OPEN, SCORE, Proteins


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
