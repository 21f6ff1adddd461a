"""One evaluation: models and triplet tables in, measures with intervals, baselines and caveats out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from protrek_hm.data.schema import require_polars
from protrek_hm.data.triplets import check_triplets
from protrek_hm.errors import OptionError
from protrek_hm.evaluate.baselines import Baseline, make_baselines, shuffled_baseline
from protrek_hm.evaluate.cases import Pool
from protrek_hm.evaluate.caveats import LeakCheck, check_overlap, find_caveats
from protrek_hm.evaluate.config import EvaluateConfig
from protrek_hm.evaluate.eval_set import EvalSet, StratumResult, estimate_strata, make_eval_set
from protrek_hm.evaluate.measures import (
    EVERY_MEASURE,
    STRUCTURE_MEASURES,
    CaseSet,
    Discrimination,
    Scores,
    SetName,
    differences_all,
    discriminate,
    estimate_all,
    significance_all,
)
from protrek_hm.evaluate.metrics import best_threshold
from protrek_hm.evaluate.retrieval import Retrieval, retrieval_differences, retrieve
from protrek_hm.evaluate.scores import Embeddings, case_scores, cosine_scorer, encode_pool
from protrek_hm.evaluate.statistics import Estimate, Significance
from protrek_hm.figures.notebook import html_table, notebook_html, paragraph
from protrek_hm.model.encoder import Encoder

TEMPERATURE = 0.07
"""ProTrek's own, for a model that states none."""


@dataclass(frozen=True)
class ModelResult:
    """Everything measured of one model.

    Attributes
    ----------
    scores
        2 × 2 scores of each case by set.
    estimates
        The measures by key.
    embeddings
        Its vectors of the pool.
    temperature
        Its certainty is the softmax of cosines divided by this.
    retrieval
        Ranks over the whole pool by direction.
    strata
        Hard accuracy by identity, differing residues, length, family size.
    discrimination
        Areas, margins, threshold and calibration by set.
    structure_scores
        As `scores`, of the cases asked by structure.
    """

    name: str
    scores: Scores
    estimates: Mapping[str, Estimate]
    embeddings: Embeddings
    temperature: float
    retrieval: Mapping[str, Retrieval]
    strata: tuple[StratumResult, ...]
    discrimination: Mapping[SetName, Discrimination]
    structure_scores: Scores = field(default_factory=dict)


def evaluate_model(
    model: Encoder, eval_set: EvalSet, config: EvaluateConfig, *, name: str, show_progress: bool = False
) -> ModelResult:
    """Measure one model; `name` is how results and messages call it.

    Raises
    ------
    ModelError
        If the model gives a vector without direction (zero, infinite or NaN), or cannot encode structures.
    """
    embeddings = encode_pool(model, eval_set.pool, name=name, batch_size=config.batch_size, show_progress=show_progress)
    scorer = cosine_scorer(embeddings)
    scores = {each: case_scores(cases.cases, scorer) for each, cases in eval_set.sets.items()}
    by_structure: Scores = {}
    if eval_set.structures:
        asked = cosine_scorer(embeddings, "structure")
        by_structure = {each: case_scores(cases.cases, asked) for each, cases in eval_set.structures.items()}
    temperature = float(getattr(model, "temperature", TEMPERATURE))
    threshold = None
    if eval_set.valid is not None:
        valid = case_scores(eval_set.valid, scorer)
        threshold = best_threshold(valid[:, 0, 0], valid[:, 0, 1])
    return ModelResult(
        name=name,
        scores=scores,
        estimates={
            **estimate_all(eval_set.sets, scores, config),
            **estimate_all(eval_set.structures, by_structure, config, measures=STRUCTURE_MEASURES),
        },
        structure_scores=by_structure,
        embeddings=embeddings,
        temperature=temperature,
        retrieval=retrieve(eval_set.records, embeddings, config),
        strata=estimate_strata(eval_set.strata, eval_set.sets["hard"], scores["hard"], config),
        discrimination={
            each: discriminate(cases, scores[each], temperature=temperature, threshold=threshold, seed=config.seed)
            for each, cases in eval_set.sets.items()
        },
    )


@dataclass(frozen=True)
class BaselineResult:
    """Measures of a baseline by key, and the 2 × 2 scores of each case behind them."""

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
        For comparison and caution.
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

    def _repr_html_(self) -> str:
        """Show itself in a notebook: a row for each model and baseline, in percent with intervals."""
        shown = [each for each in EVERY_MEASURE if each.headline and each.key in self.models[0].estimates]
        rows = []
        results = [(each.name, each.estimates) for each in self.models]
        results += [(each.name, each.estimates) for each in self.baselines]
        for name, estimates in results:
            found = [estimates.get(measure.key) for measure in shown]
            rows.append([name, *("–" if each is None else _percent(each) for each in found)])
        table = html_table(["", *(each.title for each in shown)], rows, numbers=range(1, len(shown) + 1))
        said = dict.fromkeys((self.leaks.sentence(), *self.caveats))
        return notebook_html(table, *(paragraph(each, small=True) for each in said))


def _percent(estimate: Estimate) -> str:
    """Write an estimate in percent, with its interval where it has one."""
    if estimate.low is None or estimate.high is None:
        return f"{100 * estimate.value:.1f}"
    return f"{100 * estimate.value:.1f} [{100 * estimate.low:.0f}, {100 * estimate.high:.0f}]"


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
        If a table lacks a column, rows or values.
    ModelError
        If a model gives a vector without direction (zero, infinite or NaN).
    ExternalProgramError
        If `train` is given and MMseqs2 cannot run, which one baseline needs.

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
    eval_set = make_eval_set(hard, easy, valid, structures=config.structures)
    baselines = make_baselines(eval_set.pool, hard, train, seed=config.seed)
    results = tuple(
        evaluate_model(model, eval_set, config, name=name, show_progress=show_progress)
        for name, model in models.items()
    )
    last = results[-1]
    shuffled = shuffled_baseline(last.name, cosine_scorer(last.embeddings), eval_set.pool, seed=config.seed)
    beside = tuple(_score_baseline(each, eval_set, config) for each in (*baselines, shuffled))
    leaks = check_overlap([each.frame for each in eval_set.sets.values()], train)
    evaluation = Evaluation(
        config=config,
        pool=eval_set.pool,
        sets=eval_set.sets,
        models=results,
        baselines=beside,
        leaks=leaks,
        caveats=find_caveats(
            eval_set.sets,
            {result.name: result.estimates for result in results},
            {baseline.name: baseline.estimates for baseline in beside},
            leaks,
        ),
    )
    return _compare(evaluation, eval_set, *results) if len(results) == 2 else evaluation


def quote_split(evaluation: Evaluation, notes: tuple[str, ...]) -> Evaluation:
    """Return the evaluation with what mining said of the split (see `caveats.read_split_notes`) in its leak check."""
    leaks = replace(evaluation.leaks, notes=notes)
    said, quoted = evaluation.leaks.sentence(), leaks.sentence()
    caveats = tuple(quoted if caveat == said else caveat for caveat in evaluation.caveats)
    return replace(evaluation, leaks=leaks, caveats=caveats)


def _score_baseline(baseline: Baseline, eval_set: EvalSet, config: EvaluateConfig) -> BaselineResult:
    sets = {name: each for name, each in eval_set.sets.items() if name in baseline.on}
    scores = {name: case_scores(each.cases, baseline.scorer) for name, each in sets.items()}
    return BaselineResult(baseline.name, baseline.meaning, estimate_all(sets, scores, config), scores)


def _compare(evaluation: Evaluation, eval_set: EvalSet, before: ModelResult, after: ModelResult) -> Evaluation:
    """Add the differences between the second model and the first on the same cases."""
    config = evaluation.config
    by_sequence = (eval_set.sets, before.scores, after.scores)
    by_structure = (eval_set.structures, before.structure_scores, after.structure_scores)
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
