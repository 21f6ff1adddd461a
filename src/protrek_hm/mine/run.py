"""The miner: proteins in, triplets and easy pairs out, with a report of every step."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

import numpy as np
import polars as pl
import polars.selectors as cs

from protrek_hm.data.texts import fold_text
from protrek_hm.data.triplets import STRUCTURES
from protrek_hm.deadline import Progress
from protrek_hm.errors import NothingFoundError, NoTwinsError, in_percent
from protrek_hm.mine.advice import advise, suggest_evidence
from protrek_hm.mine.compat import explain_loss, reference_pairs, reference_triplets
from protrek_hm.mine.config import ColumnEvidence, MineConfig
from protrek_hm.mine.corpus import Corpus, Related, build_corpus
from protrek_hm.mine.evidence.columns import judge_column
from protrek_hm.mine.evidence.doubts import TextEncoder
from protrek_hm.mine.gate import Gate, judge_pairs, one_row_a_pair
from protrek_hm.mine.negatives import draw_contrast
from protrek_hm.mine.report import MiningReport
from protrek_hm.mine.split import SPLITS, split_proteins, split_triplets
from protrek_hm.mine.triplets import (
    OUR_COLUMNS,
    REFERENCE_COLUMNS,
    TUPLE_COLUMNS,
    Guide,
    add_structures,
    build_triplets,
    build_tuples,
    keeps_margin,
    limit_negatives,
    structures_of,
)

COLUMNS = [*REFERENCE_COLUMNS, *OUR_COLUMNS]


@dataclass(frozen=True)
class MiningResult:
    """Triplets, easy and medium pairs, with the columns of the files, the report, and all verdicts.

    Triplets have `anchor_structure` and `hard_neg_structure`, too, if the proteins have structures (3Di letters).
    `split` is null for pairs whose proteins are in two splits. pairs: columns a_id, b_id, identity,
    coverage, text_similarity, verdict, reasons. tuples: with `format="n-tuple"`, those of `tuples` by their
    anchors, `text` and `protein`.
    """

    triplets: pl.DataFrame
    easy: pl.DataFrame
    medium: pl.DataFrame
    report: MiningReport
    pairs: pl.DataFrame
    config: MineConfig
    tuples: dict[str, pl.DataFrame] = field(default_factory=dict)


def mine_hard_negatives(
    proteins: pl.DataFrame,
    config: MineConfig | None = None,
    *,
    work_dir: Path | None = None,
    progress: Progress | None = None,
    guide: Guide | None = None,
    text_encoder: TextEncoder | None = None,
) -> MiningResult:
    """Find every twin among `proteins` and split them without leaks.

    proteins: as `data.read_proteins` returns them: id, sequence, text, and columns of evidence. work_dir:
    where the homology search keeps finished shards, so that an interrupted run continues. guide: drops
    negatives that it scores above 95 % of their positive. text_encoder: turns texts into vectors; where those
    of two texts are alike, a difference in words is doubted. The same proteins and settings give the same
    result, whatever `config.threads`.

    Raises
    ------
    NoTwinsError
        If there is no twin; its message says what was found instead, its `report` what each step kept, `pairs` holds
        the verdicts, and `suggestions` columns that could tell functions apart.
    NothingFoundError
        If fewer than two distinct sequences have a text.
    OptionError
        If `proteins` lack a column that the settings name, or it holds something else than they say.
    MissingFileError, FileFormatError
        If the ontology that the settings name is not there, or is not an OBO file.

    Examples
    --------
    >>> base = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVVHSLAKWKR"
    >>> table = pl.DataFrame({
    ...     "id": ["cut", "glue", "odd"],
    ...     "sequence": [base, base.replace("HSLA", "HSWA"), "M" + "GPWY" * 20],
    ...     "text": ["Cleaves starch.", "Cleaves chitin.", "Binds heme."],
    ... })
    >>> result = mine_hard_negatives(table, MineConfig(easy=0))
    >>> result.triplets.select("anchor_id", "hard_neg_id", "seq_similarity").rows()
    [('cut', 'glue', 0.987179), ('glue', 'cut', 0.987179)]
    """
    config = config or MineConfig()
    report = MiningReport()
    corpus = build_corpus(proteins)
    told = corpus.rows - corpus.without_text
    report.add("with a text", "rows", given=corpus.rows, kept=told)
    report.add("distinct sequences", "proteins", given=told, kept=len(corpus.sequences))
    gate = Gate(corpus.entries, config, encoder=text_encoder)
    for evidence in config.column_evidence():
        _check_evidence(proteins, evidence)
    related = Related(corpus.sequences, config, work_dir=work_dir, progress=progress)
    with _stage("verdicts", progress):
        judged = _judge(corpus, related, gate, report)
    triplets = build_triplets(corpus, judged.filter(verdict="different"), kind="hard")
    if config.compat == "reference":
        number = {sequence: index for index, sequence in enumerate(corpus.sequences)}
        pairs = reference_pairs(proteins)
        report.reference = explain_loss(proteins, triplets, pairs)
        triplets = reference_triplets(proteins, pairs, numbers=number)
        note = "--compat reference: one direction each"
        report.add("pairs of the reference", "triplets", given=judged.height, kept=triplets.height, note=note)
    if guide is not None and not triplets.is_empty():
        guided = triplets.filter(pl.Series(keeps_margin(triplets, guide)))
        report.add("guide's margin", "triplets", given=triplets.height, kept=guided.height)
        triplets = guided
    if triplets.is_empty():
        verdicts = dict(judged.unique("pair")["verdict"].value_counts().iter_rows())
        raise _no_twins(corpus, judged, gate, advise(verdicts, config), report)
    with _stage("splits", progress):
        assignment = split_proteins(corpus, related.families, triplets.select("anchor", "negative").to_numpy(), config)
    report.warnings += assignment.warnings
    report.split_notes += assignment.notes
    triplets = split_triplets(triplets, assignment, config)
    limited = limit_negatives(triplets, config.negatives_per_anchor, seed=config.seed)
    report.add("negatives per anchor", "triplets", given=triplets.height, kept=limited.height)
    whole = limited.height - limited["split"].null_count()
    note = _SPLIT_NOTES[config.split]
    report.add("both proteins in one split", "triplets", given=limited.height, kept=whole, note=note)
    lowest = related.families(min(config.min_identity, config.split_identity))
    easy = draw_contrast("easy", corpus, limited, assignment, families=lowest, gate=gate)
    medium = draw_contrast("medium", corpus, limited, assignment, families=lowest, gate=gate)
    tuples = _tuples(triplets, config, report)
    if limited.height > _MANY:
        few = "--negatives-per-anchor or --max-pairs-per-protein makes them fewer"
        report.warnings.append(f"{limited.height:,} triplets are large files: {few}")
    if shared := _shared_texts(limited):
        report.warnings.append(f"{shared} texts are in several splits: models may know them from training")
    for split in SPLITS:
        mine = limited.filter(split=split)
        report.splits[split] = {
            "triplets": mine.height,
            "proteins": mine["anchor_seq"].n_unique(),
            "texts": mine["anchor_text"].n_unique(),
            "components": mine["component"].n_unique(),
            "easy": easy.filter(split=split).height,
            **({"medium": medium.filter(split=split).height} if config.medium else {}),
        }
    structures = _structures(corpus, report)
    limited, easy, medium = (
        add_structures(table, structures).select(*COLUMNS, cs.by_name(*STRUCTURES, require_all=False))
        for table in (limited, easy, medium)
    )
    return MiningResult(limited, easy, medium, report, _name_pairs(corpus, judged), config, tuples)


_UNKNOWN = 0.1  # part of a protein's residues that is X, from which on identities say little
_MANY = 2_000_000  # triplets, about 2 GB
_NO_PAIR = np.array([], dtype=np.int64)
_SPLIT_NOTES = {
    "components": "split by components",
    "proteins": "split by proteins: relatives are in several splits",
    "pairs": "split by pairs, as the reference does: LEAKY, proteins are in several splits",
}


@contextmanager
def finished_parts(output: Path, work_dir: Path | None) -> Iterator[Path]:
    """Yield the folder where mining into `output` keeps finished parts: `work_dir`, or a hidden one beside `output`.

    The hidden folder is removed at the end, also if there are no twins; interrupted work can continue from it.
    """
    parts = work_dir or output.with_name(f".{output.name}.work")
    try:
        yield parts
    except NothingFoundError:
        if work_dir is None:
            rmtree(parts, ignore_errors=True)
        raise
    if work_dir is None:
        rmtree(parts, ignore_errors=True)


@contextmanager
def _stage(name: str, progress: Progress | None) -> Iterator[None]:
    """Report a stage that is done in one step."""
    if progress is not None:
        progress(name, 0, 1)
    yield
    if progress is not None:
        progress(name, 1, 1)


def _check_evidence(proteins: pl.DataFrame, evidence: ColumnEvidence) -> None:
    """Report a bad column before the search, with the row of the table; rows without a text do not count."""
    name = evidence.column
    told = pl.col("text").str.strip_chars().str.len_chars() > 0
    table = proteins
    if name in proteins.columns:
        table = proteins.with_columns(pl.when(told).then(proteins[name]).alias(name))
    judge_column(table, _NO_PAIR, _NO_PAIR, evidence=evidence)


def _no_twins(corpus: Corpus, judged: pl.DataFrame, gate: Gate, message: str, report: MiningReport) -> NoTwinsError:
    """Return the error of a run without twins, with all verdicts, and columns that could tell functions apart."""
    of_pair = one_row_a_pair(judged)
    left, right = (of_pair[side].to_numpy() for side in ("left", "right"))
    named = [evidence.column for evidence in gate.config.column_evidence()]
    undecided = gate.config.gate == "function" and not (of_pair["verdict"] == "different").any()
    suggested = suggest_evidence(corpus.entries, left, right, named=named) if undecided else []
    return NoTwinsError(message, report, pairs=_name_pairs(corpus, judged), suggestions=tuple(suggested))


def _structures(corpus: Corpus, report: MiningReport) -> pl.Series | None:
    """Return each protein's structure, and warn of cells that hold none."""
    letters, unusable = structures_of(corpus)
    if unusable:
        told = "not as long as the sequence, or not of 3Di letters"
        report.warnings.append(f"{unusable:,} structures are left out: {told}")
    return letters


def _judge(corpus: Corpus, related: Related, gate: Gate, report: MiningReport) -> pl.DataFrame:
    """Judge the pairs in the range of identities; see `gate.judge_pairs`."""
    config = gate.config
    if unclear := gate.unclear_terms():
        told = "neither a letter nor a name says which are functions; give --ontology"
        report.warnings.append(f"GO terms of {unclear:,} rows are not used: {told}")
    if unknown := sum(sequence.count("X") > _UNKNOWN * len(sequence) for sequence in corpus.sequences):
        told = f"more than {in_percent(_UNKNOWN, digits=0)} of their residues are X, and X counts as identical to X"
        report.warnings.append(f"the identities of {unknown:,} proteins say little: {told}")
    inside, left_out = related.twins()
    least, most = (in_percent(each, digits=2) for each in (config.min_identity, config.max_identity))
    bounds = f"{least} to {most}, coverage {in_percent(config.coverage, digits=0)}"
    count = len(corpus.sequences)
    alike = inside.height + left_out
    report.add("look alike", "pairs", given=count * (count - 1) // 2, kept=alike, note=bounds)
    if config.max_pairs_per_protein is not None:
        note = f"at most {config.max_pairs_per_protein:,} a protein, sampled evenly"
        report.add("pairs per protein", "pairs", given=alike, kept=inside.height, note=note)
    judged = judge_pairs(corpus, inside, gate)
    of_pair = one_row_a_pair(judged)
    verdicts = dict(of_pair["verdict"].value_counts().sort("verdict").iter_rows())
    different = verdicts.get("different", 0)
    note = f"gate {config.gate}: {verdicts.get('same', 0):,} same, {verdicts.get('unsure', 0):,} unsure"
    report.add("differ in function", "pairs", given=inside.height, kept=different, note=note)
    coded = of_pair.select(code=pl.format("{}: {}", "verdict", "reasons"))["code"].value_counts()
    report.reasons = dict(coded.sort(["count", "code"], descending=[True, False]).iter_rows())
    return judged


def _tuples(triplets: pl.DataFrame, config: MineConfig, report: MiningReport) -> dict[str, pl.DataFrame]:
    """Return the n-tuples that were asked for, by their anchors."""
    negatives = config.negatives_per_anchor
    if config.format != "n-tuple" or negatives is None:
        return {}
    tuples = {}
    for anchor, columns in TUPLE_COLUMNS.items():
        tuples[anchor] = build_tuples(triplets, anchor=anchor, negatives=negatives, seed=config.seed)
        given = triplets.filter(pl.col("split").is_not_null()).select(columns[:2]).n_unique()
        report.add(f"{anchor}s with {negatives} negatives", "anchors", given=given, kept=tuples[anchor].height)
    return tuples


def _shared_texts(triplets: pl.DataFrame) -> int:
    """Count the texts, alike in all but form, that are in more than one split."""
    told = triplets.filter(pl.col("split").is_not_null()).select("anchor_text", "split").unique()
    folded = told.with_columns(text=pl.col("anchor_text").map_elements(fold_text, return_dtype=pl.String))
    return int((folded.group_by("text").agg(pl.col("split").n_unique())["split"] > 1).sum())


def _name_pairs(corpus: Corpus, judged: pl.DataFrame) -> pl.DataFrame:
    """Return one row a pair of proteins, named by the first entries that decide."""
    of_pair = one_row_a_pair(judged)
    ids = corpus.entries["id"]
    return of_pair.select(
        a_id=ids[of_pair["left"].to_numpy()],
        b_id=ids[of_pair["right"].to_numpy()],
        identity=pl.col("identity").round(6),
        coverage=pl.col("coverage").round(6),
        text_similarity=pl.col("text_similarity").round(6),
        verdict="verdict",
        reasons="reasons",
    )
