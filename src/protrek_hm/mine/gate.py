"""The gate: do two look-alikes differ in function? *Same*, *different* or *unsure*, with reason codes.

Evidence from the strongest to the weakest: columns that the user names; what texts say of a variant's effect;
EC numbers and GO molecular functions; the texts' labelled fields and telling words. The strongest that speaks
decides, with two exceptions: agreement in EC or GO, which is annotated by family, does not outvote texts that
differ (*unsure*), and texts that are one and the same make no twin whatever the labels say, since no model
could learn it from them.
"""

from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.evidence.columns import judge_column
from protrek_hm.mine.evidence.ec import judge_ec
from protrek_hm.mine.evidence.effects import judge_effects
from protrek_hm.mine.evidence.findings import Findings, Verdict
from protrek_hm.mine.evidence.go import judge_go, read_ancestors
from protrek_hm.mine.evidence.words import judge_words
from protrek_hm.mine.text import fold_text, pair_cosines, text_vectors

VERDICTS = {Verdict.SAME: "same", Verdict.UNSURE: "unsure", Verdict.DIFFERENT: "different"}

Verdicts = Int[np.ndarray, " pairs"]


def judge(
    entries: pl.DataFrame,
    left: Int[np.ndarray, " pairs"],
    right: Int[np.ndarray, " pairs"],
    config: MineConfig,
) -> pl.DataFrame:
    """Judge pairs of entries.

    entries: rows with a `text` and whatever evidence columns there are. left, right: rows of `entries`.

    Returns
    -------
    pl.DataFrame
        `verdict` (same, unsure, different), `reasons` (codes joined by `;`) and `text_similarity` (TF-IDF
        cosine, fitted on all entries' texts, in [0, 1]), a row a pair.
    """
    texts = entries["text"].to_list()
    distinct = sorted(set(texts))
    number = {text: index for index, text in enumerate(distinct)}
    row = np.array([number[text] for text in texts], dtype=np.int64)
    cosines = pair_cosines(text_vectors(distinct, corpus=texts), row[left], row[right])
    if config.gate == "text":
        alike = cosines > config.max_text_similarity
        verdicts = np.where(alike, Verdict.SAME, Verdict.DIFFERENT)
        reasons = np.where(alike, "text:alike", "text:unlike")
    else:
        verdicts, reasons = _weigh(entries, left, right, config)
    names = np.array([VERDICTS[verdict] for verdict in sorted(VERDICTS)])
    return pl.DataFrame(
        {
            "verdict": names[verdicts - 1],
            "reasons": pl.Series(reasons.tolist(), dtype=pl.String),
            "text_similarity": cosines,
        }
    )


def _weigh(entries: pl.DataFrame, left: Verdicts, right: Verdicts, config: MineConfig) -> tuple[Verdicts, np.ndarray]:
    """Weigh all evidence; return verdicts and reasons."""
    texts = entries["text"].to_list()
    columns = [judge_column(entries, left, right, evidence=evidence) for evidence in config.column_evidence()]
    effects = judge_effects(texts, left, right)
    annotations = []
    if "ec" in entries.columns:
        annotations.append(judge_ec(entries["ec"].to_list(), left, right))
    if "go" in entries.columns:
        ancestors = read_ancestors(Path(config.ontology)) if config.ontology else None
        annotations.append(judge_go(entries["go"].to_list(), left, right, ancestors=ancestors))
    words = judge_words(texts, left, right)

    verdicts = words.verdicts.copy()
    annotated = agree(annotations, len(left), needs_all=False)
    contradicted = (annotated == Verdict.SAME) & (verdicts == Verdict.DIFFERENT)
    verdicts = np.where(annotated == Verdict.SILENT, verdicts, annotated)
    verdicts = np.where(contradicted, Verdict.UNSURE, verdicts)
    for stronger in (effects.verdicts, agree(columns, len(left), needs_all=True)):
        verdicts = np.where(stronger == Verdict.SILENT, verdicts, stronger)
    folded = np.array([fold_text(text) for text in texts], dtype=object)
    one_text = folded[left] == folded[right]
    verdicts[one_text] = np.where(verdicts[one_text] == Verdict.DIFFERENT, Verdict.UNSURE, Verdict.SAME)

    spoken = [findings.reasons for findings in (*columns, effects, *annotations, words)]
    spoken.append(np.where(one_text, "text:identical", ""))
    parts = [pl.Series(str(place), said.tolist(), dtype=pl.String) for place, said in enumerate(spoken)]
    joined = pl.DataFrame(parts).select(pl.concat_str(pl.all().replace("", None), separator=";", ignore_nulls=True))
    return verdicts, joined.to_series().to_numpy()


def agree(findings: list[Findings], pairs: int, *, needs_all: bool) -> Verdicts:
    """Return what evidence of one strength says together.

    needs_all: *different* by any is different, *same* needs all of them to speak. Otherwise a *different*
    beside a *same* is unsure, and whichever speaks alone decides.
    """
    if not findings:
        return np.full(pairs, Verdict.SILENT, dtype=np.int8)
    verdicts = np.stack([found.verdicts for found in findings])
    different, same = (verdicts == Verdict.DIFFERENT).any(axis=0), (verdicts == Verdict.SAME).any(axis=0)
    silent = (verdicts == Verdict.SILENT).any(axis=0) if needs_all else (verdicts == Verdict.SILENT).all(axis=0)
    unsure = (verdicts == Verdict.UNSURE).any(axis=0) if needs_all else different & same
    agreed = np.where(unsure, Verdict.UNSURE, np.where(same, Verdict.SAME, Verdict.UNSURE))
    agreed = np.where(silent, Verdict.SILENT, agreed)
    return np.where(different & (needs_all | ~same), Verdict.DIFFERENT, agreed)
