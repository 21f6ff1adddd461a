"""Twins to look at: where a model gained most, and where it is most wrong."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from protrek_hm.cosines import equal_ties
from protrek_hm.evaluate.metrics import margins, text_to_protein
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.homology.identity import Alignment, align

Kind = Literal["won", "lost"]


@dataclass(frozen=True)
class TwinExample:
    """One hard case as it is shown.

    Attributes
    ----------
    kind
        "won": the last model chooses right; "lost": wrong, or cannot decide.
    row
        Of the hard table, from 0.
    alignment
        The anchor protein and its twin, gapped.
    names
        What they are called.
    texts
        The anchor's text and the twin's; the latter is None where it is unknown or the same.
    scores
        For each model: score of the anchor text with its protein, and with the twin; equal if tied.
    """

    kind: Kind
    row: int
    alignment: Alignment
    names: tuple[str, str]
    texts: tuple[str, str | None]
    scores: dict[str, tuple[float, float]]


def choose_examples(evaluation: Evaluation, kind: Kind, *, wanted: int = 3) -> tuple[TwinExample, ...]:
    """Return up to `wanted` hard cases, from different groups where there are enough.

    Won: cases the last model gets right, by how much its margin grew from the first model's (with one model:
    by its margin). Lost: cases it gets wrong, the most wrong first.
    """
    hard, last = evaluation.sets["hard"], evaluation.models[-1]
    margin, right = margins(last.scores["hard"]), text_to_protein(last.scores["hard"]) == 1
    if kind == "lost":
        order = np.argsort(-equal_ties(-margin), kind="stable")
        order = order[~right[order]]
    else:
        first = margins(evaluation.models[0].scores["hard"])
        gain = margin - first if len(evaluation.models) > 1 else margin
        order = np.argsort(-equal_ties(gain), kind="stable")
        order = order[right[order]]
    return tuple(_example(evaluation, kind, row) for row in hard.groups.one_of_each(order, wanted).tolist())


def _example(evaluation: Evaluation, kind: Kind, row: int) -> TwinExample:
    hard, pool = evaluation.sets["hard"], evaluation.pool
    cases, table = hard.cases, hard.frame
    ids = [str(table[column][row]) if column in table.columns else None for column in ("anchor_id", "hard_neg_id")]
    other = int(cases.other_text[row])
    return TwinExample(
        kind=kind,
        row=row,
        alignment=align(pool.sequences[cases.positive[row]], pool.sequences[cases.negative[row]]),
        names=(ids[0] or "its protein", ids[1] or "the twin"),
        texts=(pool.texts[cases.text[row]], None if other < 0 else pool.texts[other]),
        scores={model.name: _shown(model.scores["hard"][row, 0]) for model in evaluation.models},
    )


def _shown(scores: Float[np.ndarray, "2"]) -> tuple[float, float]:
    own, twin = equal_ties(scores).tolist()
    return own, twin
