"""What can be said of one protein: captions in several wordings, so that the model does not learn one phrase by heart.

Whatever they say stands in the tables; nothing is added but the words around a label.
"""

import re
from collections.abc import Mapping

CAPTIONS = 4
"""Of a protein, one after the other: a step that reads them together encodes it once."""
LEAST_WORDS = 4
_SENTENCE = re.compile(r"(?<=[.;])\s+")
_TERM = re.compile(r"GO:\d+ F:([^;]+)")


def captions(row: Mapping[str, str | None], draw: int) -> list[str]:
    """Return `CAPTIONS` texts of a protein, the first ones again where no more can be said.

    row: name, text and source; of Swiss-Prot also go and catalytic_activity, of AMR proteins gene_family,
    resistance_class and subclass. draw: a number that chooses among the lesser ones.

    >>> captions({"source": "swissprot", "name": "Amylase", "text": "Binds it. Cleaves starch in guts."}, draw=0)[1:]
    ['Amylase', 'Cleaves starch in guts.', 'Amylase. Binds it. Cleaves starch in guts.']
    """
    said = _of_amr(row) if row["source"] == "amr" else _of_swissprot(row)
    distinct = list(dict.fromkeys(text for text in said if text))
    always, lesser = distinct[:2], distinct[2:]
    start = draw % max(len(lesser), 1)
    turned = always + lesser[start:] + lesser[:start]
    return (turned * CAPTIONS)[:CAPTIONS]


def _of_swissprot(row: Mapping[str, str | None]) -> list[str]:
    name, text = row["name"] or "", row["text"] or ""
    whole = ". ".join(part for part in (name, text) if part)
    sentences = [each for each in _SENTENCE.split(text) if len(each.split()) >= LEAST_WORDS]
    reaction = (row.get("catalytic_activity") or "").partition(" | ")[0]
    terms = "; ".join(_TERM.findall(row.get("go") or ""))
    return [whole, name, *sentences, reaction, terms]


def _of_amr(row: Mapping[str, str | None]) -> list[str]:
    """Say the description, the name, and the labels in the words in which people ask for them."""
    name, text = row["name"] or "", row["text"] or ""
    group, drugs = row.get("resistance_class"), row.get("subclass")
    family = (row.get("gene_family") or "").removeprefix("bla")
    if not group or not drugs:
        return [text, name]
    listed = ", ".join(part.strip().lower() for part in re.split("[,;/]", drugs))
    verb = "Hydrolyses" if "lactamase" in name.lower() else "Confers resistance to"
    said = [f"{verb} {listed}", f"{name} that acts on {listed}", f"{listed} resistance", f"{family}: {name}"]
    return [text, name, *said]
