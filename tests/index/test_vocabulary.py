from pathlib import Path

import numpy as np
import polars as pl
import pytest

from protrek_hm.index import vocabulary
from protrek_hm.index.vocabulary import fold, query_terms
from protrek_hm.index.words import SAME, STANDS_FOR, Words, write_words, written_forms

LINES = [
    line.partition("#")[0].strip()
    for line in Path(vocabulary.__file__).with_name("synonyms.txt").read_text("utf-8").splitlines()
    if line.partition("#")[0].strip()
]
TEXTS = [
    "Restriction endonuclease.",
    "Restriction enzyme.",
    "Unwinds the duplex.",
    "Helicase.",
    "Restriction.",
    "Kinase.",
]


def found(folder, query, texts=TEXTS):
    records = pl.DataFrame({"id": [f"P{n}" for n in range(len(texts))], "text": texts})
    kept = np.ones(len(texts), dtype=bool)
    write_words(folder / query, records, kept)
    return {
        word: dict(zip(each.rows.tolist(), each.scores.tolist(), strict=True))
        for word, each in Words.open(folder / query, kept).find(query).items()
    }


@pytest.mark.parametrize("line", LINES)
def test_every_name_of_a_line_finds_the_others(line):
    head, arrow, others = line.partition(" > ")
    for name in [head] if arrow else line.split("|"):
        wanted = [tuple(vocabulary.WORD.findall(fold(each))) for each in (others if arrow else line).split("|")]
        terms = query_terms(name.strip())
        known = {phrase for term in terms for phrase in (*term.same, *term.stands_for)}
        own = tuple(vocabulary.WORD.findall(fold(name)))
        assert {each for each in wanted if each != own} <= known


def test_another_name_counts_as_all_words_and_what_it_stands_for_half(tmp_path):
    [scores] = found(tmp_path, "restriction enzymes").values()
    assert set(scores) == {0, 1, 4}, "the third has one word of two"
    assert scores[0] == pytest.approx(SAME * max(scores.values()))
    assert scores[4] < scores[0]
    [scores] = found(tmp_path, "helicase").values()
    assert scores[2] == pytest.approx(STANDS_FOR * scores[3])


def test_a_text_is_quoted_in_its_own_words():
    terms = query_terms("restriction enzyme that breaks down DNA")
    [first, second] = written_forms(terms, ["A restriction endonuclease.", "Degradation of DNA"])
    assert first == {"restriction enzyme": ("restriction",)}
    assert second == {"breaks down": ("Degradation",), "dna": ("DNA",)}


def test_the_longest_name_wins_and_numbers_do_not_matter():
    assert [str(term) for term in query_terms("MAP kinase kinases of the yeast")] == ["map kinase kinases", "yeast"]
    assert query_terms("mapk")[0].same == query_terms("MAPKs")[0].same
