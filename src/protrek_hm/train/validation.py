"""What the trainer asks the validation set after every epoch, and which epoch it prefers."""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import torch
from jaxtyping import Float
from sentence_transformers.base.evaluation import BaseEvaluator

from protrek_hm.config import Modality
from protrek_hm.cosines import cosines_of_pairs, preference
from protrek_hm.data.texts import fold_text
from protrek_hm.model.encoder import unit_vectors
from protrek_hm.model.inputs import reader_of
from protrek_hm.model.packed import can_pack
from protrek_hm.model.protrek import ProTrek
from protrek_hm.train.batches import IGNORED, Features, mask_tokens
from protrek_hm.train.examples import as_pairs
from protrek_hm.train.step import guessing_loss, rows_of, split

_TIE = 1e-9
_AT_ONCE = 1_000  # sequences that are held as tokens


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
    and, where the table has the negative's text and it is another one, a protein between its text and that; scores
    and ties are those of `protrek_hm.evaluate`. Rows are easy where `type` says so; a table of proteins without
    negatives is given others of its own as easy ones. With `structures` the same choices between structures count,
    where a row has two different ones. Every distinct input is encoded once.
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
        self.texts = _Pairs("text", table["anchor_text"], table.get_column("hard_neg_text", default=None))
        self.proteins = [_Pairs("sequence", table["anchor_seq"], table["hard_neg_seq"])]
        if structures and {"anchor_structure", "hard_neg_structure"} <= {*table.columns}:
            self.proteins.append(_Pairs("structure", table["anchor_structure"], table["hard_neg_structure"]))
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

    def _encode(self, model: ProTrek, pairs: "_Pairs") -> Float[np.ndarray, "two rows dim"]:
        vectors = unit_vectors(model, pairs.inputs, task=pairs.task, batch_size=self.batch_size)
        return np.asarray(vectors[pairs.index])

    def __call__(  # type: ignore[override]
        self, model: ProTrek, output_path: str | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        """Return `hard_accuracy` and `easy_accuracy` (where there are such rows), `loss` and `score`."""
        text, other_text = self._encode(model, self.texts)
        gaps, worth = [], []
        for proteins in self.proteins:
            protein, twin = self._encode(model, proteins)
            own = _cosines(text, protein)
            for wrong, counts in (
                (_cosines(text, twin), proteins.counts),
                (_cosines(other_text, protein), proteins.counts & self.texts.counts),
            ):
                gaps.append(np.where(counts, own - wrong, np.nan))
                worth.append(np.where(counts, preference(own, wrong), np.nan))
        right = np.nanmean(worth, axis=0)
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


class Perplexity(BaseEvaluator):
    """exp of the mean loss of guessing masked residues, the same ones whenever it is asked; lower is better.

    What is asked where guessing residues is all that is learned.

    1 is certainty, 20 a guess among all residues alike, and about 18 what their frequencies alone give.

    sequences: each distinct one counts once, as far as the model reads it. tokens: encoded at once. seed: of the masks.
    """

    def __init__(self, sequences: Sequence[str], *, tokens: int, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sequences = sorted({*sequences}, key=lambda each: (len(each), each))
        self.tokens, self.seed = tokens, seed
        self.primary_metric = "score"

    def measure_base(self, model: ProTrek) -> dict[str, float]:
        """Measure the model before training."""
        return self(model)

    @torch.no_grad()
    def __call__(  # type: ignore[override]
        self, model: ProTrek, output_path: str | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        """Return `loss`, in nats a residue, `perplexity`, and the epoch's `score`: the highest is kept."""
        training = model.training
        model.eval()
        packed = can_pack(model.routes["sequence"])
        total, asked = 0.0, 0
        for first in range(0, len(self.sequences), _AT_ONCE):
            masked = self._masked(model, range(first, min(first + _AT_ONCE, len(self.sequences))))
            asked += int((masked["labels"] != IGNORED).sum())
            for rows in split(masked["attention_mask"].sum(1), self.tokens):
                part = {name: value.to(model.device) for name, value in rows_of(masked, rows).items()}
                total += guessing_loss(model, part, packed=packed).item()
        model.train(training)
        loss = total / asked
        return {"loss": loss, "perplexity": math.exp(loss), "score": -loss}

    def _masked(self, model: ProTrek, numbers: range) -> Features:
        given = model.preprocess([self.sequences[number] for number in numbers], task="sequence")
        tokens = {name: given[name] for name in ("input_ids", "attention_mask")}
        rngs = [np.random.default_rng([self.seed, number]) for number in numbers]
        return mask_tokens(tokens, reader_of(model.routes["sequence"]).tokenizer, rngs=rngs)


class _Pairs:
    """The right and the wrong input of each row on one route: distinct inputs, where each stands, which rows count."""

    def __init__(self, task: Modality, right: pl.Series, wrong: pl.Series | None) -> None:
        self.task = task
        cells = [right.to_list(), [None] * len(right) if wrong is None else wrong.to_list()]
        self.inputs = sorted({each for each in sum(cells, []) if each})
        place = {each: number for number, each in enumerate(self.inputs)}
        self.index = np.array([[place.get(each, 0) for each in column] for column in cells])  # any, where none counts
        self.counts = np.array([bool(a and b) and not _same(task, a, b) for a, b in zip(*cells, strict=True)])


def _same(task: Modality, one: str, other: str) -> bool:
    return fold_text(one) == fold_text(other) if task == "text" else one == other


def _cosines(a: Float[np.ndarray, "rows dim"], b: Float[np.ndarray, "rows dim"]) -> Float[np.ndarray, " rows"]:
    return cosines_of_pairs(a, b, np.arange(len(a)), np.arange(len(a)))


def _with_negatives(table: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Give each pair another protein of the table, and that one's text, at random; a few may get none and go."""
    other = np.random.default_rng(seed).permutation(table.height)
    names = {"hard_neg_seq": "anchor_seq", "hard_neg_text": "anchor_text", "hard_neg_structure": "anchor_structure"}
    negatives = table.select(pl.col(own).alias(name) for name, own in names.items() if own in table.columns)[other]
    made = table.with_columns(*negatives.get_columns(), type=pl.lit("easy"))
    told = zip(made["anchor_text"], made["hard_neg_text"], strict=True)
    apart = pl.Series([not _same("text", own, other) for own, other in told], dtype=pl.Boolean)
    return made.filter(pl.col("anchor_seq") != pl.col("hard_neg_seq"), apart)
