"""A row for each case and model, with all four scores: what every measure can be computed from again."""

import numpy as np
import polars as pl
from jaxtyping import Float

from protrek_hm.evaluate.cases import other_texts
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.model.cosines import TOLERANCE

_CARRIED = ("anchor_id", "hard_neg_id", "component", "seq_similarity")


def predictions(evaluation: Evaluation) -> pl.DataFrame:
    """Return one row per case and model: `set`, `row` of the input table (from 0), `model`, scores, the case.

    `group` numbers the independent groups, `first_of_pair` is false for the second direction of a pair.
    `score_positive` is s(anchor text, anchor protein), `score_negative` s(anchor text, twin);
    `score_other_text` is s(twin's text, anchor protein) and `score_twin` s(twin's text, twin), null where the
    twin's text is unknown. Scores of a case that are tied are written as equal.
    """
    parts = []
    for name, each in evaluation.sets.items():
        present = [column for column in _CARRIED if column in each.frame.columns]
        carried = each.frame.select(
            *(pl.col(column).cast(pl.Float64 if column == "seq_similarity" else pl.String) for column in present),
            "anchor_text",
            "anchor_seq",
            "hard_neg_seq",
            pl.Series("hard_neg_text", other_texts(each.frame), dtype=pl.String),
        )
        for model in evaluation.models:
            scores = _with_equal_ties(model.scores[name])
            parts.append(
                pl.DataFrame(
                    {
                        "set": [name] * len(scores),
                        "row": np.arange(len(scores)),
                        "group": each.groups.of_case.astype(np.int64),
                        "first_of_pair": each.cases.new_pair,
                        "model": [model.name] * len(scores),
                        "score_positive": scores[:, 0],
                        "score_negative": scores[:, 1],
                        "score_other_text": scores[:, 2],
                        "score_twin": scores[:, 3],
                    }
                )
                .with_columns(pl.col(pl.Float64).fill_nan(None))
                .hstack(carried)
            )
    return pl.concat(parts, how="diagonal")


def _with_equal_ties(scores: Float[np.ndarray, "cases 2 2"]) -> Float[np.ndarray, "cases 4"]:
    """Make scores of a case that are tied equal to the highest of them, so that readers need no tolerance."""
    flat = scores.reshape(-1, 4)
    order = np.argsort(-flat, axis=1, kind="stable")  # NaN last
    falling = np.take_along_axis(flat, order, axis=1)
    for place in range(1, 4):
        above = falling[:, place - 1]
        falling[:, place] = np.where(above - falling[:, place] <= TOLERANCE, above, falling[:, place])
    found = np.empty_like(flat)
    np.put_along_axis(found, order, falling, axis=1)
    return found
