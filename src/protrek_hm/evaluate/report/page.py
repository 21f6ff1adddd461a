"""The report as one HTML file that needs nothing else: no script, no request, light and dark, readable in print."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from jinja2 import DictLoader, Environment, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure

from protrek_hm.cosines import equal_ties
from protrek_hm.evaluate.metrics import margins, text_to_protein
from protrek_hm.evaluate.plots.pictures import pictures_of
from protrek_hm.evaluate.report.tables import (
    accuracy_table,
    discrimination_tables,
    retrieval_tables,
    significance_table,
    strata_table,
)
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.evaluate.table import summary
from protrek_hm.figures.alignment import MOST_BLOCKS, TwinCard, draw_twin_cards
from protrek_hm.figures.blocks import choose_blocks, differing_columns
from protrek_hm.figures.style import STYLE
from protrek_hm.homology.identity import Alignment, align

Kind = Literal["won", "lost"]


@dataclass(frozen=True)
class TwinExample:
    """One hard case for display.

    Attributes
    ----------
    kind
        "won": the last model chooses right; "lost": wrong, or cannot decide.
    row
        Of the hard table, from 0.
    alignment
        The anchor protein and its twin, gapped.
    names
        What they are called.
    texts
        The anchor's text and the twin's; the latter is None where it is unknown or the same.
    scores
        For each model: score of the anchor text with its protein, and with the twin; equal if tied.
    """

    kind: Kind
    row: int
    alignment: Alignment
    names: tuple[str, str]
    texts: tuple[str, str | None]
    scores: dict[str, tuple[float, float]]


def choose_examples(evaluation: Evaluation, kind: Kind, *, wanted: int = 3) -> tuple[TwinExample, ...]:
    """Return up to `wanted` hard cases, from different groups where there are enough.

    Won: cases the last model gets right, by how much its margin grew from the first model's (with one model:
    by its margin). Lost: cases it gets wrong, the most wrong first.
    """
    hard, last = evaluation.sets["hard"], evaluation.models[-1]
    margin, right = margins(last.scores["hard"]), text_to_protein(last.scores["hard"]) == 1
    if kind == "lost":
        order = np.argsort(-equal_ties(-margin), kind="stable")
        order = order[~right[order]]
    else:
        first = margins(evaluation.models[0].scores["hard"])
        gain = margin - first if len(evaluation.models) > 1 else margin
        order = np.argsort(-equal_ties(gain), kind="stable")
        order = order[right[order]]
    return tuple(_example(evaluation, kind, row) for row in hard.groups.one_of_each(order, wanted).tolist())


def _example(evaluation: Evaluation, kind: Kind, row: int) -> TwinExample:
    hard, pool = evaluation.sets["hard"], evaluation.pool
    cases, table = hard.cases, hard.frame
    ids = [str(table[column][row]) if column in table.columns else None for column in ("anchor_id", "hard_neg_id")]
    other = int(cases.other_text[row])
    return TwinExample(
        kind=kind,
        row=row,
        alignment=align(pool.sequences[cases.positive[row]], pool.sequences[cases.negative[row]]),
        names=(ids[0] or "its protein", ids[1] or "the twin"),
        texts=(pool.texts[cases.text[row]], None if other < 0 else pool.texts[other]),
        scores={model.name: _shown(model.scores["hard"][row, 0]) for model in evaluation.models},
    )


def _shown(scores: Float[np.ndarray, "2"]) -> tuple[float, float]:
    own, twin = equal_ties(scores).tolist()
    return own, twin


@dataclass(frozen=True)
class Run:
    """Neighbouring letters of one line that all differ from the other protein, or all do not."""

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


_DPI = 140


def picture_uri(figure: Figure, *, vector: bool) -> str:
    """Return a figure as `data:image/svg+xml` or `data:image/png`; the same figure gives the same bytes.

    Examples
    --------
    >>> picture_uri(Figure((1, 1)), vector=True)[:26]
    'data:image/svg+xml;base64,'
    """
    content = io.BytesIO()
    # letters as paths: the reader's browser need not have our font
    with rc_context({**STYLE, "svg.hashsalt": "protrek-hm", "svg.fonttype": "path"}):
        if vector:
            figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
        else:
            figure.savefig(content, format="png", dpi=_DPI)
    kind = "svg+xml" if vector else "png"
    return f"data:image/{kind};base64,{base64.b64encode(content.getvalue()).decode()}"


def render_page(
    evaluation: Evaluation,
    content: Mapping[str, Any],
    figures: Mapping[str, Figure],
    examples: Mapping[Kind, Sequence[TwinExample]],
) -> str:
    """Return the page.

    Parameters
    ----------
    evaluation
        What was measured.
    content
        The same as JSON values, as `report.json` holds them: provenance, settings, versions, protocol.
    figures
        The pictures by their stems; those that are missing are left out.
    examples
        Twins to show: "won" and "lost".
    """
    pictures = [
        {"picture": each, "uri": picture_uri(figures[each.stem], vector=each.vector)}
        for each in pictures_of(evaluation)
        if each.stem in figures
    ]
    return _environment().get_template("page.html").render(
        summary=summary(evaluation),
        leaks=evaluation.leaks,
        caveats=[each for each in evaluation.caveats if each != evaluation.leaks.sentence()],
        accuracy=accuracy_table(evaluation),
        significance=significance_table(evaluation),
        retrieval=retrieval_tables(evaluation),
        discrimination=discrimination_tables(evaluation),
        strata=strata_table(evaluation),
        pictures=pictures,
        cards={kind: [page_card(each) for each in chosen] for kind, chosen in examples.items()},
        models=[model.name for model in evaluation.models],
        content=content,
    )  # fmt: skip


def _environment() -> Environment:
    folder = files("protrek_hm.evaluate.report") / "templates"
    sources = {name: (folder / name).read_text(encoding="utf-8") for name in ("page.html", "parts.html", "style.css")}
    return Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
