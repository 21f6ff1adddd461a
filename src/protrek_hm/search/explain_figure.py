"""An explanation as a picture: the pair aligned, and bars of what each difference is worth."""

from pathlib import Path

from protrek_hm.errors import shorten
from protrek_hm.figures.alignment import TwinCard
from protrek_hm.figures.contributions import Contribution, draw_contributions
from protrek_hm.search.explain import Explanation
from protrek_hm.search.explain_table import names, sums, verdict


def draw_explanation(explanation: Explanation, path: Path) -> None:
    """Draw an explanation and save it as PNG, and as PDF beside it.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
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
