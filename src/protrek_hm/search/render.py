"""Answers for people as tables, and complete as JSON lines and TSV for programs: hits, descriptions, scored pairs.

Tables shorten, the two other forms are complete. An explanation is written by `render_explanation`.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from textwrap import wrap
from typing import Any, Literal, TextIO

import polars as pl
from rich.table import Table

from protrek_hm.data.uniprot.entry import title
from protrek_hm.errors import counted, in_percent, shorten
from protrek_hm.figures.terminal import PlainConsole, print_table
from protrek_hm.homology.identity import identity
from protrek_hm.search.describe import Description, FoundText, Homolog
from protrek_hm.search.hits import Family, Hit, Vote, identity_and_difference
from protrek_hm.search.pairs import ScoredPair
from protrek_hm.search.signals import Matched

Form = Literal["table", "jsonl", "tsv"]
SCORES = ("rank", "id", "score", "protrek_score", "probability", "p_value", "e_value")
MATCHED = ("matched_words", "meaning", "by_relatives")
FAMILY = ("family", "member", "identity", "difference", "decided")
OWN_COLUMNS = ("query", *FAMILY, *SCORES, *MATCHED)
NUMBERS = ("rank", "score", "prob.", "E", "meaning", "like 1st", "length")
_LINES, _INDENT = 4, " " * 8  # of a text; a twin's has one line
ORDER: Mapping[Vote, str] = {"model": "the model", "difference": "the difference", "relatives": "labelled relatives"}
"""What decided the order inside a family, in words."""

MEMBERS = 5
"""Members of a family that the table shows beneath its best; all of them are in the other formats."""

BEST = "text"
"""What the section of the best texts of all is called in TSV."""

UNTOLD = 0.1
"""Probability below which a table does not show it."""

CLEAR = 0.9
"""Identity from which the homolog's own text is as good an answer."""

Cells = dict[str, str]


def write_answers(answers: Mapping[str, Sequence[Family]], file: TextIO, *, form: Form, grouped: bool) -> None:
    """Write the hits of each query to `file`; `grouped` as families, in a table the best hit above the others.

    >>> import sys
    >>> sequences = {"TEM-1": "MKTAYEAKQR", "TEM-x": "MKTAYKAKQR"}
    >>> hits = tuple(Hit(1, name, 0.5, 5.0, None, 0.01, 2.0, {"sequence": s}) for name, s in sequences.items())
    >>> write_answers({"a kinase": [Family(1, hits)]}, sys.stdout, form="table", grouped=True)
    a kinase
    rank   score    E  length  id
       1  0.5000  2.0      10  TEM-1
          0.5000  2.0      10  └ TEM-x  E6K
    >>> write_answers({"a kinase": [Family(1, hits[:1])]}, sys.stdout, form="jsonl", grouped=False)
    {"query": "a kinase", "rank": 1, "id": "TEM-1", "score": 0.5, "protrek_score": 5.0, "probability": null,
     "p_value": 0.01, "e_value": 2.0, "matched_words": null, "meaning": null, "by_relatives": null,
     "record": {"sequence": "MKTAYEAKQR"}}
    """
    if form == "table":
        for query, families in answers.items():
            if grouped:
                cells = list(chain.from_iterable(map(_family_cells, families)))
            else:
                cells = [_cells(each.best, str(each.best.rank)) | _like(each, families[0]) for each in families]
            _print_hits(query, cells, file)
            if told := _order(families):
                PlainConsole(file=file, soft_wrap=True).print(told)
        return
    rows = chain.from_iterable(rows_of_answer(*item, grouped=grouped) for item in answers.items())
    if form == "jsonl":
        _write_lines(rows, file)
    else:
        _write_tsv(map(_flat_row, rows), file)


def rows_of_answer(query: str, families: Sequence[Family], *, grouped: bool) -> Iterator[dict[str, Any]]:
    """Yield a row for each hit: the query, what the hit says, its record; `grouped`: place in its family, difference.

    >>> hit = Hit(1, "P1", 0.5, 50.0, None, 0.01, 2.0, {"sequence": "MKV"})
    >>> next(rows_of_answer("a kinase", [Family(1, (hit,))], grouped=False))
    {'query': 'a kinase', 'rank': 1, 'id': 'P1', 'score': 0.5, 'protrek_score': 50.0, 'probability': None,
     'p_value': 0.01, 'e_value': 2.0, 'matched_words': None, 'meaning': None, 'by_relatives': None,
     'record': {'sequence': 'MKV'}}
    >>> row = next(rows_of_answer("a kinase", [Family(1, (hit,))], grouped=True))
    >>> [row[name] for name in FAMILY]
    [1, 1, 1.0, '', None]
    """
    for family in families:
        for member, hit in enumerate(family.hits, start=1):
            place: dict[str, Any] = {}
            if grouped:
                same = (1.0, "") if member == 1 else _difference(family, hit)
                place = dict(zip(FAMILY, (family.rank, member, *same, family.decided), strict=True))
            scores = {name: getattr(hit, name) for name in SCORES}
            common: tuple[Any, ...] = (None, None, None)
            if hit.matched is not None:
                common = (" ".join(hit.matched.words), hit.matched.meaning, by_relatives(hit.matched) or None)
            matched = dict(zip(MATCHED, common, strict=True))
            yield {"query": query, **place, **scores, **matched, "record": dict(hit.record)}


def write_descriptions(descriptions: Mapping[str, Description], file: TextIO, *, form: Form) -> None:
    """Write what was found for each protein, by name. In TSV each text is a row, and the homolog stands beside each."""
    if form == "jsonl":
        _write_lines(({"id": name, **each.as_dict()} for name, each in descriptions.items()), file)
    elif form == "tsv":
        _write_tsv(chain.from_iterable(_description_rows(*item) for item in descriptions.items()), file)
    else:
        for name, each in descriptions.items():
            _print_description(name, each, file)


def write_pairs(pairs: Sequence[ScoredPair], file: TextIO, *, form: Form) -> None:
    """Write scored pairs.

    >>> import sys
    >>> write_pairs([ScoredPair("a kinase", "P1", "MKV", 0.5, 7.1)], sys.stdout, form="jsonl")
    {"text": "a kinase", "id": "P1", "sequence": "MKV", "score": 0.5, "protrek_score": 7.1}
    """
    if form == "jsonl":
        _write_lines(map(asdict, pairs), file)
    elif form == "tsv":
        _write_tsv(map(asdict, pairs), file)
    else:
        table = Table(box=None, pad_edge=False)
        for heading in ("score", "ProTrek scale", "length"):
            table.add_column(heading, justify="right")
        table.add_column("id", overflow="fold")
        table.add_column("text", no_wrap=True, overflow="ellipsis")
        for pair in pairs:
            shown = (f"{pair.score:.4f}", f"{pair.protrek_score:.2f}", f"{len(pair.sequence):,}")
            table.add_row(*shown, shorten(pair.id), " ".join(pair.text.split()))
        print_table(table, file)


def _write_lines(rows: Iterable[Mapping[str, Any]], file: TextIO) -> None:
    for row in rows:
        file.write(json.dumps(_defined(row), ensure_ascii=False, default=str) + "\n")


def _write_tsv(rows: Iterable[Mapping[str, Any]], file: TextIO) -> None:
    table = pl.DataFrame(list(rows), infer_schema_length=None)
    file.write(table.write_csv(separator="\t"))  # as text: polars itself writes to UTF-8 alone


def _flat_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Put the columns of the record beside ours; those of our names are called `record.…`."""
    own = {name: value for name, value in row.items() if name != "record"}
    others = {name: _flat(_defined(value)) for name, value in row["record"].items() if name != "id"}
    return {**own, **{f"record.{name}" if name in OWN_COLUMNS else name: value for name, value in others.items()}}


def _defined(value: Any) -> Any:
    """Replace numbers that are none by None: JSON has no NaN, and an empty cell is what they are."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _defined(each) for name, each in value.items()}
    return [_defined(each) for each in value] if isinstance(value, list) else value


def _flat(value: object) -> object:
    """Write lists and structs as JSON, the one way to put them into a TSV cell."""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value


def _print_hits(query: str, rows: Sequence[Cells], file: TextIO) -> None:
    """Print numbers in columns, then id and what is said of the hit; beneath it the text, a twin's in one line."""
    console = PlainConsole(file=file, soft_wrap=True)
    console.print(shorten(query, width=console.width))
    numbers = [heading for heading in NUMBERS if any(row[heading] for row in rows)]
    widths = {heading: max(len(heading), *(len(row[heading]) for row in rows)) for heading in numbers}
    start = sum(width + 2 for width in widths.values())
    if rows:
        console.print("".join(f"{heading:>{widths[heading]}}  " for heading in numbers) + "id")
    for row in rows:
        shown = "".join(f"{row[heading]:>{widths[heading]}}  " for heading in numbers)
        said = "  ".join(filter(None, (row["id"], row["differs"], row["organism"], row["words"])))
        room = max(console.width, start + 20)
        for line in wrap(shown + said, room, subsequent_indent=" " * (start + 2)) or [shown]:
            console.print(line.rstrip())
        if row["text"]:
            _print_text(row["text"], console, lines=_LINES if row["rank"] else 1)


def _order(families: Sequence[Family]) -> str:
    """Say what the order follows where it is not the score."""
    decided = any(hit.matched for family in families for hit in family.hits)
    return "ordered by words, meaning and score together, not by the score alone" if decided else ""


def _family_cells(family: Family) -> list[Cells]:
    order = f"(members by {ORDER[family.decided]})" if family.decided else ""
    rows = [_cells(family.best, str(family.rank), differs=order)]
    for hit in family.hits[1 : MEMBERS + 1]:
        alike, difference = _difference(family, hit)
        said = f"{difference} ({in_percent(alike)})" if difference.endswith("differences") else difference
        rows.append(_cells(hit, "", prefix="└ ", differs=said))
    if len(family.hits) > MEMBERS + 1:
        rows.append(dict.fromkeys(rows[0], "") | {"id": f"└ {len(family.hits) - MEMBERS - 1} more"})
    return rows


def _difference(family: Family, hit: Hit) -> tuple[float, str]:
    return identity_and_difference(family.best.record["sequence"], hit.record["sequence"])


def _like(family: Family, first: Family) -> Cells:
    """How alike the hit and the first are tells twins from strangers."""
    sequences = (first.best.record["sequence"], family.best.record["sequence"])
    return {"like 1st": "" if family is first else in_percent(identity(*sequences))}


def _cells(hit: Hit, rank: str, *, prefix: str = "", differs: str = "") -> Cells:
    sequence, organism = hit.record["sequence"], hit.record.get("organism") or ""
    return {
        "rank": rank,
        "score": f"{hit.score:.4f}",
        "prob.": likely(hit.probability),
        "E": "" if hit.e_value is None or hit.matched else _short(hit.e_value),
        "meaning": "" if hit.matched is None or hit.matched.meaning is None else f"{hit.matched.meaning:.2f}",
        "words": _quoted(hit.matched.words) if hit.matched else "",
        "like 1st": "",
        "id": prefix + hit.id,
        "differs": differs,
        "organism": shorten(organism, width=24),
        "length": str(len(sequence)),
        "text": " ".join((hit.record.get("text") or by_relatives(hit.matched, texts=True)).split()),
    }


def by_relatives(matched: Matched | None, *, texts: bool = False) -> str:
    """Name the labelled relatives whose texts speak for a hit that has none; nothing where none does.

    >>> from protrek_hm.search.signals import Relative
    >>> matched = Matched(relatives=(Relative("P1", "Cuts DNA.", (), 0.5, ("MKTAYIAKQR", "MKTAYIAKQK")),))
    >>> by_relatives(matched), by_relatives(matched, texts=True), by_relatives(None)
    ('P1 (90.0 % identical)', 'by its relatives: P1 (90.0 % identical): Cuts DNA.', '')
    """
    told = [f"{each.id} ({in_percent(each.identity)} identical)" for each in matched.relatives] if matched else []
    if not texts or matched is None or not told:
        return ", ".join(told)
    said = (f"{name}: {shorten(each.text, width=160)}" for name, each in zip(told, matched.relatives, strict=True))
    return f"by its relatives: {'; '.join(said)}"


def likely(probability: float | None) -> str:
    """Write a probability; nothing below a tenth, where the model cannot tell, which speaks against no hit.

    >>> likely(0.46), likely(0.02), likely(None)
    ('0.46', '', '')
    """
    return "" if probability is None or probability < UNTOLD else f"{probability:.2f}"


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"“{word}”" for word in words)


def _short(value: float) -> str:
    """Write a number that may be tiny or huge.

    >>> [_short(value) for value in (2, 0.031, 12345.6, 3.2e-7)]
    ['2.0', '0.031', '12,346', '3.2e-07']
    """
    return (
        f"{value:.1e}"
        if value < 0.001
        else f"{value:.2g}"
        if value < 1
        else f"{value:.1f}"
        if value < 100
        else f"{value:,.0f}"
    )


def homology_says(homolog: Homolog | None) -> str:
    """Say in a line what the nearest labelled homolog is worth.

    >>> homology_says(Homolog("P1", 0.953, 1.0, "Cleaves."))
    'nearest labelled homolog: P1, 95.3 % identical over 100 %: its own text may be all you need'
    >>> homology_says(None)
    'no labelled homolog of 30 % identity or more: the texts below are the model alone'
    """
    if homolog is None:
        return "no labelled homolog of 30 % identity or more: the texts below are the model alone"
    worth = ": its own text may be all you need" if homolog.identity >= CLEAR else ""
    scored = "" if homolog.score is None else f", its text's score {homolog.score:.4f}"
    alike = f"{in_percent(homolog.identity)} identical over {in_percent(homolog.coverage, digits=0)}"
    return f"nearest labelled homolog: {homolog.id}, {alike}{scored}{worth}"


def _description_rows(name: str, description: Description) -> Iterator[dict[str, Any]]:
    homolog = description.homolog
    beside = {
        "homolog": homolog and homolog.id,
        "homolog_identity": homolog and homolog.identity,
        "homolog_coverage": homolog and homolog.coverage,
        "homolog_score": homolog and homolog.score,
    }
    for section, texts in ((BEST, description.texts), *description.sections.items()):
        own = homolog and (homolog.text if section == BEST else homolog.sections.get(section))
        for each in texts:
            yield {
                **{"query": name, "section": section, "rank": each.rank, "id": each.id, "score": each.score},
                **{"protrek_score": each.protrek_score, "probability": each.probability, "text": each.text},
                **beside,
                "homolog_text": own,
            }


def _print_description(name: str, description: Description, file: TextIO) -> None:
    console, homolog = PlainConsole(file=file, soft_wrap=True), description.homolog
    console.print(f"{shorten(name)} ({counted(len(description.sequence), 'residue')})", style="bold")
    console.print(homology_says(homolog))
    if homolog:
        _print_text(homolog.text, console)
    for note in description.notes:
        console.print(f"note: {note}")
    for section, texts in (("", description.texts), *description.sections.items()):
        own = homolog.sections.get(section) if section and homolog else None
        if section:
            console.print(f"\n{title(section).upper()}")
        if own:
            console.print("homolog")
            _print_text(own, console)
        console.print(f"rank  {'score':>7}  from")
        for each in texts:
            console.print(f"{each.rank:>4}  {each.score:>7.4f}  {_source(each, homolog)}")
            _print_text(each.text, console)
    console.print()


def _print_text(text: str, console: PlainConsole, *, lines: int = _LINES) -> None:
    """Print a text below its head, in a few lines."""
    room = max(console.width, len(_INDENT) + 20)
    fitted = wrap(
        " ".join(text.split()),
        room,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        max_lines=lines,
        placeholder=" …",
    )
    console.print("\n".join(fitted))


def _source(text: FoundText, homolog: Homolog | None) -> str:
    return f"{text.id} (homolog)" if homolog and text.id == homolog.id else text.id
