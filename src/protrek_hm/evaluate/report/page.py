"""The report as one HTML file that needs nothing else: no script, no request, light and dark, readable in print."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from matplotlib.figure import Figure

from protrek_hm.evaluate.examples import Kind, TwinExample
from protrek_hm.evaluate.plots.everything import pictures_of
from protrek_hm.evaluate.report.cards import page_card
from protrek_hm.evaluate.report.inline import picture_uri
from protrek_hm.evaluate.report.summary import summary
from protrek_hm.evaluate.report.tables import (
    accuracy_table,
    discrimination_tables,
    retrieval_tables,
    significance_table,
    strata_table,
)
from protrek_hm.evaluate.run import Evaluation


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
