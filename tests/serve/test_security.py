"""No path of a request reaches the file system, and nothing in a request is run."""

import gzip
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import protrek_hm.serve

SECRET = "sesame"


@pytest.fixture
def secrets(tmp_path):
    """Files that a condition could be made to read, in all formats that SQL engines know."""
    (tmp_path / "secret.csv").write_text(f"id,word\nP1,{SECRET}\n")
    (tmp_path / "secret.json").write_text(f'[{{"id": "P1", "word": "{SECRET}"}}]')
    return tmp_path


CONDITIONS = [
    "id in (select id from read_csv('{file}.csv'))",
    "id in (select id from scan_csv('{file}.csv'))",
    "exists (select 1 from read_csv('{file}.csv') where word = 'sesame')",
    "(select word from read_csv('{file}.csv')) = 'sesame'",
    "id = (select id from '{file}.csv')",
    "read_csv('{file}.csv') = 'sesame'",
    "read_json('{file}.json') is not null",
    "read_text('{file}.csv') like '%sesame%'",
    "pg_read_file('{file}.csv') like '%sesame%'",
    "load_extension('{file}.csv') = 1",
    "id in (select id from self)",
    "1 = 1; create table x as select * from read_csv('{file}.csv')",
    "1 = 1 union select * from read_csv('{file}.csv')",
    "id = 'P1') or exists (select 1 from read_csv('{file}.csv')",
    "1 = 1 -- a remark",
    "1 = 1 /* a remark */",
    "E'\\'' = '' or id in (select id from read_csv('{file}.csv')) or '' = ''",
    "\"read_csv\"('{file}.csv') is not null",
    "length(id, read_csv ('{file}.csv')) > 0",
    "id = $$P1$$",
    "((id = 'P1')",
    "true group by id",
    "__import__('os').system('touch {file}.made')",
]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_reads_no_file(client, secrets, condition):
    before = sorted(secrets.iterdir())
    where = condition.format(file=secrets / "secret")
    answer = client.post("/v1/search", json={"query": "AAC", "where": where})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["field"] == "where"
    assert "P1," not in answer.text
    assert sorted(secrets.iterdir()) == before


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("length = 10 and organism = 'Escherichia coli'", ["P1", "P2"]),
        ("lower(organism) like 'homo%' or id in ('P4', 'P77')", ["P3", "P4"]),
        ("organism is null or not (weight < 1.75)", ["P4", "P5"]),
        ("text = 'select * from read_csv(''x.csv'') -- no'", []),
        ("(length between 5 and 15) and \"id\" <> 'P1' and text is not null and weight = 1.5", []),
    ],
)
def test_conditions_on_columns_pass(client, condition, ids):
    answer = client.post("/v1/search", json={"query": "AAC", "where": condition})
    assert answer.status_code == 200, answer.text
    assert sorted(hit["id"] for family in answer.json()["families"] for hit in family["hits"]) == ids


@pytest.mark.parametrize(
    "condition", ["not " * 490 + "true", "(" * 900 + "true" + ")" * 900, "id = 'P1' and " * 140 + "true"]
)
def test_deep_conditions_do_no_harm(client, condition):
    assert client.post("/v1/search", json={"query": "AAC", "where": condition}).status_code in (200, 400)


@pytest.mark.parametrize(
    "path",
    [
        "/../config.py",
        "/%2e%2e/config.py",
        "/..%2fconfig.py",
        "/page/../../app.py",
        "/static//etc/passwd",
        "//etc/passwd",
        "/index.html%00.js",
        "/file:///etc/passwd",
    ],
)
def test_an_address_reads_no_file(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text
    assert "import" not in answer.text


def test_nothing_in_the_room_unpickles_evaluates_or_asks_a_shell():
    [room] = protrek_hm.serve.__path__
    for file in sorted(Path(room).glob("*.py")):
        found = re.findall(r"\b(pickle|eval\(|exec\(|shell=True|os\.system|marshal|yaml)\b", file.read_text("utf-8"))
        assert not found, file.name


def test_an_error_tells_no_path_and_no_trace(connect, letter_encoder, monkeypatch, caplog):
    client = connect()

    def broken(*_, **__):
        raise RuntimeError("CUDA out of memory at /home/lab/models")

    monkeypatch.setattr(letter_encoder, "encode", broken)
    for path, request in (
        ("search", {"query": "A"}),
        ("batch", {"queries": ["A", "C"]}),
        ("score", {"texts": ["A"], "sequences": ["A"]}),
    ):
        answer = client.post(f"/v1/{path}", json=request)
        assert answer.status_code == 503
        assert answer.json()["error"]["message"] == "the model failed"
        assert "home" not in answer.text
        assert "Traceback" not in answer.text
    assert "CUDA out of memory" in caplog.text


def test_a_fault_of_ours_is_told_without_a_trace(connect, monkeypatch):
    client = connect()
    monkeypatch.setattr("protrek_hm.serve.app.dump", lambda _: 1 / 0)
    client = TestClient(client.app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    answer = client.post("/v1/search", json={"query": "AAC"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (500, "internal server error")
    assert "division" not in answer.text
    assert 'route="/v1/search",status="500"} 1.0' in client.get("/metrics").text


HOSTILE = {
    "lists within each other": b"[" * 900_000,
    "objects within each other": b'{"query":' * 100_000 + b"1" + b"}" * 100_000,
    "a number of 100,000 digits": b'{"query": "A", "k": ' + b"9" * 100_000 + b"}",
    "a number of 4,000 digits": b'{"query": "A", "k": ' + b"9" * 4000 + b"}",
    "a number that is infinite": b'{"query": "A", "k": 1e999}',
    "a number that is none": b'{"query": "A", "fdr": NaN}',
    "a field of a million letters": b'{"query": "A", "' + b"x" * 1_000_000 + b'": 1}',
    "100,000 fields": b"{" + b",".join(b'"%d": 1' % number for number in range(100_000)) + b"}",
    "a field with markup": b'{"query": "A", "<script>\\u001b": 1}',
    "half a character": b'{"query": "\\ud800"}',
    "another encoding": '{"query": "é"}'.encode("latin-1"),
    "compressed": gzip.compress(b'{"query": "A"}'),
    "nothing": b"",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_refused_in_a_line(client, body):
    answer = client.post("/v1/search", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert {*answer.json()} == {"error"}
    assert len(answer.text) < 1500
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("count", [300, 600_000])
def test_too_many_questions_are_refused_before_they_are_looked_at(client, count):
    answer = client.post("/v1/batch", json={"queries": ["A"] * count})
    assert answer.status_code in (400, 413)
    assert len(answer.text) < 1500


def test_what_a_header_says_is_no_markup_and_no_header(client):
    host = "localhost:80'\"><script>alert(1)</script>"
    page = client.get("/docs", headers={"host": host})
    assert "<script>alert" not in page.text
    for path in ("/v1/index%0d%0aset-cookie:x=1", "/%0aset-cookie:x=1/", "//evil.example/%2f.."):
        assert "set-cookie" not in client.get(path, follow_redirects=False).headers
    assert "evil.example" not in client.get("//evil.example/", follow_redirects=False).headers.get("location", "")


def test_no_key_is_told_or_logged(connect, letter_encoder, monkeypatch, caplog):
    key = "open-sesame-and-more"
    client = connect(api_keys=(key,))
    client.headers["Authorization"] = f"Bearer {key}"
    monkeypatch.setattr(letter_encoder, "encode", lambda *_, **__: 1 / 0)
    answers = [
        client.post("/v1/search", json={"query": "A"}),
        client.post("/v1/search", content=b"[", headers={"content-type": "application/json"}),
        client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/call"}),
        client.get(f"/v1/index?api_key={key}", headers={"Authorization": ""}),
        client.get(f"/{key}"),
        client.get("/metrics"),
        client.get("/v1/index"),
        client.get("/docs"),
        client.get("/openapi.json"),
    ]
    assert [each.status_code for each in answers[:2]] == [503, 400]
    assert answers[3].status_code == 401
    assert "division by zero" in caplog.text
    assert not [each.text for each in answers if key in each.text]
    assert key not in caplog.text
    assert key not in repr(client.app.state.service.config)
