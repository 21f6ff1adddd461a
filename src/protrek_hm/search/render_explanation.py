"""An explanation as text, JSON or a picture.

Text: both candidates, the alignment where it differs, the differences, strongest first. Picture: the pair aligned, and
bars of what each difference is worth.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TextIO

from rich.table import Table

from protrek_hm.errors import counted, in_percent, shorten
from protrek_hm.figures.blocks import WIDTH, choose_blocks, marks
from protrek_hm.figures.terminal import PlainConsole, print_table
from protrek_hm.homology.identity import Alignment
from protrek_hm.search.explain import Explanation, Substitution

_LABEL = 16
_BAR = 12  # characters of the longest bar
_FULL = 0.05  # change of a cosine from which a bar may be full: less hardly moves a protein among others


def write_explanation(explanation: Explanation, file: TextIO, *, form: Literal["table", "json"]) -> None:
    """Write an explanation to `file`: as tables, or complete as JSON."""
    if form == "json":
        file.write(json.dumps(explanation.as_dict(), indent=2, ensure_ascii=False) + "\n")
        return
    console = PlainConsole(file=file, soft_wrap=True)
    console.print(f"“{explanation.text}”\n")
    print_table(_candidates(explanation), file)
    console.print(f"\n{verdict(explanation)}\n")
    for line in alignment_lines(explanation.alignment, names(explanation)):
        console.print(line)
    if explanation.explained is not None and explanation.substitutions:
        print_table(_differences(explanation), file)
        console.print(f"\n{sums(explanation)}")
    for note in explanation.notes:
        console.print(f"note: {note}")


def draw_explanation(explanation: Explanation, path: Path) -> None:
    """Draw an explanation and save it as PNG, and as PDF beside it.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from protrek_hm.figures.alignment import Contribution, TwinCard, draw_contributions

    pair = (explanation.a, explanation.b)
    said = tuple(f"score {each.score:.4f} ({each.protrek_score:.2f} on ProTrek's scale)" for each in pair)
    card = TwinCard(
        explanation.alignment.a,
        explanation.alignment.b,
        names(explanation),
        (said[0], said[1]),
        explanation.identity,
        verdict(explanation).split(";")[0],
    )
    bars = [
        Contribution(each.notation, each.change, -(each.change_in_b or 0.0))
        for each in explanation.substitutions
        if each.change is not None
    ]
    caption = sums(explanation).strip() if bars else ""
    draw_contributions(card, bars, path, title=f"“{shorten(explanation.text, width=90)}”", caption=caption)


def names(explanation: Explanation) -> tuple[str, str]:
    """Call the two by their ids, or A and B."""
    return explanation.a.id or "A", explanation.b.id or "B"


def verdict(explanation: Explanation) -> str:
    """Say in a line which of the two fits better, by how much, and how alike they are."""
    better = {"a": names(explanation)[0], "b": names(explanation)[1]}
    scaled = abs(explanation.a.protrek_score - explanation.b.protrek_score)
    first = (
        f"{better[explanation.winner]} fits better by {abs(explanation.gap):.4f} ({scaled:.2f} on ProTrek's scale)"
        if explanation.winner
        else "both fit equally well"
    )
    count = len(explanation.substitutions)
    differ = counted(count, "difference") if count else "no difference"
    alike, over = in_percent(explanation.identity), in_percent(explanation.coverage, digits=0)
    return f"{first}; {alike} identical over {over}, {differ}"


def alignment_lines(alignment: Alignment, names: tuple[str, str], *, width: int = WIDTH) -> Iterator[str]:
    r"""Yield the blocks of an alignment that hold a difference, and how many columns lie between.

    >>> print("\n".join(alignment_lines(Alignment("MKTAYIAKQR", "MKTAYIAKER"), ("a", "b"), width=5)))
    … 5 columns, all identical
    <BLANKLINE>
    a                     6 IAKQR 10
                               *
    b                     6 IAKER 10
    <BLANKLINE>
    """
    blocks, after = choose_blocks(alignment.a, alignment.b, width=width)
    for block in blocks:
        if block.skipped:
            yield from (_skipped(block.skipped), "")
        one, other = (_row(*each) for each in zip(names, block.rows, block.residues, strict=True))
        yield from (one, " " * (_LABEL + 8) + marks(*block.rows).rstrip(), other, "")
    if after:
        yield from (_skipped(after), "")


def _skipped(columns: int) -> str:
    return f"… {columns:,} columns, all identical"


def _row(name: str, row: str, residues: tuple[int, int]) -> str:
    first, last = residues
    return f"{shorten(name, width=_LABEL):<{_LABEL}} {min(first, last):>6} {row} {last}"


def _candidates(explanation: Explanation) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "id", "score", "ProTrek scale", "residues"):
        table.add_column(heading, justify="left" if heading in ("", "id") else "right")
    for name, each in (("A", explanation.a), ("B", explanation.b)):
        table.add_row(
            name, each.id or "(given)", f"{each.score:.4f}", f"{each.protrek_score:.2f}", f"{len(each.sequence):,}"
        )
    return table


def _differences(explanation: Explanation) -> Table:
    one, other = names(explanation)
    strongest = max(_FULL, *(abs(each.change or 0) for each in explanation.substitutions))
    table = Table(box=None, pad_edge=False)
    table.add_column(f"{shorten(one, width=_LABEL)} → {shorten(other, width=_LABEL)}")
    table.add_column("A changes by", justify="right")
    table.add_column(f"full bar: {strongest:.2f}", min_width=_BAR)
    table.add_column("B, taken back, by", justify="right")
    for each in by_strength(explanation):
        change, back = each.change or 0.0, each.change_in_b or 0.0
        bar = "█" * round(_BAR * abs(change) / strongest)
        table.add_row(each.notation, _signed(change), bar, _signed(back))
    return table


def by_strength(explanation: Explanation) -> list[Substitution]:
    """Sort the differences by what they change in `a`, the strongest first."""
    return sorted(explanation.substitutions, key=lambda each: -abs(each.change or 0))


def sums(explanation: Explanation) -> str:
    """Say in a line what the single differences add up to, and what all of them make together."""
    explained, interaction = explanation.explained or 0.0, explanation.interaction or 0.0
    return (
        f"alone they add up to {_signed(-explained)}, all together make {_signed(-explanation.gap)}:"
        f" {_signed(-interaction)} comes of their acting together"
    )


def _signed(value: float) -> str:
    """Write four decimals with a sign, nothing as +.

    >>> _signed(-0.03), _signed(-1e-9)
    ('-0.0300', '+0.0000')
    """
    return f"{round(value, 4) + 0.0:+.4f}"
