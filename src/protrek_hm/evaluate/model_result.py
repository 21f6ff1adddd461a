"""What one model did in the exam."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from protrek_hm.evaluate.config import EvaluateConfig
from protrek_hm.evaluate.discrimination import Discrimination, discriminate, validation_threshold
from protrek_hm.evaluate.embed import Embeddings, encode_pool
from protrek_hm.evaluate.exam import Exam
from protrek_hm.evaluate.measures import STRUCTURE_MEASURES, Scores, SetName, estimate_all
from protrek_hm.evaluate.retrieval import Retrieval, retrieve
from protrek_hm.evaluate.scores import case_scores, cosine_scorer
from protrek_hm.evaluate.statistics import Estimate
from protrek_hm.evaluate.strata import StratumResult, estimate_strata
from protrek_hm.model.encoder import Encoder

TEMPERATURE = 0.07
"""ProTrek's own, for a model that states none."""


@dataclass(frozen=True)
class ModelResult:
    """What one model did.

    Attributes
    ----------
    scores
        2 × 2 scores of each case by set.
    estimates
        The measures by key.
    embeddings
        Its vectors of the pool.
    temperature
        What it divides cosines by to state a certainty.
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


def examine(
    model: Encoder, exam: Exam, config: EvaluateConfig, *, name: str, show_progress: bool = False
) -> ModelResult:
    """Put all questions to one model; `name` is how results and messages call it.

    Raises
    ------
    FileFormatError
        If the model gives something else than finite vectors.
    """
    embeddings = encode_pool(model, exam.pool, name=name, batch_size=config.batch_size, show_progress=show_progress)
    scorer = cosine_scorer(embeddings)
    scores = {each: case_scores(cases.cases, scorer) for each, cases in exam.sets.items()}
    by_structure: Scores = {}
    if exam.structures:
        asked = cosine_scorer(embeddings, "structure")
        by_structure = {each: case_scores(cases.cases, asked) for each, cases in exam.structures.items()}
    temperature = float(getattr(model, "temperature", TEMPERATURE))
    threshold = None if exam.valid is None else validation_threshold(case_scores(exam.valid, scorer))
    return ModelResult(
        name=name,
        scores=scores,
        estimates={
            **estimate_all(exam.sets, scores, config),
            **estimate_all(exam.structures, by_structure, config, measures=STRUCTURE_MEASURES),
        },
        structure_scores=by_structure,
        embeddings=embeddings,
        temperature=temperature,
        retrieval=retrieve(exam.records, embeddings, config),
        strata=estimate_strata(exam.strata, exam.sets["hard"], scores["hard"], config),
        discrimination={
            each: discriminate(cases, scores[each], temperature=temperature, threshold=threshold, seed=config.seed)
            for each, cases in exam.sets.items()
        },
    )
