"""Cases of twins: from tables of proteins with labels, effects or scores to pairs that a board can ask about.

Four ways lead to a case. A *mutant* whose effect is known, beside its wild type; controls are the mutants that are
known to keep its function. Two mutants of one wild type whose *labels* have nothing in common. Two mutants of one
*assay* (`assays`). Two *natural* proteins of at least 70 % identity whose labels have nothing in common.

Labels have nothing in common if their sets of facts are disjoint, neither is empty, and none names the class of a fact
of the other: what was not measured makes no difference, and neither does a drug beside its class. Families and splits
come first (`case_split`), and no case joins two splits.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from protrek_hm.data.proteins import read_proteins
from protrek_hm.data.schema import or_null
from protrek_hm.data.texts import fold_text
from protrek_hm.data.twins.case_table import NEEDED, OPTIONAL, SPLITS
from protrek_hm.data.twins.texts import SPOKEN_AS, templates, wordings
from protrek_hm.deadline import Progress
from protrek_hm.errors import FileFormatError, NothingFoundError
from protrek_hm.homology import HomologyConfig, find_homologs
from protrek_hm.mine.assays import CONTRAST, PAIRS, assay_pairs, make_pairs
from protrek_hm.mine.case_split import (
    GivenSplit,
    deal_families,
    draw_known,
    draw_known_mutants,
    fix_families,
    key_of,
    with_families,
)
from protrek_hm.mine.config import CaseConfig
from protrek_hm.mine.report import MiningReport

LABELLED_MUTANTS = ("ncbi-point",)
"""Sets whose mutants have labels of one vocabulary, so that those of two mutants can be compared."""

_TEXTS = ("text", "label", "wild_type", "mutation", "assay", "kind", "level")
_NAMED = ("id_a", "id_b", "text_a", "text_b")
_NO_CLASS = {"multidrug", ""}  # what stands in the column `class` of NCBI's tables instead of classes
_ANY_DRUG = "efflux"
_BETA_LACTAMS = {  # what is all one class, beta-lactam, in that column
    **dict.fromkeys(("cefiderocol", "ceftaroline", "ceftibuten", "cephalothin"), ("cephalosporin",)),
    **dict.fromkeys(("imipenem", "meropenem"), ("carbapenem",)),
}
_DISJOINT = pl.all_horizontal(
    pl.col(facts).list.set_intersection(wider).list.len() == 0
    for facts, wider in (("facts", "wider_b"), ("facts_b", "wider"))
)


@dataclass(frozen=True)
class MinedCases:
    """Cases of twins, with the columns of `data.twins.case_table` and `contrast`.

    proteins: every row of the tables, sorted by set and id, with its family and split; `known` is what is not trained
    on though its family is. torn: families with given members in several splits. spelled: of each case the rows of
    `proteins` whose texts it has, for `reworded`.
    """

    cases: pl.DataFrame
    proteins: pl.DataFrame
    report: MiningReport
    spelled: pl.DataFrame
    torn: list[str] = field(default_factory=list)


def mine_cases(
    proteins: pl.DataFrame,
    config: CaseConfig | None = None,
    *,
    given: GivenSplit | None = None,
    progress: Progress | None = None,
) -> MinedCases:
    """Make cases of tables of twins, and split them by families.

    Parameters
    ----------
    proteins
        Rows of one or several tables as `data twins` writes them: set, id, sequence, text, label, wild_type, mutation,
        assay, score, control, and kind and level of assays. A set without cases, such as proteins that are trained on
        besides, takes part in families and split all the same.
    config
        Which cases, and how they are shared out.
    given
        Splits and families that are decided.
    progress
        Called as `progress(stage, done, total)`, counting proteins.

    Raises
    ------
    FileFormatError
        If a set has an id twice, or a mutant names a wild type that is not there.
    NothingFoundError
        If there is no case.

    Examples
    --------
    >>> base = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSG"
    >>> table = pl.DataFrame({
    ...     "id": ["P1", "P1:K2A"], "sequence": [base, "MA" + base[2:]], "text": ["Cuts starch.", "Loss of activity."],
    ...     "set": "mutadescribe", "wild_type": [None, "P1"], "control": "no",
    ... })
    >>> mine_cases(table).cases.select("id_a", "id_b", "kind", "family", "split").rows()
    [('P1', 'P1:K2A', 'wild-type-mutant', 'P1', 'train')]
    """
    config, given, report = config or CaseConfig(), given or GivenSplit(), MiningReport()
    proteins = _complete(proteins)
    wild = proteins.filter(pl.col("wild_type").is_null()).select("set", "id", "sequence")
    wild = with_families(wild, given, config, progress=progress)
    mutant_of = wild.select("set", "family", wild="id", wild_sequence="sequence")
    proteins = proteins.with_columns(wild=pl.coalesce("wild_type", "id")).join(
        mutant_of, on=["set", "wild"], how="left", maintain_order="left"
    )
    pairs = pl.concat([pl.DataFrame(schema=PAIRS), *_candidates(proteins, config, report)])
    proteins, torn = _split(proteins, wild, pairs, given, config)
    pairs = _of_one_split(pairs, proteins, config, report)
    if pairs.is_empty():
        raise NothingFoundError("no case of twins: no two proteins of one set with different labels, effects or scores")
    cases = _spelled(pairs, proteins, config.wording)
    proteins = proteins.drop("row", "wild", "wild_sequence", "upper")
    for split in SPLITS:
        rows = cases.filter(split=split)
        real = rows.filter(control="no")
        counts = {"families": real["family"].n_unique(), "cases": real.height, "controls": rows.height - real.height}
        report.splits[split] = counts
    return MinedCases(cases, proteins, report, pairs.select("text_row_a", "text_row_b"), torn)


def read_twin_tables(paths: Sequence[Path]) -> pl.DataFrame:
    r"""Read tables of twins, as `data twins` writes them, below each other.

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError, RecordError
        As `data.read_proteins`; also if a score is no number.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "one.tsv"
    >>> _ = path.write_text("id\tsequence\ttext\tscore\nP1\tMK\tCuts.\t0.5\n")
    >>> read_twin_tables([path]).rows()
    [('P1', 'MK', 'Cuts.', 0.5)]
    """
    tables = []
    for path in paths:
        table = read_proteins(path)
        if "score" in table.columns:
            given = or_null(pl.col("score").cast(pl.String))
            table = table.with_columns(score=pl.col("score").cast(pl.Float64, strict=False), given=given)
            wrong = table.filter(pl.col("given").is_not_null() & ~pl.col("score").is_finite().fill_null(value=False))
            if not wrong.is_empty():
                problem = f"the score of {wrong['id'][0]!r}, {wrong['given'][0]!r}, is no number"
                raise FileFormatError(path, problem, "write a number, or leave it empty")
            table = table.drop("given")
        tables.append(table)
    return pl.concat(tables, how="diagonal_relaxed")


def reworded(mined: MinedCases, *, wording: int) -> pl.DataFrame:
    """Return the same cases with texts in another wording, from 0; -1 is the last, which is never trained on."""
    texts = {f"text_{end}": _worded(mined.proteins[mined.spelled[f"text_row_{end}"]], wording) for end in ("a", "b")}
    return mined.cases.with_columns(wording=pl.lit(wording, pl.Int64), **texts)


def in_all_wordings(mined: MinedCases) -> pl.DataFrame:
    """Return the cases in every wording that may be trained on: from 0 to the last but one.

    Wordings that give a case the same two texts again, as where a set has one wording only, are left out.
    """
    told = mined.proteins[pl.concat(mined.spelled.get_columns()).unique().sort()]
    counts = [len(wordings(row)) for row in told.iter_rows(named=True) if _has_templates(row["set"])]
    tables = [reworded(mined, wording=wording) for wording in range(max([*counts, 2]) - 1)]
    return pl.concat(tables).unique(["set", "assay", *_NAMED], keep="first", maintain_order=True)


def _complete(proteins: pl.DataFrame) -> pl.DataFrame:
    """Check, sort and number the rows, and add columns that are missing.

    `upper` says whether the score is in the upper half of its assay's. Sorted, so that no draw depends on their order.
    """
    proteins = proteins.with_columns(
        *(pl.lit(None, pl.String).alias(name) for name in _TEXTS if name not in proteins.columns),
        *(pl.lit("no").alias(name) for name in ("control",) if name not in proteins.columns),
        *(pl.lit("labels").alias(name) for name in ("set",) if name not in proteins.columns),
        *(pl.lit(None, pl.Float64).alias(name) for name in ("score",) if name not in proteins.columns),
    ).with_columns(pl.col("score").cast(pl.Float64), pl.col("set").fill_null("labels"))
    twice = proteins.filter(pl.struct("set", "id").is_duplicated())
    if not twice.is_empty():
        problem = f"two rows of the set {twice['set'][0]} have the id {twice['id'][0]!r}"
        raise FileFormatError("table of twins", problem, "give each row an id of its own")
    wild = proteins.filter(pl.col("wild_type").is_null()).select("set", wild_type="id")
    lost = proteins.filter(pl.col("wild_type").is_not_null()).join(wild, on=["set", "wild_type"], how="anti")
    if not lost.is_empty():
        problem = f"the wild type {lost['wild_type'][0]!r} of {lost['id'][0]!r} has no row (mutants: {lost.height:,})"
        raise FileFormatError("table of twins", problem, "add a row for the wild type, its wild_type empty")
    upper = pl.col("score") >= pl.col("score").median().over("assay")
    proteins = proteins.drop("row", "family", "split", strict=False).sort("set", "id")
    return proteins.with_row_index("row").with_columns(upper=upper)


def _candidates(proteins: pl.DataFrame, config: CaseConfig, report: MiningReport) -> Iterator[pl.DataFrame]:
    """Yield all pairs of each set but those of assays, whatever their splits, texts being different."""
    for name in proteins["set"].unique().sort():
        rows = proteins.filter(set=name)
        told = rows.filter(pl.col("text").is_not_null())
        mutants = rows.filter(pl.col("wild_type").is_not_null() & pl.col("assay").is_null())
        of_mutants = pl.col("id").is_in(mutants["wild_type"].unique().implode())
        if mutants.height:
            mutants = _counted(report, f"{name}: with a text", mutants, mutants.filter(pl.col("text").is_not_null()))
            distinct = mutants.unique(["wild_type", "sequence"], keep="first", maintain_order=True)
            distinct = _counted(report, f"{name}: distinct", mutants, distinct)
            paired = _wild_type_pairs(told, distinct)
            if paired.height < distinct.height:
                report.add(f"{name}: wild type with a text", "mutants", given=distinct.height, kept=paired.height)
            yield _texts_differ(paired, rows)
        if name in LABELLED_MUTANTS:
            yield _texts_differ(_labelled_mutants(mutants), rows)
        natural = told.filter(pl.col("wild_type").is_null() & pl.col("label").is_not_null() & ~of_mutants)
        if not natural.is_empty():
            yield _texts_differ(_natural_pairs(natural, config), rows)


def _counted(report: MiningReport, name: str, given: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    if kept.height < given.height:
        report.add(name, "mutants", given=given.height, kept=kept.height)
    return kept


def _texts_differ(pairs: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs whose texts differ in more than form; controls may have one text."""
    used = rows.filter(pl.col("row").is_in(pl.concat([pairs["text_row_a"], pairs["text_row_b"]]).unique().implode()))
    folded = {row: fold_text(text) for row, text in used.select("row", "text").iter_rows()}
    told = [pairs[name].replace_strict(folded, return_dtype=pl.String) for name in ("text_row_a", "text_row_b")]
    return pairs.filter((pairs["control"] == "yes") | (told[0] != told[1])) if folded else pairs


def _wild_type_pairs(told: pl.DataFrame, mutants: pl.DataFrame) -> pl.DataFrame:
    """Pair each mutant with its wild type; those that keep its function are controls."""
    both = mutants.join(told.select(wild_type="id", wild_row="row"), on="wild_type", how="inner", maintain_order="left")
    parts = [
        make_pairs({"a": some["wild_row"], "b": some["row"]}, "wild-type-mutant", control=control)
        for control in ("no", "yes")
        for some in [both.filter(control=control)]
    ]
    return pl.concat(parts)


def _labelled_mutants(mutants: pl.DataFrame) -> pl.DataFrame:
    """Pair mutants of one wild type whose labels are disjoint; a mutant with several rows has all their labels."""
    ends = _with_facts(mutants.filter(pl.col("label").is_not_null(), control="no"), "wild_type", "sequence")
    both = ends.join(ends, on="wild_type", suffix="_b").filter(pl.col("row") < pl.col("row_b"))
    chosen = both.filter(_DISJOINT).sort("row", "row_b")
    return make_pairs({"a": chosen["row"], "b": chosen["row_b"]}, "mutant-mutant")


def _natural_pairs(natural: pl.DataFrame, config: CaseConfig) -> pl.DataFrame:
    """Pair near-identical proteins whose labels are disjoint; a sequence with several rows has all their labels."""
    distinct = _with_facts(natural, "sequence")
    wanted = {name: getattr(config, name) for name in ("min_identity", "max_identity", "coverage", "threads")}
    found = find_homologs(distinct["sequence"].to_list(), HomologyConfig(**wanted))
    left, right = (distinct[found[end]].select("row", "facts", "wider") for end in ("a", "b"))
    both = pl.concat([left, right.select(pl.all().name.suffix("_b"))], how="horizontal")
    chosen = both.filter(_DISJOINT)
    return make_pairs({"a": chosen["row"], "b": chosen["row_b"]}, "natural")


def _with_facts(rows: pl.DataFrame, *key: str) -> pl.DataFrame:
    """Return the first row of each key with the facts of all: `facts`, and `wider`, those and their classes."""
    classes = classes_of(rows)
    ends = rows.group_by(key, maintain_order=True).agg(
        pl.col("row").first(), facts=pl.col("label").str.join("|").str.split("|").list.unique()
    )
    wider = [sorted({*facts, *(each for fact in facts for each in classes.get(fact, ()))}) for facts in ends["facts"]]
    return ends.with_columns(wider=pl.Series(wider, dtype=pl.List(pl.String)))


def classes_of(rows: pl.DataFrame) -> Mapping[str, set[str]]:
    """Return the classes of each fact: those that all rows with it name in their column `class`, if there is one.

    A row of several facts has the classes of all, joined by ``/`` or ``|``; only where a fact stands in other rows as
    well, it is clear which are its own. A class is written as a fact, behind the same mark. What is exported, `efflux`,
    may be any drug.

    >>> labels, classes = ["to:rifampin", "to:linezolid|to:rifampin"], ["rifamycin", "oxazolidinone/rifamycin"]
    >>> found = classes_of(pl.DataFrame({"label": labels, "class": classes}))
    >>> sorted(found["to:rifampin"]), sorted(found["to:linezolid"])
    (['to:efflux', 'to:rifamycin'], ['to:efflux', 'to:oxazolidinone', 'to:rifamycin'])
    """
    if "class" not in rows.columns:
        return {}
    found: dict[str, set[str]] = {}
    told = rows.select("label", pl.col("class").cast(pl.String)).drop_nulls()
    for label, classes in told.iter_rows():
        names = {*re.split(r"[/|]", classes)} - _NO_CLASS
        for fact in label.split("|") if names else ():
            own = {fact[: fact.rfind(":") + 1] + name for name in names}
            found[fact] = found.get(fact, own) & own
    for fact in {fact for label in told["label"] for fact in label.split("|")}:
        mark, drug = fact[: fact.rfind(":") + 1], fact[fact.rfind(":") + 1 :]
        found[fact] = found.get(fact, set()) | {mark + each for each in (_ANY_DRUG, *_BETA_LACTAMS.get(drug, ()))}
    return found


def _split(
    proteins: pl.DataFrame, wild: pl.DataFrame, pairs: pl.DataFrame, given: GivenSplit, config: CaseConfig
) -> tuple[pl.DataFrame, list[str]]:
    """Add the split of each protein; return the families with given members in several splits, too."""
    fixed, torn = fix_families(wild, given)
    about = proteins.select("set", "family", "sequence")
    named = pl.concat([about[pairs["a"]], pairs.select("kind", "control")], how="horizontal")
    measured = proteins.filter(level="high").group_by("set", "family", "assay").len()
    counted = measured.select("set", "family", cases=pl.min_horizontal("len", config.cases_per_assay))
    paired = named.filter(control="no").select("set", "family", cases=pl.lit(1))
    families = pl.concat([table.cast({"cases": pl.Int64}) for table in (paired, counted)])
    families = families.group_by("set", "family").agg(pl.col("cases").sum())
    seen = set(wild.filter(pl.col("sequence").is_in(list(given.seen)))["family"])
    split_of = dict.fromkeys(wild["family"], "train") | deal_families(families, fixed, config, seen=seen)
    proteins = proteins.with_columns(split=pl.col("family").replace_strict(split_of))
    trained = proteins.filter(split="train")

    natural = pl.concat([named, about[pairs["b"]].select(b="sequence")], how="horizontal").rename({"sequence": "a"})
    natural = natural.filter(pl.col("kind") == "natural", pl.col("family").replace_strict(split_of) == "train")
    mutants = trained.filter(pl.col("wild_type").is_not_null())
    decided, kept = (
        set(trained.join(given.rows.filter(split=each), on=key_of(given.rows), how="semi")["sequence"])
        for each in ("known", "train")
    )
    known = draw_known(natural, config, kept=kept - decided | set(mutants["wild_sequence"]), given=decided)
    natural_too = proteins.filter(pl.col("wild_type").is_null())["sequence"]
    unseen = draw_known_mutants(mutants, config, kept=set(natural_too))
    is_known = pl.col("sequence").is_in(list(known)) | pl.col("row").is_in(unseen.implode())
    split = pl.when((pl.col("split") == "train") & is_known).then(pl.lit("known")).otherwise("split")
    return proteins.with_columns(split=split), torn


def _of_one_split(
    pairs: pl.DataFrame, proteins: pl.DataFrame, config: CaseConfig, report: MiningReport
) -> pl.DataFrame:
    """Add the split; leave out pairs that join two, and those of proteins in too many; make the pairs of assays.

    A mutant beside its wild type has the split of the mutant: the wild type of `known` ones is trained on.
    """
    split_a, split_b = (proteins["split"][pairs[end]] for end in ("a", "b"))
    with_wild = pairs["kind"] == "wild-type-mutant"
    pairs = pairs.with_columns(split=split_b, together=with_wild | (split_a == split_b))
    whole = pairs.filter("together").drop("together")
    report.add("of one split", "pairs", given=pairs.height, kept=whole.height)
    measured = proteins.filter(pl.col("assay").is_not_null())
    found = [whole.filter(kind="wild-type-mutant")]
    crowded = whole.filter(pl.col("kind") != "wild-type-mutant")
    parts = crowded.with_columns(set=proteins["set"][crowded["a"]]).sort("set", "split", "a", "b")
    for (name, split), some in parts.group_by("set", "split", maintain_order=True):
        rng = np.random.default_rng([config.seed, 3, *f"{name} {split}".encode()])
        found.append(_few_a_protein(some.drop("set"), config.cases_per_protein, rng))
    report.add("few a protein", "pairs", given=whole.height, kept=sum(part.height for part in found))
    for split in SPLITS:
        some = assay_pairs(measured.filter(split=split), config, part=split)
        found.append(some.with_columns(split=pl.lit(split)))
    return (
        pl.concat(found)
        .with_columns(set=proteins["set"][pl.concat(found)["a"]])
        .sort(pl.col("set"), pl.col("split").cast(pl.Enum(SPLITS)), maintain_order=True)
    )


def _few_a_protein(pairs: pl.DataFrame, most: int, rng: np.random.Generator) -> pl.DataFrame:
    """Draw pairs, as many as fit: of each, both proteins stand in fewer than `most` of those drawn before."""
    count, drawn = Counter[int](), list[int]()
    ends = pairs.select("a", "b").rows()
    for place in rng.permutation(len(ends)).tolist():
        a, b = ends[place]
        if max(count[a], count[b]) < most:
            count.update((a, b))
            drawn.append(place)
    return pairs[sorted(drawn)]


def _spelled(pairs: pl.DataFrame, proteins: pl.DataFrame, wording: int) -> pl.DataFrame:
    """Write pairs out as cases."""
    a, b = proteins[pairs["a"]], proteins[pairs["b"]]
    texts = [_worded(proteins[pairs[f"text_row_{end}"]], wording) for end in ("a", "b")]
    cases = pl.DataFrame(
        {
            **{"id_a": a["id"], "id_b": b["id"], "a": a["sequence"], "b": b["sequence"]},
            **{"text_a": texts[0], "text_b": texts[1], "family": a["family"]},
            **{"score_a": a["score"], "score_b": b["score"], "assay": a["assay"], "reference": a["wild_sequence"]},
        }
    ).with_columns(pairs.select("set", "split", "kind", "control", CONTRAST), wording=pl.lit(wording, pl.Int64))
    cases = cases.with_columns(reference=pl.when(pl.col("kind") != "natural").then("reference"))
    return cases.select(*NEEDED, *OPTIONAL, CONTRAST)


def _worded(rows: pl.DataFrame, wording: int) -> pl.Series:
    """Return each row's text in a wording; a set without templates has the one of its column `text`."""
    if wording == 0:
        return rows["text"]
    texts = {
        (row["set"], row["id"]): _chosen(wordings(row), wording) if _has_templates(row["set"]) else row["text"]
        for row in rows.unique(["set", "id"], maintain_order=True).iter_rows(named=True)
    }
    return pl.Series([texts[each] for each in rows.select("set", "id").iter_rows()], dtype=pl.String)


def _has_templates(name: str) -> bool:
    return name in templates() or name in SPOKEN_AS


def _chosen(texts: Sequence[str], wording: int) -> str:
    """Return one of the texts; those before the last take turns where fewer are there than asked for."""
    return texts[-1] if wording < 0 or len(texts) == 1 else texts[wording % (len(texts) - 1)]
