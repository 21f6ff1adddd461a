"""The folder of an evaluation, all of it or nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protrek_hm.evaluate.examples import Kind, choose_examples
from protrek_hm.evaluate.plots.everything import draw_all
from protrek_hm.evaluate.report.cards import draw_cards
from protrek_hm.evaluate.report.content import report
from protrek_hm.evaluate.report.page import render_page
from protrek_hm.evaluate.report.predictions import predictions
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.figures.style import spared
from protrek_hm.files import new_folder, write_json

EMBEDDINGS = "embeddings"
"""The folder of cached embeddings, which an interrupted evaluation leaves and the next one goes on from."""

_TITLES: dict[Kind, str] = {"won": "Twins that {} tells apart", "lost": "Twins that {} gets wrong"}


def write_evaluation(
    evaluation: Evaluation, folder: Path, *, force: bool = False, provenance: Mapping[str, Any] | None = None
) -> None:
    """Write `report.html`, `report.json`, `predictions.parquet` and the pictures into a new folder.

    Parameters
    ----------
    evaluation
        What `evaluate` returned.
    folder
        Where to; it appears when everything is written. Embeddings that are kept there outlive the evaluation.
    force
        Whether an evaluation that is there is replaced.
    provenance
        What made it (command, files with checksums, model folders); written as it is.

    Raises
    ------
    OutputExistsError, ProtectedOutputError, OutputError
        If `folder` holds something and `force` is false; if it holds more than an evaluation; if it cannot be written.
    """
    with new_folder(folder, force=force, carried=[EMBEDDINGS]) as temporary:
        content = report(evaluation, provenance=provenance or {})
        write_json(temporary / "report.json", content)
        predictions(evaluation).write_parquet(temporary / "predictions.parquet")
        figures = draw_all(evaluation, temporary)
        examples = {kind: choose_examples(evaluation, kind) for kind in _TITLES}
        for number, (kind, chosen) in enumerate(examples.items(), start=8):
            if chosen:
                title = _TITLES[kind].format(evaluation.models[-1].name)
                picture = temporary / f"{number}_twins_{kind}.png"
                with spared(picture):
                    draw_cards(chosen, picture, title=title)
        page = render_page(evaluation, content, figures, examples)
        (temporary / "report.html").write_text(page, encoding="utf-8")
