"""A table as training reads it: each distinct input once, and rows that point to them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.config import Modality, OnBadRecord
from protrek_hm.data.proteins import is_fasta, read_proteins
from protrek_hm.data.texts import fold_text
from protrek_hm.data.triplets import empty_rows, read_triplets, with_structures
from protrek_hm.errors import MissingColumnError, ModelError, NothingFoundError, RecordError

# What a row holds → the route that reads it, and its column
ROLES: dict[str, tuple[Modality, str]] = {
    "text": ("text", "anchor_text"),
    "positive": ("sequence", "anchor_seq"),
    "negative": ("sequence", "hard_neg_seq"),
    "negative_text": ("text", "hard_neg_text"),
    "structure": ("structure", "anchor_structure"),
    "negative_structure": ("structure", "hard_neg_structure"),
}
NEEDED: dict[str, tuple[str, ...]] = {
    "triplet": ("text", "positive", "negative"),
    "contrastive": ("text", "positive"),
    "twin": ("text", "positive", "negative", "negative_text"),
    "balanced": ("text", "positive", "negative", "negative_text"),
    "masked": ("positive",),
}
ABSENT = -1


@dataclass(frozen=True)
class Examples:
    """A table of pairs or triplets.

    Attributes
    ----------
    inputs
        The distinct inputs of each route, sorted.
    roles
        Of each role, which of its route's inputs each row holds; `ABSENT` for none.
    names
        What to call each row in a message.
    groups
        The group of each row; rows of one group are not each other's negatives. `ABSENT` for none.
    wordings
        The number of each of `inputs["text"]`; spellings of one text (`fold_text`) have the same.
    known
        Every pair of a wording and a protein that the table states, also of twins that training does not read.
    """

    inputs: dict[Modality, list[str]]
    roles: dict[str, Int[np.ndarray, " rows"]]
    names: Sequence[str]
    groups: Int[np.ndarray, " rows"]
    wordings: Int[np.ndarray, " texts"]
    known: Int[np.ndarray, "pairs 2"]

    def __len__(self) -> int:
        return len(self.names)


def as_pairs(table: pl.DataFrame) -> pl.DataFrame:
    """Name the columns of a proteins table as those of triplets, if it is one.

    >>> as_pairs(pl.DataFrame({"sequence": ["MK"], "text": ["Binds."]})).columns
    ['anchor_seq', 'anchor_text']
    """
    renamed = {name: f"anchor_{name}" for name in ("id", "text", "structure")} | {"sequence": "anchor_seq"}
    if "anchor_seq" in table.columns or "sequence" not in table.columns:
        return table
    return table.rename({ours: theirs for ours, theirs in renamed.items() if ours in table.columns})


def read_examples(
    table: pl.DataFrame, needed: Collection[str], *, name: str, optional: Collection[str] = (), group: str | None = None
) -> Examples:
    """Find the distinct inputs of a table, and which of them each row holds.

    Parameters
    ----------
    table
        Triplets, or proteins with texts.
    needed, optional
        The roles that rows hold: where a needed one is empty is an error, where an optional one is, nothing.
    name
        What to call the table in a message.
    group
        A column that says which rows belong together.

    Raises
    ------
    MissingColumnError, NothingFoundError
        If the table lacks a column or has no rows.
    RecordError
        If a row lacks a needed input, or its negative is its positive.

    Examples
    --------
    >>> table = pl.DataFrame({"text": ["Binds.", "Cuts."], "sequence": ["MK", "MK"]})
    >>> examples = read_examples(table, ["text", "positive"], name="two rows")
    >>> examples.inputs["sequence"], examples.roles["positive"].tolist()
    (['MK'], [0, 0])
    """
    table = as_pairs(table)
    for column in [*(ROLES[role][1] for role in needed), *([] if group is None else [group])]:
        if column not in table.columns:
            remedy = "give triplets as `mine` writes them, or name another objective or column"
            raise MissingColumnError(name, column, table.columns, remedy)
    if table.is_empty():
        raise NothingFoundError(f"{name}: no rows; mine with wider thresholds, or more proteins")
    names = _names(table)
    _check_rows(table, needed, name, names)
    present = [*needed, *(role for role in optional if ROLES[role][1] in table.columns)]
    inputs: dict[Modality, list[str]] = {}
    for role in present:
        task, column = ROLES[role]
        inputs[task] = sorted({*inputs.get(task, []), *table[column].drop_nulls().to_list()})
    numbers = {task: {each: i for i, each in enumerate(distinct)} for task, distinct in inputs.items()}
    roles = {
        role: np.array([numbers[ROLES[role][0]].get(each, ABSENT) for each in table[ROLES[role][1]]])
        for role in present
    }
    groups = np.full(table.height, ABSENT) if group is None else _number(table[group])
    folded = {each: i for i, each in enumerate(sorted({fold_text(text) for text in inputs.get("text", [])}))}
    wordings = np.array([folded[fold_text(text)] for text in inputs.get("text", [])], dtype=np.int64)
    return Examples(inputs, roles, names, groups, wordings, _known_pairs(table, folded, numbers.get("sequence", {})))


def _known_pairs(
    table: pl.DataFrame, wordings: Mapping[str, int], proteins: Mapping[str, int]
) -> Int[np.ndarray, "pairs 2"]:
    """Return the pairs of a text and a protein, of rows and of their twins, as far as training reads both."""
    stated = {
        (wordings.get(fold_text(text), ABSENT), proteins.get(protein, ABSENT))
        for names in (("anchor_text", "anchor_seq"), ("hard_neg_text", "hard_neg_seq"))
        if {*names} <= {*table.columns}
        for text, protein in table.select(names).drop_nulls().unique().iter_rows()
    }
    return np.array(sorted(pair for pair in stated if ABSENT not in pair), dtype=np.int64).reshape(-1, 2)


def structure_roles(table: pl.DataFrame, needed: Collection[str], *, name: str) -> list[str]:
    """Return the roles of structures that go with the needed ones of sequences.

    Raises
    ------
    MissingColumnError, NothingFoundError
        If the table has no column for one of them, or not a row that holds all.

    Examples
    --------
    >>> table = pl.DataFrame({"anchor_structure": ["dv", None], "hard_neg_structure": ["dp", "dv"]})
    >>> structure_roles(table, ["text", "positive", "negative"], name="table")
    ['structure', 'negative_structure']
    """
    roles = ["structure", *(["negative_structure"] if "negative" in needed else [])]
    with_structures(table, name, [ROLES[role][1] for role in roles])
    return roles


def _names(table: pl.DataFrame) -> list[str]:
    rows = [f"row {i + 1}" for i in range(table.height)]
    ids = table["anchor_id"].to_list() if "anchor_id" in table.columns else rows
    return [row if given is None else str(given) for given, row in zip(ids, rows, strict=True)]


def _check_rows(table: pl.DataFrame, needed: Collection[str], name: str, names: list[str]) -> None:
    for role in needed:
        column = table[ROLES[role][1]]
        empty = empty_rows(column)
        if len(empty):
            raise RecordError(name, empty[0] + 1, names[empty[0]], f"no {column.name}")
    if "negative" in needed:
        same = (table["anchor_seq"] == table["hard_neg_seq"]).arg_true()
        if len(same):
            problem = "anchor_seq and hard_neg_seq are the same protein"
            raise RecordError(name, same[0] + 1, names[same[0]], problem)


def _number(column: pl.Series) -> Int[np.ndarray, " rows"]:
    """Give equal cells equal numbers, and empty ones `ABSENT`."""
    return column.cast(pl.String).rank("dense").fill_null(ABSENT).cast(pl.Int64).to_numpy()


def check_routes(examples: Examples, tasks: Sequence[str]) -> None:
    """Raise ModelError if the model lacks a route that the table needs."""
    for task in examples.inputs:
        if task not in tasks:
            problem = f"the model has no route {task!r} (it has {', '.join(tasks)})"
            raise ModelError(problem, "give a model with it, or a table without such a column")


def read_tables(
    paths: Iterable[Path], *, columns: Mapping[str, str] | None = None, on_bad_record: OnBadRecord = "error"
) -> pl.DataFrame:
    r"""Read files of triplets, of proteins (tables, FASTA), or some of each, into one table with triplets' columns.

    columns: of proteins, our name → the file's. on_bad_record: what a bad record does, as `read_proteins` says.

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError, RecordError
        As `read_triplets` and `read_proteins`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "proteins.tsv"
    >>> _ = path.write_text("sequence\ttext\nMKV\tBinds iron.\n")
    >>> read_tables([path]).select("anchor_seq", "anchor_text").rows()
    [('MKV', 'Binds iron.')]
    """
    return pl.concat([as_pairs(_read(path, columns, on_bad_record)) for path in paths], how="diagonal_relaxed")


def _read(path: Path, columns: Mapping[str, str] | None, on_bad_record: OnBadRecord) -> pl.DataFrame:
    if path.is_file() and is_fasta(path):
        return read_proteins(path, on_bad_record=on_bad_record)
    try:
        return read_triplets(path, on_bad_record=on_bad_record)
    except MissingColumnError as error:
        if {"anchor_seq", "hard_neg_seq"} & set(error.present):
            raise
        return read_proteins(path, columns=columns, on_bad_record=on_bad_record)
