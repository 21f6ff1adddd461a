"""A merge on disk: the model, `merge.json`, and of a sweep its frontier; all of them or none."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from protrek_hm.figures.style import spared
from protrek_hm.files import new_folder, write_json
from protrek_hm.merge.frontier import draw_frontier
from protrek_hm.merge.sweeping import SweepResult
from protrek_hm.model.protrek import ProTrek

FORMAT_VERSION = 1


def write_merge(
    model: ProTrek,
    folder: Path,
    *,
    alpha: float,
    sources: Mapping[str, Any],
    result: SweepResult | None = None,
    force: bool = False,
) -> None:
    """Write `model/`, `merge.json` and, with the `result` of a sweep, `frontier.png` and `.pdf` into `folder`.

    Parameters
    ----------
    model
        The merged model.
    alpha
        Where it lies between base and tuned, in [0, 1].
    sources
        What it was made from, for `merge.json`.
    result
        The sweep that chose `alpha`.

    Raises
    ------
    OutputExistsError, OutputError
        If `folder` holds something and `force` is false, or if it cannot be written.
    """
    with new_folder(folder, force=force) as new:
        model.save_pretrained(str(new / "model"))
        record = {"format_version": FORMAT_VERSION, "alpha": alpha, "fingerprint": model.fingerprint(), **sources}
        write_json(new / "merge.json", record | ({} if result is None else {"sweep": describe(result)}))
        if result is not None:
            with spared(new / "frontier.png"):
                draw_frontier(result, new / "frontier.png")


def describe(result: SweepResult) -> dict[str, Any]:
    """Return a sweep as it stands in `merge.json`: the rule, its settings, every point, the gain of the choice."""
    return {
        "rule": result.config.rule,
        "measure": "accuracy on the validation cases, mean of text → protein and protein → text; ties count half",
        "settings": asdict(result.config),
        "chosen": result.chosen.alpha,
        "gain": {"hard": result.hard_gain.as_dict(), "easy": result.easy_gain.as_dict()},
        "points": [
            {"alpha": point.alpha, "hard": point.hard.as_dict(), "easy": point.easy.as_dict()}
            for point in result.points
        ],
    }
