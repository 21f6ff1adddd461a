"""What can be said of one protein: captions in several wordings, so that the model does not learn one phrase by heart.

Whatever they say stands in the tables; nothing is added but the words around a label.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

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
    always, lesser = _said(row)
    start = draw % max(len(lesser), 1)
    turned = always + lesser[start:] + lesser[:start]
    return (turned * CAPTIONS)[:CAPTIONS]


def in_other_words(triplets: pl.DataFrame, proteins: pl.DataFrame, ways: Iterable[int | None]) -> pl.DataFrame:
    """Return the triplets with both texts of each row said in one of the ways in which people ask for such proteins.

    proteins: `triplets` names them by `id`, and `captions` can say something of them. ways: of each row, the number of
    a way, or None for its own texts. A row stays as it is where one of its two proteins has no other words, and where
    in those the two would be the same.

    >>> amr = {"source": "amr", "name": "Lactamase", "text": "A lactamase.", "gene_family": "", "resistance_class": "b"}
    >>> proteins = pl.DataFrame([{**amr, "id": "a", "subclass": "CARBAPENEM"}, {**amr, "id": "b", "subclass": "X;Y"}])
    >>> pair = {"anchor_id": ["a"], "hard_neg_id": ["b"], "anchor_text": ["One"], "hard_neg_text": ["Two"]}
    >>> in_other_words(pl.DataFrame(pair), proteins, [0])["anchor_text", "hard_neg_text"].row(0)
    ('Hydrolyses carbapenem', 'Hydrolyses x, y')
    """
    named = {*triplets["anchor_id"], *triplets["hard_neg_id"]}
    said = {row["id"]: _said(row)[1] for row in proteins.filter(pl.col("id").is_in(named)).rows(named=True)}
    kept = triplets.select("anchor_text", "hard_neg_text").rows()
    ends = triplets.select("anchor_id", "hard_neg_id").rows()
    texts = [
        own if way is None else _other(said, pair, way) or own for own, pair, way in zip(kept, ends, ways, strict=True)
    ]
    return triplets.with_columns(
        pl.Series(name, column, dtype=pl.String)
        for name, column in zip(("anchor_text", "hard_neg_text"), zip(*texts, strict=True), strict=True)
    )


def _other(said: Mapping[str, list[str]], pair: Sequence[str], way: int) -> tuple[str, ...] | None:
    texts = tuple(said[each][way % len(said[each])] for each in pair if said.get(each))
    return texts if len({*texts}) == len(pair) else None


def _said(row: Mapping[str, str | None]) -> tuple[list[str], list[str]]:
    """Return what is said of a protein first of all, its text and its name, and whatever else can be said."""
    said = _of_amr(row) if row["source"] == "amr" else _of_swissprot(row)
    distinct = list(dict.fromkeys(text for text in said if text))
    return distinct[:2], distinct[2:]


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
