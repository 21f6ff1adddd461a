"""An evaluation on disk, all of it or nothing: the JSON report, a row for each case and model, page and pictures."""

import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from protrek_hm.cosines import TOLERANCE, equal_ties
from protrek_hm.data.compression import digest
from protrek_hm.errors import OptionError
from protrek_hm.evaluate.cases import other_texts
from protrek_hm.evaluate.measures import MEASURES, Discrimination
from protrek_hm.evaluate.plots.pictures import draw_all
from protrek_hm.evaluate.report.page import Kind, choose_examples, draw_cards, render_page
from protrek_hm.evaluate.retrieval import Retrieval
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.evaluate.statistics import Estimate
from protrek_hm.figures.style import spared
from protrek_hm.files import new_folder, write_json
from protrek_hm.locations import as_url


def name_models(paths: Sequence[str]) -> dict[str, str]:
    """Name each model by the last parts of its path, as many as are needed to tell models apart.

    Raises
    ------
    OptionError
        If a model is given twice.

    Examples
    --------
    >>> name_models(["models/base", "models/tuned/"])
    {'base': 'models/base', 'tuned': 'models/tuned/'}
    >>> name_models(["first/model", "second/model"])
    {'first/model': 'first/model', 'second/model': 'second/model'}
    """
    resolved = [str(Path(path).resolve()) if Path(path).exists() else path for path in paths]
    for position, path in enumerate(resolved):
        if path in resolved[:position]:
            raise OptionError("model", paths[position], "is given twice; compare two different models")
    parts = [Path(path).parts for path in resolved]
    depth = 1
    while len({each[-depth:] for each in parts}) < len(parts):
        depth += 1
    return {"/".join(each[-depth:]): path for each, path in zip(parts, paths, strict=True)}


def describe_inputs(
    tables: Mapping[str, Path], models: Mapping[str, str], fingerprints: Mapping[str, str]
) -> dict[str, Any]:
    """Return the command, the tables with the SHA-256 of what was read, the models with that of the weights."""
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "tables": {role: {"path": as_url(path), "sha256": digest(path).sha256} for role, path in tables.items()},
        "models": {name: {"path": path, "weights_sha256": fingerprints[name]} for name, path in models.items()},
    }


FORMAT_VERSION = 2
PROTOCOL = (
    "Each row of a triplet table is a case: does the anchor text score higher with its own protein than with "
    "the twin (text → protein), the protein with its own text than with the twin's (protein → text), and are "
    "all four choices of a pair right (each pair once)? Scores are cosines; two that differ by at most "
    f"{TOLERANCE:g} are tied, and a tie counts as guessed. Retrieval ranks every distinct text or protein of the test "
    "tables, the spellings of a text as one; its measures are means over all orders of tied items. Intervals: 95 %, "
    "expanded percentile bootstrap over groups of dependent cases; where all groups agree, exact (Clopper, Pearson). "
    "Paired tests: exact (McNemar), over cases as if they were independent, and over groups, which are. A stated "
    "certainty is the softmax over the two proteins at the model's temperature."
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


def report(evaluation: Evaluation, *, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that was measured as plain JSON values, without a time: same input, same bytes."""
    return {
        "format_version": FORMAT_VERSION,
        "leak_check": evaluation.leaks.as_dict(),
        "caveats": list(evaluation.caveats),
        "models": {
            model.name: {
                "measures": _measures(model.estimates),
                "temperature": model.temperature,
                "discrimination": {name: _discrimination(each) for name, each in model.discrimination.items()},
                "retrieval": {key: _retrieval(each) for key, each in model.retrieval.items()},
                "strata": [
                    {"by": each.by, "bin": each.label, "measures": _measures(each.estimates)} for each in model.strata
                ],
            }
            for model in evaluation.models
        },
        "differences": _measures(evaluation.differences),
        "significance": {key: each.as_dict() for key, each in evaluation.significance.items()},
        "retrieval_differences": {key: _measures(each) for key, each in evaluation.retrieval_differences.items()},
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


def _measures(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {key: estimate.as_dict() for key, estimate in estimates.items()}


def _discrimination(found: Discrimination) -> dict[str, Any]:
    return {
        **_measures(found.estimates),
        "threshold": found.threshold,
        "margin": dict(found.margin),
        "calibration": found.calibration.as_dict(),
    }


def _retrieval(found: Retrieval) -> dict[str, Any]:
    return {"pool": found.ranks.pool, "measures": _measures(found.estimates), "chance": dict(found.chance)}


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


EMBEDDINGS = "embeddings"
"""The folder of cached embeddings, which an interrupted evaluation leaves and the next one goes on from."""

_TITLES: dict[Kind, str] = {"won": "Twins that {} tells apart", "lost": "Twins that {} gets wrong"}


def write_evaluation(
    evaluation: Evaluation, folder: Path, *, force: bool = False, provenance: Mapping[str, Any] | None = None
) -> None:
    """Write `report.html`, `report.json`, `predictions.parquet` and the pictures into a new folder.

    Parameters
    ----------
    evaluation
        What `evaluate` returned.
    folder
        Where to; it appears when everything is written. Embeddings that are kept there outlive the evaluation.
    force
        Whether an evaluation that is there is replaced.
    provenance
        What made it (command, files with checksums, model folders); written as it is.

    Raises
    ------
    OutputExistsError, ProtectedOutputError, OutputError
        If `folder` holds something and `force` is false; if it holds more than an evaluation; if it cannot be written.
    """
    with new_folder(folder, force=force, carried=[EMBEDDINGS]) as temporary:
        content = report(evaluation, provenance=provenance or {})
        write_json(temporary / "report.json", content)
        predictions(evaluation).write_parquet(temporary / "predictions.parquet")
        figures = draw_all(evaluation, temporary)
        examples = {kind: choose_examples(evaluation, kind) for kind in _TITLES}
        for number, (kind, chosen) in enumerate(examples.items(), start=8):
            if chosen:
                title = _TITLES[kind].format(evaluation.models[-1].name)
                picture = temporary / f"{number}_twins_{kind}.png"
                with spared(picture):
                    draw_cards(chosen, picture, title=title)
        page = render_page(evaluation, content, figures, examples)
        (temporary / "report.html").write_text(page, encoding="utf-8")
