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
from protrek_hm.data.proteins import check_bad_records
from protrek_hm.data.schema import bad_sequences, clean_sequences, or_null
from protrek_hm.data.tables import read_table
from protrek_hm.data.texts import fold_text
from protrek_hm.errors import FileFormatError, MissingColumnError, MissingFileError
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
    """Compare the held-out splits of a folder of triplets, or of a table, with its training split.

    folder: holds `hard_negatives_train.csv` and `_valid.csv` or `_test.csv`, and perhaps `easy_samples_*.csv`
    and `medium_negatives_*.csv`; ours or the reference's. Or it is a table with a column `split`, of cases of twins or
    of proteins; of the latter a mutant in the split of its `wild_type` is not aligned beside it. Proteins of the split
    `known` have relatives in training, and are compared for equality alone. Sequences are cleaned as for training.
    identity: of a relative, exact and global, in [0.3, 1]. coverage: of the longer one, in [0, 1].

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
    if not folder.exists():
        raise MissingFileError(folder)
    if folder.is_file():
        splits, lacking = _read_table(folder), "no rows of the split train beside others"
    else:
        splits = {split: _read_split(folder, split) for split in ("train", *HELD_OUT)}
        lacking = "no hard_negatives_train.csv with triplets beside a valid or test one"
    train, held_out = splits["train"], {name: splits[name] for name in splits if name != "train" and splits[name].rows}
    if not train.sequences or not held_out:
        raise FileFormatError(folder, lacking, "mine first")
    for name, split in held_out.items():
        if not split.sequences and not split.equals:
            raise FileFormatError(folder, f"none of the {split.rows:,} sequences of {name} is usable", "mine again")
    return [
        _compare(name, split, train, wanted) if name in HELD_OUT else _find_equals(name, split, train)
        for name, split in held_out.items()
    ]


@dataclass(frozen=True)
class _Split:
    """sequences, texts: distinct ones, sorted. rows: records read. unreadable: those whose sequence is none.

    equals: sequences that are compared for equality alone: mutants beside their wild types, and all of `known`.
    """

    sequences: list[str]
    texts: set[str]
    rows: int
    unreadable: int
    equals: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rows: pl.DataFrame, unreadable: int = 0) -> "_Split":
        """Clean and check rows with the columns sequence and text; `equal`, if it is there, says which are `equals`."""
        rows = rows.with_columns(clean_sequences(pl.col("sequence")), or_null(pl.col("text")))
        bad = bad_sequences(rows)
        good = rows.filter(~pl.int_range(pl.len()).is_in(list(bad)))
        texts = {fold_text(text) for text in rows["text"].drop_nulls().unique()} - {""}
        equal = good["equal"] if "equal" in good.columns else pl.repeat(value=False, n=good.height, eager=True)
        sequences = good.filter(~equal)["sequence"].unique().sort().to_list()
        return cls(
            sequences, texts, rows.height + unreadable, len(bad) + unreadable, frozenset(good.filter(equal)["sequence"])
        )


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
            said = pl.col(text).cast(pl.String) if text in table.frame.columns else pl.lit(None, pl.String)
            parts.append(table.frame.select(sequence=pl.col(sequence).cast(pl.String), text=said))
    return _Split.of(pl.concat(parts), unreadable)


def _read_table(path: Path) -> dict[str, _Split]:
    """Read the splits of a case table, or of a table of proteins with a column `split`."""
    table = read_table(path)
    check_bad_records(table.bad, path, "error")
    columns = set(table.frame.columns)
    if "split" not in columns or not ({"a", "b"} <= columns or "sequence" in columns):
        needed = "give a folder of mine, a case table, or proteins with the columns sequence and split"
        raise MissingColumnError(path, "split" if "split" not in columns else "sequence", table.frame.columns, needed)
    rows = _ends(table.frame) if {"a", "b"} <= columns else _proteins(table.frame)
    known = pl.col("split") == "known"
    rows = rows.with_columns(equal=pl.col("equal") | known)
    return {name: _Split.of(rows.filter(split=name)) for name in ("train", *HELD_OUT, "known")}


def _ends(cases: pl.DataFrame) -> pl.DataFrame:
    """Return the proteins of cases; the wild type of a known mutant is trained on, and left out."""
    cases = cases.cast(pl.String)
    trained = pl.all_horizontal(
        pl.col(name) == cell for name, cell in (("split", "known"), ("kind", "wild-type-mutant"))
    )
    ends = [
        some.select("split", sequence=end, text=f"text_{end}", equal=pl.lit(value=False))
        for end, some in (("a", cases.filter(~trained)), ("b", cases))
    ]
    return pl.concat(ends)


def _proteins(table: pl.DataFrame) -> pl.DataFrame:
    """Return proteins; `equal` are mutants in their wild type's split, or `known` ones of a wild type in training."""
    table = table.with_columns(
        pl.lit(None, pl.String).alias(name) for name in ("id", "set", "text", "wild_type") if name not in table.columns
    )
    rows = table.select(pl.col("set", "id", "wild_type", "split", "sequence", "text").cast(pl.String))
    of_wild = rows.select("set", wild_type="id", of_wild="split").unique(["set", "wild_type"])
    rows = rows.join(of_wild, on=["set", "wild_type"], how="left", nulls_equal=True, maintain_order="left")
    equal = pl.col("wild_type").is_not_null() & (pl.col("split").replace("known", "train") == pl.col("of_wild"))
    return rows.with_columns(equal=equal.fill_null(value=False))


def _is_a_header_alone(path: Path) -> bool:
    with path.open("rb") as file:
        return len(list(islice(filter(bytes.strip, file), 2))) < 2


def _find_equals(name: str, split: _Split, train: _Split) -> SplitLeaks:
    """Count what is in training itself, of a split whose relatives may be."""
    own, known = {*split.sequences, *split.equals}, {*train.sequences, *train.equals}
    shared = sorted(own & known)
    return SplitLeaks(
        split=name,
        proteins=len(own),
        shared_proteins=len(shared),
        related=len(shared),
        texts=len(split.texts),
        shared_texts=len(split.texts & train.texts),
        histogram=(*(0,) * (_BINS - 1), len(shared)),
        none_found=len(own) - len(shared),
        measured_from=1.0,
        every_pair=True,
        unreadable=(split.unreadable, train.unreadable),
        worst=tuple((sequence, sequence, 1.0) for sequence in shared[:_WORST]),
    )


def _compare(name: str, split: _Split, train: _Split, wanted: HomologyConfig) -> SplitLeaks:
    known = {*train.sequences, *train.equals}
    shared = [sequence for sequence in sorted({*split.sequences, *split.equals}) if sequence in known]
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
        proteins=len(queries) + len(shared),
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
