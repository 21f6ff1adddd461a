"""An independent look at a split: what of the held-out sides stands in training, or nearly.

The search is MMseqs2's (Steinegger and Söding 2017, doi:10.1038/nbt.3988), not the one that made the split;
the best hits' identities and coverages are then computed exactly.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from protrek_hm.data.texts import fold_text
from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.homology import align
from protrek_hm.homology.mmseqs import search

HELD_OUT = ("valid", "test")
_BINS = 10
_HITS = 100  # of each held-out protein, the best by MMseqs2's prefilter, are aligned exactly
_SMALL = 20_000_000  # residues up to which MMseqs2's words of 5 letters are fast
_BAR = "█"


@dataclass(frozen=True)
class SideLeaks:
    """One held-out side against training.

    proteins, texts: distinct ones of the side. shared_proteins, shared_texts: those that stand in training,
    too (texts alike in all but form are one). related: proteins with a relative in training above the
    identity and coverage asked for, shared ones included. histogram: proteins by their highest identity to
    any protein in training, in ten bins from 0 to 1; the first holds those without a hit. worst: the most
    similar pairs.
    """

    side: str
    proteins: int
    shared_proteins: int
    related: int
    texts: int
    shared_texts: int
    histogram: tuple[int, ...]
    worst: tuple[tuple[str, str, float], ...] = ()

    def __str__(self) -> str:
        bars = []
        for low, count in enumerate(self.histogram):
            bar = _BAR * round(40 * count / max(self.proteins, 1))
            bars.append(f"  {low / _BINS:.1f} to {(low + 1) / _BINS:.1f} {count:>8,}  {bar}")
        return "\n".join(
            [
                f"{self.side}: {self.related:,} of {self.proteins:,} proteins have a relative in training, "
                f"{self.shared_proteins:,} stand there themselves; "
                f"{self.shared_texts:,} of {self.texts:,} texts do",
                f"  highest identity to a protein in training, {self.side} proteins:",
                *(bar.rstrip() for bar in bars),
            ]
        )


def check_leaks(folder: Path, *, identity: float = 0.5, coverage: float = 0.8, threads: int = 0) -> list[SideLeaks]:
    """Compare the held-out sides of a folder of triplets with its training side.

    folder: holds `hard_negatives_train.csv` and `_valid.csv` or `_test.csv`, and perhaps `easy_samples_*.csv`
    and `medium_negatives_*.csv`; ours or the reference's. identity, coverage: of a relative, exact and
    global, in [0, 1].

    Raises
    ------
    MissingFileError, FileFormatError
        If there is no such folder, or no side to compare.
    ExternalProgramError
        If MMseqs2 fails.
    """
    if not folder.is_dir():
        raise MissingFileError(folder)
    train = _read_side(folder, "train")
    held_out = {side: _read_side(folder, side) for side in HELD_OUT}
    held_out = {side: rows for side, rows in held_out.items() if not rows.is_empty()}
    if train.is_empty() or not held_out:
        raise FileFormatError(
            folder, "no hard_negatives_train.csv with triplets beside a valid or test one", "mine first"
        )
    return [
        _compare(side, rows, train, identity=identity, coverage=coverage, threads=threads)
        for side, rows in held_out.items()
    ]


def _read_side(folder: Path, side: str) -> pl.DataFrame:
    """Return the sequences of one side, each with the texts that belong to it."""
    parts = []
    for kind in ("hard_negatives", "medium_negatives", "easy_samples"):
        path = folder / f"{kind}_{side}.csv"
        if path.exists():
            table = pl.read_csv(path, infer_schema=False)
            for sequence, text in (("anchor_seq", "anchor_text"), ("hard_neg_seq", "hard_neg_text")):
                if sequence not in table.columns:
                    raise FileFormatError(path, f"no column {sequence!r}", "give a folder written by protrek-hm mine")
                said = pl.col(text) if text in table.columns else pl.lit("")
                parts.append(table.select(sequence=pl.col(sequence), text=said))
    empty = pl.DataFrame(schema={"sequence": pl.String, "text": pl.String})
    return pl.concat([empty, *parts]).filter(pl.col("sequence") != "").unique(maintain_order=True)


def _compare(
    side: str, rows: pl.DataFrame, train: pl.DataFrame, *, identity: float, coverage: float, threads: int
) -> SideLeaks:
    ours, theirs = (sorted(set(table["sequence"])) for table in (rows, train))
    known = set(theirs)
    highest = {sequence: 1.0 if sequence in known else 0.0 for sequence in ours}
    related = {sequence for sequence in ours if sequence in known}
    worst = [(sequence, sequence, 1.0) for sequence in sorted(related)]
    queries = [sequence for sequence in ours if sequence not in known]
    word = 5 if sum(map(len, theirs)) < _SMALL else 0
    found = search(queries, theirs, sensitivity=7.5, word=word, hits=_HITS, threads=threads) if queries else None
    for query, target in found.select("query", "target").iter_rows() if found is not None else ():
        aligned = align(queries[query], theirs[target])
        highest[queries[query]] = max(highest[queries[query]], aligned.identity)
        if aligned.identity >= identity and aligned.coverage >= coverage:
            related.add(queries[query])
            worst.append((queries[query], theirs[target], aligned.identity))
    texts, taught = ({fold_text(text) for text in table["text"].drop_nulls()} - {""} for table in (rows, train))
    bins = [0] * _BINS
    for value in highest.values():
        bins[min(int(value * _BINS), _BINS - 1)] += 1
    return SideLeaks(
        side=side,
        proteins=len(ours),
        shared_proteins=sum(sequence in known for sequence in ours),
        related=len(related),
        texts=len(texts),
        shared_texts=len(texts & taught),
        histogram=tuple(bins),
        worst=tuple(sorted(worst, key=lambda pair: (-pair[2], pair))[:5]),
    )
