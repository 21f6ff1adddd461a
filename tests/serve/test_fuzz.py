"""Requests made up from the OpenAPI document, and rubbish: none makes the server fail."""

import json
from urllib.parse import quote

import polars as pl
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from protrek_hm.index import build_index
from protrek_hm.search import Searcher
from protrek_hm.serve import ServeConfig, create_app

PROTEINS = pl.DataFrame(
    {
        "id": ["P1", "P2", "P3"],
        "sequence": ["AACCDDEEFFGG", "AACCDDEEFFGA", "WWWWDDDDWWWW"],
        "text": ["all A", None, "a kinase"],
        "organism": ["Escherichia coli", None, "Homo sapiens"],
    }
)
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def app(tmp_path_factory, letter_encoder):
    class WithDirection(letter_encoder):
        """Gives even texts without letters a vector with a direction, as models do."""

        def encode(self, inputs, /, **options):
            return super().encode(inputs, **options) + 0.1

    folder = tmp_path_factory.mktemp("fuzz") / "index"
    build_index(PROTEINS, WithDirection(), folder, model_name="user/model")
    app = create_app(Searcher.open(folder, model=WithDirection()), ServeConfig(host="0.0.0.0"))
    yield app
    app.state.service.close()


def test_requests_made_up_from_the_description(app):
    for result in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        operation = result.ok()

        @given(case=operation.as_strategy())
        @settings(max_examples=5, **QUIET)
        def ask(case):
            response = case.call()
            case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])

        ask()


@pytest.fixture(scope="module")
def client(app):
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=True) as client:
        yield client


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
texts = st.text(max_size=20)
sequences = st.text(alphabet="ACDWKX", min_size=1, max_size=30) | st.text(alphabet="ACDx*1\n ", max_size=30)
words = ["id", "length", "=", "<", "'P1'", "(", ")", "and", "not", "in", "1", ",", "is null", "organism"]
candidates = st.sampled_from(["P1", "P2", "P3", "AACCDDEEFFGG", "P9", " ", "*"]) | texts
options = {
    "by": st.sampled_from(["text", "sequence"]),
    "want": st.sampled_from(["text", "sequence"]),
    "k": st.integers(1, 50),
    "where": st.none() | texts | st.lists(st.sampled_from(words)).map(" ".join),
    "group": st.booleans(),
}
needed = {
    "search": {"query": texts | sequences},
    "batch": {"queries": st.lists(texts | sequences, max_size=4)},
    "score": {"texts": st.lists(texts, max_size=3), "sequences": st.lists(sequences, max_size=3)},
    "explain": {"text": texts, "a": candidates, "b": candidates},
    "family": {"text": st.none() | texts, "proteins": st.lists(candidates, max_size=4)},
    "scan": {"text": texts, "protein": candidates, "region": st.none() | st.tuples(st.integers(-1, 12), st.integers())},
    "describe": {"sequences": st.lists(sequences, max_size=3), "k": st.integers(1, 9)},
}


@st.composite
def requests(draw):
    path = draw(st.sampled_from(sorted(needed)))
    optional = options if path in ("search", "batch") else {}
    request = draw(st.fixed_dictionaries(needed[path], optional=optional))
    if draw(st.integers(0, 5)) == 0:  # one field holds something else
        request[draw(st.sampled_from(sorted(request)) | st.text(max_size=3))] = draw(json_values)
    return path, request


@given(requests())
@settings(max_examples=60, **QUIET)
def test_requests_that_are_nearly_right(client, path_and_request):
    path, request = path_and_request
    answer = client.post(f"/v1/{path}", content=json.dumps(request), headers={"content-type": "application/json"})
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert error["message"]
        assert error["remedy"]


@given(
    path=st.sampled_from(["/v1/search", "/v1/structure", "/v1/index", "/", "/metrics", "/nowhere"])
    | st.text(max_size=9),
    method=st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT", "TRACE"]),
    body=st.binary(max_size=200),
    kind=st.sampled_from(
        ["application/json", "multipart/form-data; boundary=x", "text/plain", "application/json; charset=x"]
    ),
)
@settings(max_examples=40, **QUIET)
def test_rubbish(client, path, method, body, kind):
    answer = client.request(method, quote(path), content=body, headers={"content-type": kind})
    assert answer.status_code < 500, answer.text
