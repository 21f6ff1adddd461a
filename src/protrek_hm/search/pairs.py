"""Scores of loose pairs, without an index: how well a text fits a protein; and pairs read from a table."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Float

from protrek_hm.data.schema import ALIASES, missing_column, or_null
from protrek_hm.data.tables import read_table
from protrek_hm.errors import FileFormatError, OptionError
from protrek_hm.index.encoder import encode_unit
from protrek_hm.model.encoder import FingerprintedEncoder
from protrek_hm.search.query import Query, clean_query, find_column
from protrek_hm.search.reading import NoticeWarning, tell_cuts

Kind = Literal["sequence", "structure"]


@dataclass(frozen=True)
class ScoredPair:
    """A text, the name and letters of what it was compared with, their cosine, and this ÷ temperature."""

    text: str
    id: str
    sequence: str
    score: float
    protrek_score: float


def read_pairs(
    path: Path, target_type: Kind, *, columns: Mapping[str, str] | None = None
) -> tuple[list[str], list[Query]]:
    r"""Read the columns `text` and `target_type` (and `id`, where there is one) of a table: TSV, CSV or Parquet.

    Columns are recognised as `read_proteins` does; `columns` names those that are not, as ``{"text": "comment"}``.

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError
        If it is not there, no table, lacks a column, or a cell is empty or has wrong letters; it names the line.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "pairs.tsv"
    >>> _ = path.write_text("text\tsequence\na kinase\tmkv\n")
    >>> read_pairs(path, "sequence")
    (['a kinase'], [Query(name='pair_1', content='MKV')])
    """
    table = read_table(path)
    present, given = table.frame.columns, dict(columns or {})
    found = {name: given.pop(name, None) or find_column(present, ALIASES[name]) for name in ("id", "text", target_type)}
    if given:
        name, column = given.popitem()
        raise OptionError("column", f"{name}={column}", f"the part before '=' is one of {', '.join(found)}")
    for name, wanted in found.items():
        if wanted not in present and (wanted is not None or name != "id"):
            remedy = f"say which one it is with --column {name}=NAME"
            raise missing_column(path, wanted or name, present, remedy)
    names = [None] * len(table.frame) if found["id"] is None else table.frame[found["id"]].cast(pl.String)
    texts, queries = list[str](), list[Query]()
    cells = table.frame.select(
        or_null(pl.lit(table.frame[found[name] or name].cast(pl.String))).fill_null("").alias(name)
        for name in ("text", target_type)
    )
    for number, (name, text, letters) in enumerate(zip(names, cells["text"], cells[target_type], strict=True), start=1):
        try:
            texts.append(clean_query(text, "text"))
            queries.append(Query(name or f"pair_{number}", clean_query(letters, target_type)))
        except OptionError as error:
            line = table.lines()[number - 1]
            raise FileFormatError(path, f"line {line}: {error.wanted}", "or remove the pair") from None
    return texts, queries


def score_pairs(
    model: FingerprintedEncoder,
    texts: Sequence[str],
    sequences: Sequence[str],
    *,
    target_type: Kind = "sequence",
    batch_size: int = 32,
    progress: bool = False,
) -> Float[np.ndarray, " pairs"]:
    """Return the cosine of each text with the sequence beside it; ProTrek's own scale is this ÷ temperature.

    Each distinct text and sequence is encoded once.

    Parameters
    ----------
    texts, sequences
        As many of each, or one of either against all of the other, as `clean_query` returns them.
    target_type
        What `sequences` are: proteins, or the 3Di letters of their structures.
    progress
        Show a bar on stderr.

    Returns
    -------
    Cosines in [-1, 1], one for each pair.

    Raises
    ------
    OptionError
        If there are, say, two texts and three sequences.
    ModelError
        If the model has no such route, or gives a vector without direction.

    Warns
    -----
    NoticeWarning
        If the model does not read all of some inputs; it says how many.

    Examples
    --------
    >>> class Letters:
    ...     temperature, tasks, fingerprint = 0.1, ("text", "sequence"), lambda self: "letters"
    ...     def encode(self, inputs, /, **options):
    ...         return np.array([[each.count("K"), each.count("R")] for each in inputs])
    >>> score_pairs(Letters(), ["K", "KKKR"], ["MKKK", "MR"]).round(3).tolist()
    [1.0, 0.316]
    >>> score_pairs(Letters(), ["K"], ["MKKK", "MR", "KR"]).round(3).tolist()
    [1.0, 0.0, 0.707]
    """
    if len(texts) != len(sequences) and 1 not in (len(texts), len(sequences)):
        counts = f"{len(texts)} texts, {len(sequences)} {target_type}s"
        raise OptionError("pairs", counts, "give as many of each, or one of either")
    if not texts or not sequences:
        return np.empty(0)
    for notice in (tell_cuts(model, texts, task="text"), tell_cuts(model, sequences, task=target_type)):
        if notice is not None:
            warnings.warn(notice, NoticeWarning, stacklevel=2)
    text_vectors, text = _encode(model, texts, "text", batch_size=batch_size, progress=progress)
    vectors, protein = _encode(model, sequences, target_type, batch_size=batch_size, progress=progress)
    text, protein = np.broadcast_arrays(text, protein)
    return np.asarray(np.clip(np.einsum("ij,ij->i", text_vectors[text], vectors[protein]), -1, 1))


def _encode(
    model: FingerprintedEncoder,
    inputs: Sequence[str],
    task: Literal["text", "sequence", "structure"],
    *,
    batch_size: int,
    progress: bool,
) -> tuple[Float[np.ndarray, "distinct dim"], np.ndarray]:
    """Return a vector for each distinct input, and which one is whose."""
    distinct = {each: number for number, each in enumerate(dict.fromkeys(inputs))}
    vectors = encode_unit(model, list(distinct), task=task, batch_size=batch_size, progress=progress)
    return vectors.astype(np.float64), np.array([distinct[each] for each in inputs])
