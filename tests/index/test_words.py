import math
from collections import Counter

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index.vocabulary import fold, query_words
from protrek_hm.index.words import Words, write_words

RECORDS = pl.DataFrame(
    {
        "id": ["P1", "P2", "P3", "P4"],
        "text": ["binds iron iron", "cuts starch", "iron carrier of the blood stream", None],
        "organism": ["Homo sapiens", "Escherichia coli", None, "iron bacterium"],
    }
)
ALL = np.ones(4, dtype=bool)


def matches(words, query):
    return {
        word: dict(zip(each.rows.tolist(), each.scores.tolist(), strict=True))
        for word, each in words.find(query).items()
    }


def bm25(word, texts, k1=1.2, b=0.75):
    """Robertson's formula, as SQLite states it, over all columns of a record."""
    counted = [Counter(text.split()) for text in texts]
    mean = sum(map(len, (text.split() for text in texts))) / len(texts)
    holding = sum(word in each for each in counted)
    idf = max(math.log((len(texts) - holding + 0.5) / (holding + 0.5)), 1e-6)
    return {
        row: idf * each[word] * (k1 + 1) / (each[word] + k1 * (1 - b + b * len(texts[row].split()) / mean))
        for row, each in enumerate(counted)
        if word in each
    }


def test_scores_are_those_of_the_formula(tmp_path):
    write_words(tmp_path / "w", RECORDS, ALL)
    texts = [
        "bind iron iron p1 homo sapien",
        "cut starch p2 escherichia coli",
        "iron carrier of the blood stream p3",
        "p4 iron bacterium",
    ]
    found = matches(Words.open(tmp_path / "w", ALL), "iron starch")
    for word in ("iron", "starch"):
        assert found[word] == pytest.approx(bm25(word, texts), rel=1e-6)


def test_records_that_come_and_go_leave_what_was_never_there(tmp_path):
    write_words(tmp_path / "two", RECORDS[:2], ALL[:2])
    kept = np.array([True, False, True, True])
    write_words(tmp_path / "changed", RECORDS, kept, tmp_path / "two")
    write_words(tmp_path / "whole", RECORDS.filter(pl.Series(kept)), ALL[:3])
    changed, whole = Words.open(tmp_path / "changed", kept), Words.open(tmp_path / "whole", ALL[:3])
    for query in ("iron", "starch", "blood stream", "Homo"):
        assert matches(changed, query) == matches(whole, query)


@pytest.mark.parametrize(
    ("query", "found"),
    [("IRON", {0, 2, 3}), ("cutting", {1}), ("Escherichia", {1}), ("esch", {1}), ("the blood", {2}), ("gold", set())],
)
def test_words_in_other_forms(tmp_path, query, found):
    write_words(tmp_path / "w", RECORDS, ALL)
    rows = [set(each) for each in matches(Words.open(tmp_path / "w", ALL), query).values()]
    assert set().union(*rows) == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("haemoglobin", "hemoglobin"),
        ("β-lactamase", "beta-lactamase"),
        ("tumour", "tumor"),
        ("hydrolyses", "hydrolyzes"),
        ("α1-antitrypsin", "alpha 1-antitrypsin"),
    ],
)
def test_spellings_of_one_word(one, other):
    assert fold(one) == fold(other)


def test_a_query_may_hold_anything():
    assert query_words('a "quote" AND (x OR y) * ^ NEAR/2 ; drop table') == [
        "quote",
        "x",
        "y",
        "near",
        "2",
        "drop",
        "table",
    ]
    assert query_words("!?") == []


def test_a_file_that_is_damaged_or_gone_is_named(tmp_path):
    (tmp_path / "w").write_bytes(b"no database")
    with pytest.raises(FileFormatError, match="w: damaged"):
        Words.open(tmp_path / "w", ALL)
    with pytest.raises(MissingFileError):
        Words.open(tmp_path / "gone", ALL)
    write_words(tmp_path / "more", RECORDS, ALL)
    with pytest.raises(FileFormatError, match="holds the words of 4 records, not 2"):
        Words.open(tmp_path / "more", ALL[:2])
    assert not write_words(tmp_path / "none", RECORDS.drop("text"), ALL)
