"""A row for each case and model, with all four scores: what every measure can be computed from again."""

import numpy as np
import polars as pl

from protrek_hm.cosines import equal_ties
from protrek_hm.evaluate.cases import other_texts
from protrek_hm.evaluate.run import Evaluation

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
            scores = np.apply_along_axis(equal_ties, 1, model.scores[name].reshape(-1, 4))
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
