"""How CLEAN and CARE count a predicted enzyme class: pure functions.

CLEAN: Yu et al., "Enzyme function prediction using contrastive learning", Science (2023). CARE: Yang et al., "CARE:
a benchmark suite for the classification and retrieval of enzymes", NeurIPS Datasets and Benchmarks (2024).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from protrek_hm.cosines import TOLERANCE
from protrek_hm.evaluate.detection import auroc

LEVELS = 4
_NEAREST = 10


def separate(distances: Float[np.ndarray, " nearest"]) -> int:
    """Return how many of the nearest classes to predict: those before the first large gap (max separation).

    `distances` are those to the ten nearest classes, ascending; fewer are taken as they are. As in CLEAN the gap
    is looked for in the separation of each distance from the mean of the later ones, and a gap behind more than
    five classes counts as none.

    Examples
    --------
    >>> separate(np.array([0.1, 0.12, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85, 0.86, 0.87]))
    2
    >>> separate(np.array([0.1, 0.7, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85, 0.86, 0.87]))
    1
    """
    nearest = distances[:_NEAREST]
    if len(nearest) < 2:
        return len(nearest)
    later = np.append(nearest[1:], np.repeat(nearest[-1], _NEAREST))
    separation = np.abs(nearest - later.mean())
    gaps = np.abs(np.diff(separation))
    large = np.flatnonzero(gaps > gaps.mean() + TOLERANCE)  # no gap between equals
    if not len(large) or large[0] >= 5:
        return 1
    return int(large[0]) + 1


def weighted_scores(
    true: Bool[np.ndarray, "proteins classes"],
    predicted: Bool[np.ndarray, "proteins classes"],
    *,
    times: Int[np.ndarray, " proteins"] | None = None,
) -> dict[str, float]:
    """Return precision, recall and F1 averaged over classes by how many proteins have them, as CLEAN reports.

    The classes are those of the test set; a class predicted that no test protein has does not count. `times` is
    how often each protein counts (once by default), as a bootstrap draws it.

    Examples
    --------
    >>> true = np.array([[True, False], [True, False], [False, True]])
    >>> predicted = np.array([[True, False], [False, True], [False, True]])
    >>> round(weighted_scores(true, predicted)["precision"], 3)  # (2 × 1/1 + 1 × 1/2) / 3
    0.833
    """
    weight = np.ones(len(true)) if times is None else times.astype(np.float64)
    hits, support, claims = (weight @ each for each in (true & predicted, true, predicted))
    share = support / support.sum()
    precision = hits / np.maximum(claims, 1e-300)
    recall = hits / np.maximum(support, 1e-300)
    f1 = 2 * hits / np.maximum(claims + support, 1e-300)
    return {name: float(share @ each) for name, each in (("precision", precision), ("recall", recall), ("f1", f1))}


def weighted_auc(true: Bool[np.ndarray, "proteins classes"], scores: Float[np.ndarray, "proteins classes"]) -> float:
    """Return the area under the ROC curve of each class over proteins, averaged by support, as CLEAN reports it.

    Classes that every protein has, or none, are left out: they have no area.

    Examples
    --------
    >>> weighted_auc(np.array([[True], [False], [False]]), np.array([[0.9], [0.1], [0.9]]))
    0.75
    """
    support = true.sum(axis=0)
    defined = np.flatnonzero((support > 0) & (support < len(true)))
    areas = [auroc(scores[true[:, at], at], scores[~true[:, at], at]) for at in defined]
    return float(np.average(areas, weights=support[defined])) if len(defined) else float("nan")


def levels_right(predicted: Sequence[str], true: Sequence[str]) -> int:
    """Return to which level, 0 to 4, the best of the predicted classes agrees with one of the true ones (CARE).

    Examples
    --------
    >>> levels_right(["3.5.2.1"], ["1.1.1.1", "3.5.2.6"])
    3
    """
    return max((_agree(first, second) for first in predicted for second in true), default=0)


def _agree(first: str, second: str) -> int:
    level = 0
    for one, other in zip(first.split("."), second.split("."), strict=False):
        if one != other or one == "-":  # an open class says nothing from here on
            break
        level += 1
    return min(level, LEVELS)
