"""The words of an index: which records hold a word of a query, and how much each of them says (BM25).

SQLite's full-text index (FTS5) keeps them in one file beside the segments. Words are stemmed (Porter), accents fall,
Greek letters and British spellings are brought to one form, and a question finds other names of what it names
(`vocabulary`). BM25 counts over all records that are left, however they came in. A row there has the number of its
record through all segments, so that records come and go one by one; texts are not held twice.
"""

import errno
import os
import shutil
import sqlite3
import threading
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
from protrek_hm.index.records import rows_of_kept
from protrek_hm.index.vocabulary import WORD, Term, fold, query_terms

COMMON = 0.25
"""A word that this share of the records hold says too little to be looked up, where a query has rarer ones."""

SAME, STANDS_FOR = 1.0, 0.5
"""What another name of a term counts, and what the term only stands for, as a share of all its words."""

FEW = 1_000
"""Records up to which no word is too common."""

_TABLE = (
    "create virtual table words using fts5(text, about, content='', tokenize='porter unicode61 remove_diacritics 2')"
)
_PARTS = {("table", f"words{part}") for part in ("", "_config", "_data", "_docsize", "_idx")}
_BEGINS = "create virtual table words using fts5("
_LEAST_OF_PREFIX = 4  # letters of a word that may stand for those that begin with it
_CACHED = 4_096  # words whose records are remembered
_NOT_ABOUT = ("sequence", "structure", "text")


@dataclass(frozen=True)
class Matches:
    """The records that hold a term, as row numbers in ascending order, and the term's BM25 in each (> 0).

    term: None for a word that was looked up by itself.
    """

    rows: Int[np.ndarray, " n"]
    scores: Float[np.ndarray, " n"]
    term: Term | None = None

    def __contains__(self, row: int) -> bool:
        """Say whether the word stands in a record."""
        place = int(np.searchsorted(self.rows, row))
        return place < len(self.rows) and int(self.rows[place]) == row


@dataclass(frozen=True)
class Words:
    """A file of words, opened; safe to be used by several threads.

    Attributes
    ----------
    path
        The file.
    database
        A connection that only reads.
    records
        How many records it covers.
    row
        For each number through all segments the row of the opened index; -1 where it was removed.
    """

    path: Path
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
            parts = database.execute("select type, name, sql from sqlite_master order by name").fetchall()
            if {each[:2] for each in parts} != _PARTS or not parts[0][2].lower().startswith(_BEGINS):
                raise FileFormatError(path, "not the words of an index", REBUILD)  # a view could run for ever
            (records,) = database.execute("select count(*) from words_docsize").fetchone()
        if records > kept.sum():
            raise FileFormatError(path, f"holds the words of {records} records, not {kept.sum()}", REBUILD)
        return cls(path, database, records, rows_of_kept(kept))

    def find(self, query: str) -> dict[str, Matches]:
        """Look up the terms of a query (see `query_terms`): for each the records that hold it, perhaps none.

        A record that holds another name of a term counts as one that holds all its words, and one that holds what the
        term stands for counts half. A word that no record holds stands for those that begin with it, if it has four
        letters or more. Terms that more than `COMMON` of the records hold are left out where there are rarer ones.
        """
        found = {str(term): self._find_term(term) for term in query_terms(query)}
        rare = {word: each for word, each in found.items() if len(each.rows) <= max(FEW, COMMON * self.records)}
        return rare if any(len(each.rows) for each in rare.values()) else found

    def _find_term(self, term: Term) -> Matches:
        own = [self._matches(word) for word in term.words]
        rarest = float(np.log(self.records + 1))
        most = sum(each.scores.max() if len(each.rows) else rarest for each in own)
        scores = np.zeros(len(self.row))
        for each in own:
            scores[each.rows] += each.scores
        for names, weight in ((term.same, SAME), (term.stands_for, STANDS_FOR)):
            for name in names:
                each = self._phrase(" ".join(name))
                if len(each.rows):
                    scores[each.rows] = np.maximum(scores[each.rows], each.scores * (weight * most / each.scores.max()))
        rows = np.flatnonzero(scores)
        return Matches(rows, scores[rows], term)

    def _matches(self, word: str) -> Matches:
        found = self._phrase(word)
        return found if len(found.rows) or len(word) < _LEAST_OF_PREFIX else self._phrase(word, begins=True)

    def _phrase(self, phrase: str, *, begins: bool = False) -> Matches:
        pattern = f'"{phrase}"' + "*" * begins
        with self.lock:
            if pattern not in self.known:
                if len(self.known) >= _CACHED:
                    self.known.clear()
                self.known[pattern] = self._look_up(pattern)
            return self.known[pattern]

    def _look_up(self, pattern: str) -> Matches:
        asked = "select rowid, -bm25(words) from words where words match ? order by rowid"
        with _readable(self.path):
            found = np.array(self.database.execute(asked, (pattern,)).fetchall(), dtype=np.float64).reshape(-1, 2)
        return Matches(self.row[found[:, 0].astype(np.int64)], found[:, 1])


def written_forms(terms: Sequence[Term], texts: Sequence[str]) -> list[dict[str, tuple[str, ...]]]:
    """Find terms as texts write them: for each text term → its words that stand there, or else another name.

    Examples
    --------
    >>> written_forms(query_terms("hydrolyzes beta-lactam"), ["Hydrolysing β-lactams", "Zinc finger"])
    [{'hydrolyzes': ('Hydrolysing',), 'beta': ('β',), 'lactam': ('lactams',)}, {}]
    """
    tokens = [list(dict.fromkeys(WORD.findall(text))) for text in texts]
    words = list(dict.fromkeys(word for term in terms for phrase in term.phrases for word in phrase))
    first = {word[0] for word in words} | {"o"}  # oestrogen is estrogen
    candidates = sorted({each for own in tokens for each in own if each[0].lower() in first or not each[0].isascii()})
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
    written = []
    for own in tokens:
        here = {word: form for word in words if (form := next((each for each in own if each in forms[word]), None))}
        spelled = {str(term): _spell(term, here) for term in terms}
        written.append({name: spelling for name, spelling in spelled.items() if spelling})
    return written


def _spell(term: Term, written: Mapping[str, str]) -> tuple[str, ...]:
    own = tuple(written[word] for word in term.words if word in written)
    others = (phrase for phrase in (*term.same, *term.stands_for) if all(word in written for word in phrase))
    return own or tuple(" ".join(written[word] for word in phrase) for phrase in list(others)[:1])


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
