"""An evaluation on disk: `report.json`, `predictions.parquet` and the pictures, all of them or none."""

import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from protrek_hm.evaluate.detection import auroc
from protrek_hm.evaluate.measures import MEASURES
from protrek_hm.evaluate.metrics import margins
from protrek_hm.evaluate.plots import draw_all
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.evaluate.scores import DECIMALS
from protrek_hm.evaluate.statistics import Estimate
from protrek_hm.files import new_folder, write_json

FORMAT_VERSION = 1
PROTOCOL = (
    "Each row of a triplet table is a case: does the anchor text score higher with its own protein than with "
    "the twin (text → protein), the protein with its own text than with the twin's (protein → text), and are "
    f"all four choices of a pair right (each pair once)? Scores are cosines to {DECIMALS} decimals; a tie "
    "counts as guessed. Intervals: 95 %, expanded percentile bootstrap over groups of dependent cases; where "
    "all groups agree, exact (Clopper and Pearson)."
)
_PACKAGES = (
    "protrek-hm",
    "numpy",
    "polars",
    "scikit-learn",
    "sentence-transformers",
    "torch",
    "transformers",
)
_CARRIED = ("anchor_id", "hard_neg_id", "component", "seq_similarity")


def write_evaluation(
    evaluation: Evaluation, folder: Path, *, force: bool = False, provenance: Mapping[str, Any] | None = None
) -> None:
    """Write `report.json`, `predictions.parquet` and the pictures into a new folder.

    Parameters
    ----------
    evaluation
        What `evaluate` returned.
    folder
        Where to; it appears when everything is written.
    force
        Whether a folder that is there is replaced.
    provenance
        What made it (command, files with checksums, model folders); written as it is.

    Raises
    ------
    OutputExistsError, OutputError
        If `folder` holds something and `force` is false, or it cannot be written.
    """
    with new_folder(folder, force=force) as temporary:
        write_json(temporary / "report.json", report(evaluation, provenance=provenance or {}))
        predictions(evaluation).write_parquet(temporary / "predictions.parquet")
        draw_all(evaluation, temporary)


def report(evaluation: Evaluation, *, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that was measured as plain JSON values; no clock in it: same input, same bytes."""
    return {
        "format_version": FORMAT_VERSION,
        "leak_check": evaluation.leaks.as_dict(),
        "caveats": list(evaluation.caveats),
        "models": {
            model.name: {
                "measures": _measures(model.estimates),
                "scores": {name: _score_summary(scores) for name, scores in model.scores.items()},
            }
            for model in evaluation.models
        },
        "differences": _measures(evaluation.differences),
        "baselines": {
            "chance": {
                "meaning": "scores in random order",
                "measures": {each.key: each.chance for each in MEASURES},
            },
            **{
                baseline.name: {"meaning": baseline.meaning, "measures": _measures(baseline.estimates)}
                for baseline in evaluation.baselines
            },
        },
        "data": {
            name: {
                "rows": len(each.cases),
                "pairs": int(each.cases.new_pair.sum()),
                "groups": each.groups.count(),
                "group_basis": each.groups.basis,
                "largest_group_share": each.groups.largest_share(),
            }
            for name, each in evaluation.sets.items()
        },
        "distinct": {"texts": len(evaluation.pool.texts), "sequences": len(evaluation.pool.sequences)},
        "protocol": PROTOCOL,
        "settings": asdict(evaluation.config),
        "provenance": dict(provenance),
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in _PACKAGES},
        },
    }


def predictions(evaluation: Evaluation) -> pl.DataFrame:
    """Return one row per case and model: `set`, `row` of the input table (from 0), `model`, scores, the case.

    `score_positive` is s(anchor text, anchor protein), `score_negative` s(anchor text, twin);
    `score_other_text` is s(twin's text, anchor protein) and `score_twin` s(twin's text, twin), null where the
    twin's text is unknown.
    """
    parts = []
    for name, each in evaluation.sets.items():
        present = [column for column in _CARRIED if column in each.frame.columns]
        carried = each.frame.select(
            *(pl.col(column).cast(pl.Float64 if column == "seq_similarity" else pl.String) for column in present),
            "anchor_text",
            "anchor_seq",
            "hard_neg_seq",
        )
        for model in evaluation.models:
            scores = model.scores[name]
            parts.append(
                pl.DataFrame(
                    {
                        "set": [name] * len(scores),
                        "row": np.arange(len(scores)),
                        "model": [model.name] * len(scores),
                        "score_positive": scores[:, 0, 0],
                        "score_negative": scores[:, 0, 1],
                        "score_other_text": scores[:, 1, 0],
                        "score_twin": scores[:, 1, 1],
                    }
                )
                .with_columns(pl.col(pl.Float64).fill_nan(None))
                .hstack(carried)
            )
    return pl.concat(parts, how="diagonal")


def _measures(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {key: estimate.as_dict() for key, estimate in estimates.items()}


def _score_summary(scores: Float[np.ndarray, "cases 2 2"]) -> dict[str, Any]:
    """Summarise right and wrong scores; AUROC compares across texts, the margin within one."""
    margin = margins(scores)
    quantiles = np.quantile(margin, [0.05, 0.5, 0.95]).tolist()
    return {
        "auroc": auroc(scores[:, 0, 0], scores[:, 0, 1]),
        "mean_positive": float(scores[:, 0, 0].mean()),
        "mean_negative": float(scores[:, 0, 1].mean()),
        "margin": {
            "mean": float(margin.mean()),
            **dict(zip(("q05", "median", "q95"), quantiles, strict=True)),
        },
    }
