"""Two proteins aligned, and beneath them what each difference is worth, the strongest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes

from protrek_hm.figures.alignment import CHARACTER, LINE, PAGE, TwinCard, draw_legend, lay_out
from protrek_hm.figures.style import GREY, NEGATIVE, POSITIVE, STYLE, new_figure, save_figure

MOST_BARS = 20
"""Contributions that are drawn; the weakest of more are left out, and their number said."""

_BAR = 0.21  # inches
_AXIS = 0.62  # inches beneath the bars


@dataclass(frozen=True)
class Contribution:
    """What one difference does.

    name: such as "E104K". change: of the first protein's score when it alone has the difference as the second has it.
    mirrored: the same seen from the second protein, its sign turned.
    """

    name: str
    change: float
    mirrored: float


def strongest(contributions: Sequence[Contribution], most: int = MOST_BARS) -> list[Contribution]:
    """Return the contributions with the largest changes, largest first; equal ones in the order given.

    >>> few = [Contribution("A1C", 0.1, 0.1), Contribution("D2E", -0.3, -0.2), Contribution("F3Y", 0.0, 0.0)]
    >>> [each.name for each in strongest(few, most=2)]
    ['D2E', 'A1C']
    """
    return sorted(contributions, key=lambda each: -abs(each.change))[:most]


@rc_context(STYLE)
def draw_contributions(
    card: TwinCard, contributions: Sequence[Contribution], path: Path, *, title: str, caption: str = ""
) -> None:
    """Draw a twin card with bars beneath it and save it as PNG, and as PDF beside it.

    Parameters
    ----------
    contributions
        May be empty: then the card stands alone.
    caption
        A line below the bars, such as what they add up to.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    lines, shown = lay_out(card), strongest(contributions)
    left_out = len(contributions) - len(shown)
    card_height = (len(lines) + 5.6) * LINE
    bars_height = len(shown) * _BAR + _AXIS + 2.4 * LINE if shown else 0.0
    width, height = PAGE * CHARACTER, card_height + bars_height
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, bars_height / height, 1, card_height / height))
    axes.set_xlim(0, PAGE)
    axes.set_ylim(len(lines) + 5.6, 0)
    axes.axis("off")
    axes.text(1.5, 1.3, title, fontsize=10.5, fontweight="bold", va="center")
    for number, line in enumerate(lines):
        line.draw(axes, 2.7 + number + 0.5)
    draw_legend(axes, len(lines) + 4.0)
    if shown:
        place = (0.2, (_AXIS + 1.2 * LINE) / height, 0.76, len(shown) * _BAR / height)
        bars = figure.add_axes(place)
        _draw_bars(bars, shown)
        note = f"{left_out} weaker ones not shown. {caption}" if left_out else caption
        figure.text(1.5 / PAGE, 0.9 * LINE / height, note.strip(), fontsize=7.5, va="center", color=GREY)
    save_figure(figure, path)


def _draw_bars(axes: Axes, contributions: Sequence[Contribution]) -> None:
    rows = range(len(contributions))
    changes = [each.change for each in contributions]
    mirrored = [each.mirrored for each in contributions]
    axes.barh(rows, changes, height=0.62, color=[NEGATIVE if change < 0 else POSITIVE for change in changes])
    axes.plot(mirrored, rows, "o", markersize=4.2, markerfacecolor="white", markeredgecolor=GREY, linestyle="none")
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(rows, [each.name for each in contributions])
    axes.set_ylim(len(contributions) - 0.4, -0.6)
    reach = 1.18 * max(*map(abs, changes), *map(abs, mirrored), 1e-9)
    axes.set_xlim(-reach, reach)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    label = "change of the first one's score with this difference alone (○: as seen from the second)"
    axes.set_xlabel(label, fontsize=8)
