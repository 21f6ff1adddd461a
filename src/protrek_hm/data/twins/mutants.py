"""Wild types and mutants that curators described: resistance mutations of NCBI, and mutants of UniProt."""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from protrek_hm.data.effects import Effect, is_neutral, read_effect
from protrek_hm.data.fasta import read_fasta
from protrek_hm.data.proteins import is_fasta
from protrek_hm.data.schema import clean_sequences, missing_column, or_null, sequence_problem
from protrek_hm.data.tables import read_table
from protrek_hm.data.texts import clean_text
from protrek_hm.data.twins.config import TwinsConfig
from protrek_hm.data.twins.substitutions import (
    INDEL,
    OTHER_LETTER,
    SAME,
    NotAppliedError,
    name_substitutions,
    read_substitutions,
    substitute,
)
from protrek_hm.data.twins.table import TwinReport, TwinTable, complete_rows, finish, join_facts
from protrek_hm.data.twins.texts import MARKS
from protrek_hm.data.uniprot.twins import Change, variant_effect
from protrek_hm.errors import FileFormatError

_POINT = ("#taxgroup", "accession_version", "mutation_position", "standard_mutation_symbol", "class", "subclass")
_DESCRIBED = ("entry", "wt_sequence", "mut_sequence", "protein_name", "wt_function", "effect")


def read_columns(paths: Sequence[Path], needed: Sequence[str], report: TwinReport) -> pl.DataFrame:
    """Read tables with these columns below each other, cells cleaned; rows that do not fit are left out.

    Raises
    ------
    MissingFileError, FileFormatError
        If a file does not exist, or is not a table.
    MissingColumnError
        If a column is missing.
    """
    frames = []
    for path in paths:
        table = read_table(path)
        for column in needed:
            if column not in table.frame.columns:
                remedy = f"give the files of {report.set} as published"
                raise missing_column(path, column, table.frame.columns, remedy)
        for bad in table.bad:
            report.leave_out("a row that does not fit the header", f"{path}:{bad.line}")
        report.records += table.frame.height + len(table.bad)
        frames.append(table.frame.select(or_null(pl.col(column).cast(pl.String)) for column in needed))
    return pl.concat(frames)


def read_ncbi_point(paths: Sequence[Path], config: TwinsConfig) -> TwinTable:
    """Read NCBI's table of resistance mutations, and the FASTA of their reference proteins.

    A mutant's label is the drugs or classes (`subclass`) that it resists, as ``resistant:quinolone``; a reference's
    those that its mutants resist, as ``susceptible:quinolone``. Substitutions stand where their symbol says. References
    without a mutant that applies are left out.

    Raises
    ------
    FileFormatError
        If the table or the FASTA is missing.
    """
    report = TwinReport("ncbi-point")
    fastas = [path for path in paths if is_fasta(path)]
    tables = [path for path in paths if path not in fastas]
    for given, what, name in ((tables, "table", "AMRProt-mutation.tsv"), (fastas, "FASTA", "AMRProt_mutation.fa")):
        if not given:
            raise FileFormatError(paths[0], f"no {what} beside it", f"give NCBI's {name}, too")
    products, references = dict[str, str](), dict[str, str]()
    for record in (record for path in fastas for record in read_fasta(path)):
        parts = record.id.split("|")  # 0|WP_000019358.1|1|1|soxS|soxS|mutation|2|||regulatory_protein_SoxS
        accession = parts[1] if len(parts) > 1 and parts[0].isdigit() else record.id
        references[accession] = record.sequence.upper().removesuffix("*")
        products[accession] = parts[-1].replace("_", " ") if len(parts) > 1 else record.description
    mutants: dict[str, dict[str, dict[str, Any]]] = {}
    for row in read_columns(tables, _POINT, report).iter_rows(named=True):
        accession, symbol = row["accession_version"] or "nothing", row["standard_mutation_symbol"] or "nothing"
        gene, _, mutation = symbol.rpartition("_")
        name = f"{accession} {symbol}"
        drugs = [f"{MARKS[1]}:{drug.lower().replace('_', ' ')}" for drug in (row["subclass"] or "").split("/") if drug]
        if accession not in references or not drugs:
            report.leave_out("no drug named" if accession in references else "no reference sequence", name)
            continue
        try:
            changes = read_substitutions(mutation)
            sequence = substitute(references[accession], changes)
        except NotAppliedError as error:
            report.leave_out(_point_reason(error, mutation, row["mutation_position"], references[accession]), name)
            continue
        mutation = name_substitutions(changes)
        about = {
            "gene": gene,
            "product": products[accession] or gene,
            "organism": (row["#taxgroup"] or "bacteria").replace("_", " "),
            "class": (row["class"] or "").lower().replace("_", " ") or None,
        }
        mutant = {"id": f"{accession}:{mutation}", "wild_type": accession, "mutation": mutation, "sequence": sequence}
        known = mutants.setdefault(accession, {}).setdefault(mutation, {**about, **mutant, "label": ""})
        if known["label"]:
            report.note("a mutation on several lines, joined", name)
        known["label"] = join_facts([*known["label"].split("|"), *drugs])
    rows = [row for accession, its in mutants.items() for row in _with_reference(references[accession], its.values())]
    return finish(complete_rows(rows, report), report)


def _with_reference(reference: str, mutants: Collection[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the row of a reference, susceptible to all that its mutants resist, and theirs behind it."""
    first = next(iter(mutants))
    resisted = {fact.removeprefix(MARKS[1]) for mutant in mutants for fact in mutant["label"].split("|")}
    yield {
        **{name: first[name] for name in ("gene", "product", "organism")},
        "id": first["wild_type"],
        "sequence": reference,
        "label": join_facts(MARKS[0] + drug for drug in resisted),
        "class": join_facts(mutant["class"] or "" for mutant in mutants),
    }
    yield from mutants


def _point_reason(error: NotAppliedError, mutation: str, position: str | None, reference: str) -> str:
    """Return why a mutation does not apply; say so where its letter stands at the table's own position instead."""
    place = int(position) if position and position.isdigit() else 0
    fits = error.reason == OTHER_LETTER and 0 < place <= len(reference) and reference[place - 1] == mutation[0]
    return f"{error.reason}, though it stands at mutation_position" if fits else error.reason


def read_mutadescribe(paths: Sequence[Path], config: TwinsConfig) -> TwinTable:
    """Read wild types and mutants of UniProt with the curated effect, as MutaDescribe lists them.

    The text of a mutant is its effect, that of a wild type its function. The label is what the effect says that happens
    to the function (`effects.read_effect`: kept, lost, changed or mixed), ``disease`` where it names a disease and no
    such effect, and nothing where its words are not known. Mutants whose effect says that it is kept are controls.
    """
    report = TwinReport("mutadescribe")
    given = read_columns(paths, _DESCRIBED, report)
    given = given.with_columns(clean_sequences(pl.col("wt_sequence", "mut_sequence")))
    rows, wild_types = dict[str, dict[str, Any]](), dict[tuple[str, str], str]()
    for row in given.iter_rows(named=True):
        entry, wild_type, mutant = row["entry"] or "record", row["wt_sequence"] or "", row["mut_sequence"] or ""
        accession = entry.rpartition("-")[0] or entry
        changes = _differences(wild_type, mutant)
        if problem := _described_problem(row, wild_type, mutant, changes):
            report.leave_out(problem, entry)
            continue
        about = {"protein": row["protein_name"] or accession, "function": row["wt_function"]}
        key = (accession, wild_type)
        if key not in wild_types:
            number = sum(other == accession for other, _ in wild_types)
            wild_types[key] = accession if not number else f"{accession}:{number + 1}"
            rows[wild_types[key]] = {**about, "id": wild_types[key], "sequence": wild_type}
        mutation = name_substitutions(changes)
        named = {"id": f"{wild_types[key]}:{mutation}", "wild_type": wild_types[key], "mutation": mutation}
        known = rows.setdefault(named["id"], {**about, **named, "sequence": mutant, "effect": ""})
        if known["effect"]:
            report.note("a mutant on several lines, joined", entry)
        known["effect"] = " ".join(dict.fromkeys(filter(None, (known["effect"], clean_text(row["effect"])))))
    for described in rows.values():
        if "effect" in described:
            described["label"] = _effect_label(described["effect"])
            described["control"] = "yes" if is_neutral(described["effect"]) else "no"
    return finish(complete_rows(rows.values(), report), report)


def _described_problem(row: dict[str, Any], wild_type: str, mutant: str, changes: Sequence[Change]) -> str | None:
    """Return why a described mutant cannot be used."""
    if row["effect"] is None:
        return "no effect told"
    if problem := sequence_problem(wild_type) or sequence_problem(mutant):
        return problem
    if not changes:
        return SAME if wild_type == mutant else INDEL
    name = (row["entry"] or "").rpartition("-")[2]
    if re.fullmatch(r"[A-Z]\d+[A-Z]", name) and name != name_substitutions(changes):
        return "sequences that differ otherwise than the name says"
    return None


def _differences(wild_type: str, mutant: str) -> list[Change]:
    """Return the substitutions between two sequences of one length; none where lengths differ."""
    if len(wild_type) != len(mutant):
        return []
    pairs = enumerate(zip(wild_type, mutant, strict=True), start=1)
    return [Change(place, old, new) for place, (old, new) in pairs if old != new]


def _effect_label(effect: str) -> str | None:
    told = variant_effect(effect[:1].lower() + effect[1:].rstrip(".")) if effect.startswith("In ") else effect
    if told is None:
        return "disease"
    reading = read_effect(told)
    return None if reading in (Effect.NOTHING, Effect.UNCLEAR) else reading.value
