"""Picture 4: what fine-tuning did to each twin."""

import numpy as np
from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.figure import Figure

from protrek_hm.evaluate.metrics import margins, text_to_protein
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.figures.style import GREY, NEGATIVE, POSITIVE, STYLE, new_figure

_RIGHT_BOTH = "#56B4E9"


@rc_context(STYLE)
def plot_change(evaluation: Evaluation) -> Figure:
    """Draw each case's margin after over that before, for hard and easy, with the counts of all outcomes.

    A tie counts as wrong.

    Raises
    ------
    ValueError
        Unless there are exactly two models.
    """
    if len(evaluation.models) != 2:
        raise ValueError(f"a change needs exactly two models, got {len(evaluation.models)}")
    before, after = evaluation.models
    figure = new_figure(3.9 * len(evaluation.sets), 3.9)
    panels = figure.subplots(1, len(evaluation.sets), squeeze=False)[0]
    for axes, name in zip(panels, evaluation.sets, strict=True):
        x, y = margins(before.scores[name]), margins(after.scores[name])
        was, now = (text_to_protein(each.scores[name]) == 1 for each in (before, after))
        outcomes = (
            ("wrong → right", ~was & now, POSITIVE),
            ("right → wrong", was & ~now, NEGATIVE),
            ("right in both", was & now, _RIGHT_BOTH),
            ("wrong in both", ~was & ~now, GREY),
        )
        size, scale = (14, 1.0) if len(x) < 500 else (5, 1.7)
        for label, chosen, colour in outcomes:
            share = f"{label}: {int(chosen.sum())} ({chosen.mean():.0%})"
            axes.scatter(x[chosen], y[chosen], s=size, color=colour, alpha=0.7, linewidths=0, label=share)
        axes.axhline(0, color="black", linewidth=0.7)
        axes.axvline(0, color="black", linewidth=0.7)
        ends = [min(x.min(), y.min(), 0.0), max(x.max(), y.max(), 0.0)]
        axes.plot(ends, ends, color=GREY, linestyle=":", linewidth=0.9, zorder=0, label="no change")
        axes.set_xlim(_padded(x))
        axes.set_ylim(_padded(y))
        axes.locator_params(nbins=5)
        axes.set_title(f"{name} (n = {len(x)})")
        axes.set_xlabel(f"margin, {before.name}")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, fontsize=8, markerscale=scale)
    panels[0].set_ylabel(f"margin, {after.name}")
    return figure


def _padded(values: Float[np.ndarray, " cases"]) -> tuple[float, float]:
    """Return limits that leave room around the values and show zero."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    room = 0.06 * max(high - low, 1e-3)
    return low - room, high + room
