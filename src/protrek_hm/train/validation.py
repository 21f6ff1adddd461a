"""What the trainer asks the validation set after every epoch, and which epoch it prefers."""

from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float
from sentence_transformers.base.evaluation import BaseEvaluator

from protrek_hm.model.encoder import Task
from protrek_hm.model.protrek import ProTrek
from protrek_hm.train.examples import as_pairs

_TIE = 1e-9


def selection_score(
    *, hard: float | None, easy: float | None, base_easy: float | None, tolerance: float, loss: float
) -> float:
    """Return how good an epoch is: the highest is kept.

    Epochs that lose no more than `tolerance` of the base's easy accuracy stand above all others, and are ranked by
    hard accuracy; the others by the harmonic mean of both. Where the validation set has one kind alone, its
    accuracy ranks. A tie goes to the lower loss.

    hard, easy, base_easy: accuracies in [0, 1], None for what the set does not have. tolerance: in [0, 1].
    loss: at least 0.

    >>> best = dict(base_easy=0.9, tolerance=0.003, loss=0.0)
    >>> selection_score(hard=0.5, easy=0.9, **best), selection_score(hard=1.0, easy=0.25, **best)
    (1.5, 0.4)
    """
    if hard is None or easy is None:
        only = hard if easy is None else easy
        score = 0.0 if only is None else only
    elif base_easy is None or easy >= base_easy - tolerance:
        score = 1 + hard
    else:
        score = 2 * hard * easy / (hard + easy) if hard + easy else 0.0
    return score - _TIE * loss


class Validation(BaseEvaluator):
    """Accuracy on hard and on easy rows, the mean triplet loss of all of them, and the epoch's `score`.

    Accuracy is the share of the choices that are right, ties half: a text between its protein and the negative,
    and, where the table has the negative's text, a protein between its text and that. Rows are easy where `type`
    says so; a table of proteins without negatives is given others of its own as easy ones. With `structures` the
    same choices between structures count, where a row has two different ones. Every distinct input is encoded once.
    """

    def __init__(
        self,
        table: pl.DataFrame,
        *,
        margin: float,
        tolerance: float,
        batch_size: int,
        seed: int,
        structures: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        table = as_pairs(table)
        if "hard_neg_seq" not in table.columns:
            table = _with_negatives(table, seed=seed)
        texts = [table[name].to_list() for name in ("anchor_text", "hard_neg_text") if name in table.columns]
        self.texts, text = np.unique(sum(texts, []), return_inverse=True)
        self.text = text.reshape(len(texts), -1)
        self.proteins = [_Proteins("sequence", table["anchor_seq"], table["hard_neg_seq"])]
        if structures and {"anchor_structure", "hard_neg_structure"} <= {*table.columns}:
            self.proteins.append(_Proteins("structure", table["anchor_structure"], table["hard_neg_structure"]))
        kinds = table["type"].to_list() if "type" in table.columns else ["hard"] * table.height
        self.easy = np.array([kind == "easy" for kind in kinds])
        self.margin, self.tolerance, self.batch_size = margin, tolerance, batch_size
        self.base_easy: float | None = None
        self.primary_metric = "score"

    def measure_base(self, model: ProTrek) -> dict[str, float]:
        """Measure the model before training, and hold its easy accuracy against all later ones."""
        measured = self(model)
        self.base_easy = measured.get("easy_accuracy")
        return measured

    def __call__(  # type: ignore[override]
        self, model: ProTrek, output_path: str | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        """Return `hard_accuracy` and `easy_accuracy` (where there are such rows), `loss` and `score`."""
        options: dict[str, Any] = {"batch_size": self.batch_size, "show_progress_bar": False}
        texts = model.encode(self.texts.tolist(), task="text", **options)[self.text]
        gaps = []
        for proteins in self.proteins:
            vectors = model.encode(proteins.inputs, task=proteins.task, **options)[proteins.index]
            both = [_dot(texts[0], vectors[0] - vectors[1])]
            if len(texts) == 2:
                both.append(_dot(vectors[0], texts[0] - texts[1]))
            gaps += [np.where(proteins.counts, gap, np.nan) for gap in both]
        # Beyond six decimals the same protein in another batch scores differently
        right = np.nanmean([(1 + np.sign(gap.round(6))) / 2 for gap in gaps], axis=0)
        loss = float(np.mean([np.nanmean(np.maximum(0, self.margin - gap)) for gap in gaps if not np.isnan(gap).all()]))
        kinds = {"hard": ~self.easy, "easy": self.easy}
        accuracies = {kind: float(right[rows].mean()) for kind, rows in kinds.items() if rows.any()}
        score = selection_score(
            hard=accuracies.get("hard"),
            easy=accuracies.get("easy"),
            base_easy=self.base_easy,
            tolerance=self.tolerance,
            loss=loss,
        )
        return {**{f"{kind}_accuracy": value for kind, value in accuracies.items()}, "loss": loss, "score": score}


class _Proteins:
    """The two proteins of each row as one route reads them: distinct inputs, where each stands, which rows count."""

    def __init__(self, task: Task, positive: pl.Series, negative: pl.Series) -> None:
        self.task = task
        self.counts = (positive != negative).fill_null(value=False).to_numpy()
        cells = [*positive.fill_null(""), *negative.fill_null("")]
        distinct, index = np.unique(cells, return_inverse=True)
        self.inputs, self.index = distinct.tolist(), index.reshape(2, -1)


def _dot(a: np.ndarray, b: np.ndarray) -> Float[np.ndarray, " rows"]:
    return np.asarray((a * b).sum(axis=1, dtype=np.float64))


def _with_negatives(table: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Give each pair another protein of the table, and that one's text, at random; a few may get none and go."""
    other = np.random.default_rng(seed).permutation(table.height)
    names = {"hard_neg_seq": "anchor_seq", "hard_neg_text": "anchor_text", "hard_neg_structure": "anchor_structure"}
    negatives = table.select(pl.col(own).alias(name) for name, own in names.items() if own in table.columns)[other]
    made = table.with_columns(*negatives.get_columns(), type=pl.lit("easy"))
    return made.filter(pl.col("anchor_seq") != pl.col("hard_neg_seq"), pl.col("anchor_text") != pl.col("hard_neg_text"))
