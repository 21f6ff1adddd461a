"""The twin card: two aligned sequences column by column, what differs marked, both texts, the identity.

Long proteins are shown where they differ: blocks without a difference are left out, and the gap says how many
columns it leaves out. Differences are marked twice, by colour and by a symbol below (`*` substitution, `-`
gap), so that the card can be read in grey and by colour-blind readers. Beneath a card, the contribution of each
difference may be drawn as a bar, the strongest first.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from protrek_hm.errors import counted, in_percent, shorten
from protrek_hm.figures.blocks import Block, choose_blocks, differing_columns, marks
from protrek_hm.figures.style import GREY, NEGATIVE, POSITIVE, STYLE, new_figure, save_figure

COLUMNS = 80
"""Alignment columns a block."""
LABEL = 21
"""Characters left of the sequences."""

PAGE = LABEL + COLUMNS + 8
"""Characters of the whole width."""

MOST_BLOCKS = 4
_NAME = 15  # characters of a row's name
LINE, CHARACTER = 0.155, 0.0745
"""Height of a line and width of a letter, in inches, at the size below."""

_SIZE = 8.6
_MONO_SIZE = CHARACTER * 72 / (1233 / 2048)  # points: a letter of DejaVu Sans Mono is 1233 of 2048 units wide
_AT_ONCE = 10  # letters
_SHADE = "#F6C9AE"  # a light NEGATIVE: the letters above it stay readable
_INK = "#1A1A1A"
_FAINT = "#5A5A5A"  # of what both share: the eye should fall on the rest


@dataclass(frozen=True)
class TwinCard:
    """One pair for display.

    a, b: gapped sequences of one length, `-` for gaps. names: what the rows are called. texts: what each
    protein does. identity: identical columns ÷ columns, in [0, 1]. note: a further line, such as scores; may
    be empty.
    """

    a: str
    b: str
    names: tuple[str, str]
    texts: tuple[str, str]
    identity: float
    note: str = ""

    def __post_init__(self) -> None:
        if len(self.a) != len(self.b):
            raise ValueError(f"aligned sequences must be of one length, not {len(self.a)} and {len(self.b)}")


@rc_context(STYLE)
def draw_twin_cards(cards: Sequence[TwinCard], path: Path, *, title: str = "") -> None:
    """Draw cards below each other and save them as PNG, and as PDF beside it.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    layouts = [lay_out(card) for card in cards]
    head = 2.7 if title else 0.4
    lines = sum(len(layout) for layout in layouts) + 2.2 * max(0, len(cards) - 1) + head + 2.4
    width = PAGE * CHARACTER
    figure = new_figure(width, lines * LINE)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, PAGE)
    axes.set_ylim(lines, 0)
    axes.axis("off")
    if title:
        axes.text(1.5, 1.3, title, fontsize=10.5, fontweight="bold", va="center", color=_INK)
    top = head
    for number, layout in enumerate(layouts):
        if number:
            axes.plot((1.5, PAGE - 2), (top - 0.9, top - 0.9), color="#C8C8C8", linewidth=0.6)
        for offset, line in enumerate(layout):
            line.draw(axes, top + offset + 0.5)
        top += len(layout) + 2.2
    draw_legend(axes, lines - 1.1)
    save_figure(figure, path)


@dataclass(frozen=True)
class CardLine:
    """One line of a card: runs of characters at their columns, each with a colour and perhaps a shade."""

    runs: tuple[tuple[float, str, str, str], ...]  # column, text, colour, style (mono, bold, plain, italic)
    shaded: tuple[int, ...] = ()

    def draw(self, axes: Axes, y: float) -> None:
        """Draw the line at `y`, in lines from the top."""
        for place in self.shaded:
            axes.add_patch(Rectangle((place, y - 0.5), 1, 1, color=_SHADE, linewidth=0, zorder=0))
        for column, text, colour, style in self.runs:
            if style == "mono":
                self._draw_letters(axes, (column, y), text, colour=colour)
            else:
                weight = "bold" if style == "bold" else "normal"
                slant = "italic" if style == "italic" else "normal"
                axes.text(column, y, text, fontsize=_SIZE, va="center_baseline", color=colour,
                          fontweight=weight, fontstyle=slant)  # fmt: skip

    def _draw_letters(self, axes: Axes, place: tuple[float, float], text: str, *, colour: str) -> None:
        """Put the letters into their columns: few at a time, or rounding of their widths would add up."""
        begin = round(place[0])
        columns = range(begin, begin + len(text))
        for (marked, _), few in groupby(columns, lambda column: (column in self.shaded, (column - begin) // _AT_ONCE)):
            first, *others = few
            letters = text[first - begin : first - begin + 1 + len(others)]
            axes.text(first, place[1], letters, fontsize=_MONO_SIZE, family="DejaVu Sans Mono",
                      va="center_baseline", color=_INK if marked else colour,
                      fontweight="bold" if marked else "normal")  # fmt: skip


def lay_out(card: TwinCard) -> list[CardLine]:
    """Return the lines of a card, from top to bottom."""
    differing = differing_columns(card.a, card.b)
    gaps = sum("-" in (card.a[column], card.b[column]) for column in differing)
    told = [f"{in_percent(card.identity)} identical"]
    counts = ((len(differing) - gaps, "substitution"), (gaps, "gap column"))
    told += [counted(number, noun) for number, noun in counts if number]
    lines = [CardLine(((1.5, " · ".join([*told, *([card.note] if card.note else [])]), _INK, "bold"),))]
    for name, text, colour in zip(card.names, card.texts, (POSITIVE, NEGATIVE), strict=True):
        wrapped = textwrap.wrap(text, width=100, max_lines=4, placeholder=" …") or ["(no text)"]
        lines.append(
            CardLine(((1.5, shorten(name, width=_NAME), colour, "bold"), (float(LABEL), wrapped[0], _INK, "plain")))
        )
        lines += [CardLine(((float(LABEL), part, _INK, "plain"),)) for part in wrapped[1:]]
    lines.append(CardLine(()))
    blocks, after = choose_blocks(card.a, card.b, width=COLUMNS, most=MOST_BLOCKS)
    for block in blocks:
        lines += _lay_out_block(card, block)
    if after:
        lines.append(_skipped(after, card, len(card.a) - after, len(card.a)))
    return lines


def _lay_out_block(card: TwinCard, block: Block) -> list[CardLine]:
    lines = []
    if block.skipped:
        lines.append(_skipped(block.skipped, card, block.start - block.skipped, block.start))
    places = differing_columns(*block.rows)
    for row, (begin, end), name, colour in zip(
        block.rows, block.residues, card.names, (POSITIVE, NEGATIVE), strict=True
    ):
        first, last = (str(begin), str(end)) if end >= begin else ("", "")
        runs: list[tuple[float, str, str, str]] = [(1.5, shorten(name, width=_NAME), colour, "plain")]
        runs.append((LABEL - 1.0 - len(first), first, GREY, "mono"))
        runs.append((LABEL + len(row) + 1.0, last, GREY, "mono"))
        runs.append((LABEL, row, _FAINT, "mono"))
        lines.append(CardLine(tuple(runs), tuple(LABEL + place for place in places)))
    signs = marks(*block.rows)
    marked = tuple((float(LABEL + place), signs[place], NEGATIVE, "mono") for place in places)
    return [*lines, CardLine(marked)]


def _skipped(count: int, card: TwinCard, start: int, stop: int) -> CardLine:
    within = len(differing_columns(card.a[start:stop], card.b[start:stop]))
    what = f"{counted(within, 'difference')} in them" if within else "all identical"
    return CardLine(((float(LABEL), f"⋯ {count} columns not shown, {what}", GREY, "italic"),))


def draw_legend(axes: Axes, y: float) -> None:
    """Draw the legend at `y`, in lines from the top."""
    axes.add_patch(Rectangle((LABEL, y - 0.5), 1, 1, color=_SHADE, linewidth=0))
    text = "shaded: the two differ; below, * marks a substitution and - a gap. Numbers count residues."
    axes.text(LABEL + 1.6, y, text, fontsize=7.5, va="center_baseline", color=GREY)


MOST_BARS = 20
"""Contributions that are drawn; the weakest of more are left out, and their number said."""

_BAR = 0.21  # inches
_AXIS = 0.62  # inches beneath the bars


@dataclass(frozen=True)
class Contribution:
    """Effect of one difference.

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
