import csv
import io
import json

import pytest

from protrek_hm.search.render import write_hits
from protrek_hm.search.searcher import Hit

FIRST = {
    "id": "P1",
    "sequence": "MKTAYIAKQR",
    "text": "long " * 50 + "\tend",
    "organism": "E. coli",
    "score": 7,
}
SECOND = {"id": "P[2]", "sequence": "MKTAYAKQR", "text": None, "organism": None, "score": None}
RESULTS = {
    "a [bold] kinase": [
        Hit(1, "P1", 0.75, 15.0, 0.9, 0.001, 0.04, FIRST),
        Hit(2, "P[2]", 0.5, 10.0, None, None, None, SECOND),
    ],
    "nothing": [],
}


def written(form, results=RESULTS):
    file = io.StringIO()
    write_hits(results, file, form=form)
    return file.getvalue()


def test_json_lines_hold_everything():
    first, second = (json.loads(line) for line in written("jsonl").splitlines())
    assert first == {
        **{"query": "a [bold] kinase", "rank": 1, "id": "P1"},
        **{"score": 0.75, "protrek_score": 15.0, "probability": 0.9, "p_value": 0.001, "e_value": 0.04},
        "record": FIRST,
    }
    assert second["record"] == SECOND


def test_tsv_holds_everything_and_users_columns_keep_clear_of_ours():
    rows = list(csv.DictReader(io.StringIO(written("tsv")), delimiter="\t"))
    assert list(rows[0]) == [
        *["query", "rank", "id", "score", "protrek_score", "probability", "p_value", "e_value"],
        *["sequence", "text", "organism", "record.score"],
    ]
    assert rows[0]["text"] == FIRST["text"]
    assert (rows[0]["score"], rows[0]["record.score"], rows[1]["record.score"]) == ("0.75", "7", "")


def test_table_fits_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    lines = written("table").splitlines()
    assert max(len(line) for line in lines) <= 100
    assert lines[0].strip() == "a [bold] kinase"
    assert lines[1].split() == ["rank", "score", "prob.", "E", "like", "1st", "id", "organism", "length", "text"]
    assert lines[2].split()[:8] == ["1", "0.7500", "0.90", "0.04", "P1", "E.", "coli", "10"]
    assert lines[2].rstrip().endswith("…")
    assert lines[3].split() == ["2", "0.5000", "90.0%", "P[2]", "9"]


def test_columns_that_hold_nothing_are_left_out():
    only = {"id": "P1", "sequence": "MKT", "text": None}
    assert written("table", {"q": [Hit(1, "P1", 0.75, 15.0, None, None, None, only)]}).split() == [
        *["q", "rank", "score", "id", "length"],
        *["1", "0.7500", "P1", "3"],
    ]


@pytest.mark.parametrize("form", ["jsonl", "tsv", "table"])
def test_no_hits(form):
    assert len(written(form, {"q": []}).splitlines()) <= 2
