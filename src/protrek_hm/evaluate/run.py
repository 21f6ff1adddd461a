"""One evaluation: models and triplet tables in, measures with intervals, baselines and caveats out."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from protrek_hm.errors import OptionError
from protrek_hm.evaluate.baselines import make_baselines
from protrek_hm.evaluate.cases import Pool, check_triplets, make_cases, make_pool
from protrek_hm.evaluate.caveats import find_caveats
from protrek_hm.evaluate.config import EvaluateConfig
from protrek_hm.evaluate.embed import Embeddings, Encoder, encode_pool
from protrek_hm.evaluate.groups import independent_groups
from protrek_hm.evaluate.leaks import LeakCheck, check_leaks
from protrek_hm.evaluate.measures import CaseSet, Scores, SetName, differences_all, estimate_all
from protrek_hm.evaluate.scores import case_scores, cosine_scorer
from protrek_hm.evaluate.statistics import Estimate


@dataclass(frozen=True)
class ModelResult:
    """What one model did: 2 × 2 scores of each case by set, measures by key, its embeddings of the pool."""

    name: str
    scores: Scores
    estimates: Mapping[str, Estimate]
    embeddings: Embeddings


@dataclass(frozen=True)
class BaselineResult:
    """What a score without a model got: measures by key."""

    name: str
    meaning: str
    estimates: Mapping[str, Estimate]


@dataclass(frozen=True)
class Evaluation:
    """Everything that was measured; `protrek_hm.evaluate.write_evaluation` writes it to a folder.

    Attributes
    ----------
    pool, sets
        What was scored: distinct texts and sequences, and the cases of "hard" and, where given, "easy".
    models
        In the order given; with exactly two the first is "before", the second "after".
    differences
        Second model minus first by measure; empty unless there are exactly two.
    baselines, leaks, caveats
        What stands beside the numbers.
    """

    config: EvaluateConfig
    pool: Pool
    sets: Mapping[SetName, CaseSet]
    models: tuple[ModelResult, ...]
    differences: Mapping[str, Estimate]
    baselines: tuple[BaselineResult, ...]
    leaks: LeakCheck
    caveats: tuple[str, ...]


def evaluate(
    models: Mapping[str, Encoder],
    hard: pl.DataFrame,
    easy: pl.DataFrame | None = None,
    config: EvaluateConfig | None = None,
    *,
    train: pl.DataFrame | None = None,
    show_progress: bool = False,
) -> Evaluation:
    """Measure how well models tell twins apart (`hard`) and still tell any two proteins apart (`easy`).

    Parameters
    ----------
    models
        Anything with `encode(texts, task="text" | "sequence")`, by the name that it has in the results.
    hard, easy
        Triplet tables: each row says that `anchor_text` belongs to `anchor_seq` and not to `hard_neg_seq`;
        with `hard_neg_text` the other direction and the group score are measured too.
    config
        Batch size, bootstrap draws, seed; the defaults where None.
    train
        Training triplets, for the leak check and the text-blind baseline.
    show_progress
        Whether encoding shows a bar on stderr.

    Raises
    ------
    OptionError
        If there is no model.
    MissingColumnError, NothingFoundError, FileFormatError
        If a table lacks a column, rows or values, or a model gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> class Letters:
    ...     def encode(self, inputs, *, task, batch_size, show_progress_bar):
    ...         return np.array([[each.count("K"), each.count("R")] for each in inputs])
    >>> hard = pl.DataFrame({"anchor_seq": ["MKK", "MRR"], "anchor_text": ["K", "R"],
    ...                      "hard_neg_seq": ["MRR", "MKK"], "hard_neg_text": ["R", "K"]})
    >>> result = evaluate({"letters": Letters()}, hard)
    >>> result.models[0].estimates["hard_text_to_protein"].value
    1.0
    """
    config = config or EvaluateConfig()
    if not models:
        raise OptionError("models", "{}", "give at least one model")
    frames: dict[SetName, pl.DataFrame] = {"hard": hard} if easy is None else {"hard": hard, "easy": easy}
    for name, frame in frames.items():
        check_triplets(frame, f"{name} triplets")
    if train is not None:
        check_triplets(train, "training triplets")
    pool = make_pool(list(frames.values()))
    sets: dict[SetName, CaseSet] = {}
    for name, frame in frames.items():
        cases = make_cases(frame, pool)
        sets[name] = CaseSet(name, frame, cases, independent_groups(frame, cases, name))

    results = []
    for model_name, model in models.items():
        embeddings = encode_pool(
            model, pool, name=model_name, batch_size=config.batch_size, show_progress=show_progress
        )
        scorer = cosine_scorer(embeddings)
        scores = {name: case_scores(each.cases, scorer) for name, each in sets.items()}
        results.append(ModelResult(model_name, scores, estimate_all(sets, scores, config), embeddings))

    baselines = []
    for baseline in make_baselines(pool, hard, train):
        scores = {name: case_scores(sets[name].cases, baseline.scorer) for name in sets if name in baseline.on}
        baselines.append(BaselineResult(baseline.name, baseline.meaning, estimate_all(sets, scores, config)))

    leaks = check_leaks(frames.values(), train)
    differences = differences_all(sets, results[0].scores, results[1].scores, config) if len(results) == 2 else {}
    return Evaluation(
        config=config,
        pool=pool,
        sets=sets,
        models=tuple(results),
        differences=differences,
        baselines=tuple(baselines),
        leaks=leaks,
        caveats=find_caveats(
            sets,
            {result.name: result.estimates for result in results},
            {baseline.name: baseline.estimates for baseline in baselines},
            leaks,
        ),
    )
