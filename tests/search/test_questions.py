"""Everyday questions to the table that comes with the package: the test part of `benchmarks/questions/`."""

from pathlib import Path

import polars as pl
import pytest

from protrek_hm.data import load_showcase
from protrek_hm.index import IndexConfig, build_index
from protrek_hm.model import ProTrek
from protrek_hm.model.locate import shipped_model
from protrek_hm.search import SearchConfig, Searcher

QUESTIONS = Path(__file__).parents[2] / "benchmarks" / "questions"


@pytest.mark.slow
def test_the_right_family_comes_first(tmp_path):
    showcase = load_showcase()
    model = ProTrek.from_pretrained(shipped_model("mini"), device="cpu")
    table = showcase.select("id", "sequence", "text")
    build_index(table, model, tmp_path / "index", IndexConfig(meaning=True), model_name="mini")
    asked = pl.read_csv(QUESTIONS / "showcase.tsv", separator="\t", quote_char=None).filter(pl.col("part") == "test")
    answers = Searcher.open(tmp_path / "index", model=model).answer(asked["question"].to_list(), SearchConfig(k=10))
    family = dict(showcase.select("id", "family").iter_rows())
    right = [
        [family[each.best.id] in wanted.split(";") for each in answer]
        for answer, wanted in zip(answers, asked["family"], strict=True)
    ]
    assert len(right) == 83
    assert sum(ranks[0] for ranks in right) >= 0.85 * len(right)
    assert sum(map(any, right)) >= 0.97 * len(right)


@pytest.mark.parametrize(("name", "column"), [("showcase.tsv", "family"), ("swissprot.tsv", "protein_name")])
def test_questions_are_distinct_and_in_both_parts(name, column):
    asked = pl.read_csv(QUESTIONS / name, separator="\t", quote_char=None)
    assert asked["question"].is_unique().all()
    assert asked[column].null_count() == 0
    assert set(asked["part"]) == {"validation", "test"}
    assert len(asked) >= (100 if name == "showcase.tsv" else 200)
