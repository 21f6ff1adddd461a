"""One evaluation: models and triplet tables in, measures with intervals, baselines and caveats out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from protrek_hm.data.schema import require_polars
from protrek_hm.data.triplets import check_triplets
from protrek_hm.errors import OptionError
from protrek_hm.evaluate.baselines.all_of_them import Baseline, make_baselines, shuffled_baseline
from protrek_hm.evaluate.cases import Pool
from protrek_hm.evaluate.caveats import find_caveats
from protrek_hm.evaluate.config import EvaluateConfig
from protrek_hm.evaluate.exam import Exam, make_exam
from protrek_hm.evaluate.leaks import LeakCheck, check_leaks
from protrek_hm.evaluate.measures import (
    STRUCTURE_MEASURES,
    CaseSet,
    Scores,
    SetName,
    differences_all,
    estimate_all,
    significance_all,
)
from protrek_hm.evaluate.model_result import ModelResult, examine
from protrek_hm.evaluate.retrieval import retrieval_differences
from protrek_hm.evaluate.scores import case_scores, cosine_scorer
from protrek_hm.evaluate.significance import Significance
from protrek_hm.evaluate.statistics import Estimate
from protrek_hm.model.encoder import Encoder


@dataclass(frozen=True)
class BaselineResult:
    """What a score without a model got: measures by key, and the 2 × 2 scores of each case that they come from."""

    name: str
    meaning: str
    estimates: Mapping[str, Estimate]
    scores: Scores


@dataclass(frozen=True)
class Evaluation:
    """Everything that was measured; `protrek_hm.evaluate.write_evaluation` writes it to a folder.

    Attributes
    ----------
    pool, sets
        What was scored: distinct texts and sequences, and the cases of "hard" and, where given, "easy".
    models
        In the order given; with exactly two the first is "before", the second "after".
    baselines, leaks, caveats
        What stands beside the numbers.
    differences, significance, retrieval_differences
        Second model against first by measure, and by direction and measure; empty unless there are exactly two.
    """

    config: EvaluateConfig
    pool: Pool
    sets: Mapping[SetName, CaseSet]
    models: tuple[ModelResult, ...]
    baselines: tuple[BaselineResult, ...]
    leaks: LeakCheck
    caveats: tuple[str, ...]
    differences: Mapping[str, Estimate] = field(default_factory=dict)
    significance: Mapping[str, Significance] = field(default_factory=dict)
    retrieval_differences: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)


def evaluate(
    models: Mapping[str, Encoder],
    hard: pl.DataFrame,
    easy: pl.DataFrame | None = None,
    config: EvaluateConfig | None = None,
    *,
    train: pl.DataFrame | None = None,
    valid: pl.DataFrame | None = None,
    show_progress: bool = False,
) -> Evaluation:
    """Measure how well models tell twins apart (`hard`) and still tell any two proteins apart (`easy`).

    Parameters
    ----------
    models
        Anything with `encode(texts, task="text" | "sequence")`, by the name that it has in the results; with
        `config.structures` also "structure".
    hard, easy
        Triplet tables: each row says that `anchor_text` belongs to `anchor_seq` and not to `hard_neg_seq`;
        with `hard_neg_text` the other direction and the group score are measured too.
    config
        Batch size, bootstrap draws, seed; the defaults where None.
    train
        Training triplets, for the leak check and the baselines that learn.
    valid
        Validation triplets, on which the threshold for precision, recall and F1 is chosen.
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
    require_polars("hard", hard)
    config = config or EvaluateConfig()
    if not models:
        raise OptionError("models", "{}", "give at least one model")
    if train is not None:
        check_triplets(train, "training triplets")
    exam = make_exam(hard, easy, valid, structures=config.structures)
    baselines = make_baselines(exam.pool, hard, train, seed=config.seed)
    results = tuple(
        examine(model, exam, config, name=name, show_progress=show_progress) for name, model in models.items()
    )
    last = results[-1]
    shuffled = shuffled_baseline(last.name, cosine_scorer(last.embeddings), exam.pool, seed=config.seed)
    beside = tuple(_score_baseline(each, exam, config) for each in (*baselines, shuffled))
    leaks = check_leaks([each.frame for each in exam.sets.values()], train)
    evaluation = Evaluation(
        config=config,
        pool=exam.pool,
        sets=exam.sets,
        models=results,
        baselines=beside,
        leaks=leaks,
        caveats=find_caveats(
            exam.sets,
            {result.name: result.estimates for result in results},
            {baseline.name: baseline.estimates for baseline in beside},
            leaks,
        ),
    )
    return _compare(evaluation, exam, *results) if len(results) == 2 else evaluation


def quote_split(evaluation: Evaluation, notes: tuple[str, ...]) -> Evaluation:
    """Return the evaluation with what mining said of the split (see `leaks.read_split_notes`) in its leak check."""
    leaks = replace(evaluation.leaks, notes=notes)
    said, quoted = evaluation.leaks.sentence(), leaks.sentence()
    caveats = tuple(quoted if caveat == said else caveat for caveat in evaluation.caveats)
    return replace(evaluation, leaks=leaks, caveats=caveats)


def _score_baseline(baseline: Baseline, exam: Exam, config: EvaluateConfig) -> BaselineResult:
    sets = {name: each for name, each in exam.sets.items() if name in baseline.on}
    scores = {name: case_scores(each.cases, baseline.scorer) for name, each in sets.items()}
    return BaselineResult(baseline.name, baseline.meaning, estimate_all(sets, scores, config), scores)


def _compare(evaluation: Evaluation, exam: Exam, before: ModelResult, after: ModelResult) -> Evaluation:
    """Add what changed from the first model to the second, on the same cases."""
    config = evaluation.config
    by_sequence = (exam.sets, before.scores, after.scores)
    by_structure = (exam.structures, before.structure_scores, after.structure_scores)
    return replace(
        evaluation,
        differences={
            **differences_all(*by_sequence, config),
            **differences_all(*by_structure, config, measures=STRUCTURE_MEASURES),
        },
        significance={
            **significance_all(*by_sequence),
            **significance_all(*by_structure, measures=STRUCTURE_MEASURES),
        },
        retrieval_differences=retrieval_differences(before.retrieval, after.retrieval, config),
    )
