"""Every baseline that a table of results shows beside the models."""

from dataclasses import dataclass

import polars as pl

from protrek_hm.evaluate.baselines.blind import length_only, text_blind
from protrek_hm.evaluate.baselines.homologs import nearest_homolog
from protrek_hm.evaluate.baselines.kmers import kmer_probe
from protrek_hm.evaluate.baselines.shuffled import text_shuffled
from protrek_hm.evaluate.baselines.words import description_only
from protrek_hm.evaluate.cases import Pool
from protrek_hm.evaluate.measures import SetName
from protrek_hm.evaluate.scores import Scorer


@dataclass(frozen=True)
class Baseline:
    """A score without a model, or with one that is kept from the texts.

    Attributes
    ----------
    name
        Its name in the table.
    meaning
        What it does, in a sentence.
    scorer
        Its score of texts with sequences of the pool.
    on
        The sets on which it means something.
    """

    name: str
    meaning: str
    scorer: Scorer
    on: tuple[SetName, ...] = ("hard", "easy")


def make_baselines(pool: Pool, hard: pl.DataFrame, train: pl.DataFrame | None, *, seed: int) -> tuple[Baseline, ...]:
    """Return the baselines for a pool that need no model.

    All but the first learn from `train`. Without it there is one more, fitted on the hard test set itself: a
    bound on what a score that never reads the text can get on it.

    Raises
    ------
    ExternalProgramError
        If MMseqs2 cannot run, which finds the nearest homologs in `train`.
    """
    blind = "never reads the text: each protein's log odds of being the right one"
    length = Baseline(
        "length only",
        "prefers the protein whose length ranks among proteins as the text's does among texts",
        length_only(pool),
    )
    if train is None:
        meaning = f"{blind}, fitted on the hard test set itself"
        return length, Baseline("text-blind bound", meaning, text_blind(pool, hard), on=("hard",))
    return (
        length,
        Baseline("text-blind", f"{blind}, learned on the training triplets", text_blind(pool, train)),
        Baseline(
            "description alone",
            "never sees the protein: a description's log odds of being the right one by its words (TF-IDF, "
            "logistic regression), learned on the training triplets",
            description_only(pool, train),
        ),
        Baseline(
            "nearest homolog's text",
            "TF-IDF cosine with the text of the training protein that MMseqs2 finds nearest; 0 without one",
            nearest_homolog(pool, train),
        ),
        Baseline(
            "3-mer linear probe",
            "cosine with the text that ridge regression predicts from a protein's 3-mers",
            kmer_probe(pool, train, seed=seed),
        ),
    )


def shuffled_baseline(model: str, scorer: Scorer, pool: Pool, *, seed: int) -> Baseline:
    """Return the baseline that is `model` itself with the texts exchanged."""
    meaning = f"the scores of {model!r} with every text replaced by another one of the pool"
    return Baseline(f"text shuffled, {model}", meaning, text_shuffled(scorer, pool.texts, seed=seed))
