"""Texts of twins, made of their labels by the templates of `templates.toml`."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from protrek_hm.errors import OptionError

MARKS = ("susceptible", "resistant")
"""What stands before the drugs in the label of a wild type, and of a mutant, of the set ncbi-point."""


@cache
def templates() -> dict[str, Any]:
    """Return what stands in `templates.toml`."""
    return tomllib.loads(files("protrek_hm.data.twins").joinpath("templates.toml").read_text(encoding="utf-8"))


SPOKEN_AS = {"mutagenesis": "mutadescribe"}
"""Sets without templates of their own → the set whose templates they have, and its columns."""


def wordings(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return all texts of a row of a table of twins, that of its column `text` first.

    The last one is never trained on: it is kept for tests of a wording that a model has not seen. A row of which
    nothing is known, such as a mutant in the middle of its assay's scores, has none.

    Parameters
    ----------
    row
        Its cells by column, those of the set's evidence too.

    Raises
    ------
    OptionError
        If the set is unknown, or a column is missing that its texts need.

    Examples
    --------
    >>> row = {"set": "adenylation-domains", "label": "leucine|valine"}
    >>> wordings(row)[0]
    'Adenylation domain that activates leucine and valine.'
    """
    spoken = {name: "" if cell is None else str(cell) for name, cell in row.items()}
    spoken["set"] = SPOKEN_AS.get(spoken.get("set", ""), spoken.get("set", ""))
    section = templates().get(spoken.get("set", ""))
    if section is None:
        raise OptionError("set", spoken.get("set"), f"one of {', '.join(templates())}")
    names = section.get("names", {})
    prefix = f"{MARKS[bool(spoken.get('wild_type'))]}:" if spoken["set"] == "ncbi-point" else ""
    facts = [fact.removeprefix(prefix) for fact in spoken.get("label", "").split("|") if fact]
    spoken["facts"] = listing(names.get(fact, fact) for fact in facts)
    if "products" in spoken:
        spoken["products"] = listing(spoken["products"].split("|"))
    if spoken["set"] == "catpred":
        spoken["classes"] = listing(dict.fromkeys(_enzyme_class(fact) for fact in facts))
    try:
        texts = [_sentence(template.format_map(spoken)) for template in _chosen(section, spoken)]
    except KeyError as missing:
        wanted = "not in the row, and its texts need it: keep the columns that `data twins` wrote"
        raise OptionError("column", missing.args[0], wanted) from None
    return tuple(dict.fromkeys(texts))


def _chosen(section: Mapping[str, Any], row: Mapping[str, str]) -> list[str]:
    """Return the templates of a row."""
    is_mutant = bool(row.get("wild_type"))
    if row["set"] == "dms":
        if not is_mutant:
            return list(section["wild-type"])
        kind = section["kinds"].get(row["kind"], section["kinds"]["other"])
        return list(kind[row["level"]]) if row["level"] else []
    chosen = "mutant" if is_mutant else "wild-type"
    if row["set"] == "mutadescribe":
        return list(section[chosen]) if row["effect" if is_mutant else "function"] else []
    if row["set"] == "ncbi-point":
        return list(section[chosen])
    return list(section["natural"]) if row.get("label") else []


def _enzyme_class(number: str) -> str:
    """Return the name of an EC number's class: of its first two numbers, or else of the first."""
    names, parts = templates()["catpred"]["classes"], number.split(".")
    return str(names.get(".".join(parts[:2])) or names[parts[0]])


def listing(names: Iterable[str]) -> str:
    """Join names as in a sentence.

    >>> listing(["valine", "leucine", "isoleucine"]), listing(["valine"]), listing([])
    ('valine, leucine and isoleucine', 'valine', '')
    """
    *first, last = list(names) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _sentence(text: str) -> str:
    """Return a text in one line; a sentence begins with a capital, unless with a name such as gyrA."""
    text = " ".join(text.split())
    first = text.partition(" ")[0]
    return text[0].upper() + text[1:] if text.endswith(".") and first.isalpha() and first.islower() else text
