"""The board's JSON and tables: the same bytes, rows of others kept, other cases refused."""

import json

import polars as pl
import pytest

from protrek_hm.errors import FileFormatError, OutputExistsError
from protrek_hm.evaluate.twins.board import add_rows, board_content, board_markdown, read_board, write_board
from protrek_hm.evaluate.twins.run import evaluate_twins


@pytest.fixture
def board(cases, blind, quick_board):
    return evaluate_twins({"guesser": blind("none")}, cases, quick_board, train=cases)


def test_twice_gives_the_same_bytes(board, cases, blind, quick_board, tmp_path):
    again = evaluate_twins({"guesser": blind("none")}, cases, quick_board, train=cases)
    for name, each in (("one", board), ("two", again)):
        write_board(each, board_content(each), tmp_path / name)
    for file in ("board.json", "board.md"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    with pytest.raises(OutputExistsError):
        write_board(board, board_content(board), tmp_path / "one")


def test_figures_are_percent_at_one_tenth(board):
    content = json.loads(json.dumps(board_content(board)))
    [row] = [row for row in content["rows"] if row["name"] == "BLOSUM62"]
    found = row["results"]["test"]["scans"]["mutant-mutant"]["text_to_protein"]
    estimate = next(r for r in board.rows if r.name == "BLOSUM62").estimates["test"]["scans"]["mutant-mutant"]
    assert found["value"] == round(100 * estimate["text_to_protein"].value, 1)
    assert (found["cases"], found["families"]) == (16, 8)
    assert content["cases"]["splits"]["test"]["scans"]["mutant-mutant"] == {"cases": 16, "controls": 8, "families": 8}
    assert content["cases"]["splits"]["known"] == {"homologs": {"natural": {"cases": 8, "controls": 0, "families": 8}}}


def test_every_row_and_set_is_in_the_tables(board):
    page = board_markdown(board_content(board))
    assert page.count("| **guesser** |") == 9, (
        "all sets twice, gains, three sets in test; all sets, gains, one in known"
    )
    assert "**Leak**" not in page
    assert "| *4-mer ridge on relatives* | – |" in page
    assert page.index("## Test") < page.index("### scans") < page.index("## Known")
    assert "mutant – mutant: 16 cases, 8 controls, 8 families." in page


def test_rows_of_others_are_kept_and_those_of_the_same_name_replaced(board, cases, blind, quick_board, tmp_path):
    path = tmp_path / "board.json"
    older = board_content(board)
    older["rows"][0]["meaning"] = "an earlier version"
    path.write_text(json.dumps(older))
    only = evaluate_twins({"guesser": blind("none"), "second": blind("text")}, cases, quick_board)
    content = add_rows(board_content(only), path)
    names = [row["name"] for row in content["rows"]]
    assert names[:3] == ["guesser", "second", "number of substitutions"]
    assert len(names) == 1 + len(board.rows)
    assert content["rows"][0]["meaning"] == "cosine of vectors"
    assert content["learned_from"] == board.learned_from > 0


def test_a_board_of_other_cases_is_refused(board, cases, blind, quick_board, tmp_path):
    path = tmp_path / "board.json"
    path.write_text(json.dumps(board_content(board)))
    fewer = evaluate_twins({"guesser": blind("none")}, cases.filter(pl.col("family") != "F2"), quick_board)
    with pytest.raises(FileFormatError, match="measured on other cases"):
        add_rows(board_content(fewer), path)
    for content in ({"format_version": 1}, {"format_version": 9, "rows": []}, {"format_version": 1, "rows": [{}]}):
        path.write_text(json.dumps(content))
        with pytest.raises(FileFormatError, match="board|row"):
            read_board(path)
