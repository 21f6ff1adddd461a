"""Enzyme classes by transfer: from the texts of the classes, and from the nearest labelled protein.

CLEAN: Yu et al., "Enzyme function prediction using contrastive learning", Science (2023). CARE: Yang et al., "CARE:
a benchmark suite for the classification and retrieval of enzymes", NeurIPS Datasets and Benchmarks (2024).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from rich.table import Table

from protrek_hm.cosines import TOLERANCE, cosines_of_pairs, equal_ties
from protrek_hm.data.texts import one_spelling
from protrek_hm.errors import OptionError
from protrek_hm.evaluate.metrics import auroc
from protrek_hm.evaluate.scoreboards.files import Enzymes
from protrek_hm.evaluate.statistics import Estimate, mean_with_interval
from protrek_hm.evaluate.table import new_table, short_percent
from protrek_hm.homology.mmseqs import search
from protrek_hm.model.encoder import Encoder, unit_vectors

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


_SHOWN = 10  # and as many as are tied with the first


@dataclass(frozen=True)
class Transfer:
    """Predictions of one method: the nearest classes of each test protein, best first, and their distances."""

    name: str
    meaning: str
    classes: tuple[tuple[str, ...], ...]
    distances: tuple[Float[np.ndarray, " nearest"], ...]


@dataclass(frozen=True)
class EcResult:
    """CLEAN's and CARE's measures of a transfer.

    Attributes
    ----------
    estimates
        CLEAN's precision, recall, F1 and AUC of the classes before the first large gap.
    levels
        CARE's share of proteins whose first class is right to level 1, 2, 3, 4; where several are tied, the mean of
        them.
    predicted
        The predicted classes of each test protein.
    """

    name: str
    meaning: str
    estimates: Mapping[str, Estimate]
    levels: tuple[Estimate, ...]
    predicted: tuple[tuple[str, ...], ...]


def transfer_all(
    model: Encoder, train: Enzymes, test: Enzymes, texts: Mapping[str, str] | None, *, batch_size: int = 32
) -> tuple[Transfer, ...]:
    """Predict the classes of test enzymes: by text (where texts are given), nearest labelled protein, and MMseqs2.

    Raises
    ------
    ModelError
        If the model gives a vector without direction.
    ExternalProgramError
        If MMseqs2 cannot run.
    """
    asked = unit_vectors(model, test.sequences, task="sequence", batch_size=batch_size)
    found = []
    if texts:
        spelling = one_spelling(texts.values())
        spelled = [spelling[text] for text in texts.values()]
        vectors = unit_vectors(model, spelled, task="text", batch_size=batch_size)
        meaning = "the enzyme-class text nearest to the protein"
        found.append(_nearest("class text", meaning, asked, vectors, [(ec,) for ec in texts]))
    known = unit_vectors(model, train.sequences, task="sequence", batch_size=batch_size)
    meaning = "the classes of the nearest labelled protein by the model's embedding"
    found.append(_nearest("nearest protein", meaning, asked, known, train.classes))
    return (*found, _by_search(train, test))


def rate(transfer: Transfer, test: Enzymes, *, seed: int = 42, resamples: int = 1000) -> EcResult:
    """Rate predictions as CLEAN and CARE do, with 95 % intervals by bootstrap over proteins.

    Raises
    ------
    OptionError
        If no test protein has a class.
    """
    labels = sorted({ec for each in test.classes for ec in each})
    if not labels:
        raise OptionError("test", "none", "no protein has a class")
    at = {ec: number for number, ec in enumerate(labels)}
    predicted = tuple(
        classes[: separate(distances)] for classes, distances in zip(transfer.classes, transfer.distances, strict=True)
    )
    true, claimed = _table(test.classes, at), _table(predicted, at)
    scores = np.zeros(true.shape)
    for row, (classes, distances) in enumerate(zip(predicted, transfer.distances, strict=True)):
        certainty = np.tanh(0.5 / np.maximum(distances[: len(classes)], 1e-6))  # CLEAN's, of 1 ÷ distance
        for ec, share in zip(classes, certainty / max(certainty.sum(), 1e-300), strict=True):
            if ec in at:
                scores[row, at[ec]] = share
    each_alone = np.arange(len(true))
    asked = zip(transfer.classes, transfer.distances, test.classes, strict=True)
    shares = np.array([_right_by_level(*each) for each in asked])
    by_level = [mean_with_interval(each, each_alone, seed=seed, resamples=resamples) for each in shares.T]
    return EcResult(
        name=transfer.name,
        meaning=transfer.meaning,
        estimates={
            **_bootstrap(true, claimed, seed=seed, resamples=resamples),
            "auc": Estimate(weighted_auc(true, scores), None, None, len(true), len(true)),
        },
        levels=tuple(estimate for estimate in by_level if estimate is not None),
        predicted=predicted,
    )


def ec_table(results: Sequence[EcResult]) -> Table:
    """Return a column for each way of transfer: CLEAN's figures, then CARE's shares right by level."""
    count = results[0].levels[0].n
    caption = f"n = {count} proteins; in % [95 % interval over proteins]."
    table = new_table(caption, ["", *(each.name for each in results)], tight=True)
    for name, title in (("precision", "precision"), ("recall", "recall"), ("f1", "F1"), ("auc", "AUC")):
        table.add_row(f"CLEAN, {title}", *(short_percent(each.estimates[name]) for each in results))
    for level in range(LEVELS):
        table.add_row(
            f"CARE, first right to level {level + 1}", *(short_percent(each.levels[level]) for each in results)
        )
    return table


def ec_content(results: Sequence[EcResult], test: Enzymes, *, shared: int) -> dict[str, Any]:
    """Return everything as JSON values, the predicted classes of each protein included."""
    return {
        "format_version": 1,
        "proteins": len(test.sequences),
        "proteins_also_in_training": shared,
        "transfers": {
            each.name: {
                "meaning": each.meaning,
                "clean": {name: estimate.as_dict() for name, estimate in each.estimates.items()},
                "care_levels": [estimate.as_dict() for estimate in each.levels],
                "predicted": dict(zip(test.ids, map(list, each.predicted), strict=True)),
            }
            for each in results
        },
    }


def _right_by_level(
    classes: Sequence[str], distances: Float[np.ndarray, " nearest"], true: Sequence[str]
) -> list[float]:
    """Return for level 1, 2, 3, 4 whether the nearest class is right to it; of those tied the share that are."""
    first = classes[: int((distances == distances[:1]).sum())]
    levels = [levels_right([ec], true) for ec in first] or [0]
    return [sum(reached >= level for reached in levels) / len(levels) for level in range(1, LEVELS + 1)]


def _nearest(
    name: str,
    meaning: str,
    asked: Float[np.ndarray, "proteins dim"],
    known: Float[np.ndarray, "items dim"],
    classes_of: Sequence[tuple[str, ...]],
) -> Transfer:
    """Take the nearest item of each class; an item with several classes stands for each of them.

    Classes that are tied come in the order of their names, at one distance.
    """
    asked, known = asked.astype(np.float64), known.astype(np.float64)
    classes, distances = [], []
    for start in range(0, len(asked), 256):  # bounds the memory
        for row, rough in enumerate(asked[start : start + 256] @ known.T, start=start):
            reached: set[str] = set()
            floor = -np.inf
            for item in np.argsort(-rough):
                reached.update(classes_of[item])
                if len(reached) >= _SHOWN:
                    floor = rough[item] - 2 * TOLERANCE
                    break
            near = np.flatnonzero(rough >= floor)
            best: dict[str, float] = {}
            cosines = cosines_of_pairs(asked, known, np.full(len(near), row), near)
            for item, cosine in zip(near.tolist(), cosines.tolist(), strict=True):
                for ec in classes_of[item]:
                    best[ec] = max(best.get(ec, -1.0), cosine)
            names, cosines = sorted(best), equal_ties(np.array([best[ec] for ec in sorted(best)], dtype=np.float64))
            order = np.argsort(-cosines, kind="stable")
            shown = max(_SHOWN, int((cosines == cosines.max(initial=-1.0)).sum()))
            classes.append(tuple(names[each] for each in order[:shown]))
            distances.append(np.sqrt(2 - 2 * cosines[order[:shown]]))
    return Transfer(name, meaning, tuple(classes), tuple(distances))


def _by_search(train: Enzymes, test: Enzymes) -> Transfer:
    hits = search(test.sequences, train.sequences, word=5, hits=20)
    best = dict(hits.unique("query", keep="first", maintain_order=True).select("query", "target").iter_rows())
    classes = tuple(train.classes[best[row]] if row in best else () for row in range(len(test.sequences)))
    meaning = "the classes of the training protein that MMseqs2 finds nearest; none without a hit"
    return Transfer("MMseqs2", meaning, classes, tuple(np.full(len(each), 1.0) for each in classes))


def _table(classes: Sequence[Sequence[str]], at: Mapping[str, int]) -> Bool[np.ndarray, "proteins classes"]:
    table = np.zeros((len(classes), len(at)), dtype=bool)
    for row, each in enumerate(classes):
        table[row, [at[ec] for ec in each if ec in at]] = True
    return table


def _bootstrap(
    true: Bool[np.ndarray, "proteins classes"],
    claimed: Bool[np.ndarray, "proteins classes"],
    *,
    seed: int,
    resamples: int,
) -> dict[str, Estimate]:
    count = len(true)
    rng = np.random.default_rng(seed)
    draws: Int[np.ndarray, "resamples proteins"] = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
    found = {}
    drawn = [weighted_scores(true, claimed, times=times) for times in draws]
    for name, value in weighted_scores(true, claimed).items():
        low, high = np.quantile([each[name] for each in drawn], (0.025, 0.975)).tolist()
        found[name] = Estimate(value, min(low, value), max(high, value), count, count)
    return found
