"""The words of an index: which records hold a word of a query, and how much each of them says (BM25).

SQLite's full-text index (FTS5) keeps them in one file beside the segments. Words are stemmed (Porter), accents fall,
Greek letters and British spellings are brought to one form. BM25 counts over all records that are left, however they
came in. A row there has the number of its record through all segments, so that records come and go one by one; texts
are not held twice.
"""

import errno
import os
import re
import shutil
import sqlite3
import threading
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index.layout import REBUILD

COMMON = 0.25
"""A word that this share of the records hold says too little to be looked up, where a query has rarer ones."""

FEW = 1_000
"""Records up to which no word is too common."""

_TABLE = (
    "create virtual table words using fts5(text, about, content='', tokenize='porter unicode61 remove_diacritics 2')"
)
_LEAST_OF_PREFIX = 4  # letters of a word that may stand for those that begin with it
_CACHED = 4_096  # words whose records are remembered
_WORD = re.compile(r"[^\W_]+")
_NOT_ABOUT = ("sequence", "structure", "text")
_STOP = frozenset(
    "a about all also am an and any are as at be been being by can could do does did for from had has have how i if in "
    "into is it its let like made make makes me my of on or our out over please show so some such than that the their "
    "them then there these they this those to under up used us using via was we were what when where which while who "
    "whose why will with would you your find give looking need want search protein proteins".split()
)
_GREEK = re.compile(r"([\u0391-\u03a9\u03b1-\u03c9])(?=([^\W_])?)")
_ENDING = re.compile(r"(?<=\w)['\u2019](?:s|t|d|m|ll|re|ve)\b")  # Parkinson's, can't
_SPELLINGS = tuple(
    (re.compile(british), american)
    for british, american in (
        (r"aem", "em"),  # haemoglobin, anaemia
        (r"oed", "ed"),
        (r"\boest", "est"),
        (r"\boesoph", "esoph"),
        (r"\bfoet", "fet"),
        (r"\b(f|c|p)aec", r"\1ec"),
        (r"anaesth", "anesth"),
        (r"rrhoea", "rrhea"),
        (r"\b(tum|col|behavi|od|fav|neighb|flav|vap)our", r"\1or"),
        (r"sulph", "sulf"),
        (r"leucocyt", "leukocyt"),
        (r"(hydro|ana|para|cata|auto)lys(e|es|ed|ing)\b", r"\1lyz\2"),
        (r"([a-z]{3})is(e|es|ed|ing|ation|ations)\b", r"\1iz\2"),
        (r"\b(cent|fib|lit)re(s?)\b", r"\1er\2"),
    )
)


def fold(text: str) -> str:
    """Bring a text to the form in which words are compared, before they are stemmed.

    Examples
    --------
    >>> fold("TNF-α, γδ T cells; α1-antitrypsin"), fold("Haemoglobin of Cooley's, polymerised")
    ('tnf-alpha, gamma delta t cells; alpha 1-antitrypsin', 'hemoglobin of cooley, polymerized')
    """
    folded = _ENDING.sub("", _GREEK.sub(_greek_name, unicodedata.normalize("NFKC", text)).lower())
    for british, american in _SPELLINGS:
        folded = british.sub(american, folded)
    return folded


def query_words(query: str) -> list[str]:
    """Split a query into the words that are looked up: distinct, folded, without those that say nothing.

    If nothing else is left, those are kept.

    Examples
    --------
    >>> query_words("Which protein hydrolyses β-lactams?"), query_words("what is it")
    (['hydrolyzes', 'beta', 'lactams'], ['what', 'is', 'it'])
    """
    found = list(dict.fromkeys(_WORD.findall(fold(query))))
    return [word for word in found if word not in _STOP] or found


def _greek_name(match: re.Match[str]) -> str:
    *_, name = unicodedata.name(match[1]).rsplit(" ", 1)
    word = "lambda" if name == "LAMDA" else name.lower()
    return word + " " * (match[2] is not None)


@dataclass(frozen=True)
class Matches:
    """The records that hold a word, as row numbers in ascending order, and the word's BM25 in each (> 0)."""

    rows: Int[np.ndarray, " n"]
    scores: Float[np.ndarray, " n"]

    def __contains__(self, row: int) -> bool:
        """Say whether the word stands in a record."""
        place = int(np.searchsorted(self.rows, row))
        return place < len(self.rows) and int(self.rows[place]) == row


@dataclass(frozen=True)
class Words:
    """A file of words, opened; safe to be used by several threads.

    Attributes
    ----------
    database
        A connection that only reads.
    records
        How many records it covers.
    row
        For each number through all segments the row of the opened index; -1 where it was removed.
    """

    database: sqlite3.Connection
    records: int
    row: Int[np.ndarray, " all"]
    lock: threading.Lock = field(default_factory=threading.Lock)
    known: dict[str, Matches] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, kept: Bool[np.ndarray, " all"]) -> "Words":
        """Open the file that `write_words` wrote; `kept` says which numbers are records of the index.

        Raises
        ------
        MissingFileError, FileFormatError
            If it is not there, is damaged, or was written for other records.
        """
        with _readable(path):
            name = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
            database = sqlite3.connect(name, uri=True, check_same_thread=False)
            (records,) = database.execute("select count(*) from words_docsize").fetchone()
        if records > kept.sum():
            raise FileFormatError(path, f"holds the words of {records} records, not {kept.sum()}", REBUILD)
        return cls(database, records, np.where(kept, np.cumsum(kept) - 1, -1))

    def find(self, query: str) -> dict[str, Matches]:
        """Look up the words of a query (see `query_words`): for each the records that hold it, perhaps none.

        A word that no record holds stands for those that begin with it, if it has four letters or more. Words that
        more than `COMMON` of the records hold are left out where there are rarer ones.
        """
        found = {word: self._matches(word) for word in query_words(query)}
        rare = {word: each for word, each in found.items() if len(each.rows) <= max(FEW, COMMON * self.records)}
        return rare if any(len(each.rows) for each in rare.values()) else found

    def _matches(self, word: str) -> Matches:
        with self.lock:
            if word not in self.known:
                if len(self.known) >= _CACHED:
                    self.known.clear()
                rows = self._look_up(f'"{word}"')
                self.known[word] = (
                    rows if len(rows.rows) or len(word) < _LEAST_OF_PREFIX else self._look_up(f'"{word}"*')
                )
            return self.known[word]

    def _look_up(self, pattern: str) -> Matches:
        asked = "select rowid, -bm25(words) from words where words match ? order by rowid"
        found = np.array(self.database.execute(asked, (pattern,)).fetchall(), dtype=np.float64).reshape(-1, 2)
        return Matches(self.row[found[:, 0].astype(np.int64)], found[:, 1])


def written_forms(words: Sequence[str], texts: Sequence[str]) -> list[dict[str, str]]:
    """Find looked-up words as texts write them: for each text word → its first form there.

    Examples
    --------
    >>> written_forms(["hydrolyzes", "beta", "zinc"], ["Hydrolysing β-lactams", "Zinc finger"])
    [{'hydrolyzes': 'Hydrolysing', 'beta': 'β'}, {'zinc': 'Zinc'}]
    """
    tokens = [list(dict.fromkeys(_WORD.findall(text))) for text in texts]
    first = {word[0] for word in words} | {"o"}  # oestrogen is estrogen
    alike = {each for own in tokens for each in own if each[0].lower() in first or not each[0].isascii()}
    candidates = sorted(alike)
    forms: dict[str, set[str]] = {}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.execute(_TABLE)
        rows = ((number, fold(each)) for number, each in enumerate(candidates))
        database.executemany("insert into words(rowid, text) values (?, ?)", rows)
        for word in words:
            for pattern in (f'"{word}"', f'"{word}"*'):
                found = database.execute("select rowid from words where words match ?", (pattern,)).fetchall()
                forms.setdefault(word, set()).update(candidates[number] for (number,) in found)
                if found or len(word) < _LEAST_OF_PREFIX:
                    break
    written = [{word: next((each for each in own if each in forms[word]), None) for word in words} for own in tokens]
    return [{word: form for word, form in each.items() if form is not None} for each in written]


def write_words(path: Path, records: pl.DataFrame, kept: Bool[np.ndarray, " all"], before: Path | None = None) -> bool:
    """Write the words of an index.

    Parameters
    ----------
    records
        All records, the removed ones among them: text, id and all other columns of strings, but sequences and
        structures.
    kept
        Which of them are part of the index.
    before
        The same of the index as it was, where its records are the first of these: only what is new is looked at.

    Returns
    -------
    Whether there were words to write: without a column of texts no file is written.
    """
    if "text" not in records.columns:
        return False
    if before is not None:
        shutil.copyfile(before, path)
    with _written_whole(path), closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("pragma journal_mode=off")
        database.execute("pragma synchronous=off")  # the file counts only when it is whole; it is synced below
        database.execute("begin")
        if before is None:
            database.execute(_TABLE)
        held = np.zeros(len(records), dtype=bool)
        held[[number for (number,) in database.execute("select id from words_docsize")]] = True
        gone = "insert into words(words, rowid, text, about) values ('delete', ?, ?, ?)"
        database.executemany(gone, _written(records, held & ~kept))
        database.executemany("insert into words(rowid, text, about) values (?, ?, ?)", _written(records, kept & ~held))
        if before is None:
            database.execute("insert into words(words) values ('optimize')")
        database.execute("commit")
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return True


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if not path.exists():
            raise MissingFileError(path, REBUILD) from None
        raise FileFormatError(path, f"damaged ({error})", REBUILD) from None


@contextmanager
def _written_whole(path: Path) -> Iterator[None]:
    """Make what the disk refuses an OSError, as it is for every other file of an index."""
    try:
        yield
    except sqlite3.OperationalError as error:
        full = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL
        code = errno.ENOSPC if full else errno.EIO
        raise OSError(code, os.strerror(code), str(path)) from None


def _written(records: pl.DataFrame, chosen: Bool[np.ndarray, " all"]) -> Iterator[tuple[int, str, str]]:
    numbers = np.flatnonzero(chosen)
    columns = records.select("text", *_columns_about(records))[numbers]
    for number, (text, *others) in zip(numbers.tolist(), columns.iter_rows(), strict=True):
        yield number, fold(text or ""), fold(" ".join(filter(None, others)))


def _columns_about(records: pl.DataFrame) -> list[str]:
    return [name for name, kind in records.schema.items() if kind == pl.String and name not in _NOT_ABOUT]


def searched_text(record: Mapping[str, Any]) -> str:
    """Return all of a record that words are looked up in."""
    about = (cell for name, cell in record.items() if isinstance(cell, str) and name not in _NOT_ABOUT)
    return " ".join([record.get("text") or "", *about])
