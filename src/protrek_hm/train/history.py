"""What happened at each step of a run: a table and a curve."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib import rc_context
from matplotlib.axes import Axes

from protrek_hm.figures.style import AFTER, BEFORE, STYLE, new_figure, save_figure, spared
from protrek_hm.files import new_file

_COLUMNS = {
    "step": pl.Int64,
    "epoch": pl.Float64,
    "learning_rate": pl.Float64,
    "train_loss": pl.Float64,
    "valid_loss": pl.Float64,
    "valid_hard": pl.Float64,
    "valid_easy": pl.Float64,
    "valid_score": pl.Float64,
}
_TABLE = "loss_history.csv"
# The trainer's own `train_loss`, the mean of the whole run, is none of these
_LOGGED = {
    **{name: name for name in ("step", "epoch", "learning_rate")},
    **{"loss": "train_loss", "eval_loss": "valid_loss", "eval_score": "valid_score"},
    **{f"eval_{kind}_accuracy": f"valid_{kind}" for kind in ("hard", "easy")},
}


def history_frame(log: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Turn the trainer's log into one row a step; a step without a validation has nulls there.

    >>> log = [{"step": 2, "epoch": 1.0, "loss": 0.5}, {"step": 2, "epoch": 1.0, "eval_hard_accuracy": 0.75}]
    >>> history_frame(log).select("step", "train_loss", "valid_hard").rows()
    [(2, 0.5, 0.75)]
    """
    rows: dict[int, dict[str, Any]] = {}
    for entry in log:
        known = {_LOGGED[name]: value for name, value in entry.items() if name in _LOGGED}
        rows.setdefault(entry["step"], {}).update(known)
    return pl.DataFrame([rows[step] for step in sorted(rows)], schema=_COLUMNS)


def validation_scores(log: Iterable[Mapping[str, Any]]) -> dict[int, float]:
    """Return the score of each step that was validated, but of the base, at step 0, which is never what is kept."""
    return {entry["step"]: entry["eval_score"] for entry in log if "eval_score" in entry and entry["step"]}


def best_step(log: Iterable[Mapping[str, Any]]) -> int | None:
    """Return the step whose validation is the best so far, the first of equal ones; None before any.

    >>> best_step([{"step": 0, "eval_score": 9}, {"step": 2, "eval_score": 1}, {"step": 4, "eval_score": 1}])
    2
    """
    scores = validation_scores(log)
    return max(scores, key=scores.__getitem__, default=None)


def validations_since_best(log: Iterable[Mapping[str, Any]]) -> int:
    """Count the validations after the best one.

    >>> validations_since_best([{"step": 2, "eval_score": 2}, {"step": 4, "eval_score": 1}, {"step": 5, "loss": 1}])
    1
    """
    scores = [*validation_scores(log).values()]
    return len(scores) - 1 - scores.index(max(scores)) if scores else 0


def write_history(history: pl.DataFrame, folder: Path) -> None:
    """Write `loss_history.csv` and `loss_curve.png` (with its PDF) into `folder`."""
    with new_file(folder / _TABLE) as temporary:
        history.write_csv(temporary)
    picture = folder / "loss_curve.png"
    with spared(picture):
        _draw_curve(history, picture)


def read_history(folder: Path) -> pl.DataFrame:
    """Read what `write_history` wrote."""
    return pl.read_csv(folder / _TABLE, schema=_COLUMNS)


@rc_context(STYLE)
def _draw_curve(history: pl.DataFrame, path: Path) -> None:
    trained = history.drop_nulls("train_loss")
    validated = history.drop_nulls("valid_score")
    figure = new_figure(6.0, 3.2)
    losses = figure.add_subplot()
    smooth = trained["train_loss"].rolling_mean(max(1, trained.height // 20), min_samples=1)
    losses.plot(trained["epoch"], trained["train_loss"], color=BEFORE, alpha=0.3, linewidth=0.6)
    losses.plot(trained["epoch"], smooth, color=BEFORE, label="training loss")
    losses.set(title="Training", xlabel="epoch", ylabel="loss", ylim=(0, None))
    if validated["valid_hard"].count() or validated["valid_easy"].count():
        _draw_validation(validated, losses.twinx())
    elif validated.height:
        losses.plot(validated["epoch"], validated["valid_loss"], color=AFTER, marker=".", label="validation loss")
    handles = [handle for axes in figure.axes for handle in axes.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    save_figure(figure, path)


def _draw_validation(validated: pl.DataFrame, axes: Axes) -> None:
    axes.spines["right"].set_visible(True)
    axes.set(ylabel="validation accuracy (%)", ylim=(0, 102))
    trained = validated.filter(pl.col("step") > 0)  # the base, at step 0, is never what is kept
    best = trained["valid_score"].arg_max()
    for kind, style in (("hard", "-"), ("easy", "--")):
        curve = validated.drop_nulls(f"valid_{kind}")
        if not curve.height:
            continue
        axes.plot(curve["epoch"], 100 * curve[f"valid_{kind}"], style, color=AFTER, marker=".", label=f"valid, {kind}")
        if best is not None:
            point = (trained["epoch"][best], 100 * trained[f"valid_{kind}"][best])
            axes.plot(*point, marker="o", markersize=9, markerfacecolor="none", color=AFTER)
