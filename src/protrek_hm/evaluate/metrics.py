"""What one case is worth: pure functions from scores to numbers.

A case is a twin pair seen from one side. Its scores are a 2 × 2 table, texts × proteins: `[[s(text A, protein
A), s(text A, protein B)], [s(text B, protein A), s(text B, protein B)]]`, so the right ones stand on the
diagonal. Where text B is unknown, or the same as text A, the lower row is NaN, and so is what needs it. Scores that
differ by at most `TOLERANCE` are tied.
"""

import numpy as np
from jaxtyping import Float

from protrek_hm.cosines import TOLERANCE, preference


def text_to_protein(scores: Float[np.ndarray, "cases 2 2"]) -> Float[np.ndarray, " cases"]:
    """Tell whether text A prefers its protein to the twin: 1 right, 0 wrong, 0.5 a tie.

    Examples
    --------
    >>> text_to_protein(np.array([[[0.9, 0.1], [0, 0]], [[0.2, 0.3], [0, 0]], [[0.5, 0.5], [0, 0]]]))
    array([1. , 0. , 0.5])
    """
    return preference(scores[:, 0, 0], scores[:, 0, 1])


def protein_to_text(scores: Float[np.ndarray, "cases 2 2"]) -> Float[np.ndarray, " cases"]:
    """Tell whether protein A prefers its text to the twin's: 1 right, 0 wrong, 0.5 a tie, NaN unknown.

    Examples
    --------
    >>> protein_to_text(np.array([[[0.9, 0.1], [0.2, 0]], [[0.2, 0.3], [np.nan, np.nan]]]))
    array([ 1., nan])
    """
    return preference(scores[:, 0, 0], scores[:, 1, 0])


def group_score(scores: Float[np.ndarray, "cases 2 2"]) -> Float[np.ndarray, " cases"]:
    """Tell whether both texts and both proteins choose right: both right scores exceed both wrong ones.

    Four scores in random order pass with probability 1/6. Ties count as broken at random: where the lowest right
    score ties with the highest wrong one, `a` right scores with the latter, and `b` wrong ones with the former, the
    case is worth 1 / C(a + b, a).

    Source: the group score of Winoground (Thrush et al., 2022).

    Examples
    --------
    >>> group_score(np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.9, 0.1], [0.85, 0.8]], [[0.5, 0.1], [0.5, 0.9]]]))
    array([1. , 0. , 0.5])
    """
    right = np.sort(scores[:, [0, 1], [0, 1]], axis=1)
    wrong = np.sort(scores[:, [0, 1], [1, 0]], axis=1)
    lowest_right, highest_wrong = right[:, 0], wrong[:, 1]
    tied_right = (np.abs(right - highest_wrong[:, None]) <= TOLERANCE).sum(axis=1)
    tied_wrong = (np.abs(wrong - lowest_right[:, None]) <= TOLERANCE).sum(axis=1)
    # C(a + b, a) for a, b in {1, 2} is 2, 3, 3, 6
    tied = 1.0 / np.array([[1, 1, 1], [1, 2, 3], [1, 3, 6]])[tied_right, tied_wrong]
    chosen = preference(lowest_right, highest_wrong)
    worth = np.where(chosen == 0.5, tied, chosen)
    return np.asarray(np.where(np.isnan(scores).any(axis=(1, 2)), np.nan, worth))


def margins(scores: Float[np.ndarray, "cases 2 2"]) -> Float[np.ndarray, " cases"]:
    """Return by how much text A prefers its protein to the twin, a difference of cosines in [-2, 2].

    Examples
    --------
    >>> margins(np.array([[[0.75, 0.25], [0, 0]]]))
    array([0.5])
    """
    return np.asarray(scores[:, 0, 0] - scores[:, 0, 1])
