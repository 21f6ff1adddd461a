"""Picture 6: whether a model's certainty means what it says."""

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from protrek_hm.evaluate.plots.colours import model_colour
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.figures.style import GREY, STYLE, new_figure


@rc_context(STYLE)
def plot_reliability(evaluation: Evaluation) -> Figure:
    """Draw accuracy over certainty of each model's choices, a panel a set, the share of cases as bars below."""
    models, sets = evaluation.models, list(evaluation.sets)
    figure = new_figure(0.4 + 3.6 * len(sets), 4.4)
    grid = figure.subplots(2, len(sets), squeeze=False, sharex=True, height_ratios=(3, 1))
    for column, name in enumerate(sets):
        above, below = grid[0, column], grid[1, column]
        above.plot((50, 100), (50, 100), color=GREY, linestyle="--", linewidth=1.0, label="as it says")
        for position, model in enumerate(models):
            found = model.discrimination[name].calibration
            colour = model_colour(position, of=len(models))
            filled = [number for number, cases in enumerate(found.counts) if cases]
            above.plot(
                [100 * found.certainty[number] for number in filled],
                [100 * found.accuracy[number] for number in filled],
                "o-",
                color=colour,
                markersize=4.5,
                label=f"{model.name}: ECE {100 * found.error:.1f} %",
            )
            _draw_counts(below, found.counts, colour)
        above.set_title(f"{name} (n = {sum(models[0].discrimination[name].calibration.counts)})")
        above.set_ylim(-3, 103)
        above.legend(loc="lower right", fontsize=7.5)
        below.set_xlabel("stated certainty of the chosen protein (%)")
    grid[0, 0].set_ylabel("right (%)")
    grid[1, 0].set_ylabel("cases (%)")
    return figure


def _draw_counts(axes: Axes, counts: tuple[int, ...], colour: str) -> None:
    width = 50 / len(counts)
    shares = [100 * cases / sum(counts) for cases in counts]
    edges = [50 + number * width for number in range(len(counts) + 1)]
    axes.stairs(shares, edges, color=colour, fill=True, alpha=0.3)
    axes.stairs(shares, edges, color=colour)
    axes.set_xlim(49, 101)
