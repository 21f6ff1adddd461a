"""The twin card: two aligned sequences column by column, what differs marked, both texts, the identity.

Long proteins are shown where they differ: blocks without a difference are left out, and the gap says how many
columns it leaves out. Differences are marked twice, by colour and by a symbol below (`*` substitution, `-`
gap), so that the card can be read in grey and by colour-blind readers.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from protrek_hm.errors import shorten
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
_SHADE = "#F6C9AE"  # a light NEGATIVE: the letters above it stay readable
_INK = "#1A1A1A"
_FAINT = "#5A5A5A"  # of what both share: the eye should fall on the rest


@dataclass(frozen=True)
class TwinCard:
    """One pair as it is shown.

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
        """Put each letter into its own column, whatever the font's width."""
        for column, letter in enumerate(text, start=round(place[0])):
            marked = column in self.shaded
            axes.text(column + 0.5, place[1], letter, fontsize=_SIZE, family="DejaVu Sans Mono", ha="center",
                      va="center_baseline", color=_INK if marked else colour,
                      fontweight="bold" if marked else "normal")  # fmt: skip


def lay_out(card: TwinCard) -> list[CardLine]:
    """Return the lines of a card, from top to bottom."""
    differing = differing_columns(card.a, card.b)
    gaps = sum("-" in (card.a[column], card.b[column]) for column in differing)
    counted = [f"{card.identity:.1%} identical"]
    counts = ((len(differing) - gaps, "substitution"), (gaps, "gap column"))
    counted += [_count(number, noun) for number, noun in counts if number]
    lines = [CardLine(((1.5, " · ".join([*counted, *([card.note] if card.note else [])]), _INK, "bold"),))]
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
    what = f"{_count(within, 'difference')} in them" if within else "all identical"
    return CardLine(((float(LABEL), f"⋯ {count} columns not shown, {what}", GREY, "italic"),))


def draw_legend(axes: Axes, y: float) -> None:
    """Say at `y`, in lines from the top, what is marked how."""
    axes.add_patch(Rectangle((LABEL, y - 0.5), 1, 1, color=_SHADE, linewidth=0))
    text = "shaded: the two differ; below, * marks a substitution and - a gap. Numbers count residues."
    axes.text(LABEL + 1.6, y, text, fontsize=7.5, va="center_baseline", color=GREY)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
