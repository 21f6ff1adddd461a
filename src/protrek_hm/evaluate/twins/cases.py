"""Case tables as numbered cases: what is measured, what may be learned from, and what each protein is a mutant of."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from jaxtyping import Bool, Int

from protrek_hm.data.twins.case_table import NEEDED
from protrek_hm.errors import FileFormatError, NothingFoundError
from protrek_hm.evaluate.cases import Cases, Pool, make_cases, make_pool
from protrek_hm.homology.families import connected_components

ALL = "all"
"""Instead of a set or a kind: all of them together."""

CASE_COLUMNS = ("set", "id_a", "id_b", "text_a", "text_b")
"""What names a case; two sets may have the same one."""
_MUTATION = re.compile(r"(:[A-Z]+\d+[^:]*)+$")
_AS_TRIPLET = {"anchor_seq": "a", "anchor_text": "text_a", "hard_neg_seq": "b", "hard_neg_text": "text_b"}


@dataclass(frozen=True)
class TwinCases:
    """The cases that are measured.

    Attributes
    ----------
    frame
        A row a case, as `read_cases` reads them.
    pool, cases
        Every distinct text and sequence, and each row as positions among them: `a` is the positive, `b` the negative.
    """

    frame: pl.DataFrame
    pool: Pool
    cases: Cases

    def __len__(self) -> int:
        return self.frame.height

    @cached_property
    def families(self) -> Int[np.ndarray, " cases"]:
        """The family of each case, as a number."""
        return _numbers(self.frame["family"])

    @cached_property
    def sets(self) -> Int[np.ndarray, " cases"]:
        """The set of each case, as a number."""
        return _numbers(self.frame["set"])

    @cached_property
    def is_control(self) -> Bool[np.ndarray, " cases"]:
        """Whether nothing is to be told apart."""
        return (self.frame["control"] == "yes").to_numpy()

    def where(self, split: str, name: str = ALL, kind: str = ALL) -> Bool[np.ndarray, " cases"]:
        """Tell which cases are of a split, a set and a kind, controls with them."""
        chosen = self.frame["split"] == split
        for column, wanted in (("set", name), ("kind", kind)):
            if wanted != ALL:
                chosen &= self.frame[column] == wanted
        return chosen.to_numpy()

    def digest(self) -> str:
        """Return the SHA-256 of the cases, whatever their order, and whatever the file they came from.

        It is that of the lines of the columns `NEEDED`, joined by tabs, sorted, each with a line feed at its end.

        Examples
        --------
        >>> one, other = (pl.DataFrame({name: cells for name in NEEDED}) for cells in (["x", "y"], ["y", "x"]))
        >>> make_twin_cases(one).digest() == make_twin_cases(other).digest()
        True
        """
        lines = sorted(self.frame.select(pl.concat_str(NEEDED, separator="\t")).to_series().to_list())
        return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def make_twin_cases(frame: pl.DataFrame) -> TwinCases:
    """Give the cases of a table numbers.

    Raises
    ------
    NothingFoundError, FileFormatError
        If it is empty, or holds a case twice.
    """
    if frame.is_empty():
        raise NothingFoundError("no case of the splits that are measured; see --split")
    twice = frame.filter(frame.select(CASE_COLUMNS).is_duplicated())
    if twice.height:
        pair = f"{twice['id_a'][0]} / {twice['id_b'][0]}"
        problem = f"the case {pair} stands in two of them ({twice.height:,} such rows)"
        raise FileFormatError("case tables", problem, "give each table once")
    view = as_triplets(frame)
    pool = make_pool([view])
    return TwinCases(frame, pool, make_cases(view, pool))


def draw_cases(frame: pl.DataFrame, most: int, *, seed: int) -> pl.DataFrame:
    """Keep at most `most` cases of a family in each set, kind and split, controls apart, drawn by `seed`; 0: all.

    Families weigh alike, so that more of one family say little more. Drawn by a hash of the case and the seed: the same
    cases in whatever order rows stand, whichever protein is `a`, and by whatever version of the libraries.

    Examples
    --------
    >>> columns = {name: [name] * 9 for name in NEEDED} | {"id_a": [*"abcdefghi"], "family": [*"PPPPPPPPQ"]}
    >>> draw_cases(pl.DataFrame(columns), 2, seed=1)["family"].to_list()
    ['P', 'P', 'Q']
    """
    if not most:
        return frame
    ordered = [
        pl.concat_str(each, separator="\t")
        for each in (
            (pl.min_horizontal("id_a", "id_b"), pl.max_horizontal("id_a", "id_b")),
            (pl.min_horizontal("text_a", "text_b"), pl.max_horizontal("text_a", "text_b")),
        )
    ]
    names = frame.select(pl.concat_str("set", *ordered, separator="\t")).to_series()
    drawn = pl.Series([hashlib.blake2b(f"{seed}\t{name}".encode(), digest_size=16).hexdigest() for name in names])
    group = ("split", "set", "kind", "control", "family")
    place = pl.col("drawn").rank("ordinal").over(group)
    return frame.with_columns(drawn=drawn).filter(place <= most).drop("drawn")


def as_triplets(frame: pl.DataFrame, *, both: bool = False) -> pl.DataFrame:
    """Return cases as triplets whose anchor is `a`; with `both`, also as those whose anchor is `b`.

    >>> case = pl.DataFrame({"a": ["MK"], "b": ["MR"], "text_a": ["one"], "text_b": ["other"]})
    >>> as_triplets(case, both=True).rows()
    [('MK', 'one', 'MR', 'other'), ('MR', 'other', 'MK', 'one')]
    """
    view = frame.select(pl.col(column).alias(name) for name, column in _AS_TRIPLET.items())
    other = frame.select(pl.col(_other(column)).alias(name) for name, column in _AS_TRIPLET.items())
    return pl.concat([view, other]) if both else view


def _other(column: str) -> str:
    return column[:-1] + {"a": "b", "b": "a"}[column[-1]]


def _numbers(names: pl.Series) -> Int[np.ndarray, " cases"]:
    return names.rank("dense").cast(pl.Int64).to_numpy()


def wild_types(frames: Sequence[pl.DataFrame]) -> dict[str, str]:
    """Return the wild type of each protein that stands in a case of mutants, itself included; no label is read.

    It is the case's `reference`. Where there is none, it is the protein whose id is the mutant's without the mutation
    at its end (`P1` of `P1:S83L`). Where no case holds that one, it is what most mutants have in each column, if there
    are three or more: those of one length that cases link, directly or through others, or that have one id but for the
    mutation. Where none of these tells it, none is given.

    Examples
    --------
    >>> pairs = [("P", "P:K2A", "MKV", "MAV"), ("x", "y", "AAAA", "CAAA"), ("x", "z", "AAAA", "AACA")]
    >>> table = pl.DataFrame(pairs, schema=["id_a", "id_b", "a", "b"], orient="row")
    >>> found = wild_types([table.with_columns(kind=pl.lit("mutant-mutant"))])
    >>> found["MAV"], found["AACA"]
    ('MKV', 'AAAA')
    """
    names = ("id_a", "id_b", "a", "b", "kind", "reference")
    pairs = pl.concat([each.select(name for name in names if name in each.columns) for each in frames], how="diagonal")
    pairs = pairs.filter(pl.col("kind") != "natural").sort(pl.all())
    told: dict[str, str] = {}
    if "reference" in pairs.columns:
        for a, b, wild in pairs.drop_nulls("reference").select("a", "b", "reference").iter_rows():
            told |= {each: wild for each in (a, b, wild) if each not in told}
        pairs = pairs.filter(pl.col("reference").is_null())
    members = [each for side in "ab" for each in pairs.select(f"id_{side}", side).iter_rows()]
    by_id = dict(members)
    found: dict[str, str] = {}
    for name, sequence in members:
        parent = by_id.get(_MUTATION.sub("", name), sequence)
        if parent != sequence:
            found |= {sequence: parent, parent: parent}
    found |= told
    orphans = [(name, sequence) for name, sequence in members if sequence not in found]
    for together in _linked(orphans, pairs):
        wild = _consensus(together)
        if wild is not None:
            found |= dict.fromkeys(together, wild)
    return found


def _linked(members: Sequence[tuple[str, str]], pairs: pl.DataFrame) -> list[list[str]]:
    """Return the sequences in groups of one length, linked by cases or by ids that differ in a mutation alone."""
    place = {sequence: number for number, sequence in enumerate(sorted({sequence for _, sequence in members}))}
    first: dict[tuple[str, int], int] = {}
    edges = [
        (place[each], first.setdefault((_MUTATION.sub("", name), len(each)), place[each])) for name, each in members
    ]
    edges += [
        (place[a], place[b])
        for a, b in pairs.select("a", "b").iter_rows()
        if a in place and b in place and len(a) == len(b)
    ]
    groups: dict[int, list[str]] = {}
    if edges:
        labels = connected_components(len(place), np.array(edges))
        for sequence, number in place.items():
            groups.setdefault(int(labels[number]), []).append(sequence)
    return list(groups.values())


def _consensus(sequences: Sequence[str]) -> str | None:
    if len(sequences) < 3:
        return None
    letters = np.frombuffer("".join(sequences).encode("ascii"), dtype=np.uint8).reshape(len(sequences), -1)
    votes = np.stack([(letters == letter).sum(axis=0) for letter in range(ord("A"), ord("Z") + 1)])
    return bytes((votes.argmax(axis=0) + ord("A")).astype(np.uint8)).decode("ascii")


def count_cases(cases: TwinCases) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    """Return split → set → kind → how many cases, controls and families there are."""
    table = cases.frame.group_by("split", "set", "kind").agg(
        cases=(pl.col("control") == "no").sum(),
        controls=(pl.col("control") == "yes").sum(),
        families=pl.col("family").n_unique(),
    )
    found: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    for row in table.sort("split", "set", "kind").iter_rows(named=True):
        numbers = {name: int(row[name]) for name in ("cases", "controls", "families")}
        found.setdefault(row["split"], {}).setdefault(row["set"], {})[row["kind"]] = numbers
    return found
