import csv
import io
import json

import pytest

from protrek_hm.search.hits import Family, Hit, each_alone
from protrek_hm.search.render import MEMBERS, write_answers
from protrek_hm.search.signals import Matched, Relative

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
    alone = {query: each_alone(hits) for query, hits in results.items()}
    write_answers(alone, file, form=form, grouped=False)
    return file.getvalue()


def test_json_lines_hold_everything():
    first, second = (json.loads(line) for line in written("jsonl").splitlines())
    assert first == {
        **{"query": "a [bold] kinase", "rank": 1, "id": "P1"},
        **{"score": 0.75, "protrek_score": 15.0, "probability": 0.9, "p_value": 0.001, "e_value": 0.04},
        **{"matched_words": None, "meaning": None, "by_relatives": None, "record": FIRST},
    }
    assert second["record"] == SECOND


def test_tsv_holds_everything_and_users_columns_keep_clear_of_ours():
    rows = list(csv.DictReader(io.StringIO(written("tsv")), delimiter="\t"))
    assert list(rows[0]) == [
        *["query", "rank", "id", "score", "protrek_score", "probability", "p_value", "e_value"],
        *["matched_words", "meaning", "by_relatives", "sequence", "text", "organism", "record.score"],
    ]
    assert rows[0]["text"] == FIRST["text"]
    assert (rows[0]["score"], rows[0]["record.score"], rows[1]["record.score"]) == ("0.75", "7", "")


@pytest.mark.parametrize("form", ["tsv", "jsonl", "table"])
def test_a_stream_that_is_not_utf_8_gets_the_hits_too(form):
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="backslashreplace")
    greek = Hit(1, "P1", 0.75, 15.0, 0.9, 0.001, 0.04, {**FIRST, "text": "a β-lactamase"})
    write_answers({"β": each_alone([greek])}, file, form=form, grouped=False)
    file.flush()
    assert b"P1" in file.buffer.getvalue()


def test_table_fits_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    lines = written("table").splitlines()
    assert max(len(line) for line in lines) <= 100
    assert lines[0].strip() == "a [bold] kinase"
    assert lines[1].split() == ["rank", "score", "prob.", "E", "like", "1st", "length", "id"]
    assert lines[2].split() == ["1", "0.7500", "0.90", "0.04", "10", "P1", "E.", "coli"]
    assert " ".join(" ".join(lines[3:-2]).split()) == " ".join(FIRST["text"].split())
    assert lines[-2].split() == ["2", "0.5000", "90.0", "%", "9", "P[2]"]


def test_columns_that_hold_nothing_are_left_out():
    only = {"id": "P1", "sequence": "MKT", "text": None}
    assert written("table", {"q": [Hit(1, "P1", 0.75, 15.0, None, None, None, only)]}).split() == [
        *["q", "rank", "score", "length", "id"],
        *["1", "0.7500", "3", "P1"],
    ]


@pytest.mark.parametrize("form", ["jsonl", "tsv", "table"])
def test_no_hits(form):
    assert len(written(form, {"q": []}).splitlines()) <= 2


def family(rank, *sequences):
    """A family whose members score less and less."""
    hits = [
        Hit(10 * rank + n, f"T{rank}{n}", 0.9 - 0.1 * n, 9.0, None, 1e-5, 1e-4, {"id": f"T{rank}{n}", "sequence": each})
        for n, each in enumerate(sequences)
    ]
    return Family(rank, tuple(hits))


FAMILIES = {
    "a kinase": [
        family(1, "MKTAYEAKQRQGSDF", "MKTAYKAKQRQSSDF", "MKTAYEAKQRQGSDF", "MKTAYEAKQRQGSD"),
        family(2, "WWWWWWWWWWWWWWW", *["WWCCWCWCWCWWWWW"] * (MEMBERS + 2)),
    ]
}


def families_written(form):
    file = io.StringIO()
    write_answers(FAMILIES, file, form=form, grouped=True)
    return file.getvalue()


def test_members_stand_beneath_the_best_with_what_differs():
    lines = [line.split() for line in families_written("table").splitlines()]
    assert lines[1] == ["rank", "score", "E", "length", "id"]
    assert lines[2] == ["1", "0.9000", "1.0e-04", "15", "T10"]
    assert lines[3] == ["0.8000", "1.0e-04", "15", "└", "T11", "E6K,", "G12S"]
    assert lines[4][5:] == ["same", "sequence"]
    assert lines[5][2:] == ["14", "└", "T13", "F15del"]
    assert lines[6] == ["2", "0.9000", "1.0e-04", "15", "T20"]
    assert lines[7][5:] == ["5", "differences", "(66.7", "%)"] or "W3C," in lines[7]
    assert lines[-1] == ["└", "2", "more"]


def test_families_in_json_lines_and_tsv_are_complete():
    found = [json.loads(line) for line in families_written("jsonl").splitlines()]
    assert [(row["family"], row["member"]) for row in found] == [(1, n) for n in (1, 2, 3, 4)] + [
        (2, n + 1) for n in range(MEMBERS + 3)
    ]
    assert found[1]["identity"] == pytest.approx(13 / 15)
    assert (found[0]["difference"], found[1]["difference"]) == ("", "E6K, G12S")
    assert found[1]["record"] == FAMILIES["a kinase"][0].hits[1].record
    rows = list(csv.DictReader(io.StringIO(families_written("tsv")), delimiter="\t"))
    assert [row["id"] for row in rows] == [row["id"] for row in found]
    assert list(rows[0])[:8] == ["query", "family", "member", "identity", "difference", "decided", "rank", "id"]


def test_numbers_that_are_none_are_null_and_empty():
    record = {
        "id": "P1",
        "sequence": "MKV",
        "kcat": float("nan"),
        "range": [1.5, float("inf")],
        "at": {"ph": float("nan")},
    }
    results = {"a kinase": [Hit(1, "P1", 0.75, 15.0, None, None, None, record)]}
    [line] = written("jsonl", results).splitlines()
    found = json.loads(line, parse_constant=pytest.fail)["record"]
    assert found == {"id": "P1", "sequence": "MKV", "kcat": None, "range": [1.5, None], "at": {"ph": None}}
    [row] = csv.DictReader(io.StringIO(written("tsv", results)), delimiter="\t")
    assert (row["kcat"], row["range"], row["at"]) == ("", "[1.5, null]", '{"ph": null}')


def test_words_and_meaning_that_a_question_shares_stand_beside_a_hit():
    hit = Hit(1, "P1", 0.75, 15.0, 0.02, 0.5, 40.0, {**FIRST, "text": "a kinase"}, Matched(("kinase", "fast"), 0.5))
    lines = [line.split() for line in written("table", {"q": [hit]}).splitlines()]
    assert lines[1] == ["rank", "score", "meaning", "length", "id"], "no E where the order is not by the score"
    assert lines[2] == ["1", "0.7500", "0.50", "10", "P1", "E.", "coli", "“kinase”,", "“fast”"]
    [row] = map(json.loads, written("jsonl", {"q": [hit]}).splitlines())
    assert (row["matched_words"], row["meaning"], row["e_value"]) == ("kinase fast", 0.5, 40.0)


def test_a_text_gives_no_order_to_the_terminal():
    record = {**FIRST, "text": "clears \x1b[2J the screen", "organism": "\x07"}
    hit = Hit(1, "P\x9b1", 0.5, 1.0, None, None, None, record, Matched(("\x1b[31mred",), 0.5))
    shown = written("table", {"\x1b": [hit]})
    assert r"clears \x1b[2J the screen" in shown
    assert not {"\x1b", "\x9b", "\x07"} & {*shown}


def test_what_relatives_say_is_never_shown_as_the_text_of_the_hit():
    near = Relative("TEM-1", "Destroys\tpenicillins.", ("penicillins",), 0.5, ("MKTAYAKQR", "MKTAYAKQK"))
    far = Relative("SHV-1", "Destroys cephalosporins.", (), 0.4, ("MKTAYAKQR", "MKTWWWWQR"))
    hit = Hit(1, "P1", 0.75, 15.0, None, 0.5, 40.0, SECOND, Matched(inferred=3.0, relatives=(near, far)))
    *_, said = (" ".join(line.split()) for line in written("table", {"q": [hit]}).split("P1", 1))
    told = "by its relatives: TEM-1 (88.9 % identical): Destroys penicillins.; SHV-1 (55.6 % identical): Destroys ceph"
    assert told in said
    [row] = map(json.loads, written("jsonl", {"q": [hit]}).splitlines())
    assert row["by_relatives"] == "TEM-1 (88.9 % identical), SHV-1 (55.6 % identical)"
    assert (row["matched_words"], row["meaning"], row["record"]["text"]) == ("", None, None)
