"""Enzyme classes by transfer: from the texts of the classes, and from the nearest labelled protein."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from protrek_hm.cosines import TOLERANCE, cosines_of_pairs, equal_ties
from protrek_hm.data.texts import one_spelling
from protrek_hm.errors import OptionError
from protrek_hm.evaluate.scoreboards.ec_files import Enzymes
from protrek_hm.evaluate.scoreboards.ec_metrics import LEVELS, levels_right, separate, weighted_auc, weighted_scores
from protrek_hm.evaluate.statistics import Estimate, mean_with_interval
from protrek_hm.homology.mmseqs import search
from protrek_hm.model.encoder import Encoder, unit_vectors

_SHOWN = 10  # and as many as are tied with the first


@dataclass(frozen=True)
class Transfer:
    """What one way of transfer predicts: for each test protein its nearest classes, best first, and their distances."""

    name: str
    meaning: str
    classes: tuple[tuple[str, ...], ...]
    distances: tuple[Float[np.ndarray, " nearest"], ...]


@dataclass(frozen=True)
class EcResult:
    """How good a transfer is.

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
