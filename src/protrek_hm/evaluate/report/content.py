"""Everything that was measured, as plain JSON values."""

import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from protrek_hm.cosines import TOLERANCE
from protrek_hm.evaluate.discrimination import Discrimination
from protrek_hm.evaluate.measures import MEASURES
from protrek_hm.evaluate.retrieval import Retrieval
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.evaluate.statistics import Estimate

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
    """Return everything that was measured as plain JSON values; no clock in it: same input, same bytes."""
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
