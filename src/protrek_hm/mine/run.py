"""The miner: proteins in, triplets and easy pairs out, with a report of every step."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from protrek_hm.errors import NothingFoundError
from protrek_hm.homology import HomologyConfig, connected_components, find_homologs
from protrek_hm.homology.homologs import Progress
from protrek_hm.mine.compat import explain_loss, reference_pairs, reference_triplets
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.corpus import Corpus, build_corpus
from protrek_hm.mine.easy import draw_easy_pairs
from protrek_hm.mine.guide import Encoder, keeps_margin
from protrek_hm.mine.report import MiningReport
from protrek_hm.mine.split import SIDES, Assignment, assign_sides, deal_proteins, wanted_shares
from protrek_hm.mine.text import fold_text
from protrek_hm.mine.triplets import OUR_COLUMNS, REFERENCE_COLUMNS, build_triplets, limit_negatives
from protrek_hm.mine.twins import judge_pairs

COLUMNS = [*REFERENCE_COLUMNS, *OUR_COLUMNS]


@dataclass(frozen=True)
class MiningResult:
    """Triplets and easy pairs, with the columns of the files, the report, and all verdicts.

    `split` is null for pairs whose proteins stand on two sides. pairs: columns a_id, b_id, identity,
    coverage, text_similarity, verdict, reasons.
    """

    triplets: pl.DataFrame
    easy: pl.DataFrame
    report: MiningReport
    pairs: pl.DataFrame


def mine_hard_negatives(
    proteins: pl.DataFrame,
    config: MineConfig | None = None,
    *,
    work_dir: Path | None = None,
    progress: Progress | None = None,
    guide: Encoder | None = None,
) -> MiningResult:
    """Find every twin among `proteins` and share them out without leaks.

    proteins: as `data.read_proteins` returns them: id, sequence, text, and columns of evidence. work_dir:
    where the homology search keeps finished shards, so that an interrupted run continues. guide: drops
    negatives that it scores above 95 % of their positive. The same proteins and settings give the same
    result, whatever `config.threads`.

    Raises
    ------
    NothingFoundError
        If there is no twin; its message says what was found instead, and `report` is its second argument.

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
    told = corpus.rows - corpus.untold
    report.add("with a text", "rows", given=corpus.rows, kept=told)
    report.add("distinct sequences", "proteins", given=told, kept=len(corpus.sequences))
    related = _find_related(corpus, config, work_dir=work_dir, progress=progress)
    judged = _judge(corpus, related, config, report)
    triplets = build_triplets(corpus, judged.filter(verdict="different"), kind="hard")
    if config.compat == "reference":
        number = {sequence: index for index, sequence in enumerate(corpus.sequences)}
        pairs = reference_pairs(proteins)
        report.reference = explain_loss(proteins, triplets, pairs)
        triplets = reference_triplets(proteins, pairs, numbers=number)
        note = "--compat reference: one direction each"
        report.add("pairs of the reference", "triplets", given=judged.height, kept=triplets.height, note=note)
    if guide is not None:
        guided = triplets.filter(pl.Series(keeps_margin(triplets, guide)))
        report.add("guide's margin", "triplets", given=triplets.height, kept=guided.height)
        triplets = guided
    _refuse_nothing(judged, triplets, config, report)
    linked = related.filter(pl.col("identity") >= config.split_identity)
    assignment = assign_sides(corpus, linked, triplets.select("anchor", "negative").to_numpy(), config)
    report.warnings += assignment.warnings
    triplets = _share_out(triplets, assignment, config)
    limited = limit_negatives(triplets, config.negatives_per_anchor, seed=config.seed)
    report.add("negatives per anchor", "triplets", given=triplets.height, kept=limited.height)
    whole = limited.height - limited["split"].null_count()
    report.add(
        "both proteins on one side",
        "triplets",
        given=limited.height,
        kept=whole,
        note=_SPLIT_NOTES[config.split],
    )
    easy = _draw_easy(corpus, related, limited, assignment, config)
    if shared := _shared_texts(limited):
        report.warnings.append(f"{shared} texts stand on several sides")
    for side in SIDES:
        mine, plain = limited.filter(split=side), easy.filter(split=side)
        report.splits[side] = {
            "triplets": mine.height,
            "proteins": mine["anchor_seq"].n_unique(),
            "texts": mine["anchor_text"].n_unique(),
            "components": mine["component"].n_unique(),
            "easy": plain.height,
        }
    return MiningResult(limited.select(COLUMNS), easy.select(COLUMNS), report, _name_pairs(corpus, judged))


_SPLIT_NOTES = {
    "components": "split by components",
    "proteins": "split by proteins: relatives stand on several sides",
    "pairs": "split by pairs, as the reference does: LEAKY, proteins stand on several sides",
}


def _find_related(
    corpus: Corpus, config: MineConfig, *, work_dir: Path | None, progress: Progress | None
) -> pl.DataFrame:
    """Find all pairs from the lower of two identities on: that of twins, and that of components."""
    lowest = min(config.min_identity, config.split_identity)
    wanted = HomologyConfig(min_identity=lowest, max_identity=1.0, coverage=config.coverage, threads=config.threads)
    related: pl.DataFrame = find_homologs(corpus.sequences, wanted, work_dir=work_dir, progress=progress)
    return related


def _judge(corpus: Corpus, related: pl.DataFrame, config: MineConfig, report: MiningReport) -> pl.DataFrame:
    """Judge the pairs in the range of identities; see `twins.judge_pairs`."""
    inside = related.filter(pl.col("identity").is_between(config.min_identity, config.max_identity))
    bounds = f"{config.min_identity:.2%} to {config.max_identity:.2%}, coverage {config.coverage:.0%}"
    count = len(corpus.sequences)
    report.add("look alike", "pairs", given=count * (count - 1) // 2, kept=inside.height, note=bounds)
    judged = judge_pairs(corpus, inside, config)
    of_pair = judged.unique("pair", keep="first", maintain_order=True)
    verdicts = dict(of_pair["verdict"].value_counts().sort("verdict").iter_rows())
    different = verdicts.get("different", 0)
    note = f"gate {config.gate}: {verdicts.get('same', 0):,} same, {verdicts.get('unsure', 0):,} unsure"
    report.add("differ in function", "pairs", given=inside.height, kept=different, note=note)
    coded = of_pair.select(code=pl.format("{}: {}", "verdict", "reasons"))["code"].value_counts()
    report.reasons = dict(coded.sort(["count", "code"], descending=[True, False]).iter_rows())
    return judged


def _refuse_nothing(judged: pl.DataFrame, triplets: pl.DataFrame, config: MineConfig, report: MiningReport) -> None:
    """Raise NothingFoundError if there is no triplet: why, and which flag to relax."""
    if triplets.is_empty():
        verdicts = dict(judged.unique("pair")["verdict"].value_counts().iter_rows())
        raise NothingFoundError(_advise(verdicts, config), report)


def _advise(verdicts: dict[str, int], config: MineConfig) -> str:
    alike = sum(verdicts.values())
    if config.compat:
        return "no twin found in the reference's way: mine without --compat, which finds all of them"
    if not alike:
        return (
            f"no twin found: no two proteins are {config.min_identity:.0%} to {config.max_identity:.2%} "
            f"identical over {config.coverage:.0%} of their length; lower --min-identity or --coverage, "
            "or give more proteins"
        )
    counts = ", ".join(f"{verdicts.get(name, 0):,} {name}" for name in ("same", "unsure"))
    remedy = (
        "raise --max-text-similarity"
        if config.gate == "text"
        else "name columns that tell functions apart (--evidence column:set), or go by wording (--gate text)"
    )
    return f"no twin found: {alike:,} pairs look alike, the gate calls {counts}, none different; {remedy}"


def _shared_texts(triplets: pl.DataFrame) -> int:
    """Count the texts, alike in all but form, that stand on more than one side."""
    told = triplets.filter(pl.col("split").is_not_null()).select("anchor_text", "split").unique()
    folded = told.with_columns(text=pl.col("anchor_text").map_elements(fold_text, return_dtype=pl.String))
    return int((folded.group_by("text").agg(pl.col("split").n_unique())["split"] > 1).sum())


def _name_pairs(corpus: Corpus, judged: pl.DataFrame) -> pl.DataFrame:
    """Return one row a pair of proteins, named by their first entries."""
    of_pair = judged.unique("pair", keep="first", maintain_order=True)
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


def _share_out(triplets: pl.DataFrame, assignment: Assignment, config: MineConfig) -> pl.DataFrame:
    """Add `component` and `split`; a pair whose proteins stand on two sides has no split."""
    anchor, negative = triplets["anchor"].to_numpy(), triplets["negative"].to_numpy()
    if config.split == "pairs":
        _, pair = np.unique(triplets["pair"].to_numpy(), return_inverse=True)
        free = np.full(int(pair.max(initial=-1)) + 1, -1)
        sides = deal_proteins(len(free), config, given=free)[pair]
    else:
        sides = np.where(assignment.sides[anchor] == assignment.sides[negative], assignment.sides[anchor], len(SIDES))
    names = np.array([*SIDES, ""])[sides]
    return triplets.with_columns(
        component=pl.Series(assignment.components[anchor], dtype=pl.Int64),
        split=pl.Series(names.tolist(), dtype=pl.String).replace("", None),
    )


def _draw_easy(
    corpus: Corpus, related: pl.DataFrame, triplets: pl.DataFrame, assignment: Assignment, config: MineConfig
) -> pl.DataFrame:
    """Draw easy pairs for each side, in the shares of the sides, between proteins of that side only."""
    families = connected_components(len(corpus.sequences), related.select("a", "b").to_numpy().astype(np.int64))
    drawn = []
    for side, (name, share) in enumerate(zip(SIDES, wanted_shares(config), strict=True)):
        anchors = triplets.filter(split=name)["anchor"].unique().sort().to_numpy()
        pool = anchors if config.split == "pairs" else np.flatnonzero(assignment.sides == side)
        pairs = draw_easy_pairs(
            corpus, anchors, pool, families=families, count=round(config.easy * share / 2), config=config
        )
        easy = build_triplets(corpus, pairs, kind="easy")
        component = pl.Series(assignment.components[easy["anchor"].to_numpy().astype(np.int64)], dtype=pl.Int64)
        drawn.append(easy.with_columns(component=component, split=pl.lit(name)))
    return pl.concat(drawn)
