"""Picture 7: how far down one must read, over the whole pool, in every direction."""

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from protrek_hm.evaluate.plots.colours import model_colour
from protrek_hm.evaluate.ranking import recall_at
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.figures.style import GREY, STYLE, new_figure


@rc_context(STYLE)
def plot_retrieval(evaluation: Evaluation) -> Figure:
    """Draw the share of queries whose answer is among the first k, over k, a panel a direction."""
    models = evaluation.models
    keys = list(models[0].retrieval)
    figure = new_figure(0.5 + 3.4 * min(len(keys), 3), 0.4 + 3.0 * ((len(keys) + 2) // 3))
    grid = figure.subplots((len(keys) + 2) // 3, min(len(keys), 3), squeeze=False, sharey=True)
    for axes in grid.ravel()[len(keys) :]:
        axes.remove()
    for axes, key in zip(grid.ravel(), keys, strict=False):
        for position, model in enumerate(models):
            found = model.retrieval[key]
            depths = np.unique(np.geomspace(1, found.ranks.pool, 200).round())
            shares = [100 * recall_at(found.ranks, int(depth)).mean() for depth in depths]
            colour = model_colour(position, of=len(models))
            mrr = found.estimates["mrr"].value
            axes.step(depths, shares, where="post", color=colour, label=f"{model.name}: MRR {mrr:.3f}")
        axes.plot(
            depths, 100 * depths / found.ranks.pool, "--", color=GREY, linewidth=1.0, label="one answer, by chance"
        )
        axes.set_xscale("log")
        axes.xaxis.set(major_formatter=LogFormatter(), minor_formatter=LogFormatter())  # the default ones need math
        axes.set_xlim(1, max(found.ranks.pool, 2))
        axes.set_ylim(0, 103)
        axes.set_title(f"{found.title} (n = {len(found.ranks.better)})")
        axes.set_xlabel(f"first k of {found.ranks.pool}")
        axes.legend(loc="upper left" if mrr < 0.5 else "lower right", fontsize=7.5)
    grid[0, 0].set_ylabel("queries answered (%)")
    return figure
