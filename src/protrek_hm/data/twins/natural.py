"""Natural homologs with labels: terpene synthases, adenylation domains, enzymes with EC numbers, tables of users."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from protrek_hm.data.proteins import load_proteins
from protrek_hm.data.schema import clean_sequences, missing_column, or_null
from protrek_hm.data.twins.config import TwinsConfig
from protrek_hm.data.twins.mutants import read_columns
from protrek_hm.data.twins.table import TwinReport, TwinTable, complete_rows, finish, join_facts
from protrek_hm.errors import FileFormatError, OptionError

_PRODUCT, _STRUCTURE = "Name of product", "SMILES_product_canonical_no_stereo"
_TERPENE = {
    "id": "Uniprot ID",
    "sequence": "Amino acid sequence",
    "name": "Name",
    "organism": "Species",
    "kind": "Type (mono, sesq, di, …)",
    "substrates": "Substrate (including stereochemistry)",
    "product": _PRODUCT,
    "structure": _STRUCTURE,
    "characterized": "Experimentally characterized",
}
_UNKNOWN = "Unknown"


def read_terpene_synthases(paths: Sequence[Path], config: TwinsConfig) -> TwinTable:
    """Read the terpene synthases that EnzymeExplorer collected: a row per reaction, here one per sequence.

    A product is told from another by its SMILES without stereochemistry. The label calls it by the name that the file
    gives it most often, descriptors of stereochemistry left out; the column `products`, and the texts, by the names
    that stand in the file. Reactions without a known product are left out.
    """
    report = TwinReport("terpene-synthases")
    given = read_columns(paths, list(_TERPENE.values()), report)
    given = given.rename({theirs: ours for ours, theirs in _TERPENE.items()})
    known = pl.col("structure").is_not_null() & (pl.col("structure") != _UNKNOWN)
    for name in given.filter(~known)["id"]:
        report.leave_out("no product known", name or "record")
    given = given.filter(known)
    called = _common_names(given.select("structure", "product").iter_rows())
    given = given.with_columns(fact=pl.col("structure").replace_strict(called, default=None))
    given = given.with_columns(products=pl.col("product").fill_null(pl.col("fact")))
    about = ("name", "organism", "kind", "substrates", "characterized", "products")
    return _one_row_a_sequence(given, about, report)


def _common_names(pairs: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Return each structure's most frequent name, of equals the first by letters; two structures never share one.

    >>> _common_names([("CCO", "ethanol"), ("CCO", "(R)-ethanol"), ("CCO", "spirit"), ("CO", None), ("C", "ethanol")])
    {'C': 'ethanol (C)', 'CCO': 'ethanol', 'CO': 'CO'}
    """
    counts: dict[str, Counter[str]] = {}
    for structure, name in pairs:
        counts.setdefault(structure, Counter()).update([_without_stereo(name)] if name else [])
    called, owner = dict[str, str](), dict[str, str]()
    for structure in sorted(counts, key=lambda each: (-counts[each].total(), each)):
        names = sorted(counts[structure].items(), key=lambda each: (-each[1], each[0]))
        name = names[0][0] if names else structure
        called[structure] = name if owner.setdefault(name, structure) == structure else f"{name} ({structure})"
    return dict(sorted(called.items()))


_STEREO = re.compile(
    r"^(?:\((?:[+−±-]|(?:\d*'?-?(?:[RSEZ]|cis|trans),? ?)+)\)-|(?:\d+-(?:cis|trans),?)+-|(?:cis|trans)-)+"
)
_CHARGE = re.compile(r"\(\d[−-]\)$")


def _without_stereo(name: str) -> str:
    """Return a product's name without descriptors of stereochemistry in front, and without a charge behind it.

    >>> _without_stereo("(4S)-limonene"), _without_stereo("(−)-α-pinene"), _without_stereo("(E)-β-ocimene")
    ('limonene', 'α-pinene', 'β-ocimene')
    >>> _without_stereo("2-trans,6-trans-farnesyl diphosphate(3−)"), _without_stereo("ent-kaurene")
    ('farnesyl diphosphate', 'ent-kaurene')
    """
    plain = " ".join(name.split()).replace("|", "/")
    return _CHARGE.sub("", _STEREO.sub("", plain)) or plain


def read_adenylation_domains(paths: Sequence[Path], config: TwinsConfig) -> TwinTable:
    """Read the adenylation domains of PARAS and PARASECT, with the substrates that they activate."""
    report = TwinReport("adenylation-domains")
    given = read_columns(paths, ("domain_id", "sequence", "specificity"), report)
    given = given.rename({"domain_id": "id", "specificity": "fact"})
    return _one_row_a_sequence(given, (), report)


def read_catpred(paths: Sequence[Path], config: TwinsConfig) -> TwinTable:
    """Read the enzymes of CatPred-DB: a row per measurement, here one per sequence.

    The label holds its complete EC numbers; an incomplete one, such as 1.1.1.-, may be any other that begins so, and
    stands in the column `ec` alone. `kcat` is the highest that was measured, per second.
    """
    report = TwinReport("catpred")
    given = read_columns(paths, ("uniprot", "sequence", "ec", "reaction_smiles", "value", "taxonomy_id"), report)
    complete = pl.col("ec").str.contains(r"^\d+\.\d+\.\d+\.n?\d+$")
    given = given.rename({"uniprot": "id"}).with_columns(
        fact=pl.when(complete).then("ec"),
        kcat=pl.col("value").cast(pl.Float64, strict=False),
        taxon=pl.col("taxonomy_id").str.strip_suffix(".0"),
    )
    kcat = given.group_by("sequence").agg(pl.col("kcat").max())
    table = _one_row_a_sequence(given, ("ec", "taxon"), report, lacking="no complete EC number")
    frame = table.frame.join(kcat, on="sequence", how="left", maintain_order="left")
    return TwinTable(frame, report)


def _one_row_a_sequence(
    given: pl.DataFrame, about: Sequence[str], report: TwinReport, *, lacking: str = "no label"
) -> TwinTable:
    """Join the rows of each sequence: the first id, all facts, and all that is said of it in the columns `about`."""
    given = given.with_columns(clean_sequences(pl.col("sequence")), pl.col("id").fill_null("record"))
    for name in given.filter(pl.col("sequence").is_null())["id"]:
        report.leave_out("no sequence", name)
    given = given.drop_nulls("sequence")
    grouped = given.group_by("sequence", maintain_order=True).agg(
        pl.col("id").first(), pl.col("id").unique(maintain_order=True).alias("ids"), pl.col("fact", *about)
    )
    rows = list[dict[str, Any]]()
    for row in grouped.iter_rows(named=True):
        label = join_facts(part for fact in row["fact"] if fact for part in fact.split("|"))
        told = {name: join_facts(cell for cell in row[name] if cell) for name in about}
        if label is None:
            report.note(f"{lacking}, so no text", row["id"])
        if len(row["ids"]) > 1:
            report.note("one sequence under several ids", ", ".join(row["ids"]))
        rows.append({"id": row["id"], "sequence": row["sequence"], "label": label, **told})
    return finish(complete_rows(rows, report), report)


def read_labels(paths: Sequence[Path], config: TwinsConfig, columns: Mapping[str, str] | None = None) -> TwinTable:
    """Read any table of proteins with labels.

    A cell may hold several labels, separated by | or ;. With several columns a label stands behind its column's name.

    Parameters
    ----------
    paths
        Tables or FASTA files as `read_proteins` takes them.
    config
        Its `label` names the columns.
    columns
        Our name → the file's column, where it is not recognised.

    Raises
    ------
    OptionError
        If no column of labels is named.
    MissingColumnError
        If one is not there.
    FileFormatError
        If all proteins have the same labels: then there is nothing to tell apart.
    """
    report = TwinReport("labels")
    if not config.label:
        raise OptionError("label", None, "name the columns of labels with --label COLUMN")
    frames = []
    for path in paths:
        loaded = load_proteins(path, columns=columns)
        report.records += loaded.frame.height + len(loaded.bad)
        for bad in loaded.bad:
            report.leave_out(bad.problem, f"{path}:{bad.line} {bad.record}")
        ours = {theirs: name for name, theirs in loaded.columns.items()}
        facts = []
        for column in config.label:
            name = ours.get(column, column)
            if name not in loaded.frame.columns:
                raise missing_column(path, column, loaded.given.columns, "choose one of them for --label")
            facts.append(or_null(pl.col(name).cast(pl.String)).alias(f"fact:{column}"))
        frames.append(loaded.frame.select("id", "sequence", *facts))
    given = pl.concat(frames)
    several = len(config.label) > 1
    named = [_facts_of(given, column, prefixed=several) for column in config.label]
    given = given.select("id", "sequence", fact=pl.Series(map(_joined, zip(*named, strict=True)), dtype=pl.String))
    for name in given.filter(pl.col("fact").is_null())["id"]:
        report.leave_out("no label", name)
    given = given.drop_nulls("fact")
    if given["fact"].n_unique() < 2:
        first = repr(given["fact"][0]) if given.height else "nothing"
        problem = f"all proteins have the same label, {first}, in {', '.join(config.label)}"
        raise FileFormatError(paths[0], problem, "choose another column with --label, so that proteins differ")
    return _one_row_a_sequence(given, (), report)


def _facts_of(given: pl.DataFrame, column: str, *, prefixed: bool) -> list[list[str]]:
    cells = given[f"fact:{column}"]
    parts = ([part.strip() for part in (cell or "").replace(";", "|").split("|")] for cell in cells)
    return [[f"{column}: {part}" if prefixed else part for part in each if part] for each in parts]


def _joined(facts: tuple[list[str], ...]) -> str | None:
    return join_facts(fact for each in facts for fact in each)
