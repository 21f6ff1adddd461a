"""Heatmaps of all single substitutions: residues of a protein in lines, the twenty below each other.

A cell is coloured by its value, from the lowest over white (nothing) to the highest. The protein's own residue has a
dot, what is known has a frame: neither depends on colour.
"""

import textwrap
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from protrek_hm.errors import counted
from protrek_hm.figures.style import GREY, NEGATIVE, POSITIVE, STYLE, new_figure, save_figure

ORDER = "GAVLIMCPFYWHKRDENQST"
"""The twenty from top to bottom: small and aliphatic, aromatic, charged, polar."""

WIDTH = 80
"""Residues a line."""

MOST = 2000
"""Residues that are drawn; of more, the first."""

FULL = 0.99
"""Share of the values that have colours of their own; what lies beyond has the last colour."""

_CELL = 0.115  # inches
_LETTERS = 11.5  # of the title in an inch
_LEFT, _RIGHT, _TOP, _GAP, _BOTTOM = 0.55, 0.95, 0.55, 0.42, 0.4
_COLOURS = LinearSegmentedColormap.from_list("change", [NEGATIVE, "#FFFFFF", POSITIVE])


@dataclass(frozen=True)
class Heatmap:
    """Values of all substitutions of the same residues, what they are, and the residue that each column stands for."""

    label: str
    values: Float[np.ndarray, "residues 20"]
    letters: str


@rc_context(STYLE)
def draw_heatmaps(
    maps: Sequence[Heatmap],
    residues: str,
    path: Path,
    *,
    first: int = 1,
    marked: Collection[tuple[int, str]] = (),
    title: str = "",
) -> None:
    """Draw heatmaps of the same residues below each other and save them as PNG, and as PDF beside it.

    Parameters
    ----------
    residues
        What the protein has there.
    first
        The number of the first of them.
    marked
        Cells that get a frame: place among `residues`, from 0, and residue.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    shown = residues[:MOST]
    starts = range(0, len(shown), WIDTH)
    columns = min(WIDTH, len(shown))
    height_of_one = len(ORDER) * _CELL
    width = max(_LEFT + columns * _CELL + _RIGHT, 6.5)
    height = _TOP + len(maps) * len(starts) * (height_of_one + _GAP) + len(maps) * _GAP + _BOTTOM
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    lines = textwrap.wrap(title, width=int(_LETTERS * width), max_lines=2, placeholder=" …")
    figure.text(0.12 / width, 1 - 0.1 / height, "\n".join(lines), fontsize=9.5, fontweight="bold", va="top")
    top = _TOP
    for each in maps:
        figure.text(0.12 / width, 1 - (top + 0.02) / height, each.label, fontsize=8, va="center")
        top += _GAP
        drawn: AxesImage | None = None
        beginning = top
        for start in starts:
            stop = min(start + WIDTH, len(shown))
            place = (_LEFT, height - top - height_of_one, (stop - start) * _CELL, height_of_one)
            axes = figure.add_axes((place[0] / width, place[1] / height, place[2] / width, place[3] / height))
            drawn = _draw_line(axes, each, (start, stop))
            _mark(axes, shown, (start, stop), marked)
            _number(axes, shown, (start, stop), first)
            top += height_of_one + _GAP
        assert drawn is not None, "a protein has a residue"
        right, bottom = _LEFT + columns * _CELL + 0.15, height - beginning - height_of_one
        bar = figure.add_axes((right / width, bottom / height, 0.09 / width, height_of_one / height))
        figure.colorbar(drawn, cax=bar, extend="both").ax.tick_params(labelsize=6.5, length=2)
    said = "dot: the protein's own residue" + ("; frame: a known variant" if marked else "")
    left_out = f"; {counted(len(residues) - len(shown), 'residue')} behind these not drawn" * (len(residues) > MOST)
    figure.text(0.12 / width, 0.18 / height, said + left_out, fontsize=7.5, va="center", color=GREY)
    save_figure(figure, path)


def limit(values: Float[np.ndarray, "residues 20"]) -> float:
    """Return the size of a value from which on it has the last colour: that of the 99th percentile.

    >>> limit(np.zeros((2, 20))), limit(np.full((2, 20), -0.5))
    (1e-06, 0.5)
    """
    return max(float(np.quantile(np.abs(values), FULL)), 1e-6)


def _draw_line(axes: Axes, whole: Heatmap, part: tuple[int, int]) -> AxesImage:
    columns = [whole.letters.index(residue) for residue in ORDER]
    cells = whole.values[part[0] : part[1], columns].T
    most = limit(whole.values)
    extent = (-0.5, part[1] - part[0] - 0.5, len(ORDER) - 0.5, -0.5)
    return axes.imshow(
        cells, cmap=_COLOURS, vmin=-most, vmax=most, aspect="auto", interpolation="nearest", extent=extent
    )


def _mark(axes: Axes, residues: str, part: tuple[int, int], marked: Collection[tuple[int, str]]) -> None:
    start, stop = part
    own = [(place - start, ORDER.index(residues[place])) for place in range(start, stop) if residues[place] in ORDER]
    if own:
        axes.plot(*zip(*own, strict=True), "o", markersize=1.7, color="#1A1A1A", linestyle="none")
    for place, residue in marked:
        if start <= place < stop and residue in ORDER:
            corner = (place - start - 0.5, ORDER.index(residue) - 0.5)
            axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor="#1A1A1A", linewidth=0.9))


def _number(axes: Axes, residues: str, part: tuple[int, int], first: int) -> None:
    """Write the protein's letters above, every tenth number below, and the twenty at the left."""
    start, stop = part
    axes.set_yticks(range(len(ORDER)), list(ORDER), fontsize=5.6)
    tens = [place - start for place in range(start, stop) if (place + first) % 10 == 0]
    numbers = sorted({0, *(each for each in tens if each > 2)})
    axes.set_xticks(numbers, [str(start + first + each) for each in numbers], fontsize=6.5)
    axes.tick_params(length=1.5, width=0.5, pad=1.5)
    axes.spines[:].set_visible(False)
    for place in range(start, stop):
        axes.text(place - start, -1.1, residues[place], fontsize=5.6, ha="center", va="center_baseline",
                  family="DejaVu Sans Mono")  # fmt: skip
