"""One split for all sets of twins: whole families, and beside it unseen members of families that are trained on.

A family is a component at 50 % identity over every protein of every set. Mutants go where their wild type goes, so they
are not searched for. Families are dealt set by set, since each set is to have its share of test families; a family that
several sets have is dealt once. The largest families are trained on: no family alone shall be the test.
"""

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

import numpy as np
import polars as pl

from protrek_hm.data.proteins import check_bad_records
from protrek_hm.data.schema import or_null
from protrek_hm.data.tables import read_table
from protrek_hm.data.twins.case_table import SPLITS
from protrek_hm.deadline import Progress
from protrek_hm.errors import FileFormatError, MissingColumnError
from protrek_hm.homology import HomologyConfig, find_families
from protrek_hm.mine.config import CaseConfig

UNSEEN = 0.6
"""Share of the test families that a model has read nothing of, at least, if its families are named and enough left."""

_STRICTEST = ("test", "valid", "train")  # a family with fixed members in several splits goes into the first of these


@dataclass(frozen=True)
class GivenSplit:
    """What is decided beforehand.

    Attributes
    ----------
    rows
        Columns `id` and `split` (of `case_table.SPLITS`); perhaps `set`, where ids alone would be ambiguous, and
        `family`. `known` says that the protein is not trained on though its family is.
    seen
        Sequences that a model has read already: test families are preferred that have none of them.
    """

    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"id": pl.String, "split": pl.String}))
    seen: frozenset[str] = frozenset()


def read_split(path: Path) -> GivenSplit:
    r"""Read a table with columns id and split, perhaps set and family.

    Raises
    ------
    MissingFileError, MissingColumnError, RecordError
        If the file does not exist, lacks a column, or holds damaged records.
    FileFormatError
        If it names an unknown split, or puts a protein into two.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "split.tsv"
    >>> _ = path.write_text("id\tsplit\tfamily\nP1\ttest\tP0\n")
    >>> read_split(path).rows.rows()
    [('P1', 'test', 'P0')]
    """
    table = read_table(path)
    check_bad_records(table.bad, path, "error")
    columns = table.frame.columns
    for column in ("id", "split"):
        if column not in columns:
            raise MissingColumnError(path, column, columns, "a split file has the columns id and split")
    kept = ["id", "split", *(name for name in ("set", "family") if name in columns)]
    rows = table.frame.select(or_null(pl.col(kept).cast(pl.String))).drop_nulls().unique(maintain_order=True)
    unknown = rows.filter(~pl.col("split").is_in(SPLITS))
    if not unknown.is_empty():
        raise FileFormatError(path, f"{unknown['split'][0]!r} is not a split", f"write {', '.join(SPLITS)}")
    twice = rows.filter(pl.struct(key_of(rows)).is_duplicated())
    if not twice.is_empty():
        raise FileFormatError(path, f"{twice['id'][0]!r} is in two splits or families", "leave it in one")
    return GivenSplit(rows)


def key_of(rows: pl.DataFrame) -> list[str]:
    """Return the columns that name a protein: its id, and its set where there is one."""
    return [name for name in ("set", "id") if name in rows.columns]


def with_families(
    proteins: pl.DataFrame, given: GivenSplit, config: CaseConfig, *, progress: Progress | None = None
) -> pl.DataFrame:
    """Add `family`, the least id of its members (numbered where two families would have one name).

    proteins: columns set, id, sequence; wild types and natural proteins. Where `given` names the families of all of
    them, those are taken and nothing is searched for.

    Examples
    --------
    >>> table = pl.DataFrame({"set": "s", "id": ["b", "a", "c"], "sequence": ["MKTAYIAKQR", "MKTAYAKQR", "WWWWWPPPPP"]})
    >>> with_families(table, GivenSplit(), CaseConfig(threads=1))["family"].to_list()
    ['a', 'a', 'c']
    """
    if "family" in given.rows.columns:
        named = proteins.join(given.rows, on=key_of(given.rows), how="left", maintain_order="left")["family"]
        if named.null_count() == 0:
            return proteins.with_columns(family=named)
    distinct = proteins["sequence"].unique().sort()
    wanted = HomologyConfig(min_identity=config.split_identity, coverage=config.coverage, threads=config.threads)
    numbers = find_families(distinct.to_list(), wanted, progress=progress)
    table = pl.DataFrame({"sequence": distinct, "number": numbers})
    proteins = proteins.join(table, on="sequence", how="left", maintain_order="left")
    names = proteins.group_by("number").agg(pl.col("id").min()).sort("id", "number")
    again = pl.int_range(pl.len()).over("id")
    name = pl.when(again == 0).then("id").otherwise(pl.concat_str("id", pl.lit(":"), again + 1))
    names = names.select("number", family=name)
    return proteins.join(names, on="number", how="left", maintain_order="left").drop("number")


def fix_families(members: pl.DataFrame, given: GivenSplit) -> tuple[dict[str, str], list[str]]:
    """Return the split of each family with given members, and the families with members in several splits.

    members: columns set, id, family. A family goes into test if any member does, else into validation if any does.

    Examples
    --------
    >>> members = pl.DataFrame({"set": "s", "id": ["P1", "P2", "P3"], "family": ["P1", "P1", "P3"]})
    >>> given = GivenSplit(pl.DataFrame({"id": ["P1", "P2", "P3"], "split": ["train", "test", "known"]}))
    >>> fix_families(members, given)
    ({'P1': 'test', 'P3': 'train'}, ['P1'])
    """
    rank = {"known": _STRICTEST.index("train"), **{split: place for place, split in enumerate(_STRICTEST)}}
    joined = members.select("set", "id", "family").join(
        given.rows.select(*key_of(given.rows), "split"), on=key_of(given.rows), how="inner"
    )
    ranks = joined.with_columns(rank=pl.col("split").replace_strict(rank, return_dtype=pl.Int64))
    of_family = ranks.group_by("family").agg(pl.col("rank").min().alias("least"), pl.col("rank").max().alias("most"))
    of_family = of_family.sort("family")
    torn = of_family.filter(pl.col("least") != pl.col("most"))["family"].to_list()
    return {family: _STRICTEST[least] for family, least in of_family.select("family", "least").iter_rows()}, torn


def deal_families(
    families: pl.DataFrame, fixed: Mapping[str, str], config: CaseConfig, *, seen: Collection[str] = ()
) -> dict[str, str]:
    """Give whole families to test, validation and training, each set its shares.

    Parameters
    ----------
    families
        A row for each family of each set that has cases: columns set, family, cases.
    fixed
        Splits that are decided.
    seen
        Families that a model has read: at least `UNSEEN` of a set's test families are others, if there are enough.

    Returns
    -------
    dict
        Family → split, of all families given.

    Examples
    --------
    >>> table = pl.DataFrame({"set": "s", "family": list("abcde"), "cases": [1, 1, 1, 1, 9]})
    >>> dealt = deal_families(table, {"a": "test"}, CaseConfig(largest=0.5))
    >>> dealt["a"], dealt["e"], sorted(dealt.values())
    ('test', 'train', ['test', 'train', 'train', 'train', 'valid'])
    """
    split_of, seen = dict(fixed), set(seen)
    sizes = families.group_by("set").agg(pl.len().alias("families"), pl.col("cases").sum()).sort("families", "set")
    for name, count, cases in sizes.iter_rows():
        own = families.filter(set=name).sort("family")
        most = max(config.largest, 2 / count) * cases
        fits = own.filter(pl.col("cases") <= most)["family"].to_list()
        order = np.random.default_rng([config.seed, *name.encode()]).permutation(len(fits))
        free = [fits[place] for place in order if fits[place] not in split_of]
        held = [split_of.get(family) for family in own["family"]]
        for split, share in (("test", config.test_fraction), ("valid", config.valid_fraction)):
            lacking = max(round(share * count) - held.count(split), 0)
            chosen = free[:lacking]
            if split == "test":
                fresh = [family for family in free if family not in seen]
                already = sum(split_of.get(family) == "test" and family not in seen for family in own["family"])
                least = max(ceil(UNSEEN * (held.count(split) + lacking)) - already, 0)
                first = fresh[: min(least, lacking)]
                chosen = first + [family for family in free if family not in first][: lacking - len(first)]
            split_of |= dict.fromkeys(chosen, split)
            free = [family for family in free if family not in split_of]
        split_of |= {family: "train" for family in own["family"] if family not in split_of}
    return split_of


def draw_known(pairs: pl.DataFrame, config: CaseConfig, *, kept: Collection[str], given: Collection[str]) -> set[str]:
    """Draw sequences that are not trained on though their family is, whole pairs of them, family by family.

    Of each family with four members or more `config.known_fraction` of them, two at least and half at most. Members
    drawn one by one would seldom be in one pair.

    Parameters
    ----------
    pairs
        Columns set, family, a and b: the sequences of natural cases in families that are trained on.
    kept
        Sequences that are trained on whatever is drawn, such as wild types of mutants.
    given
        Sequences that are decided beforehand; of a set that has some of them no others are drawn.

    Examples
    --------
    >>> pairs = pl.DataFrame({"set": "s", "family": "f", "a": ["MA", "MC", "MD"], "b": ["MC", "MD", "ME"]})
    >>> sorted(draw_known(pairs, CaseConfig(), kept={"MC"}, given=()))
    ['MD', 'ME']
    """
    known = set(given) - set(kept)
    decided = set(given)
    for name in pairs["set"].unique().sort():
        own = pairs.filter(set=name)
        if decided.intersection(own["a"]) or decided.intersection(own["b"]):
            continue
        for (family,), rows in sorted(own.group_by("family"), key=lambda each: str(each[0])):
            members = set(rows["a"]) | set(rows["b"])
            share = round(config.known_fraction * len(members))
            most = min(max(share, 2), len(members) // 2) if config.known_fraction else 0
            rng = np.random.default_rng([config.seed, 1, *str(family).encode()])
            ordered = rows.select("a", "b").sort("a", "b")
            taken = known.intersection(members)
            for place in rng.permutation(len(ordered)):
                pair = set(ordered.row(int(place)))
                if len(taken | pair) <= most and not pair.intersection(kept):
                    taken |= pair
            known |= taken
    return known


def draw_known_mutants(mutants: pl.DataFrame, config: CaseConfig, *, kept: Collection[str]) -> pl.Series:
    """Draw mutants that are not trained on though others of their wild type are; return their rows.

    They are all those of some positions. Of the n positions of a wild type that its mutants change,
    `config.known_fraction` times n are drawn, rounded up or down at random, and never all; the same ones in all sets.

    Parameters
    ----------
    mutants
        Columns row, sequence, wild_sequence and mutation; those without a mutation are not drawn.
    kept
        Sequences that are trained on, such as natural alleles that a mutant repeats.

    Examples
    --------
    >>> mutants = pl.DataFrame({"row": [1, 2, 3], "sequence": ["MA", "MC", "KK"], "wild_sequence": "MK",
    ...     "mutation": ["K2A", "K2C", "M1K"]})
    >>> drawn = draw_known_mutants(mutants, CaseConfig(known_fraction=0.5), kept=())
    >>> drawn.to_list() in ([1, 2], [3])
    True
    """
    positions = mutants.select(
        "row", "sequence", "wild_sequence", position=pl.col("mutation").str.extract_all(r"\d+")
    ).explode("position")
    positions = positions.drop_nulls("position").with_columns(pl.col("position").cast(pl.Int64))
    drawn = []
    for (wild,), rows in positions.group_by(["wild_sequence"], maintain_order=True):
        own = rows["position"].unique().sort().to_numpy()
        rng = np.random.default_rng([config.seed, 2, zlib.crc32(str(wild).encode())])
        count = min(int(config.known_fraction * len(own) + rng.random()), len(own) - 1)
        chosen = rng.permutation(own)[:count].tolist()
        drawn.append(rows.filter(pl.col("position").is_in(chosen) & ~pl.col("sequence").is_in(list(kept)))["row"])
    return pl.concat([pl.Series("row", [], dtype=mutants.schema["row"]), *drawn]).unique().sort()
