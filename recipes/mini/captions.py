"""What can be said of one protein: captions in several wordings, so that the model does not learn one phrase by heart.

Whatever they say stands in the tables; nothing is added but the words around a label.
"""

import random
import re
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

CAPTIONS = 4
"""Of a protein, one after the other: a step that reads them together encodes it once."""
LEAST_WORDS = 4
LEAST_LETTERS = 2
_SENTENCE = re.compile(r"(?<=[.;])\s+")
_TERM = re.compile(r"GO:\d+ F:([^;]+)")
_PROCESS = re.compile(r"GO:\d+ P:([^;]+)")
_PLAIN_TERMS = ("protein binding", "identical protein binding")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9'-]+")
_LITTLE_WORDS = frozenset(
    "the of and to in a an is are as by for with on from that which this it its be or at may not has have can also "
    "acts involved required plays role protein proteins".split()
)
_COMMON_NAMES = {
    "Homo sapiens": "human",
    "Saccharomyces cerevisiae": "yeast",
    "Escherichia coli": "E. coli",
    "Mycobacterium tuberculosis": "tuberculosis bacterium",
    "Mus musculus": "mouse",
    "Arabidopsis thaliana": "plant",
}


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


def many_captions(row: Mapping[str, str | None], rng: random.Random) -> list[str]:
    """Return all that can be said of a protein in the ways in which people ask: a name, three words, a question.

    row: as `captions` reads it, and with full_name and organism. rng: draws sentences, terms and words.

    >>> row = {"source": "swissprot", "name": "Amylase", "text": "Cleaves starch in guts.", "organism": "Homo sapiens"}
    >>> many_captions(row, random.Random(1))[1:4]
    ['Amylase', 'Cleaves starch in guts.', 'which protein cleaves starch in guts']
    """
    said = _asked_of_amr(row) if row["source"] == "amr" else _asked_of_swissprot(row, rng)
    return list(dict.fromkeys(text for text in said if len(text) > LEAST_LETTERS))


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


def _asked_of_swissprot(row: Mapping[str, str | None], rng: random.Random) -> list[str]:
    name, text = row["name"] or "", row["text"] or ""
    said = [". ".join(part for part in (name, text) if part), name]
    sentences = [each for each in _SENTENCE.split(text) if len(each.split()) >= LEAST_WORDS]
    if sentences:
        others = sentences[1:]
        said += [sentences[0], others[rng.randrange(len(others))] if others else "", _question(sentences[0])]
    said.append((row.get("catalytic_activity") or "").partition(" | ")[0])
    terms, processes = (
        [term.strip() for term in pattern.findall(row.get("go") or "")] for pattern in (_TERM, _PROCESS)
    )
    terms = [term for term in terms if term not in _PLAIN_TERMS]
    rng.shuffle(terms)
    rng.shuffle(processes)
    said += [*terms[:3], *processes[:2], "; ".join(terms[:4])]
    species = " ".join((row.get("organism") or "").split()[:2])
    if name and species:
        spoken = name[0].lower() + name[1:] if name[1:2].islower() else name
        said.append(f"{_COMMON_NAMES.get(species, species)} {spoken}")
    return [*said, *_alternatives(row.get("full_name") or ""), _three_words(f"{name} {''.join(sentences[:1])}", rng)]


def _asked_of_amr(row: Mapping[str, str | None]) -> list[str]:
    name, text = row["name"] or "", row["text"] or ""
    group, drugs = row.get("resistance_class"), row.get("subclass")
    family = (row.get("gene_family") or "").removeprefix("bla")
    said = [text, name]
    if family:
        said += [f"{family}: {name}", f"{family} {name.split()[-1] if name else ''}".strip()]
    if not group or not drugs:
        return said
    listed = ", ".join(part.strip().lower() for part in re.split("[,;/]", drugs))
    said += [f"{name} that acts on {listed}", f"{listed} resistance", f"{group.lower()} resistance {family}".strip()]
    if "lactamase" not in name.lower():
        return [*said, f"Confers resistance to {listed}", f"what makes bacteria resistant to {listed}"]
    kind = "carbapenemase" if "carbapenem" in listed else "cephalosporinase" if "cephalosporin" in listed else ""
    return [*said, f"Hydrolyses {listed}", f"which enzyme breaks down {listed}", kind or "penicillinase"]


def _question(sentence: str) -> str:
    """Turn what a protein does into a question, where the sentence begins with that.

    >>> _question("Catalyzes the hydrolysis of starch, in guts."), _question("Required for growth on plates.")
    ('which protein catalyzes the hydrolysis of starch', 'what is required for growth on plates')
    """
    plain = sentence.strip().rstrip(".;")
    first, *more = plain.split()
    spoken = (plain[0].lower() + plain[1:]).partition(",")[0]
    if more and re.fullmatch(r"[A-Z][a-z]+s", first) and not first.endswith("ss"):
        return f"which protein {spoken}"
    return f"what is {spoken}" if first in ("Required", "Involved", "Responsible", "Essential", "Necessary") else ""


def _alternatives(full_name: str) -> list[str]:
    """Return the first two other names of a protein, which UniProt puts in brackets.

    >>> _alternatives("Amylase (EC 3.2.1.1) (Glycogenase) (AMY)")
    ['Glycogenase']
    """
    names = re.findall(r"\(([^()]{4,60})\)", full_name)
    return [name for name in names if not name.startswith("EC ") and (" " in name or len(name) > 6)][:2]


def _three_words(text: str, rng: random.Random) -> str:
    words = [word.lower() for word in _WORD.findall(text) if word.lower() not in _LITTLE_WORDS]
    return " ".join(words[place] for place in sorted(rng.sample(range(len(words)), 3))) if len(words) > 3 else ""
