"""One model's scores of a set of cases in numbers: margins, areas, and a threshold chosen on validation."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.evaluate.calibration import Reliability, choice_certainty, reliability
from protrek_hm.evaluate.detection import auroc, average_precision, best_threshold, threshold_scores
from protrek_hm.evaluate.measures import CaseSet
from protrek_hm.evaluate.metrics import margins, text_to_protein
from protrek_hm.evaluate.statistics import Estimate, statistics_with_intervals


@dataclass(frozen=True)
class Discrimination:
    """How well right and wrong pairs of a set are told apart.

    Attributes
    ----------
    estimates
        "auroc", "average_precision" and, where a threshold is known, "precision", "recall", "f1".
    margin
        Mean, spread and quantiles of the score of the right protein minus that of the wrong one, in [-2, 2].
    threshold
        Score from which pairs are accepted, chosen for the best F1 on validation; None without validation.
    calibration
        Certainty against accuracy.
    """

    estimates: Mapping[str, Estimate]
    margin: Mapping[str, float]
    threshold: float | None
    calibration: Reliability


def margin_statistics(margin: Float[np.ndarray, " cases"]) -> dict[str, float]:
    """Return mean, standard deviation and quantiles of margins.

    Examples
    --------
    >>> margin_statistics(np.array([-0.1, 0.1, 0.3]))["median"]
    0.1
    """
    names = ("q05", "q25", "median", "q75", "q95")
    quantiles = np.quantile(margin, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
    return {
        "mean": float(margin.mean()),
        "deviation": float(margin.std()),
        **dict(zip(names, quantiles, strict=True)),
    }


def validation_threshold(scores: Float[np.ndarray, "cases 2 2"]) -> float:
    """Choose the threshold for the best F1 on validation cases: right pairs against their twins.

    Examples
    --------
    >>> validation_threshold(np.array([[[0.9, 0.3], [0, 0]], [[0.5, 0.4], [0, 0]]]))
    0.5
    """
    return best_threshold(scores[:, 0, 0], scores[:, 0, 1])


def discriminate(
    cases: CaseSet,
    scores: Float[np.ndarray, "cases 2 2"],
    *,
    temperature: float,
    threshold: float | None,
    seed: int,
) -> Discrimination:
    """Summarise the scores of a set; `threshold` must not come from this set."""
    right, wrong = scores[:, 0, 0], scores[:, 0, 1]

    def statistics(at: Int[np.ndarray, " drawn"]) -> dict[str, float]:
        found = {"auroc": auroc(right[at], wrong[at]), "average_precision": average_precision(right[at], wrong[at])}
        if threshold is not None:
            accepted = threshold_scores(right[at], wrong[at], threshold)
            found |= {"precision": accepted.precision, "recall": accepted.recall, "f1": accepted.f1}
        return found

    margin = margins(scores)
    return Discrimination(
        estimates=statistics_with_intervals(statistics, cases.groups.of_case, seed=seed),
        margin=margin_statistics(margin),
        threshold=threshold,
        calibration=reliability(choice_certainty(margin, temperature), text_to_protein(scores)),
    )
