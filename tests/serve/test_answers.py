from types import SimpleNamespace

import polars as pl

from protrek_hm.serve.answers import examples_of


class Table:
    """As much of an index as examples are drawn from."""

    def __init__(self, records):
        self.records = records
        self.info = SimpleNamespace(counts={"records": len(records)})

    def take(self, rows):
        return self.records[rows.tolist()]


def test_the_first_sentences_of_some_records_spread_over_the_index():
    many = [f"Enzyme number {number} of pH 5.2. More of it." for number in range(1000)]
    found = examples_of(Table(pl.DataFrame({"id": [f"P{n}" for n in range(1000)], "text": many})))
    assert list(found) == ["text"]
    queries = [example["query"] for example in found["text"]]
    assert [int(query.split()[2]) for query in queries] == [0, 318, 658, 999]
    assert queries[0] == found["text"][0]["label"] == "Enzyme number 0 of pH 5.2."


def test_what_is_missing_long_or_twice_is_left_out():
    frame = {
        "id": ["a", "b", "c", "d"],
        "text": ["Same.", None, "Same.", "x" * 500],
        "sequence": ["MK", "M" * 9999, None, "MK"],
    }
    found = examples_of(Table(pl.DataFrame(frame)))
    assert found["text"] == [{"label": "Same.", "query": "Same."}]
    assert found["sequence"] == [{"label": "a", "query": "MK"}]


def test_one_record_is_enough_and_none_too_few():
    nothing = pl.DataFrame({"id": ["a"], "text": [None]}, schema={"id": pl.String, "text": pl.String})
    assert examples_of(Table(nothing)) == {"text": []}


def test_the_index_tells_them(client):
    examples = client.get("/v1/index").json()["examples"]
    assert {"label": "a kinase", "query": "a kinase"} in examples["text"]
    assert client.post("/v1/search", json={"query": examples["text"][0]["query"]}).status_code == 200
