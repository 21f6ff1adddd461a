"""An independent look at a split: which held-out proteins and texts are in training, or nearly.

In small sets, and where one of the two has few residues, every pair is compared; the others are looked for by MMseqs2
(Steinegger and Söding 2017, doi:10.1038/nbt.3988), not by the search that made the split. Identities and coverages
are then exact.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from protrek_hm.config import require
from protrek_hm.data.schema import bad_sequences, clean_sequences, or_null
from protrek_hm.data.tables import read_table
from protrek_hm.data.texts import fold_text
from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.homology import HomologyConfig
from protrek_hm.homology.candidates import TINY, near_enough
from protrek_hm.homology.identity import Proteins
from protrek_hm.homology.mmseqs import search
from protrek_hm.homology.verify import identities

HELD_OUT = ("valid", "test")
MEASURED_FROM = 0.5
"""Lowest identity to training that is reported for a protein; or the identity asked for, if that is lower."""

EVERY_PAIR = 1_000_000
"""Pairs of a held-out protein and one in training up to which every one is compared: about ten seconds."""

_BINS = 10
_HITS = 100  # of each held-out protein, the best by MMseqs2's prefilter
_SMALL = 20_000_000  # residues up to which MMseqs2's words of 5 letters are fast
_WORST = 5  # pairs shown
_BAR = "█"


@dataclass(frozen=True)
class SplitLeaks:
    """One held-out split against training.

    proteins, texts: distinct ones of the split. shared_proteins, shared_texts: those that are in training,
    too (texts alike in all but form are one). related: proteins with a relative in training above the
    identity and coverage asked for, shared ones included. measured_from: lowest identity that is reported.
    histogram: proteins by their highest identity to any protein in training, in ten bins from 0 to 1;
    none_found: those without any from measured_from on, which stand in no bin. every_pair: whether all pairs
    were compared, or MMseqs2 chose those of more than 48 residues. unreadable: records of the split and of
    training that could not be compared. worst: the most similar pairs.
    """

    split: str
    proteins: int
    shared_proteins: int
    related: int
    texts: int
    shared_texts: int
    histogram: tuple[int, ...]
    none_found: int
    measured_from: float
    every_pair: bool
    unreadable: tuple[int, int] = (0, 0)
    worst: tuple[tuple[str, str, float], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as `mine leaks -o` writes them."""
        values = asdict(self)
        return {"side": values.pop("split"), **values}

    def __str__(self) -> str:
        rows = [(f"none from {self.measured_from:g}", self.none_found)]
        rows += [(f"{low / _BINS:.1f} to {(low + 1) / _BINS:.1f}", count) for low, count in enumerate(self.histogram)]
        rows = [row for place, row in enumerate(rows) if not place or place > int(self.measured_from * _BINS)]
        chosen = "every pair was compared"
        if not self.every_pair:
            chosen = (
                f"compared: every pair with one of up to {TINY} residues, and what MMseqs2 finds, which misses some"
            )
        lines = [
            f"{self.split}: {self.related:,} of {self.proteins:,} proteins in all its rows have a relative in "
            f"training, {self.shared_proteins:,} are in training themselves; "
            f"{self.shared_texts:,} of {self.texts:,} texts do",
            f"  highest identity to a protein in training, {self.split} proteins:",
            *(f"  {name:<13}{count:>8,}  {_BAR * round(40 * count / self.proteins)}".rstrip() for name, count in rows),
            f"  {chosen}",
        ]
        ours, theirs = self.unreadable
        if ours or theirs:
            lines.append(
                f"  left out, without a usable sequence: {ours:,} records of {self.split}, {theirs:,} of train"
            )
        return "\n".join(lines)


def check_split(folder: Path, *, identity: float = 0.5, coverage: float = 0.8, threads: int = 0) -> list[SplitLeaks]:
    """Compare the held-out splits of a folder of triplets with its training split.

    folder: holds `hard_negatives_train.csv` and `_valid.csv` or `_test.csv`, and perhaps `easy_samples_*.csv`
    and `medium_negatives_*.csv`; ours or the reference's. Sequences are cleaned as for training. identity: of a
    relative, exact and global, in [0.3, 1]. coverage: of the longer one, in [0, 1].

    Raises
    ------
    MissingFileError, FileFormatError
        If there is no such folder, a file is damaged, or there is no split to compare.
    OptionError
        If identity or coverage lies outside its range.
    ExternalProgramError
        If MMseqs2 fails.
    """
    require("identity", identity, "from 0.3 to 1", holds=0.3 <= identity <= 1)
    wanted = HomologyConfig(min_identity=identity, max_identity=1.0, coverage=coverage, threads=threads)
    if not folder.is_dir():
        raise MissingFileError(folder)
    train, held_out = _read_split(folder, "train"), {split: _read_split(folder, split) for split in HELD_OUT}
    held_out = {name: split for name, split in held_out.items() if split.rows}
    if not train.sequences or not held_out:
        raise FileFormatError(
            folder, "no hard_negatives_train.csv with triplets beside a valid or test one", "mine first"
        )
    for name, split in held_out.items():
        if not split.sequences:
            raise FileFormatError(folder, f"none of the {split.rows:,} sequences of {name} is usable", "mine again")
    return [_compare(name, split, train, wanted) for name, split in held_out.items()]


@dataclass(frozen=True)
class _Split:
    """sequences, texts: distinct ones, sorted. rows: records read. unreadable: those whose sequence is none."""

    sequences: list[str]
    texts: set[str]
    rows: int
    unreadable: int


def _read_split(folder: Path, split: str) -> _Split:
    parts, unreadable = [pl.DataFrame(schema={"sequence": pl.String, "text": pl.String})], 0
    for kind in ("hard_negatives", "medium_negatives", "easy_samples"):
        path = folder / f"{kind}_{split}.csv"
        if not path.is_file() or _is_a_header_alone(path):
            continue
        table = read_table(path)
        unreadable += len(table.bad)
        for sequence, text in (("anchor_seq", "anchor_text"), ("hard_neg_seq", "hard_neg_text")):
            if sequence not in table.frame.columns:
                raise FileFormatError(path, f"no column {sequence!r}", "give a folder written by protrek-hm mine")
            said = or_null(pl.col(text).cast(pl.String)) if text in table.frame.columns else pl.lit(None, pl.String)
            cells = clean_sequences(pl.col(sequence).cast(pl.String))
            parts.append(table.frame.select(sequence=cells, text=said))
    rows = pl.concat(parts)
    bad = bad_sequences(rows)
    good = rows.filter(~pl.int_range(pl.len()).is_in(list(bad)))
    texts = {fold_text(text) for text in rows["text"].drop_nulls().unique()} - {""}
    return _Split(good["sequence"].unique().sort().to_list(), texts, rows.height + unreadable, len(bad) + unreadable)


def _is_a_header_alone(path: Path) -> bool:
    with path.open("rb") as file:
        return len(list(islice(filter(bytes.strip, file), 2))) < 2


def _compare(name: str, split: _Split, train: _Split, wanted: HomologyConfig) -> SplitLeaks:
    known = set(train.sequences)
    shared = [sequence for sequence in split.sequences if sequence in known]
    queries = [sequence for sequence in split.sequences if sequence not in known]
    least = min(MEASURED_FROM, wanted.min_identity)
    every_pair = len(queries) * len(train.sequences) <= EVERY_PAIR
    highest, related = np.zeros(len(queries)), np.zeros(len(queries), dtype=bool)
    worst = [(sequence, sequence, 1.0) for sequence in shared]
    lengths = [np.array([len(sequence) for sequence in some], dtype=np.int64) for some in (queries, train.sequences)]
    chosen = [_all_pairs(*lengths, shortest=None if every_pair else TINY, least=least)]
    if not every_pair:
        chosen.append(_found_by_mmseqs(queries, train.sequences, threads=wanted.threads))
    proteins = Proteins.of([*queries, *train.sequences])
    for some in chain(*chosen):
        pairs, identity, coverage = _near_identities(proteins, some + [0, len(queries)], least=least)
        np.maximum.at(highest, pairs[:, 0], identity)
        alike = wanted.wants(identity, coverage)
        related[pairs[alike, 0]] = True
        for (query, target), value in zip(pairs[alike].tolist(), identity[alike].tolist(), strict=True):
            worst.append((queries[query], train.sequences[target - len(queries)], value))
        worst = sorted(set(worst), key=lambda pair: (-pair[2], pair))[:_WORST]
    found = np.concatenate([highest[highest > 0], np.ones(len(shared))])
    bins = np.bincount(np.minimum((found * _BINS).astype(np.int64), _BINS - 1), minlength=_BINS)
    return SplitLeaks(
        split=name,
        proteins=len(split.sequences),
        shared_proteins=len(shared),
        related=len(shared) + int(related.sum()),
        texts=len(split.texts),
        shared_texts=len(split.texts & train.texts),
        histogram=tuple(bins.tolist()),
        none_found=int((highest == 0).sum()),
        measured_from=least,
        every_pair=every_pair,
        unreadable=(split.unreadable, train.unreadable),
        worst=tuple(worst[:_WORST]),
    )


def _all_pairs(
    ours: Int[np.ndarray, " ours"], theirs: Int[np.ndarray, " theirs"], *, shortest: int | None, least: float
) -> Iterator[Int[np.ndarray, "pairs 2"]]:
    """Yield the pairs whose lengths allow an identity of `least`, of those the shorter one up to `shortest`."""
    step = max(EVERY_PAIR // len(theirs), 1)
    for start in range(0, len(ours), step):
        own = ours[start : start + step, None]
        shorter, longer = np.minimum(own, theirs), np.maximum(own, theirs)
        fits = shorter / longer >= least
        yield np.argwhere(fits if shortest is None else fits & (shorter <= shortest)) + [start, 0]


def _found_by_mmseqs(ours: list[str], theirs: list[str], *, threads: int) -> Iterator[Int[np.ndarray, "pairs 2"]]:
    """Yield the pairs of proteins of more than `TINY` residues that MMseqs2 finds."""
    long = [[place for place, sequence in enumerate(some) if len(sequence) > TINY] for some in (ours, theirs)]
    if all(long):
        queries, targets = (
            [some[place] for place in places] for some, places in zip((ours, theirs), long, strict=True)
        )
        word = 5 if sum(map(len, targets)) < _SMALL else 0
        found = search(queries, targets, sensitivity=7.5, word=word, hits=_HITS, repeats=True, threads=threads)
        ends = [np.array(places)[found[name]] for places, name in zip(long, ("query", "target"), strict=True)]
        yield np.stack(ends, axis=1)


def _near_identities(
    proteins: Proteins, pairs: Int[np.ndarray, "pairs 2"], *, least: float
) -> tuple[Int[np.ndarray, "near 2"], Float[np.ndarray, " near"], Float[np.ndarray, " near"]]:
    """Return the pairs of at least that identity, with identities and coverages."""
    config = HomologyConfig(min_identity=least, max_identity=1.0, coverage=0.0)
    near, distance = near_enough(proteins, np.argsort(proteins.order)[pairs], config)
    identity, coverage = identities(proteins, near, distance)
    inside = config.wants(identity, coverage)
    return proteins.order[near][inside], identity[inside], coverage[inside]
