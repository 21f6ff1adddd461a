"""Twin cards: an alignment with what differs marked, both texts, the scores; for the page and as pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from protrek_hm.evaluate.examples import TwinExample
from protrek_hm.figures.alignment import MOST_BLOCKS, TwinCard, draw_twin_cards
from protrek_hm.figures.blocks import choose_blocks, differing_columns


@dataclass(frozen=True)
class Run:
    """Neighbouring letters of one line that are all alike in differing from the other protein, or not."""

    letters: str
    differs: bool


@dataclass(frozen=True)
class CardBlock:
    """Some columns of an alignment: residues before it, two lines, and how many columns were skipped before."""

    skipped: int
    first: tuple[int, int]
    lines: tuple[tuple[Run, ...], tuple[Run, ...]]


@dataclass(frozen=True)
class PageCard:
    """One twin pair as the page shows it."""

    example: TwinExample
    blocks: tuple[CardBlock, ...]
    skipped_after: int
    differences: int


def page_card(example: TwinExample) -> PageCard:
    """Lay out a twin pair for the page: the blocks that differ, in lines of 60 columns.

    Examples
    --------
    >>> from protrek_hm.homology.identity import Alignment
    >>> example = TwinExample("won", 0, Alignment("MKT-", "MRTA"), ("a", "b"), ("red", "blue"), {"m": (0.9, 0.1)})
    >>> card = page_card(example)
    >>> card.differences, [(run.letters, run.differs) for run in card.blocks[0].lines[1]]
    (2, [('M', False), ('R', True), ('T', False), ('A', True)])
    """
    a, b = example.alignment.a, example.alignment.b
    blocks, after = choose_blocks(a, b, most=MOST_BLOCKS)
    rows = []
    for block in blocks:
        first, second = block.rows
        differing = set(differing_columns(first, second))
        start_a, start_b = (begin for begin, _ in block.residues)
        rows.append(CardBlock(block.skipped, (start_a, start_b), (_runs(first, differing), _runs(second, differing))))
    return PageCard(example, tuple(rows), after, len(differing_columns(a, b)))


def draw_cards(examples: Sequence[TwinExample], path: Path, *, title: str) -> None:
    """Draw the cards as PNG, and as PDF beside it."""
    cards = [
        TwinCard(
            each.alignment.a,
            each.alignment.b,
            names=each.names,
            texts=(each.texts[0], each.texts[1] or "(text unknown, or the same)"),
            identity=each.alignment.identity,
            note="; ".join(f"{model}: {own:+.3f} / twin {twin:+.3f}" for model, (own, twin) in each.scores.items()),
        )
        for each in examples
    ]
    draw_twin_cards(cards, path, title=title)


def _runs(line: str, differing: set[int]) -> tuple[Run, ...]:
    runs: list[Run] = []
    for column, letter in enumerate(line):
        differs = column in differing
        if runs and runs[-1].differs == differs:
            runs[-1] = Run(runs[-1].letters + letter, differs)
        else:
            runs.append(Run(letter, differs))
    return tuple(runs)
